"""What Prometheus' range functions make of the samples in a window, for many series at once.

Everywhere: ``times`` has shape (scrapes,), seconds since the epoch, increasing; ``values`` has shape (series, scrapes), NaN
where a scrape did not bring the series, be it that the scrape failed or that the target did not expose it. Answers have shape
(series,), NaN where Prometheus would return nothing. Inside this package's arrays NaN is a gap, as staleness markers are in
Prometheus; it is dropped before anything leaves.
"""

from __future__ import annotations

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray

EXTRAPOLATION_FACTOR = 1.1
"""A window's edge further from its nearest sample than this many mean distances is not extrapolated to."""


def peak(values: FloatArray) -> FloatArray:
    """``max_over_time``."""
    return np.asarray(np.fmax.reduce(values, axis=1, initial=np.nan))


def mean(values: FloatArray) -> FloatArray:
    """``avg_over_time``."""
    present = ~np.isnan(values)
    count = present.sum(axis=1)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.asarray(np.where(present, values, 0.0).sum(axis=1) / count)


def rate(times: FloatArray, values: FloatArray, start: float, end: float) -> FloatArray:
    """``rate`` over (start, end], with its treatment of counter resets and its extrapolation to the window's edges.

    The increase is the last value minus the first, plus the value before each fall. It is stretched from the time between
    the first and last sample to the window, but at the front not past where the counter would have been 0, and at an edge
    that lacks samples by half a mean distance (Prometheus, promql/functions.go, extrapolatedRate, in the order of 2.x; 3.x
    looks at zero last, which differs only for a series that is younger than the window).
    """
    scrapes = len(times)
    if scrapes == 0:
        return np.full(len(values), np.nan)
    present = ~np.isnan(values)
    count = present.sum(axis=1)
    first = present.argmax(axis=1)
    last = scrapes - 1 - present[:, ::-1].argmax(axis=1)
    rows = np.arange(len(values))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        increase = values[rows, last] - values[rows, first] + _lost_in_resets(values, present)
        covered = times[last] - times[first]
        step = covered / (count - 1)
        to_zero = np.where(increase > 0, covered * (values[rows, first] / increase), np.inf)
        front = np.minimum(times[first] - start, np.where(to_zero >= 0, to_zero, np.inf))
        stretched = covered + _edge(front, step) + _edge(end - times[last], step)
        per_second = increase * (stretched / covered) / (end - start)
    return np.where(count >= 2, per_second, np.nan)  # noqa: PLR2004 - two samples make a rate


def slope(times: FloatArray, values: FloatArray) -> FloatArray:
    """``deriv``: the slope of the straight line that is nearest to the samples by least squares, per second."""
    present = ~np.isnan(values)
    count = present.sum(axis=1)
    since = times - times[0] if len(times) else times
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean_time = np.where(present, since, 0.0).sum(axis=1) / count
        mean_value = np.where(present, values, 0.0).sum(axis=1) / count
        away = np.where(present, since - mean_time[:, np.newaxis], 0.0)
        rise = np.where(present, values - mean_value[:, np.newaxis], 0.0)
        per_second = (away * rise).sum(axis=1) / (away * away).sum(axis=1)
    return np.where(count >= 2, per_second, np.nan)  # noqa: PLR2004 - two samples make a line


def _edge(distance: FloatArray, step: FloatArray) -> FloatArray:
    return np.where(distance >= step * EXTRAPOLATION_FACTOR, step / 2, distance)


def _lost_in_resets(values: FloatArray, present: BoolArray) -> FloatArray:
    """What each counter had reached before every fall within the window: shape (series,)."""
    newest = np.maximum.accumulate(np.where(present, np.arange(values.shape[1]), 0), axis=1)
    filled = np.take_along_axis(values, newest, axis=1)  # gaps repeat what was before them, so that only falls show
    before, after = filled[:, :-1], filled[:, 1:]
    return np.asarray(np.where(after < before, before, 0.0).sum(axis=1))
