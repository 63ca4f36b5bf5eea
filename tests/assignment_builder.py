"""Assignment problems of plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from wva_exporter.core.assignment.problem import Candidates, Problem
from wva_exporter.core.columns import integers


@dataclass(frozen=True, slots=True, kw_only=True)
class S:
    """A server: replicas and cost it would need on each accelerator, None where it cannot run; ``rps`` of one replica."""

    replicas: tuple[int | None, ...]
    cost: tuple[float, ...] = ()
    priority: int = 1
    demand: float = 10.0


def problem(
    servers: Sequence[S], capacity: Sequence[int] | None, pool: Sequence[int] | None = None, units: int = 1
) -> Problem:
    """Servers on as many accelerators as the first one names, each with its own pool unless ``pool`` says otherwise."""
    kinds = len(servers[0].replicas) if servers else 0
    shape = (len(servers), kinds)
    replicas = np.array([[0 if n is None else n for n in s.replicas] for s in servers], dtype=np.int64).reshape(shape)
    cost = np.array([s.cost or [float(n or 0) for n in s.replicas] for s in servers], dtype=float).reshape(shape)
    demand = np.array([s.demand for s in servers], dtype=float)
    rate = np.divide(demand[:, None], replicas, out=np.zeros(shape), where=replicas > 0)
    zero = np.zeros(shape)
    return Problem(
        candidates=Candidates(
            possible=np.array([[n is not None for n in s.replicas] for s in servers], dtype=bool).reshape(shape),
            idle=replicas == 0,
            replicas=replicas,
            max_batch=replicas,
            cost=cost,
            value=cost,
            rate=rate,
            itl_seconds=zero,
            ttft_seconds=zero,
            utilization=zero,
        ),
        priority=integers([s.priority for s in servers]),
        demand=demand,
        units=np.full(shape, units, dtype=np.int64),
        pool=integers(range(kinds) if pool is None else pool),
        capacity=None if capacity is None else integers(capacity),
    )


@st.composite
def problems(draw: st.DrawFn, *, servers: int = 6, kinds: int = 3) -> Problem:
    """Small problems of any tightness; costs are whole so that equal ones happen."""
    accelerators = draw(st.integers(1, kinds))
    pools = draw(st.integers(1, accelerators))
    server = st.builds(
        S,
        replicas=st.tuples(*[st.one_of(st.none(), st.integers(1, 6))] * accelerators),
        cost=st.tuples(*[st.integers(1, 30).map(float)] * accelerators),
        priority=st.sampled_from([1, 2, 100]),
        demand=st.floats(0.0, 50.0),
    )
    return problem(
        draw(st.lists(server, min_size=1, max_size=servers)),
        draw(st.lists(st.integers(0, 12), min_size=pools, max_size=pools)),
        draw(st.lists(st.integers(0, pools - 1), min_size=accelerators, max_size=accelerators)),
        units=draw(st.integers(1, 3)),
    )
