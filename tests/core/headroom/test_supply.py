"""What is there, what is on its way, and when it is too late to believe in."""

from __future__ import annotations

from fleet_builder import R, V, fleet, snapshot

from wva_exporter.core.headroom.supply import ASSUMED_STARTUP_SECONDS, Supply, supply

FLEET = fleet(V(name="v"))


def after(*cycles: tuple[float, int, int]) -> Supply:
    """Cycles as (time, ready, asked for)."""
    found = Supply.unknown(1)
    for time, ready, current in cycles:
        seen = snapshot(FLEET, [R(v="v")] * ready, time=time, declared=True, current={"v": current}, ready={"v": ready})
        found = supply(found, seen)
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


def test_one_that_comes_gives_the_others_time() -> None:
    """A fleet that grows one by one is not overdue."""
    assert after((0, 2, 5), (500, 3, 5), (900, 3, 5)).total.tolist() == [5]
