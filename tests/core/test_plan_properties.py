"""What holds for every input: bounds, order, and that no fault ever lowers a target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fleet_builder import R, V, fleet, snapshot
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.decision import Memory, Plan
from wva_exporter.core.fleet import Fleet, Variants
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.errors import Reason

RULES = Rules(max_down_ratio_per_minute=1.0)
"""Without a brake: what the gates promise must not hang on it."""

NAMES = ("a100", "h100", "l40s")

variants = st.lists(
    st.builds(
        V,
        name=st.sampled_from(NAMES),
        cost=st.one_of(st.none(), st.floats(0, 100)),
        minimum=st.integers(0, 3),
        maximum=st.one_of(st.none(), st.integers(3, 20)),
        paused=st.booleans(),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda v: v.name,
)


def replicas(names: list[str], *, silent: bool) -> st.SearchStrategy[list[R]]:
    """Up to twelve replicas of these variants in any state."""
    return st.lists(
        st.builds(
            R,
            v=st.sampled_from(names),
            kv=st.floats(0, 1),
            waiting=st.floats(0, 1e6),
            running=st.floats(0, 1e4),
            silent=st.booleans() if silent else st.just(value=False),
            coverage=st.sampled_from([0.2, 1.0]),
        ),
        max_size=12,
    )


@st.composite
def views(draw: st.DrawFn) -> Snapshot:
    """Any snapshot of a small fleet."""
    of = fleet(*draw(variants))
    rows = draw(replicas(list(of.variants.name), silent=True))
    counts = {name: draw(st.one_of(st.none(), st.floats(0, 30).map(round).map(float))) for name in of.variants.name}
    return snapshot(
        of,
        rows,
        time=draw(st.floats(0, 1e6)),
        current=counts,
        declared=draw(st.booleans()),
        trouble=draw(st.sampled_from([Reason.NONE, Reason.NO_SERIES, Reason.SOURCE_DOWN, Reason.INPUT_STALE])),
        covered=draw(st.booleans()),
        router_queue=draw(st.one_of(st.none(), st.floats(0, 10))),
        partial=draw(st.booleans()),
    )


def rows_of(result: Plan) -> dict[str, tuple[float | None, Reason]]:
    """Target and reason by variant name."""
    return dict(zip(result.fleet.variants.name, zip(result.target.listed(), result.reasons, strict=True), strict=True))


@given(st.lists(views(), min_size=1, max_size=4))
def test_targets_stay_whole_finite_and_within_their_bounds(cycles: list[Snapshot]) -> None:
    """Whatever was seen before, and however the fleet changed between two cycles."""
    memory: Memory | None = None
    for view in cycles:
        result, memory = plan(view, memory, POLICIES, RULES)
        known, target = result.target.known, result.target.value
        assert np.all(np.isfinite(target))
        assert np.all(target == np.round(target))
        assert np.all(target[known] >= 0)
        bounded = known & ~view.fleet.variants.paused
        maximum = view.fleet.variants.maximum
        assert np.all(target[bounded] >= view.fleet.variants.minimum[bounded])
        assert np.all((target <= maximum.value)[bounded & maximum.known])


@given(views(), st.randoms(use_true_random=False))
def test_the_order_of_variants_and_replicas_changes_nothing(view: Snapshot, random: object) -> None:
    """Rows are places, not priorities."""
    names = list(view.fleet.variants.name)
    order = list(range(len(names)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = _permuted(view, order)
    first, _ = plan(view, None, POLICIES, RULES)
    second, _ = plan(shuffled, None, POLICIES, RULES)
    assert rows_of(first) == rows_of(second)


def _permuted(view: Snapshot, order: list[int]) -> Snapshot:
    """The same view with its variants in another order, and its replicas backwards."""
    index, place = np.array(order), np.argsort(order)
    backwards = np.arange(len(view.replicas))[::-1]
    signals = view.replicas.signals
    rows = replace(
        view.replicas,
        pod=view.replicas.pod[::-1],
        variant=place[view.replicas.variant][backwards],
        presence=view.replicas.presence[backwards],
        signals=replace(signals, value=signals.value[:, ::-1], known=signals.known[:, ::-1]),
    )
    counts = replace(
        view.counts,
        spec=view.counts.spec.take(index),
        current=view.counts.current.take(index),
        ready=view.counts.ready.take(index),
        declared=view.counts.declared[index],
    )
    moved = replace(view.fleet, variants=_reordered(view.fleet.variants, order))
    return replace(view, fleet=moved, replicas=rows, counts=counts)


def _reordered(old: Variants, order: list[int]) -> Variants:
    """The same variants in another order."""
    index = np.array(order)
    return replace(
        old,
        **{name: tuple(getattr(old, name)[i] for i in order) for name in ("namespace", "name", "accelerator")},
        **{
            name: getattr(old, name)[index]
            for name in ("model", "role", "gpus_per_replica", "minimum", "paused", "origin")
        },
        **{name: getattr(old, name).take(index) for name in ("cost", "maximum", "fixed")},
    )


FAULTS = st.sampled_from(["dark", "silent", "thin", "partial", "stale", "gone", "none"])


@pytest.mark.parametrize("policy", tuple(POLICIES))
@given(
    schedule=st.lists(FAULTS, min_size=1, max_size=30),
    count=st.integers(2, 10),
    left=st.tuples(st.integers(0, 9), st.floats(0.0, 0.6)),
    maximum=st.sampled_from([20, None]),
)
def test_no_schedule_of_faults_lowers_a_target(
    policy: str, schedule: list[str], count: int, left: tuple[int, float], maximum: int | None
) -> None:
    """A steady fleet whose data come and go keeps its target in every cycle, and loses it only by withdrawal.

    Steady at any level: the load never changes, only what is seen of it. ``wva-v2`` keeps nothing for replicas that were
    counted out: those that are left look idle, and nothing is missing.
    """
    schedule = [fault for fault in schedule if fault != "gone" or not policy.startswith("wva-v2")]
    of = fleet(V(name="a100", maximum=maximum), policy=policy)
    steady = [R(v="a100", kv=0.65, waiting=1)] * count
    result, memory = plan(snapshot(of, steady, time=0.0), None, POLICIES, RULES)
    for cycle, fault in enumerate(schedule, start=1):
        view = _faulty(of, steady, fault, lost=left[0], kv=left[1], time=15.0 * cycle)
        result, memory = plan(view, memory, POLICIES, RULES)
        target = result.target.listed()[0]
        assert target is None or target >= count, (cycle, fault, rows_of(result))
        assert target is not None or result.withdrawn[0]


def _faulty(of: Fleet, steady: list[R], fault: str, *, lost: int, kv: float, time: float) -> Snapshot:
    """What one fault leaves visible of a steady fleet; the visible part may look as idle as ``kv``."""
    gone = max(min(lost, len(steady) - 1), 1)
    idle = [R(v="a100", kv=kv)] * len(steady)
    rows, more = {
        "dark": ([], {"trouble": Reason.SOURCE_DOWN, "covered": False}),
        "silent": (idle[gone:] + [R(v="a100", silent=True)] * gone, {"trouble": Reason.REPLICA_UNKNOWN}),
        "gone": (idle[gone:], {}),
        "thin": (idle, {"covered": False}),
        "partial": (idle[gone:], {"partial": True}),
        "stale": (idle, {"trouble": Reason.INPUT_STALE}),
        "none": (steady, {}),
    }[fault]
    return snapshot(of, rows, time=time, **more)  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 20), min_size=2, max_size=40), st.floats(0.05, 1.0), st.floats(1, 30))
def test_no_minute_sheds_more_than_the_brake_allows(wants: list[int], ratio: float, step: float) -> None:
    """Whatever a policy wants in whatever rhythm, no target is below the allowed share of one within the minute before."""
    rules = Rules(max_down_ratio_per_minute=ratio)
    memory: Memory | None = None
    history: list[tuple[float, float]] = []
    for cycle, want in enumerate(wants):
        of = fleet(V(name="a100", minimum=0, maximum=20))
        current = max(want, 1)
        view = snapshot(of, [R(v="a100", kv=0.05)] * current, time=cycle * step)
        result, memory = plan(view, memory, POLICIES, rules)
        target = result.target.listed()[0]
        assert target is not None
        recent = [value for time, value in history if cycle * step - time <= 60.0]
        assert not recent or target >= (1.0 - ratio) * max(recent) - 1e-6
        history.append((cycle * step, target))
