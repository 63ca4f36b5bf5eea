"""The search for the limits of a scenario: with a worth that is known, and in the twin itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arena_builder import scenario, variant

from wva_exporter.evidence.arena import board as boards
from wva_exporter.evidence.arena.board import Contest, hold
from wva_exporter.evidence.arena.quality import beaten_limits
from wva_exporter.evidence.arena.search import LIMITS, Load, Search, Worth, find, seen
from wva_exporter.evidence.arena.sensitivity import variations
from wva_exporter.twin.contenders import contender
from wva_exporter.twin.limits import Levels
from wva_exporter.twin.scheduled import Scheduled

TRUE = Levels(starts=(0.0, 100.0, 200.0), replicas=((1,), (4,), (1,)))
"""What the scenario below is said to need ready."""


def paper_worth(contender_: Scheduled, seed: int) -> Worth:
    """Attainment is the share of time with enough replicas ready, 40 s after they were asked for; cost is replica seconds."""
    del seed
    seconds = np.arange(0.0, 300.0)
    orders = contender_.orders
    asked = np.array([orders.at(at)[0] for at in seconds])
    ready = np.array([min(orders.at(at)[0], orders.at(max(at - 40.0, 0.0))[0]) for at in seconds])
    wanted = np.array([TRUE.at(at)[0] for at in seconds])
    return float(np.mean(ready >= wanted)), float(asked.sum())


def test_the_search_finds_the_cheapest_schedule_that_is_in_time() -> None:
    """Never short for more than half a percent of the time, and within 15 s of the cheapest there is."""
    limits = find(Search(scenario=scenario(), seeds=(0,), evaluate=paper_worth, budget=120))
    good, cost = paper_worth(limits.oracle, 0)
    cheapest = 100.0 + 4 * 140.0 + 60.0  # asked for at 60, back at 200
    assert good >= 0.995
    assert cost <= cheapest + 15 * 4


def test_the_reactive_limit_has_the_same_sizes_later() -> None:
    """It is never ready before a start-up and a scrape have passed since the step."""
    limits = find(Search(scenario=scenario(), seeds=(0,), evaluate=paper_worth, budget=120))
    assert limits.reactive.orders.at(99.0) == limits.oracle.orders.at(0.0)
    assert max(limits.reactive.orders.replicas) >= max(limits.oracle.orders.replicas)
    assert paper_worth(limits.reactive, 0)[0] < paper_worth(limits.oracle, 0)[0]


def load(before: float, after: float) -> Load:
    """Ten minutes of warm-up and ten that count, with a step at 300 s, in bins of 15 s."""
    needs = np.where(np.arange(80) * 15.0 - 600.0 < 300.0, before, after)
    return Load(needs=needs[None, :], bin_seconds=15.0, start=-600.0)


def test_without_foresight_nothing_rises_before_its_load() -> None:
    """The oracle wants its replicas 45 s early; who sees the load first asks when it is there. Falls stay where they are."""
    wanted = Levels(starts=(-600.0, 255.0, 500.0), replicas=((2,), (5,), (1,)))
    found = seen(wanted, load(2.0, 5.0), scenario())
    assert found == Levels(starts=(-600.0, 300.0, 500.0), replicas=((2,), (5,), (1,)))


def test_without_foresight_the_warm_up_is_served_by_what_it_needs() -> None:
    """What the time after it needs is asked for when that has begun."""
    wanted = Levels(starts=(-600.0,), replicas=((4,),))
    cold = load(0.0, 0.0)
    assert seen(wanted, cold, scenario()) == Levels(starts=(-600.0, 0.0), replicas=((1,), (4,)))


def test_without_foresight_a_slow_rise_is_left_where_it_is() -> None:
    """There is no moment at which the load came."""
    slope = Load(needs=np.linspace(2.0, 3.0, 80)[None, :], bin_seconds=15.0, start=-600.0)
    wanted = Levels(starts=(-600.0, 255.0), replicas=((2,), (3,)))
    found = seen(wanted, slope, scenario())
    assert [found.at(at) for at in (0.0, 254.0, 255.0)] == [(2,), (2,), (3,)]


def test_a_search_keeps_its_budget() -> None:
    """Each schedule is tried once, and both limits share nothing but the bound."""
    tried: list[Scheduled] = []

    def counting(contender_: Scheduled, seed: int) -> Worth:
        tried.append(contender_)
        return paper_worth(contender_, seed)

    find(Search(scenario=scenario(), seeds=(0,), evaluate=counting, budget=10))
    assert len([each for each in tried if each.name == "oracle"]) == 10
    assert len(set(tried)) == len(tried)


@pytest.mark.parametrize("kinds", [(), (variant("a", most=4), variant("b", most=4, cost_per_hour=1.0))])
def test_nobody_beats_the_limits_in_the_twin(kinds: tuple) -> None:
    """The oracle attains at least what everybody else does, and whoever attains as much pays more."""
    names = ("headroom", "hpa", "static-max", "wva-v1")
    contest = Contest(
        scenarios=[scenario(*kinds)], contenders=[contender(name) for name in names], limits=LIMITS, seeds=range(3)
    )
    board = hold(contest, folder=None, workers=1)
    assert beaten_limits(board) == []
    for name in names:
        assert board.difference("small", "oracle", name, "attainment_ratio").mean > -0.01
    assert board.ratio("small", "static-max", "oracle", "cost").mean > 1.2
    assert board.difference("small", "oracle", "reactive", "attainment_ratio").mean >= 0.0


def test_a_scenario_is_changed_in_one_thing_at_a_time() -> None:
    """Each variation has its own name, and arrivals stay what they were."""
    changed = dict(variations(scenario()))
    assert len({each.name for each in changed.values()}) == len(changed)
    before = scenario().requests(1)
    assert changed["start-up 300 s"].variants[0].spec.startup_seconds == 300.0
    assert changed["scrape 5 s"].scrape_seconds == changed["scrape 5 s"].cycle_seconds == 5.0
    longer = changed["answers 1.3 times as long"].requests(1)
    assert np.array_equal(longer.arrival_seconds, before.arrival_seconds)
    assert longer.output_tokens.mean() == pytest.approx(1.3 * before.output_tokens.mean(), rel=0.01)
    for each in changed.values():
        assert each.duration_seconds == scenario().duration_seconds


def test_a_scenario_of_many_requests_is_played_with_few_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones, so that pairs stay pairs; where nobody says how few, with all."""
    monkeypatch.setattr(boards, "HEAVY_REQUESTS", len(scenario().requests(0)))
    heavy = Contest(
        scenarios=[scenario()], contenders=[contender("static-1")], limits=(), seeds=range(4), heavy_seeds=2
    )
    assert len(hold(heavy, folder=None, workers=1).scores["small", "static-1"]) == 2
    assert list(replace(heavy, heavy_seeds=None).seeds_of(scenario())) == [0, 1, 2, 3]
    monkeypatch.setattr(boards, "HUGE_REQUESTS", 10)
    assert list(heavy.seeds_of(scenario())) == [0]
