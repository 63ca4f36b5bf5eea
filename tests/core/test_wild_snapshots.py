"""Whatever engines report, a cycle ends with a plan: NaN, negative, zero and huge numbers are refused where they enter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from fleet_builder import R, V, fleet, snapshot
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.conventions import REPLICA_SIGNALS, Signal
from wva_exporter.core.allocation.quotas import Quotas, Scope
from wva_exporter.core.allocation.sharing import Sharing
from wva_exporter.core.columns import Column
from wva_exporter.core.engine_arguments import EngineArguments
from wva_exporter.core.fleet import Fleet, Role
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES, Policy, policies
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.kalman_learning import kalman_learn
from wva_exporter.core.queueing.learning import Learning, learn
from wva_exporter.core.queueing.points import point_of
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import LARGEST_READING, Presence, Snapshot
from wva_exporter.core.throughput.voting import Vote

WILD = (0.0, -0.0, -1.0, 1.0, 0.5, 1e-308, 5e-324, 1e9, 1e18, 9.3e18, 1e300, 1.7e308, -1e308)

numbers = st.one_of(
    st.none(), st.sampled_from(WILD), st.floats(allow_nan=True, allow_infinity=True), st.floats(0.0, 1000.0)
)
arguments = st.one_of(
    st.none(),
    st.builds(
        EngineArguments,
        engine=st.sampled_from(["vllm", "sglang"]),
        blocks_override=st.sampled_from([0, 1, 10**12]),
        sequences=st.sampled_from([0, 1, 256, 10**12]),
        batched_tokens=st.sampled_from([0, 1, 8192, 10**12]),
    ),
)
NAMES = ("cheap", "dear", "prefill")
_ROLES = (Role.BOTH, Role.DECODE, Role.PREFILL)


@st.composite
def fleets(draw: st.DrawFn, policy: str) -> Fleet:
    """Three variants of one model, or of two."""
    models = ("llama", draw(st.sampled_from(["llama", "mixtral"])), "llama")
    of = fleet(
        *(
            V(
                name=name,
                model=model,
                role=draw(st.sampled_from(_ROLES)),
                cost=draw(st.sampled_from([None, 0.0, 1e-300, 10.0, 1e9])),
                minimum=draw(st.sampled_from([0, 1])),
                maximum=draw(st.sampled_from([None, 3, 1_000_000])),
            )
            for name, model in zip(NAMES, models, strict=True)
        ),
        policy=policy,
    )
    told = tuple(draw(arguments) for _ in NAMES)
    return Fleet(models=of.models, variants=replace(of.variants, arguments=told))


@st.composite
def looks(draw: st.DrawFn, of: Fleet, time: float) -> Snapshot:
    """A snapshot of up to four replicas that report anything."""
    replicas = draw(
        st.lists(
            st.builds(
                R,
                v=st.sampled_from(NAMES),
                signals=st.dictionaries(st.sampled_from(REPLICA_SIGNALS), numbers, max_size=len(REPLICA_SIGNALS)),
            ),
            max_size=4,
        )
    )
    counts = {name: draw(st.sampled_from([None, 0.0, 1.0, 3.0, 1e6])) for name in NAMES}
    seen = _believed(snapshot(of, replicas, time=time, current=counts, declared=draw(st.booleans())))
    queue = Column.from_optional([draw(numbers) for _ in of.models.name]).within(0.0, LARGEST_READING)
    return replace(
        seen,
        router_queue=queue,
        offered=queue,
        inventory=draw(st.sampled_from([{}, {"A100": 0}, {"A100": 4}, {"H100": 10**6}])),
        service=draw(st.sampled_from([None, Belief.unknown(len(of)), Belief.anything(len(of))])),
    )


def _believed(seen: Snapshot) -> Snapshot:
    """The snapshot as sources hand it over: what cannot be is not there, and a replica without its essentials is silent."""
    replicas = seen.replicas
    signals = replicas.signals.within(0.0, LARGEST_READING)
    named = replace(replicas, signals=signals)
    usable = named[Signal.KV_PEAK].within(0.0, 1.0).known & named[Signal.WAITING_PEAK].known
    return replace(seen, replicas=replace(named, presence=np.where(usable, Presence.LIVE, Presence.SILENT)))


@st.composite
def streams(draw: st.DrawFn, policy: str) -> list[Snapshot]:
    """Up to three cycles of one fleet."""
    of = draw(fleets(policy))
    return [draw(looks(of, 1000.0 + 15.0 * number)) for number in range(draw(st.integers(1, 3)))]


EVERYTHING = policies(
    Sharing(limiter=True, rescale=True, quotas=(Quotas(name="q", scope=Scope.CLUSTER, cluster={"A100": 5}),)), Vote()
)
"""Every switch that WVA's policies have, on."""


CASES = [(name, POLICIES) for name in POLICIES] + [(name, EVERYTHING) for name in POLICIES if name.startswith("wva")]


@pytest.mark.parametrize(
    ("policy", "switched"), CASES, ids=lambda it: it if isinstance(it, str) else str(it is EVERYTHING)
)
@given(data=st.data())
def test_a_cycle_ends_with_a_plan_whatever_was_reported(
    policy: str, switched: Mapping[str, Policy], data: st.DataObject
) -> None:
    """Targets are whole, finite and within their bounds, and what is published is finite."""
    memory = None
    for seen in data.draw(streams(policy)):
        result, memory = plan(seen, memory, switched, Rules())
        target = result.target
        assert np.all(np.isfinite(target.value))
        assert np.all(target.value == np.round(target.value))
        assert np.all(target.value[target.known] >= 0)
        maximum = seen.fleet.variants.maximum
        assert np.all((target.value <= maximum.value)[target.known & maximum.known])
        gauges = result.gauges
        for column in (gauges.utilization, gauges.required, gauges.spare, gauges.kv_tokens_used, result.cost):
            assert np.all(np.isfinite(column.value[column.known]))


@given(st.data())
def test_learning_takes_whatever_was_reported(data: st.DataObject) -> None:
    """A belief stays positive and finite, or unknown."""
    of = data.draw(fleets("wva-v2"))
    state = Learning.start(len(of), 1000.0)
    for number in range(data.draw(st.integers(1, 3))):
        seen = data.draw(looks(of, 1000.0 + 15.0 * number))
        state, found = learn(state.shown(seen.time), point_of(seen, np.full(len(of), 256)), Belief.anything(len(of)))
        belief = state.latest.belief
        assert np.all(belief.mean_seconds[belief.known] > 0.0)
        assert np.all(np.isfinite(found.covariance))


@given(st.data())
def test_the_filter_takes_whatever_was_reported(data: st.DataObject) -> None:
    """A belief stays positive and finite, or unknown, and what has no point keeps its own."""
    of = data.draw(fleets("wva-v2"))
    state = Learning.start(len(of), 1000.0)
    for number in range(data.draw(st.integers(1, 3))):
        seen = data.draw(looks(of, 1000.0 + 15.0 * number))
        points, before = point_of(seen, np.full(len(of), 256)), state.latest.belief
        state, _ = kalman_learn(state.shown(seen.time), points, Belief.anything(len(of)))
        belief = state.latest.belief
        assert np.all(belief.mean_seconds[belief.known] > 0.0)
        assert np.all(np.isfinite(belief.stddev_seconds))
        silent = ~points.seen.usable[:, 0]
        assert belief.mean_seconds[silent].tolist() == before.mean_seconds[silent].tolist()
