"""Arrivals and sizes: the rates and means that were asked for, the same for the same seed."""

import numpy as np
import pytest

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.workload import Lengths, RateProfile, Workload

RISE_AND_FALL = RateProfile(points=((0, 10), (100, 30), (200, 10)))


def workload(seed: int = 1) -> Workload:
    """Requests of 400 and 100 tokens in the mean."""
    return Workload(
        RISE_AND_FALL,
        prompt=Lengths(mean_tokens=400, sigma=0.5, most=4000),
        response=Lengths(mean_tokens=100, sigma=0.8, most=4000),
        generator=np.random.default_rng(seed),
    )


def test_the_rate_is_a_line_between_points_and_level_outside() -> None:
    """Half way up is half of the rise."""
    assert [RISE_AND_FALL.at(at) for at in (-5, 0, 50, 100, 150, 900)] == [10, 10, 20, 30, 20, 10]
    assert RISE_AND_FALL.peak == 30


def test_arrivals_follow_the_profile() -> None:
    """About as many as the area under the rate, within four standard deviations of a Poisson count."""
    at = np.array([request.arrival_seconds for request in workload().until(200)])
    for start, end, expected in ((0, 100, 2000), (100, 200, 2000), (80, 120, 1120)):
        assert abs(np.count_nonzero((start < at) & (at <= end)) - expected) < 4 * expected**0.5


def test_sizes_have_the_means_that_were_asked_for() -> None:
    """The mean of the log-normal law is the one in tokens, not that of its logarithm."""
    requests = list(workload().until(200))
    assert np.mean([r.prompt_tokens for r in requests]) == pytest.approx(400, rel=0.05)
    assert np.mean([r.output_tokens for r in requests]) == pytest.approx(100, rel=0.05)


def test_arrivals_do_not_depend_on_how_time_is_cut() -> None:
    """A hundred looks hand out the same requests as one."""
    pieces, load = [], workload()
    for second in range(1, 101):
        pieces += list(load.until(second))
    assert pieces == list(workload().until(100))


def test_a_profile_without_order_is_refused() -> None:
    """Times rise and rates are not negative."""
    for points in ((), ((1.0, 1.0), (0.0, 1.0)), ((0.0, -1.0),)):
        with pytest.raises(InvalidValue, match="rate profile"):
            RateProfile(points=points)
