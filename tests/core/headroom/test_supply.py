"""What is there, what is on its way, and when it is too late to believe in."""

from __future__ import annotations

from fleet_builder import R, V, fleet, snapshot

from wva_exporter.core.columns import Column
from wva_exporter.core.headroom.supply import ASSUMED_STARTUP_SECONDS, Supply, supply

FLEET = fleet(V(name="v"))


def after(*cycles: tuple[float, int, int], wanted: float | None = None) -> Supply:
    """Cycles as (time, ready, asked for); ``wanted`` is what we asked for all the time."""
    found = Supply.unknown(1)
    for time, ready, current in cycles:
        seen = snapshot(FLEET, [R(v="v")] * ready, time=time, declared=True, current={"v": current}, ready={"v": ready})
        found = supply(found, seen, Column.from_optional([wanted]))
    return found


def test_what_was_asked_for_is_supply() -> None:
    """Nothing is ordered twice."""
    assert after((0, 2, 5)).total.tolist() == [5]


def test_start_up_is_learned() -> None:
    """Half of the newest start: ninety seconds are assumed, thirty were seen."""
    assert after((0, 2, 3), (30, 3, 3)).startup_seconds.tolist() == [(ASSUMED_STARTUP_SECONDS + 30) / 2]


def test_what_does_not_come_is_overdue_and_no_longer_counts() -> None:
    """After ten minutes, or three times as long as usual."""
    assert after((0, 2, 5), (590, 2, 5)).total.tolist() == [5]
    late = after((0, 2, 5), (610, 2, 5))
    assert (late.total.tolist(), late.overdue.tolist()) == ([2], [True])


def test_what_nobody_makes_is_overdue_like_what_does_not_start() -> None:
    """A quota or a scaler with a maximum of its own: nothing is pending, and yet five were asked for."""
    assert after((0, 2, 2), (590, 2, 2), wanted=5.0).overdue.tolist() == [False]
    assert after((0, 2, 2), (610, 2, 2), wanted=5.0).overdue.tolist() == [True]


def test_a_start_that_waited_for_a_machine_says_nothing_of_the_next() -> None:
    """Three hours until there was a node: an overdue replica is noticed all the same."""
    late = after((0, 2, 3), (10_800, 3, 3))
    assert late.startup_seconds.tolist() == [(ASSUMED_STARTUP_SECONDS + 1800.0) / 2]


def test_one_that_comes_gives_the_others_time() -> None:
    """A fleet that grows one by one is not overdue."""
    assert after((0, 2, 5), (500, 3, 5), (900, 3, 5)).total.tolist() == [5]
