"""What is demanded, held against boards whose scores are written down."""

from __future__ import annotations

from dataclasses import replace

from arena_builder import scenario
from board_builder import board, scored

from wva_exporter.evidence.arena.board import Board
from wva_exporter.evidence.arena.quality import Demand, as_good_as_default_hpa, beaten_limits, demands
from wva_exporter.evidence.arena.score import Score


def named(found: list[Demand], words: str) -> Demand:
    """The demand that says this."""
    return next(demand for demand in found if words in demand.text)


def one(ours: Score, **others: Score) -> Board:
    """A board of one scenario."""
    return board({"s": {"headroom": ours, **others}})


def test_limits_are_what_attainment_and_cost_are_held_against() -> None:
    """97 % of the reactive limit's attainment at 1.7 times the oracle's cost misses three demands, with their numbers."""
    found = demands(one(scored(0.873, 17.0), reactive=scored(0.90, 9.0), oracle=scored(0.95, 10.0)))
    assert named(found, "98 % of the reactive").misses == ("s 0.970",)
    assert named(found, "in the mean: 1.70").misses == ("1.700",)
    assert named(found, "1.6 times").misses == ("s 1.700",)
    fine = demands(one(scored(0.90, 12.0), reactive=scored(0.90, 9.0), oracle=scored(0.95, 10.0)))
    assert all(demand.holds for demand in fine)


def test_what_cannot_be_checked_is_not_said_to_hold() -> None:
    """Without limits nothing is said about them, without traces nothing about those."""
    texts = " ".join(demand.text for demand in demands(one(scored(0.9, 10.0), hpa=scored(0.8, 10.0))))
    assert "oracle" not in texts
    assert "traces" not in texts
    assert "reversal" in texts


def test_an_opponent_must_be_better_on_both_to_count() -> None:
    """More attainment for more money, or less of both, is a choice; more for less is a loss."""
    ours = scored(0.90, 10.0)
    for theirs, loses in (
        (scored(0.95, 12.0), False),
        (scored(0.85, 8.0), False),
        (scored(0.905, 8.0), False),
        (scored(0.95, 9.8), False),
        (scored(0.92, 9.5), True),
    ):
        assert bool(named(demands(one(ours, hpa=theirs)), "better by more than").misses) == loses


def test_scenarios_that_nobody_can_carry_do_not_count() -> None:
    """They stay in the tables, not among the demands."""
    table = {"s": {"headroom": scored(0.5, 10.0), "reactive": scored(0.9, 5.0)}}
    assert not named(demands(board(table)), "reactive").holds
    hopeless = [scenario(name="s", feasible=False)]
    assert not [demand for demand in demands(board(table, hopeless)) if "reactive" in demand.text]


def test_the_papers_points_have_demands_of_their_own() -> None:
    """Good requests, failures and the price of a good one, cold and warm; no failure on both sides is fine."""
    ours, slow = scored(0.9, 10.0), scored(0.6, 10.0, timed_out_ratio=0.2)
    row = {"headroom": ours, "hpa-120s": slow, "wva-v1": scored(0.5, 6.0), "hpa": scored(0.85, 10.0)}
    found = demands(board({"paper-5-cold": row, "paper-5-warm": row}))
    assert named(found, "1.3 times the good").holds
    assert named(found, "0.12 times").holds
    assert len(named(found, "twice the good").misses) == 2
    assert named(found, "1.05 times").holds
    both_fine = row | {"hpa-120s": replace(slow, timed_out_ratio=0.0)}
    assert named(demands(board({"paper-5-warm": both_fine})), "0.12 times").holds


def test_points_where_default_hpa_is_as_good_are_named() -> None:
    """Within 10 %, either way."""
    near = board({"paper-5-cold": {"headroom": scored(0.9, 10.0), "hpa": scored(0.85, 10.0)}})
    far = board({"paper-5-cold": {"headroom": scored(0.9, 10.0), "hpa": scored(0.5, 10.0)}})
    assert as_good_as_default_hpa(near) == ["paper-5-cold (1.06)"]
    assert as_good_as_default_hpa(far) == []


def test_reversals_are_counted_against_hpa_and_an_hour() -> None:
    """One more than HPA is allowed; on a trace one an hour."""
    row = {"headroom": scored(0.9, 10.0, reversals=2.5), "hpa": scored(0.9, 10.0, reversals=1.0)}
    hour = [scenario(name="s", seconds=3600.0, kind="trace")]
    found = demands(board({"s": row}, hour))
    assert named(found, "one reversal more").misses == ("s +1.5",)
    assert named(found, "an hour").misses == ("s 2.5",)


def test_whoever_beats_a_limit_is_named() -> None:
    """Far more attainment than the oracle, or more for less than a limit; more for more money is no contradiction."""
    oracle = scored(0.90, 10.0)
    assert beaten_limits(one(scored(0.95, 20.0), oracle=oracle)) != []
    assert beaten_limits(one(scored(0.905, 9.0), oracle=oracle)) != []
    assert beaten_limits(one(scored(0.905, 20.0), oracle=oracle)) == []
    assert beaten_limits(one(scored(0.95, 20.0), reactive=oracle)) == []
    assert beaten_limits(one(scored(0.89, 5.0), oracle=oracle)) == []


def test_what_noise_explains_is_no_finding() -> None:
    """Three seeds that disagree by more than the difference."""
    noisy = [scored(0.99, 9.0), scored(0.80, 9.0), scored(0.93, 9.0)]
    found = board({"s": {"headroom": noisy, "oracle": scored(0.90, 10.0)}})
    assert beaten_limits(found) == []
