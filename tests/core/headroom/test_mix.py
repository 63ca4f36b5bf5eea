"""Which replicas of which kind."""

from __future__ import annotations

from fleet_builder import V, fleet

from wva_exporter.core.columns import floats
from wva_exporter.core.headroom.groups import Groups
from wva_exporter.core.headroom.mix import Offers, fit


def chosen(
    need: float,
    enough: float,
    *,
    size: tuple[float, ...],
    standing: tuple[float, ...],
    cost: tuple[float, ...] = (10.0, 30.0),
    most: float = 100.0,
    least: float = 0.0,
) -> list[float]:
    """Replicas of variants of one model."""
    rows = len(size)
    groups = Groups.of(fleet(*(V(name=f"v{i}") for i in range(rows))))
    offers = Offers(
        size=floats(size),
        standing=floats(standing),
        least=floats([least] * rows),
        most=floats([most] * rows),
        cost=floats(cost[:rows]),
    )
    return fit(groups, offers, floats([need]), floats([enough])).tolist()


def test_one_kind_jumps_to_the_whole_size() -> None:
    """From two to nine in one cycle."""
    assert chosen(8.5, 9.0, size=(1.0,), standing=(2.0,)) == [9]


def test_between_need_and_enough_nothing_moves() -> None:
    """The dead band."""
    assert chosen(5.0, 9.0, size=(1.0,), standing=(7.0,)) == [7]


def test_what_is_more_than_enough_goes() -> None:
    """Down to what is kept."""
    assert chosen(5.0, 6.0, size=(1.0,), standing=(9.0,)) == [6]


def test_two_kinds_are_covered_at_least_cost() -> None:
    """Three units for 10 beat five for 30, unless they may not."""
    assert chosen(10.0, 12.0, size=(3.0, 5.0), standing=(0.0, 1.0)) == [2, 1]
    assert chosen(8.0, 9.0, size=(3.0, 5.0), standing=(0.0, 1.0), most=1.0) == [1, 1]


def test_mixed_kinds_keep_a_reserve() -> None:
    """A router fills them alike, and the slower is full first: exactly enough is not enough for two kinds."""
    assert chosen(8.0, 20.0, size=(3.0, 5.0), standing=(1.0, 1.0)) == [2, 1]


def test_the_dearest_capacity_leaves_first() -> None:
    """And only as many as are spare."""
    assert chosen(3.0, 5.5, size=(3.0, 5.0), standing=(2.0, 1.0)) == [2, 0]


def test_when_nothing_covers_all_that_may_be_is_wanted() -> None:
    """The maximum, never one."""
    assert chosen(1e6, 1e6, size=(3.0, 5.0), standing=(1.0, 1.0), most=7.0) == [7, 7]


def test_a_kind_without_capacity_keeps_what_it_has() -> None:
    """Of one kind alone that cannot be judged nothing is moved."""
    assert chosen(5.0, 5.0, size=(0.0,), standing=(4.0,)) == [4]
