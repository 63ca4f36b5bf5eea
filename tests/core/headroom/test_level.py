"""The level that a fleet is made ready for."""

from __future__ import annotations

import numpy as np
import pytest

from wva_exporter.core.columns import floats
from wva_exporter.core.headroom.arrivals import Arrivals
from wva_exporter.core.headroom.level import Level, dispersion, level
from wva_exporter.core.headroom.sums import Sums


def steps(*count: float) -> Arrivals:
    """Steps of fifteen seconds, the newest last, at 15, 30, ..."""
    column = np.array(count, dtype=float)[:, None]
    return Arrivals(
        time=floats(15.0 * np.arange(1, len(count) + 1)),
        seconds=np.full_like(column, 15.0),
        count=column,
        sums=Sums.none(),
    )


def of(*count: float) -> Level:
    """The level after these steps, with the usual windows."""
    return level(steps(*count), 15.0 * len(count), short_seconds=30.0, long_seconds=60.0)


def test_a_steady_load_is_its_mean_and_a_deviation() -> None:
    """150 in each step: 10 a second, and sqrt(600)/60 above it for the minute or half of sqrt(300)/30 for its half."""
    assert of(*[150.0] * 8).rate.listed() == [pytest.approx(10 + max(np.sqrt(600) / 60, 0.5 * np.sqrt(300) / 30))]


def test_nobody_seen_is_unknown_and_not_zero() -> None:
    """Before the first step there is no level."""
    assert level(Arrivals.none(1), 0.0, short_seconds=30.0, long_seconds=60.0).rate.listed() == [None]


def test_no_arrivals_are_a_level_of_zero() -> None:
    """That is known."""
    assert of(0, 0, 0, 0).rate.listed() == [0]


def likely(*count: float) -> float:
    """The rate that is likely coming, over the mean of all that was seen before the last step."""
    found = of(*count).likely.listed()[0]
    assert found is not None
    return found / (sum(count[:-1]) / (15.0 * (len(count) - 1)))


def test_a_step_is_taken_at_once() -> None:
    """The scrape after a load that doubled is enough; it came within that scrape, so more of it is likely coming."""
    found = of(150, 150, 150, 150, 150, 300)
    assert found.rate.listed()[0] > 20
    assert found.likely.listed()[0] > found.rate.listed()[0]


def test_of_a_step_the_rise_is_what_is_still_to_come() -> None:
    """From 10 to 15 a second within a scrape: by its middle it was 20 that came, and not 30."""
    assert 1.9 < likely(150, 150, 150, 150, 150, 240) < 2.7
    assert likely(0.1, 0.1, 0.1, 0.1, 0.1, 75) == pytest.approx(likely(0.1, 0.1, 0.1, 0.1, 0.1, 150) / 2, rel=0.1)


def test_what_is_remembered_of_a_burst_is_its_minute() -> None:
    """The most of many half minutes is mostly chance."""
    found = of(150, 150, 150, 150, 150, 150, 150, 220)
    lasting, rate = found.lasting.listed()[0], found.rate.listed()[0]
    assert lasting == pytest.approx((670 + np.sqrt(670)) / 60)
    assert rate is not None
    assert rate > lasting


def test_the_second_scrape_of_a_step_shows_all_of_it() -> None:
    """Nothing is guessed any more."""
    found = of(150, 150, 150, 150, 150, 225, 300)
    assert found.likely.listed() == found.rate.listed()


def test_noise_is_no_step() -> None:
    """One deviation more is an ordinary scrape."""
    assert likely(150, 150, 150, 150, 150, 162) < 1.2


def test_bursts_stretch_what_counts_as_a_step() -> None:
    """Where counts vary more than Poisson's, as much more is ordinary."""
    bursty = np.array([[100.0], [200.0]] * 4)
    assert dispersion(bursty).tolist() == [6.0]
    assert dispersion(np.full((8, 1), 150.0)).tolist() == [1.0]
    assert likely(150, 150, 150, 150, 150, 150, 150, 215) > 1.4
    assert likely(100, 200, 100, 200, 100, 200, 100, 215) < 1.4


def slope(*per_second: float) -> float:
    """What a minute at each of these rates, the newest last, says of the slope: requests per second in a minute."""
    counts = [15.0 * rate for rate in per_second for _ in range(4)]
    return 60.0 * float(of(*counts).rising[0])


def test_a_load_that_rises_from_minute_to_minute_is_on_a_slope() -> None:
    """Two requests a second more in each minute."""
    assert slope(4, 6, 8, 10) == pytest.approx(2)


def test_a_slope_is_the_least_of_the_last_rises() -> None:
    """What flattens out, as a tide does, ends soon."""
    assert slope(4, 8, 11, 12) == pytest.approx(1)


@pytest.mark.parametrize(
    "minutes",
    [(5, 5, 5, 10), (5, 5, 10, 10), (5, 10, 10, 10), (5, 8, 10, 10), (5, 10, 15, 14), (12, 10, 8, 6)],
    ids=["a step", "a step a minute ago", "two minutes ago", "a step within a minute", "a turn", "a fall"],
)
def test_what_does_not_rise_in_each_minute_is_no_slope(minutes: tuple[float, ...]) -> None:
    """Nothing more is expected than what is there."""
    assert slope(*minutes) == 0.0


def test_rises_that_chance_explains_are_no_slope() -> None:
    """240 in a minute are 15 more or less by chance; a fifth of a request a second is 12 of them."""
    assert slope(4.0, 4.2, 4.4, 4.6) == 0.0
    assert slope(4.0, 4.4, 4.8, 5.2) == pytest.approx(0.4)


def test_a_past_that_is_too_short_shows_no_slope() -> None:
    """Three minutes make two rises."""
    assert slope(4, 6, 8) == 0.0
    assert level(Arrivals.none(1), 0.0, short_seconds=30.0, long_seconds=60.0).rising.tolist() == [0.0]
