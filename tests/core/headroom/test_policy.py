"""Policy ``headroom`` through ``plan``: what is asked for, when less is, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fleet_builder import V
from headroom_builder import LOOSE, Life, alone, believed, promised

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Plan
from wva_exporter.core.explanation import Bound, Unit
from wva_exporter.core.fleet import Role
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.snapshot import Presence
from wva_exporter.errors import Reason


def target(made: Plan, row: int = 0) -> float:
    """A known target."""
    found = made.target.listed()[row]
    assert found is not None
    return found


def explained(made: Plan) -> tuple[float | None, ...]:
    """Demand, capacity and what they make, of the first variant."""
    assert made.explanation is not None
    why = made.explanation
    return why.demand.listed()[0], why.capacity.listed()[0], why.wanted.listed()[0]


def test_a_rise_is_asked_for_in_one_jump_and_at_once() -> None:
    """Five times the load is five times the replicas in the next cycle, whatever is pending."""
    life = alone()
    calm = life.settle({"v": 2}, 40.0)
    risen = life.cycle({"v": 2}, 400.0)
    demand, capacity, _ = explained(risen)
    assert demand is not None
    assert capacity is not None
    assert target(calm) == 2
    assert target(risen) >= demand / capacity
    assert risen.reasons[0] is Reason.NO_HEADROOM


def ramp(to: float, *, minutes: int = 6) -> Plan:
    """After a load that became as many requests a second more in every minute, from 40 on."""
    life = alone()
    life.settle({"v": 8}, 40.0)
    rates = np.linspace(40.0, to, 4 * minutes)
    return [life.cycle({"v": 8}, rate) for rate in rates.tolist()][-1]


def test_a_load_on_a_slope_is_sized_for_where_it_will_be() -> None:
    """From 40 to 160 in six minutes: 20 more come until ordered replicas serve, which a level of 160 alone does not need."""
    life = alone()
    life.settle({"v": 8}, 160.0)
    level = explained(life.cycle({"v": 8}, 160.0))[0]
    sloping = explained(ramp(160.0))[0]
    assert level is not None
    assert sloping is not None
    assert level + 15.0 < sloping <= 2.0 * level


def test_a_load_on_a_slope_gives_nothing_back() -> None:
    """Eight replicas that six of would do for what comes now, while more comes every minute."""
    life = alone()
    life.settle({"v": 8}, 20.0, cycles=40)
    assert target(life.cycle({"v": 8}, 20.0)) < 8
    assert target(ramp(150.0, minutes=8)) == 8


def test_a_swing_is_not_taken_for_growth() -> None:
    """From 40 to 100 and back every ten minutes: no more is expected than the crest of before, which 160 would pass."""
    life = alone()
    life.settle({"v": 8}, 40.0)
    swing = [*np.linspace(40.0, 100.0, 20).tolist(), *np.linspace(100.0, 40.0, 20).tolist()]
    for rate in swing:
        life.cycle({"v": 8}, rate)
    again = [explained(life.cycle({"v": 8}, rate))[0] for rate in swing[:20]]
    assert max(demand for demand in again if demand is not None) < 115.0
    more = [explained(life.cycle({"v": 8}, rate))[0] for rate in np.linspace(100.0, 160.0, 20).tolist()]
    assert max(demand for demand in more if demand is not None) > 180.0


def test_what_is_on_its_way_is_not_asked_for_again() -> None:
    """The same load in the cycles after asks for no more."""
    life = alone()
    life.settle({"v": 2}, 40.0)
    first = target(life.cycle({"v": 2}, 200.0))
    for _ in range(3):
        assert target(life.cycle({"v": 2}, 200.0, wanted={"v": first})) <= 1.1 * first


def test_an_actuator_that_does_not_act_locks_nothing() -> None:
    """Ten cycles in which the HPA ignores the target; the next rise is answered all the same."""
    life = alone()
    life.settle({"v": 2}, 40.0)
    for _ in range(10):
        ignored = target(life.cycle({"v": 2}, 120.0))
    assert ignored > 2
    assert target(life.cycle({"v": 2}, 400.0)) > ignored


def test_less_is_asked_for_only_after_the_window() -> None:
    """The load falls to a tenth: nothing for five minutes, then down in one step."""
    life = alone()
    high = target(life.settle({"v": 12}, 300.0))
    falling = [life.cycle({"v": 12}, 30.0) for _ in range(30)]
    early, late = falling[:18], falling[-1]
    assert {target(made) for made in early} == {high}
    assert early[-1].reasons[0] is Reason.DOWN_WINDOW
    assert target(late) <= 3


def test_a_load_that_goes_up_and_down_is_not_followed_down() -> None:
    """Half a minute of a lot and half a minute of little in turn: after the first rise nothing is asked for again."""
    life = alone()
    life.settle({"v": 4}, 60.0)
    targets, standing = [], 4.0
    for turn in range(60):
        rate = 180.0 if turn % 4 < 2 else 60.0
        standing = max(target(life.cycle({"v": round(standing)}, rate)), 1.0)
        targets.append(standing)
    assert np.all(np.diff(targets[4:]) <= 0.0)
    assert targets[-1] > 8.0


def test_a_start_is_seeded_with_what_is_there() -> None:
    """A large idle fleet is not shed before a window was watched, also not by a policy that forgot everything."""
    life = alone()
    first = [target(life.cycle({"v": 12}, 10.0)) for _ in range(18)]
    assert set(first) == {12}
    assert target(life.settle({"v": 12}, 10.0, cycles=6)) < 12


def test_a_backlog_is_worked_off_and_then_forgotten() -> None:
    """Waiting requests ask for more at once, and keep nothing once they are gone."""
    life = alone()
    calm = target(life.settle({"v": 4}, 100.0))
    flooded = target(life.cycle({"v": 4}, 100.0, waiting=1500.0))
    assert flooded > calm
    assert life.memory is not None
    after = life.settle({"v": 4}, 100.0, cycles=25)
    assert target(after) <= calm + 1 < flooded


def test_what_caches_hold_must_fit_before_anything_leaves() -> None:
    """Little arrives, but the caches are full of long requests."""
    life = alone()
    made = life.settle({"v": 10}, 20.0)
    for _ in range(30):
        made = life.cycle({"v": 10}, 20.0, kv=0.78)
    assert (target(made), made.reasons[0]) == (10, Reason.RESIDENT_TOKENS)


def test_one_full_replica_keeps_all_of_them() -> None:
    """The worst of ten decides."""
    life = alone()
    life.settle({"v": 10}, 20.0)
    for _ in range(30):
        made = life.cycle({"v": 10}, 20.0, full=1)
    assert (target(made), made.reasons[0]) == (10, Reason.RESIDENT_TOKENS)


def test_when_every_replica_is_full_one_more_is_asked_for() -> None:
    """Whatever the arithmetic says: it may be wrong."""
    life = alone()
    life.settle({"v": 3}, 10.0)
    made = life.cycle({"v": 3}, 10.0, kv=0.95)
    assert (target(made), made.reasons[0]) == (4, Reason.ALL_SATURATED)


def test_a_promise_that_no_replica_keeps_asks_for_the_maximum() -> None:
    """Nothing fits: the most that may be, never one."""
    life = Life(of=promised(V(name="v", maximum=9), itl=0.001), belief=believed(1), rules=LOOSE)
    made = life.settle({"v": 2}, 10.0, cycles=5)
    assert (target(made), made.reasons[0]) == (9, Reason.SLO_UNREACHABLE)


@pytest.mark.parametrize("belief", [None, Belief.unknown(1), believed(1, 2.0)])
def test_without_known_times_the_caches_decide_and_it_is_said(belief: Belief | None) -> None:
    """Tokens held, against the size of a cache: the reason names what is missing."""
    life = Life(of=promised(V(name="v")), belief=belief, rules=LOOSE)
    made = life.settle({"v": 3}, 30.0, cycles=10)
    assert made.reasons[0] is Reason.CAPACITY_UNKNOWN
    assert made.explanation is not None
    assert made.explanation.unit.tolist() == [Unit.TOKENS]
    assert target(life.cycle({"v": 3}, 30.0, kv=0.79)) > 3


def test_without_a_promise_only_memory_and_sequences_bind() -> None:
    """And the reason says that nothing is promised."""
    life = Life(of=promised(V(name="v"), ttft=None, itl=None), belief=believed(1), rules=LOOSE)
    made = life.settle({"v": 1}, 20.0)
    assert made.reasons[0] is Reason.NO_SLO
    assert made.explanation is not None
    assert made.explanation.bound.tolist()[0] in (Bound.KV, Bound.SEQUENCES)


def test_the_explanation_is_the_arithmetic() -> None:
    """Demand over capacity is at most what is wanted, and that is what is asked for, rounded up."""
    life = alone()
    made = life.settle({"v": 6}, 200.0)
    demand, capacity, wanted = explained(made)
    assert demand is not None
    assert capacity is not None
    assert wanted is not None
    assert demand == pytest.approx(200.0, rel=0.1)
    assert demand / capacity <= wanted + 1e-6
    assert target(made) >= np.ceil(wanted - 1e-6)
    assert made.gauges.required_unit == ("requests_per_second",)


def test_a_fleet_that_stands_at_its_maximum_and_needs_more_says_so() -> None:
    """Not only in the cycle in which it gets there, but for as long as it lacks capacity."""
    life = alone(maximum=4)
    life.settle({"v": 4}, 40.0)
    made = [life.cycle({"v": 4}, 400.0) for _ in range(6)]
    assert {(target(each), each.reasons[0]) for each in made[1:]} == {(4.0, Reason.MAX)}


def test_growth_without_a_maximum_is_limited_in_sight() -> None:
    """What would do stands in the chain, and after it the step that cut it to twice the fleet."""
    life = alone(maximum=None)
    life.settle({"v": 2}, 40.0)
    made = life.cycle({"v": 2}, 400.0)
    wanted = explained(made)[2]
    assert wanted is not None
    steps = {step.name: step.replicas.listed()[0] for step in made.steps}
    assert steps["policy"] == np.ceil(wanted - 1e-9) > 4
    assert steps["growth"] == target(made) == 4
    assert made.reasons[0] is Reason.MAX_UNKNOWN


def test_roles_are_sized_apart() -> None:
    """Prefill and decode replicas of a model share its arrivals and not their capacity."""
    kinds = (V(name="p", role=Role.PREFILL, maximum=60), V(name="d", role=Role.DECODE, maximum=60))
    life = Life(of=promised(*kinds), belief=believed(2), rules=LOOSE)
    # each of 400 requests a second is seen by one pod of either role
    made = life.settle({"p": 2, "d": 8}, 400.0, cycles=10)
    assert made.explanation is not None
    prefill, decode = made.explanation.capacity.listed()
    assert prefill is not None
    assert decode is not None
    assert prefill != pytest.approx(decode, rel=0.05)
    assert made.explanation.bound.tolist()[1] != Bound.TTFT


def test_what_comes_to_prefill_will_come_to_decode() -> None:
    """Prefill is flooded and lets nothing more through; decode is sized for what stands before the door."""
    kinds = (V(name="p", role=Role.PREFILL, maximum=60), V(name="d", role=Role.DECODE, maximum=60))
    life = Life(of=promised(*kinds), belief=believed(2), rules=LOOSE)
    calm = life.settle({"p": 8, "d": 2}, 100.0)
    before = target(calm, 1)
    flooded = [life.cycle({"p": 8, "d": 2}, 100.0, more={"p": 400.0}) for _ in range(4)]
    assert target(flooded[-1], 1) > before


def test_the_cheaper_capacity_grows_of_two_kinds() -> None:
    """Engines that are alike, at half the price."""
    kinds = (V(name="dear", cost=20.0, maximum=60), V(name="cheap", cost=10.0, maximum=60))
    life = Life(of=promised(*kinds), belief=believed(2), rules=LOOSE)
    life.settle({"dear": 1, "cheap": 1}, 40.0)
    made = life.cycle({"dear": 1, "cheap": 1}, 300.0)
    assert target(made, 0) == 1
    assert target(made, 1) > 4


def test_what_never_comes_is_asked_of_another_kind() -> None:
    """The cheap kind is out of stock: after ten minutes the dear one is wanted instead."""
    kinds = (V(name="dear", cost=20.0, maximum=60), V(name="cheap", cost=10.0, maximum=60))
    life = Life(of=promised(*kinds), belief=believed(2), rules=LOOSE)
    pods = {"dear": 1, "cheap": 1}
    life.settle(pods, 40.0)
    made = life.cycle(pods, 160.0)
    ordered = target(made, 1)
    for _ in range(50):
        made = life.cycle(pods, 160.0, wanted={"dear": 1, "cheap": ordered})
    assert target(made, 0) > 1


def test_what_does_not_start_stays_asked_for_while_nobody_else_has_room() -> None:
    """The only other kind is at its maximum: the pods that wait for nodes are needed."""
    life = Life(of=promised(V(name="a", cost=5, maximum=30), V(name="b", cost=50, maximum=3)), belief=believed(2))
    life.settle({"a": 3, "b": 3}, 20.0)
    asked = {"a": 3.0, "b": 3.0}
    for turn in range(120):
        made = life.cycle({"a": 3, "b": 3}, 300.0, wanted=asked)
        asked = {"a": target(made), "b": target(made, 1)}
        assert turn < 2 or asked["a"] > 10


def test_a_kind_that_never_ran_does_not_decide_how_the_others_are_sized() -> None:
    """No replica of it ever told its memory; the rest is known, and promises count."""
    life = Life(of=promised(V(name="a", maximum=60), V(name="b", cost=50, maximum=9)), belief=believed(2), rules=LOOSE)
    made = life.settle({"a": 6, "b": 0}, 200.0)
    assert made.explanation is not None
    assert made.explanation.unit.tolist() == [Unit.REQUESTS_PER_SECOND] * 2
    assert target(made) == target(alone().settle({"v": 6}, 200.0))


@pytest.mark.parametrize("belief", [None, believed(1, spread=3.0)], ids=["lost", "doubtful"])
def test_service_times_that_are_lost_lower_nothing(belief: Belief | None) -> None:
    """A replica carries no less and no more because we do not know any longer."""
    life = Life(of=promised(V(name="v", maximum=60), itl=0.009), belief=believed(1), rules=LOOSE)
    before = target(life.settle({"v": 31}, 200.0, cycles=60))
    life.belief = belief
    assert {target(life.cycle({"v": 31}, 200.0)) for _ in range(40)} == {before}


def test_a_silent_input_lowers_nothing() -> None:
    """No signal of headroom's, unknown or not a number, brings a target down."""
    for signal in (Signal.ARRIVED, Signal.REQUEST_RATE, Signal.INPUT_TOKENS, Signal.KV_CAPACITY, Signal.AGE):
        life = alone()
        high = target(life.settle({"v": 10}, 260.0))
        for _ in range(4):
            assert target(life.cycle({"v": 10}, 260.0, signals={signal: None})) >= high


def test_a_time_that_nobody_saw_is_no_time_of_little_load() -> None:
    """Six minutes without any number in which the load falls to a tenth: nothing is given back for a window of seeing it."""
    life = alone()
    high = target(life.settle({"v": 11}, 260.0))
    dark = {Signal.ARRIVED: None, Signal.REQUEST_RATE: None}
    for _ in range(24):
        assert target(life.cycle({"v": 11}, 26.0, signals=dark)) >= high
    after = [life.cycle({"v": 11}, 26.0) for _ in range(26)]
    assert {target(made) for made in after[:18]} == {high}
    assert target(after[-1]) < high


def test_what_a_step_needed_is_not_forgotten_while_nobody_looks() -> None:
    """Ordered for a guess of a step; after six minutes in the dark it was still needed a moment ago."""
    life = alone()
    life.settle({"v": 4}, 60.0)
    ordered = target(life.cycle({"v": 4}, 150.0))
    pods = {"v": round(ordered)}
    for _ in range(24):
        view = life.view(pods, 60.0)
        silent = np.full(len(view.replicas), Presence.SILENT)
        _, life.memory = plan(
            replace(view, replicas=replace(view.replicas, presence=silent)), life.memory, POLICIES, LOOSE
        )
    seen = [target(life.cycle(pods, 60.0)) for _ in range(10)]
    assert set(seen) == {ordered}


def test_while_nobody_answers_nothing_is_decided() -> None:
    """What was seen a minute ago is no reason to ask for more or for less now: the target is held, and not renewed."""
    life = alone()
    calm = target(life.settle({"v": 10}, 260.0))
    for _ in range(3):
        view = life.view({"v": 10}, 260.0)
        silent = np.full(len(view.replicas), Presence.SILENT)
        blind = replace(view, replicas=replace(view.replicas, presence=silent))
        made, life.memory = plan(blind, life.memory, POLICIES, LOOSE)
        assert (target(made), made.fresh.tolist()) == (calm, [False])
    assert target(life.cycle({"v": 10}, 150.0)) == calm > 10  # what was asked for and has not come still stands


def test_counters_that_start_again_from_nothing_and_come_back_ask_for_nothing() -> None:
    """A page that was wrong for two scrapes is neither a fall nor a rush."""
    life = alone()
    calm = target(life.settle({"v": 10}, 260.0))
    wrong = [life.cycle({"v": 10}, 260.0, signals={Signal.ARRIVED: 0.0}) for _ in range(2)]
    back = [life.cycle({"v": 10}, 260.0) for _ in range(25)]
    assert {target(made) for made in (*wrong, *back)} == {calm}


def test_router_arrivals_count_where_they_are_more() -> None:
    """What waits before any engine has arrived too."""
    life = alone()
    life.settle({"v": 2}, 40.0)
    view = replace(life.view({"v": 2}, 40.0), offered=Column.of([300.0]))
    made, _ = plan(view, life.memory, POLICIES, LOOSE)
    assert made.explanation is not None
    assert made.explanation.demand.listed() == [300.0]
