"""The line that says how a number came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from fleet_builder import V as Declared
from headroom_builder import LOOSE, Life, alone, believed, promised
from publish.plans import CHEAP, DEAR, V, plan_of

from wva_exporter.cli.explain import chains
from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Plan, Step
from wva_exporter.core.explanation import Bound, Unit
from wva_exporter.core.fleet import Role
from wva_exporter.errors import Reason


def wanting(wanted: Sequence[float], *variants: V, maximum: float | None = None, backlog: float = 0.0) -> Plan:
    """The Plan of these variants, of each of which the demand makes so many replicas."""
    plan = plan_of(*variants)
    assert plan.explanation is not None
    rows = len(variants)
    bounds = replace(plan.fleet.variants, maximum=Column.from_optional([maximum] * rows))
    why = replace(plan.explanation, wanted=Column.of(wanted), backlog=Column.of([backlog] * rows))
    return replace(plan, fleet=replace(plan.fleet, variants=bounds), explanation=why)


def word(line: str) -> str:
    """A line after the demand and without the reason."""
    return line.partition(" -> ")[2].partition(" [")[0]


def test_the_chain_goes_from_demand_to_target() -> None:
    """Stages that moved nothing are left out; the reason ends it."""
    plan = wanting([2.64], replace(CHEAP, target=2, reason=Reason.MAX))
    first, none = replace(plan.steps[0], replicas=Column.of([3])), plan.steps[0].reason
    stages = [Step(name=name, replicas=Column.of([n]), reason=none) for name, n in (("brake", 3), ("max", 2))]
    [line] = chains(replace(plan, steps=(first, *stages)))
    assert line == "llm/llama-a100: 19.8 req/s / 7.5 per replica (kv) -> 3 -> max 2 [max]"


def test_what_the_policy_clips_itself_is_shown_as_a_clamp() -> None:
    """The number that was wanted first, with the backlog that is a part of it."""
    risen = replace(CHEAP, demand=349.0, capacity=28.9, target=6, reason=Reason.MAX)
    [line] = chains(wanting([13.4], risen, maximum=6, backlog=1735.0))
    assert (
        line == "llm/llama-a100: 349 req/s and 1735 requests to work off / 28.9 per replica (kv) -> 14 -> max 6 [max]"
    )


def test_what_the_window_keeps_is_shown_as_such() -> None:
    """Less than one replica is wanted, six are kept."""
    fallen = replace(CHEAP, demand=20.6, capacity=28.9, target=6, reason=Reason.DOWN_WINDOW)
    [line] = chains(wanting([0.71], fallen, maximum=9))
    assert line == "llm/llama-a100: 20.6 req/s / 28.9 per replica (kv) -> 1 -> down_window 6 [down_window]"


@pytest.mark.parametrize(
    ("reason", "wanted", "answer", "shown"),
    [
        (Reason.SPARE_CAPACITY, 1.2, 4, "2 -> down_window 4"),
        (Reason.RESIDENT_TOKENS, 1.2, 4, "2 -> resident_tokens 4"),
        (Reason.ALL_SATURATED, 2.1, 4, "3 -> all_saturated 4"),
        (Reason.SLO_UNREACHABLE, 2.1, 6, "3 -> slo_unreachable 6"),
        (Reason.SLO_UNREACHABLE, 9.0, 6, "9 -> max 6"),
        (Reason.STEADY, 0.0, 1, "0 -> min 1"),
        (Reason.STEADY, 3.0 + 1e-12, 3, "3"),
        (Reason.NO_HEADROOM, 5.4, 6, "6"),
    ],
)
def test_every_departure_from_the_demand_has_its_name(reason: Reason, wanted: float, answer: int, shown: str) -> None:
    """And where the policy asks for just that, there is no stage."""
    [line] = chains(wanting([wanted], replace(CHEAP, target=answer, reason=reason), maximum=6))
    assert word(line) == shown


def test_more_than_the_maximum_that_stands_is_cut_once() -> None:
    """Eight stand, six are allowed: the stage that follows every policy says so, not the policy too."""
    plan = wanting([12.6], replace(CHEAP, target=6, reason=Reason.MAX), maximum=6)
    first = replace(plan.steps[0], replicas=Column.of([8]))
    [line] = chains(replace(plan, steps=(first, replace(plan.steps[0], name="max"))))
    assert word(line) == "13 -> max 6"


def test_several_kinds_say_that_they_share_the_demand() -> None:
    """Each says how many of it alone would do, and that the rest is with the others."""
    one, other = (replace(v, demand=349.0, capacity=c, target=5) for v, c in ((CHEAP, 28.9), (DEAR, 60.0)))
    lines = list(chains(wanting([12.6, 6.05], one, replace(other, reason=Reason.STEADY), backlog=60.0)))
    shared = "349 req/s and 60 requests to work off, both of the model (2 kinds)"
    assert lines == [
        f"llm/llama-a100: {shared} / 28.9 per replica (kv) -> 13 alone -> mix 5 [no_headroom]",
        f"llm/llama-h100: {shared} / 60 per replica (kv) -> 7 alone -> mix 5 [steady]",
    ]


@pytest.mark.parametrize(
    ("reason", "wanted", "answer", "maximum", "shown"),
    [
        (Reason.MAX_UNKNOWN, 12.6, 4, None, "13 alone -> growth 4"),
        (Reason.MAX, 12.6, 6, 6, "13 alone -> max 6"),
        (Reason.NO_HEADROOM, 3.9, 5, 6, "4 alone -> mix 5"),
        (Reason.DOWN_WINDOW, 3.9, 5, 6, "4 alone -> down_window 5"),
        (Reason.STEADY, 3.9, 4, 6, "4"),
    ],
)
def test_bounds_of_one_of_several_kinds_are_named(
    reason: Reason, wanted: float, answer: int, maximum: int | None, shown: str
) -> None:
    """As of one that is alone; what is only a share is called a mix."""
    line, _ = chains(wanting([wanted, 2.0], replace(CHEAP, target=answer, reason=reason), DEAR, maximum=maximum))
    assert word(line) == shown


def test_prefill_and_decode_share_nothing() -> None:
    """One kind of each has its demand for itself; two that decode share theirs."""
    decode = replace(CHEAP, name="b", role=Role.DECODE)
    apart = list(chains(wanting([3.0, 3.0], replace(CHEAP, role=Role.PREFILL), decode)))
    assert not any("of the model" in line for line in apart)
    shared = list(chains(wanting([3.0, 3.0], decode, replace(decode, name="c"))))
    assert all("19.8 req/s of the model's decode (2 kinds) / 7.5" in line for line in shared)


def test_a_rise_beyond_the_maximum_adds_up_from_the_policy_to_the_target() -> None:
    """Through policy and stages: what is wanted, and the maximum; the first is demand over capacity with some room."""
    life = alone(maximum=6)
    life.settle({"v": 2}, 40.0)
    made = life.cycle({"v": 2}, 400.0)
    [line] = chains(made)
    assert made.explanation is not None
    wanted = int(word(line).partition(" ")[0])
    assert word(line) == f"{wanted} -> max 6"
    assert wanted > made.explanation.demand.value[0] / made.explanation.capacity.value[0] > 6
    assert line.endswith("[max]")


def test_a_fall_shows_what_would_do_and_what_the_window_keeps() -> None:
    """Through policy and stages, in the middle of the window."""
    life = alone()
    life.settle({"v": 12}, 300.0)
    for _ in range(12):
        made = life.cycle({"v": 12}, 30.0)
    [line] = chains(made)
    wanted, _, rest = word(line).partition(" -> ")
    assert int(wanted) <= 3
    assert rest.startswith("down_window ")
    assert rest.endswith(f" {made.target.value[0]:.0f}")


def test_the_lines_of_two_kinds_end_with_their_targets() -> None:
    """Through policy and stages: one demand, two shares of it."""
    fleet = promised(Declared(name="a", cost=10.0, maximum=3), Declared(name="b", cost=20.0, maximum=40))
    life = Life(of=fleet, belief=believed(2), rules=LOOSE)
    life.settle({"a": 1, "b": 1}, 30.0)
    made = life.cycle({"a": 1, "b": 1}, 300.0)
    lines = list(chains(made))
    assert all(" of the model (2 kinds) / " in line and " alone -> " in line for line in lines)
    assert [line.partition(" [")[0].split()[-2:] for line in lines] == [
        ["max", "3"],
        ["mix", f"{made.target.value[1]:.0f}"],
    ]


def test_a_backlog_and_large_numbers_are_shown_as_they_are() -> None:
    """Tokens in whole numbers, requests that wait beside the demand."""
    tokens = replace(CHEAP, demand=123456.7, capacity=81234.5, unit=Unit.TOKENS, bound=Bound.UNKNOWN)
    [line] = chains(wanting([2.2], tokens, backlog=12.0))
    assert line == "llm/llama-a100: 123457 tokens and 12 requests to work off / 81234 per replica -> 3 [no_headroom]"


def test_a_policy_that_does_not_reckon_shows_its_word_alone() -> None:
    """And a target that nobody knows is a dash."""
    plan = plan_of(replace(CHEAP, target=None, reason=Reason.COVERAGE))
    [line] = chains(replace(plan, explanation=None))
    assert line == "llm/llama-a100: - [coverage]"
