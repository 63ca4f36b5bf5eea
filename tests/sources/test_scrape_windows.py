"""Rates, peaks and means over a window, against Prometheus' own algorithm written out one series at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.sources.windows import mean, peak, rate, slope

GAP = math.nan


def rate_of(times: list[float], values: list[float], start: float, end: float) -> float:
    """The rate of one series."""
    return float(rate(np.array(times), np.array([values]), start, end)[0])


def extrapolated_rate(samples: list[tuple[float, float]], start: float, end: float) -> float | None:
    """``extrapolatedRate`` of Prometheus 2, translated line by line from Go."""
    if len(samples) < 2:
        return None
    result = samples[-1][1] - samples[0][1]
    previous = samples[0][1]
    for _, value in samples[1:]:
        if value < previous:
            result += previous
        previous = value
    to_start, to_end = samples[0][0] - start, end - samples[-1][0]
    sampled = samples[-1][0] - samples[0][0]
    average = sampled / (len(samples) - 1)
    if result > 0 and samples[0][1] >= 0:
        to_start = min(to_start, sampled * (samples[0][1] / result))
    if to_start >= average * 1.1:
        to_start = average / 2
    if to_end >= average * 1.1:
        to_end = average / 2
    return result * ((sampled + to_start + to_end) / sampled) / (end - start)


counters = st.lists(st.one_of(st.floats(0, 1e9), st.just(GAP)), min_size=1, max_size=12)


@given(counters, st.floats(0.01, 40), st.floats(0, 40))
def test_a_rate_is_what_prometheus_makes_of_the_same_samples(values: list[float], before: float, after: float) -> None:
    """With resets, gaps, short series and any distance to the edges of the window."""
    times = [10.0 * i for i in range(len(values))]
    start, end = -before, times[-1] + after
    expected = extrapolated_rate([s for s in zip(times, values, strict=True) if not math.isnan(s[1])], start, end)
    got = rate_of(times, values, start, end)
    assert got == pytest.approx(expected) if expected is not None else math.isnan(got)


def test_a_reset_loses_nothing_that_was_counted_before_it() -> None:
    """10 to 40, a restart, 0 to 20: fifty in all."""
    assert rate_of([0, 10, 20, 30], [10, 40, 0, 20], 0, 30) * 30 == pytest.approx(50)


def test_one_sample_makes_no_rate() -> None:
    """Not 0 either."""
    assert math.isnan(rate_of([0, 10], [GAP, 5], 0, 10))
    assert math.isnan(rate_of([], [], 0, 10))


def test_gaps_are_left_out_of_peaks_and_means() -> None:
    """And where nothing else is, nothing comes of it."""
    values = np.array([[1.0, GAP, 4.0], [GAP, GAP, GAP]])
    np.testing.assert_array_equal(peak(values), [4.0, GAP])
    np.testing.assert_array_equal(mean(values), [2.5, GAP])
    assert np.isnan(peak(np.zeros((2, 0)))).all()
    assert np.isnan(mean(np.zeros((2, 0)))).all()


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(GAP)), min_size=2, max_size=12))
def test_a_slope_is_that_of_the_nearest_line(values: list[float]) -> None:
    """By least squares, as ``deriv`` has it, of the samples that are there."""
    times = 1.7e9 + 10.0 * np.arange(len(values))
    there = ~np.isnan(values)
    got = float(slope(times, np.array([values]))[0])
    if there.sum() < 2:
        assert math.isnan(got)
    else:
        expected = np.polyfit(times[there] - times[0], np.array(values)[there], 1)[0]
        assert got == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_slope_of_nothing_is_none() -> None:
    """An empty window, as every other function has it."""
    assert np.isnan(slope(np.zeros(0), np.zeros((2, 0)))).all()


@given(st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=2, max_size=6))
def test_the_largest_numbers_warn_nobody(values: list[float]) -> None:
    """What overflows becomes infinite and is dropped later; it does not raise."""
    array = np.array([values])
    rate(np.arange(len(values), dtype=float), array, -1.0, float(len(values)))
    mean(array)
    peak(array)
    slope(np.arange(len(values), dtype=float), array)
