"""What a server would need on each accelerator, and what it may not be asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.assignment.candidates import (
    ELSEWHERE,
    Accelerators,
    Profiles,
    Servers,
    candidates,
    priorities,
    problem,
)
from wva_exporter.core.assignment.problem import NOTHING, Candidates
from wva_exporter.core.columns import Column, integers
from wva_exporter.core.queueing.sizing import Targets
from wva_exporter.core.queueing.system import ServiceModel

HARDWARE = Accelerators(
    pool=integers([0, 1]), multiplicity=integers([1, 2]), cost=np.array([40.0, 65.0]), capacity=integers([10, 10])
)


def server(
    arrivals: float | None = 100.0, *, minimum: int = 1, current: int = NOTHING, pinned: bool = False, batch: int = 0
) -> Servers:
    """One server of an 8B model, 512/256 tokens, TTFT 500 ms and ITL 24 ms."""
    return Servers(
        arrivals=Column.from_optional([arrivals]),
        in_tokens=Column.of([512.0]),
        out_tokens=Column.of([256.0]),
        targets=Targets.of(ttft_seconds=[0.5], itl_seconds=[0.024]),
        sized=np.array([True]),
        priority=integers([1]),
        minimum=integers([minimum]),
        batch=integers([batch]),
        current=integers([current]),
        current_replicas=integers([0]),
        current_cost=np.array([0.0]),
        pinned=np.array([pinned]),
    )


PROFILES = Profiles(
    known=np.array([[True, True]]),
    model=np.full((1, 2), ServiceModel.PD),
    alpha_seconds=np.array([[0.012, 0.00747]]),
    beta_seconds=np.array([[8e-5, 4.4e-5]]),
    gamma_seconds=np.array([[0.025, 0.015415]]),
    delta_seconds=np.array([[1e-6, 3.37e-7]]),
    per_replica=integers([[1, 0]]),
    max_batch=integers([[256, 256]]),
    at_tokens=integers([[512, 512]]),
)


def sized(servers: Servers, profiles: Profiles = PROFILES) -> Candidates:
    """The candidates of the one server."""
    return candidates(servers, HARDWARE, profiles)


def test_a_load_needs_so_many_replicas_of_each_kind() -> None:
    """The numbers of the case solver-unlimited-3, server a."""
    found = sized(server())
    assert found.replicas.tolist() == [[5, 2]]
    assert found.cost.tolist() == [[200.0, 130.0]]
    assert found.max_batch.tolist() == [[512, 512]]


def test_a_pinned_server_stays_where_it_is() -> None:
    """On an accelerator that is not listed it has no candidate at all; one that never ran is free."""
    assert sized(server(pinned=True, current=1)).possible.tolist() == [[False, True]]
    assert sized(server(pinned=True, current=ELSEWHERE)).possible.tolist() == [[False, False]]
    assert sized(server(pinned=True)).possible.all()


def test_an_unknown_load_has_no_candidate() -> None:
    """Unknown is not zero: nothing is proposed, neither zero replicas nor the minimum."""
    assert not sized(server(None)).possible.any()


def test_no_load_needs_the_minimum() -> None:
    """As many replicas as must be; without a minimum none, on no accelerator, which counts as a move."""
    assert sized(server(0.0, minimum=3)).replicas.tolist() == [[3, 3]]
    rest = sized(replace(server(0.0, minimum=0, current=0), current_cost=np.array([120.0])))
    assert rest.idle.all()
    assert rest.value.tolist() == [[-108.0, -108.0]]


def test_a_batch_override_is_taken_as_it_is() -> None:
    """Not scaled to the length of answers."""
    assert sized(server(batch=32)).max_batch.tolist() == [[32, 32]]


def test_units_are_accelerators_times_multiplicity() -> None:
    """A profile that names no number of accelerators takes one."""
    servers = server()
    assert problem(servers, HARDWARE, sized(servers), PROFILES).units.tolist() == [[1, 2]]


@pytest.mark.parametrize(("given_priority", "counted"), [(1, 1), (100, 100), (0, 100), (101, 100), (-5, 100)])
def test_priorities_outside_their_range_are_the_least(given_priority: int, counted: int) -> None:
    """As in the original."""
    assert priorities(integers([given_priority])).tolist() == [counted]


def test_targets_out_of_reach_leave_no_candidate() -> None:
    """ITL below the base of an iteration cannot be had at any price."""
    servers = replace(server(), targets=Targets.of(itl_seconds=[0.005]))
    assert not sized(servers).possible.any()


strange = st.sampled_from([float("nan"), float("inf"), -1.0, 0.0, 1e-9, 1e300])


@given(strange, strange, strange)
def test_strange_numbers_make_no_candidate_or_a_finite_one(arrivals: float, prompt: float, answer: float) -> None:
    """NaN, negative, zero and huge inputs never leave as an exception or as something that is not a number."""
    servers = replace(
        server(),
        arrivals=Column.of([arrivals]),
        in_tokens=Column.of([prompt]),
        out_tokens=Column.of([answer]),
    )
    found = sized(servers)
    assert np.all(np.isfinite(found.cost[found.possible]))
    assert np.all(found.replicas[found.possible] >= 0)
