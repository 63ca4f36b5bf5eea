"""Rates over time: their shape, the area under it, and the inverse of that area."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.workloads.rates import Rate

STAIRS = Rate.legs([(10, 2, False), (10, 5, False), (10, 1, True)])


def test_legs_stay_or_climb() -> None:
    """A level leg jumps to its rate at once, a ramp gets there at its end, and after the last one the rate stays."""
    assert [STAIRS.at(at) for at in (0, 9.9, 10, 20, 25, 30, 99)] == pytest.approx([2, 2, 5, 5, 3, 1, 1])


def test_a_ramp_at_the_beginning_has_nothing_to_climb_from() -> None:
    """It is level, at its own rate."""
    assert Rate.legs([(10, 4, True)]).at(0) == 4


def test_the_number_due_is_the_area() -> None:
    """20 in the first leg, 50 in the second, 30 on the way down, 1 a second behind; parts of legs too."""
    assert STAIRS.count(0, 30) == pytest.approx(100)
    assert STAIRS.count(5, 15) == pytest.approx(10 + 25)
    assert STAIRS.count(20, 25) == pytest.approx(20)
    assert STAIRS.count(25, 40) == pytest.approx(10 + 10)


def test_the_peak_counts_what_comes_within_the_time() -> None:
    """A later step is not seen, the rate before time 0 neither."""
    assert STAIRS.peak_rps(9) == 2
    assert STAIRS.peak_rps(30) == 5


def test_a_sine_begins_at_its_lowest_and_has_its_mean() -> None:
    """Lowest at 0 and after a period, highest in between; over a period the mean."""
    sine = Rate.sine(mean_rps=10, swing_rps=8, period_seconds=3600, seconds=7200)
    assert [sine.at(at) for at in (0, 1800, 3600, 5400)] == pytest.approx([2, 18, 2, 18])
    assert sine.at(900) == pytest.approx(10, rel=1e-3)
    assert sine.count(0, 7200) == pytest.approx(72_000, rel=1e-3)


def test_a_flash_crowd_jumps_and_decays() -> None:
    """After one time constant 37 % of the excess is left; its area is peak times constant."""
    flash = Rate.flash(base_rps=2, peak_rps=12, at_seconds=60, decay_seconds=100)
    assert flash.at(59.9) == pytest.approx(2)
    assert flash.at(60) == pytest.approx(12)
    assert flash.at(160) == pytest.approx(2 + 10 * math.exp(-1), rel=1e-3)
    assert flash.count(60, 860) == pytest.approx(2 * 800 + 10 * 100, rel=2e-3)


def test_requests_are_due_when_the_area_is_their_number() -> None:
    """The tenth of a rate of 2 comes after 5 s, the thirtieth 2 s into the leg of 5."""
    assert STAIRS.due(np.array([10.0, 30.0]), 0.0) == pytest.approx([5.0, 12.0])
    assert STAIRS.due(np.array([10.0]), -5.0) == pytest.approx([0.0])


def test_where_the_rate_ends_at_nothing_no_more_come() -> None:
    """Infinitely late, not wrongly early."""
    assert np.isinf(Rate.legs([(10, 1, False), (10, 0, False)]).due(np.array([11.0]), 0.0))


@given(
    st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 50), st.booleans()), min_size=1, max_size=6),
    st.floats(0, 50),
    st.floats(0.001, 0.999),
)
def test_due_undoes_the_area(legs: list[tuple[float, float, bool]], start: float, share: float) -> None:
    """Counting up to where the n-th is due gives n again, wherever one begins."""
    rate = Rate.legs(legs)
    number = rate.count(start, start + 200) * share
    at = float(rate.due(np.array([number]), start)[0])
    if number > 1e-6:
        assert rate.count(start, at) == pytest.approx(number, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("knots", [(), ((1.0, 1.0), (0.0, 1.0)), ((0.0, -1.0),), ((0.0, math.inf),)])
def test_knots_without_order_or_sense_are_refused(knots: tuple[tuple[float, float], ...]) -> None:
    """Times rise, rates are finite and not negative."""
    with pytest.raises(InvalidValue, match="knots"):
        Rate(knots=knots)
