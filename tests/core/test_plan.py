"""What ``plan`` may and may not do with a target, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest
from deciding import RULES, decide, targets, why
from fleet_builder import R, V, fleet, snapshot

from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Memory
from wva_exporter.core.fleet import Fleet, Role
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.errors import Reason

ONE = fleet(V(name="a100"))


def busy(of: Fleet, count: int, *, time: float, kv: float = 0.6, **more: object) -> Snapshot:
    """``count`` replicas of a100 at a steady level that calls for nothing."""
    return snapshot(of, [R(v="a100", kv=kv)] * count, time=time, **more)  # type: ignore[arg-type]


def test_a_fleet_without_headroom_grows_by_one() -> None:
    """Mean free KV of 0.05 is below the 0.10 that must stay free."""
    result = decide(busy(ONE, 2, time=0, kv=0.75))
    assert targets(result) == {"a100": 3}
    assert why(result) == {"a100": Reason.NO_HEADROOM}


def test_the_cheapest_variant_grows_and_the_dearest_shrinks() -> None:
    """Costs order the variants of a model, whatever the order in which they are named."""
    two = fleet(V(name="h100", cost=40), V(name="a100", cost=10))
    full = snapshot(two, [R(v="h100", kv=0.78)] * 2 + [R(v="a100", kv=0.78)] * 2, time=0)
    assert targets(decide(full)) == {"h100": 2, "a100": 3}
    idle = [snapshot(two, [R(v="h100", kv=0.1)] * 2 + [R(v="a100", kv=0.1)] * 2, time=t) for t in (0, 15)]
    assert targets(decide(*idle)) == {"h100": 1, "a100": 2}


def test_a_replica_that_vanishes_does_not_take_its_target_along() -> None:
    """Without kube-state-metrics a crashed pod is just not there: it is being replaced, not given up."""
    result = decide(busy(ONE, 6, time=0), busy(ONE, 5, time=15), busy(ONE, 5, time=600))
    assert targets(result) == {"a100": 6}
    assert why(result) == {"a100": Reason.PENDING}
    assert result.current.listed() == [5]


def test_most_of_a_fleet_vanishing_does_not_take_its_target_along() -> None:
    """Also where nobody named a maximum: the bound on growth is none on what was asked before."""
    boundless = fleet(V(name="a100", maximum=None))
    few = snapshot(boundless, [R(v="a100", kv=0.95)] * 2, time=15)
    assert targets(decide(busy(boundless, 10, time=0), few)) == {"a100": 10}


def test_what_never_comes_is_not_waited_for_for_ever() -> None:
    """A scaler with a maximum of its own stops at five: after the hold time the five that are seen count."""
    bound = fleet(V(name="a100", maximum=20))
    full = [busy(bound, 5, time=t, kv=0.9) for t in (0, 15, 615)]
    assert targets(decide(*full)) == {"a100": 6}
    idle = [busy(bound, 5, time=t, kv=0.05) for t in (630, 700)]
    assert targets(decide(*full, *idle)) == {"a100": 4}


def test_a_step_within_the_dead_band_locks_nothing() -> None:
    """An HPA swallows 10 to 11; when more is needed, more is asked for."""
    many = fleet(V(name="a100", maximum=50))
    full = [busy(many, 10, time=t, kv=0.9) for t in (0, 15, 30)]
    assert targets(decide(*full)) == {"a100": 11}
    assert why(decide(*full)) == {"a100": Reason.NO_HEADROOM}


def test_the_first_target_after_a_start_is_never_below_what_exists() -> None:
    """An idle fleet shrinks in the second cycle, not in the first: the first look may be at half a truth."""
    idle = [busy(ONE, 4, time=t, kv=0.1) for t in (0, 15)]
    assert targets(decide(idle[0])) == {"a100": 4}
    assert why(decide(idle[0])) == {"a100": Reason.STARTED}
    assert targets(decide(*idle)) == {"a100": 3}


def test_a_fleet_that_comes_into_sight_bit_by_bit_gets_no_target_yet() -> None:
    """The exporter starts with its Prometheus: what is seen first is not what exists."""
    views = [busy(ONE, n, time=15.0 * n, kv=0.05, covered=False) for n in (2, 5, 9)]
    assert targets(decide(*views)) == {"a100": None}
    assert why(decide(*views)) == {"a100": Reason.COVERAGE}
    assert targets(decide(*views, busy(ONE, 10, time=200.0, kv=0.05))) == {"a100": 10}


def test_a_declared_count_needs_no_such_wait() -> None:
    """kube-state-metrics knows ten from the start."""
    view = busy(ONE, 2, time=0, covered=False, current={"a100": 10}, ready={"a100": 10}, declared=True)
    assert targets(decide(view)) == {"a100": 10}


def declared(live: int, counted: int, *, time: float) -> Snapshot:
    """So many replicas answer, and kube-state-metrics counts so many."""
    count = {"a100": float(counted)}
    return snapshot(ONE, [R(v="a100", kv=0.6)] * live, time=time, current=count, ready=count, declared=True)


def test_a_count_below_what_answers_is_not_believed() -> None:
    """Six answer; kube-state-metrics says none, for it speaks of another workload: nothing falls."""
    first = decide(declared(6, 0, time=0))
    assert (targets(first), first.current.listed()) == ({"a100": 6}, [6])
    later = decide(declared(6, 6, time=0), declared(6, 2, time=15), declared(6, 0, time=600))
    assert targets(later) == {"a100": 6}
    assert why(later) == {"a100": Reason.REPLICAS_UNCOUNTED}


def test_replicas_that_leave_as_asked_are_not_called_back() -> None:
    """Three were asked for and are counted; the fourth still answers while it ends."""
    idle = snapshot(ONE, [R(v="a100", kv=0.1)] * 4, time=15, current={"a100": 4}, ready={"a100": 4}, declared=True)
    assert targets(decide(declared(4, 4, time=0), idle)) == {"a100": 3}
    assert targets(decide(declared(4, 4, time=0), idle, declared(4, 3, time=30))) == {"a100": 3}


def test_replicas_that_fall_silent_as_asked_are_not_called_back() -> None:
    """Three were asked for; the fourth ends before kube-state-metrics counts it out."""
    idle = snapshot(ONE, [R(v="a100", kv=0.1)] * 4, time=15, current={"a100": 4}, ready={"a100": 4}, declared=True)
    left = [R(v="a100", kv=0.1)] * 3 + [R(v="a100", silent=True)]
    after = snapshot(ONE, left, time=30, current={"a100": 4}, ready={"a100": 4}, declared=True)
    assert targets(decide(declared(4, 4, time=0), idle, after)) == {"a100": 3}


def test_while_windows_fill_no_target_is_below_what_exists() -> None:
    """Somebody scaled up by hand; the new replicas' windows are short."""
    views = [busy(ONE, 5, time=0), busy(ONE, 10, time=15, kv=0.05, covered=False)]
    assert targets(decide(*views)) == {"a100": 10}


def test_a_group_that_waits_keeps_what_was_asked_for() -> None:
    """Four are asked for, a quota lets three exist: the target stays four."""
    tight = snapshot(ONE, [R(v="a100", kv=0.9)] * 3, time=15, current={"a100": 3}, ready={"a100": 3}, declared=True)
    counts = replace(tight.counts, spec=Column.of([4.0]))
    assert targets(decide(replace(tight, counts=counts))) == {"a100": 4}


@pytest.mark.parametrize("cheap", [V(name="cheap", cost=1, paused=True), V(name="cheap", cost=1, fixed=2)])
def test_what_may_not_move_is_not_chosen(cheap: V) -> None:
    """A paused or fixed variant is the cheapest: the next one grows."""
    two = fleet(cheap, V(name="dear", cost=40))
    full = [snapshot(two, [R(v=v, kv=0.97, waiting=20) for v in ("cheap", "cheap", "dear")], time=t) for t in (0, 15)]
    assert targets(decide(*full))["dear"] == 2


def test_a_variant_that_nobody_counts_is_not_chosen() -> None:
    """Declared, without pods: its sibling grows."""
    two = fleet(V(name="cheap", cost=1), V(name="dear", cost=40))
    full = [snapshot(two, [R(v="dear", kv=0.97, waiting=20)] * 3, time=t) for t in (0, 15)]
    assert targets(decide(*full)) == {"cheap": None, "dear": 4}


def test_reasons_name_the_variant_that_moves() -> None:
    """At its minimum a variant says so; the one that moves says why; the others are steady."""
    low = [busy(ONE, 1, time=t, kv=0.01) for t in (0, 15)]
    assert why(decide(*low)) == {"a100": Reason.STEADY}  # one replica alone has nobody to give its load to
    two = fleet(V(name="a100", cost=10, minimum=2), V(name="h100", cost=40, minimum=2))
    idle = [snapshot(two, [R(v=v, kv=0.01) for v in ("a100", "a100", "h100", "h100")], time=t) for t in (0, 15)]
    assert set(why(decide(*idle)).values()) == {Reason.MIN}


def test_a_pending_replica_locks_the_group() -> None:
    """While one is on its way nothing more is asked for."""
    view = busy(ONE, 2, time=0, kv=0.78, current={"a100": 3}, ready={"a100": 2}, declared=True)
    assert targets(decide(view)) == {"a100": 3}
    assert why(decide(view)) == {"a100": Reason.PENDING}


def test_half_of_the_targets_failing_at_peak_lowers_nothing() -> None:
    """Five of ten replicas fall silent without kube-state-metrics: the other five look idle and stay ten."""
    before = [busy(ONE, 10, time=t) for t in (0, 15)]
    after = snapshot(ONE, [R(v="a100", kv=0.05)] * 5 + [R(v="a100", silent=True)] * 5, time=30)
    result = decide(*before, after)
    assert targets(result) == {"a100": 10}
    assert why(result) == {"a100": Reason.REPLICA_UNKNOWN}


def test_a_rise_passes_although_replicas_are_silent() -> None:
    """Doubt forbids less, not more."""
    twenty = fleet(V(name="a100", maximum=20))
    after = snapshot(twenty, [R(v="a100", kv=0.9)] * 5 + [R(v="a100", silent=True)] * 5, time=30)
    assert targets(decide(busy(twenty, 10, time=0), after)) == {"a100": 11}


def test_missing_data_hold_the_last_decision() -> None:
    """A dark source keeps the target and says why."""
    dark = snapshot(ONE, [], time=60, trouble=Reason.SOURCE_DOWN, covered=False)
    result = decide(busy(ONE, 6, time=0), dark)
    assert targets(result) == {"a100": 6}
    assert why(result) == {"a100": Reason.SOURCE_DOWN}
    assert not result.fresh[0]


def test_a_target_held_for_too_long_is_withdrawn() -> None:
    """After the hold time nothing is published, and that is said."""
    dark = [snapshot(ONE, [], time=t, trouble=Reason.NO_SERIES, covered=False) for t in (600, 601, 900)]
    assert targets(decide(busy(ONE, 6, time=0), dark[0])) == {"a100": 6}
    for gone in (decide(busy(ONE, 6, time=0), *dark[:2]), decide(busy(ONE, 6, time=0), *dark)):
        assert targets(gone) == {"a100": None}
        assert gone.withdrawn[0]
        assert why(gone) == {"a100": Reason.WITHDRAWN}


def test_without_any_decision_nothing_is_published() -> None:
    """After a start without data there is no echo of the current count."""
    result = decide(snapshot(ONE, [], time=0, trouble=Reason.NO_SERIES, covered=False, current={"a100": 4}))
    assert targets(result) == {"a100": None}
    assert not result.withdrawn[0]


def test_half_filled_windows_forbid_a_decrease() -> None:
    """After an outage low load and few samples look alike."""
    views = [busy(ONE, 4, time=0), busy(ONE, 4, time=15, kv=0.05, covered=False)]
    assert targets(decide(*views)) == {"a100": 4}
    assert why(decide(*views)) == {"a100": Reason.COVERAGE}


def test_a_rising_queue_vetoes_a_decrease() -> None:
    """KV falls while requests pile up: an overload, not idleness."""
    calm = [busy(ONE, 4, time=t) for t in (0, 15)]
    odd = snapshot(ONE, [R(v="a100", kv=0.05, running=40)] * 4, time=30)
    result = decide(*calm, odd)
    assert targets(result) == {"a100": 4}
    assert why(result) == {"a100": Reason.SIGNALS_DISAGREE}


def test_a_ready_replica_without_series_forbids_a_decrease() -> None:
    """kube-state-metrics counts four ready ones, two are scraped: the other two may carry the load."""
    views = [
        snapshot(ONE, [R(v="a100", kv=0.05)] * 2, time=t, current={"a100": 4}, ready={"a100": 4}, declared=True)
        for t in (0, 15, 30)
    ]
    assert targets(decide(*views)) == {"a100": 4}
    assert why(decide(*views)) == {"a100": Reason.REPLICAS_UNCOUNTED}


def test_no_more_than_half_of_a_target_goes_within_a_minute() -> None:
    """Many fast cycles shed no more than one slow one."""
    target, memory = 16.0, None
    for second in range(60):
        count = int(target)
        view = busy(fleet(V(name="a100", maximum=20)), count, time=float(second), kv=0.01)
        result, memory = plan(view, memory, POLICIES, RULES)
        target = targets(result)["a100"] or 0.0
    assert target == 8


def test_an_unknown_maximum_bounds_one_cycle() -> None:
    """Nobody named a maximum: at most twice the current count, and never less than four."""
    boundless = fleet(V(name="a100", maximum=None))
    assert targets(decide(busy(boundless, 1, time=0, kv=0.9))) == {"a100": 2}


def test_targets_obey_their_bounds() -> None:
    """At its maximum a variant that wants more says so."""
    bound = fleet(V(name="a100", maximum=2))
    result = decide(busy(bound, 2, time=0, kv=0.9))
    assert targets(result) == {"a100": 2}
    assert why(result) == {"a100": Reason.MAX}


def test_a_paused_variant_keeps_its_target_and_a_fixed_one_its_number() -> None:
    """The operator's word is the last one."""
    before = busy(ONE, 3, time=0)
    assert targets(decide(snapshot(fleet(V(name="a100", paused=True)), [], time=0, covered=False))) == {"a100": None}
    paused = fleet(V(name="a100", paused=True))
    full = busy(paused, 3, time=15, kv=0.9)
    assert targets(decide(before, full)) == {"a100": 3}
    assert why(decide(before, full)) == {"a100": Reason.PAUSED}
    fixed = fleet(V(name="a100", fixed=7))
    assert targets(decide(before, busy(fixed, 3, time=15))) == {"a100": 7}
    assert why(decide(before, busy(fixed, 3, time=15))) == {"a100": Reason.FIXED}


def test_each_role_decides_for_itself() -> None:
    """Prefill is full while decode idles: one grows, the other shrinks."""
    roles = fleet(V(name="p", role=Role.PREFILL), V(name="d", role=Role.DECODE))
    views = [snapshot(roles, [R(v="p", kv=0.78)] * 2 + [R(v="d", kv=0.1)] * 4, time=t) for t in (0, 15)]
    assert targets(decide(*views)) == {"p": 3, "d": 3}


def test_the_expected_count_is_what_an_hpa_makes_of_it() -> None:
    """A step within ten percent is swallowed."""
    many = fleet(V(name="a100", maximum=50))
    result = decide(busy(many, 20, time=0, kv=0.78))
    assert targets(result) == {"a100": 21}
    assert result.expected.listed() == [20]
    small = decide(busy(many, 2, time=0, kv=0.78))
    assert small.expected.listed() == [3]


def test_cost_is_the_objective() -> None:
    """The published costs sum to what the plan says the fleet costs; an unknown cost is not zero."""
    mixed = fleet(V(name="a100", cost=10), V(name="odd", cost=None))
    result = decide(snapshot(mixed, [R(v="a100", kv=0.5)] * 2 + [R(v="odd", kv=0.5)], time=0))
    assert result.cost.listed() == [20.0, None]
    assert result.objective == 20.0


def test_memory_follows_a_variant_whose_row_moved() -> None:
    """A new variant before it does not make a variant forget its target."""
    result, memory = plan(busy(ONE, 6, time=0), None, POLICIES, RULES)
    wider = fleet(V(name="aaa"), V(name="a100"))
    dark = snapshot(wider, [], time=15, trouble=Reason.SOURCE_DOWN, covered=False)
    after, _ = plan(dark, memory, POLICIES, RULES)
    assert targets(after) == {"aaa": None, "a100": 6}
    assert isinstance(memory, Memory)
    assert targets(result) == {"a100": 6}


def test_steps_lead_from_the_policy_to_the_target() -> None:
    """The last step is the target, and every step that moved it names its reason."""
    result = decide(busy(ONE, 4, time=0, kv=0.1))
    assert result.steps[0].name == "policy"
    assert result.steps[0].replicas.listed() == [3]
    assert result.steps[-1].replicas.listed() == result.target.listed() == [4]
