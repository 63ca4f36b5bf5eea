"""Signals of pods from their samples: what the queries of the engine tables answer, for all pods of a fleet at once.

Scrapes of a pod never fail while it lives, so the samples within a window are always the newest ones of it, and only where
each window begins differs from pod to pod. Windows are open at their start, as in Prometheus 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.twin.pod_samples import PodSamples, Series

EXTRAPOLATION_FACTOR = 1.1
"""A window's edge further from its nearest sample than this many mean distances is not extrapolated to."""

JITTER = 0.1
"""Share of a scrape interval by which scrapes may come late without counting as missed."""

_SHORT, _LONG = 0, 1
"""The windows by their place."""

_NOW = {Signal.RUNNING: Series.RUNNING, Signal.WAITING: Series.WAITING}
_RATES = {Signal.REQUEST_RATE: Series.ENDED, Signal.GENERATION_TOKEN_RATE: Series.GENERATED}
_MEANS = {
    Signal.TTFT: (_SHORT, Series.TTFT_SUM, Series.TTFT_COUNT),
    Signal.ITL: (_SHORT, Series.ITL_SUM, Series.ITL_COUNT),
    Signal.INPUT_TOKENS: (_LONG, Series.PROMPT_SUM, Series.PROMPT_COUNT),
    Signal.OUTPUT_TOKENS: (_LONG, Series.OUTPUT_SUM, Series.OUTPUT_COUNT),
    Signal.PREFIX_HIT_RATIO: (_LONG, Series.HITS, Series.QUERIES),
}
"""Of which window, and rate of what over rate of what."""

SIGNALS = (
    *(*_NOW, Signal.ARRIVED, Signal.AGE, Signal.COVERAGE),
    *(Signal.KV_PEAK, Signal.WAITING_PEAK, Signal.KV),
    *_RATES,
    *_MEANS,
)
"""What ``signals`` tells, row by row."""

_LEVELS, _RATED, _AVERAGED = slice(5, 8), slice(8, 10), slice(10, 15)
"""The rows of these that not every pod has."""

_NOW_SERIES, _RATE_SERIES = (np.array([*which.values()]) for which in (_NOW, _RATES))
_WINDOW, _SUM, _COUNT = np.array([*_MEANS.values()]).T
_KV, _WAITING, _ENDED = int(Series.KV), int(Series.WAITING), int(Series.ENDED)


def signals(
    pods: Sequence[PodSamples], now: float, *, scrape_seconds: float, short_seconds: float, long_seconds: float
) -> Column:
    """Every signal that engines tell of themselves: shape (signals, pods), unknown where a query would answer nothing.

    Rows are those of ``SIGNALS``. Pods have at least one sample each; units are those of ``conventions.Signal``.
    """
    times = np.concatenate([pod.times for pod in pods]).reshape(len(pods), -1)
    values = np.concatenate([pod.values for pod in pods]).reshape(*times.shape, len(Series))
    seconds = np.array([[short_seconds], [long_seconds]])
    inside = times > (now - seconds)[:, :, np.newaxis]
    count = np.add.reduce(inside, axis=2, dtype=np.int64)
    newest = values[:, -1].T
    value = np.zeros((len(SIGNALS), len(pods)))
    known = np.ones(value.shape, dtype=np.bool_)
    value[:2] = newest[_NOW_SERIES]
    value[2] = newest[_ENDED] + (value[0] + value[1])
    value[3] = now - times[:, -1]
    value[4] = _coverage(times, now, scrape_seconds, short_seconds)
    value[_LEVELS] = _levels(inside[_SHORT], values, count[_SHORT])
    known[_LEVELS] = inside[_SHORT, :, -1]
    rate, rated = rates(times, values, now, seconds, count)
    value[_RATED] = rate[_SHORT].T[_RATE_SERIES]
    known[_RATED] = rated[_SHORT]
    total, counted = rate[_WINDOW, :, _SUM], rate[_WINDOW, :, _COUNT]
    known[_AVERAGED] = rated[_WINDOW] & (counted > 0.0)  # of nothing there is no mean
    np.divide(total, counted, out=value[_AVERAGED], where=known[_AVERAGED])
    return Column.of(value, known)


def rates(
    times: FloatArray, values: FloatArray, now: float, seconds: FloatArray, count: IntArray
) -> tuple[FloatArray, BoolArray]:
    """``rate`` of every series over (now - seconds, now]: shape (windows, pods, series), and which pods have one.

    ``times`` has shape (pods, scrapes), ``values`` (pods, scrapes, series), ``seconds`` (windows, 1); ``count`` is how many
    samples lie in each window, shape (windows, pods). The increase is stretched from the time between the first and the last
    sample to the window, at the front not past where the counter would have been 0, and at an edge without samples by half a
    mean distance (Prometheus, promql/functions.go, extrapolatedRate).
    """
    known = count >= 2  # noqa: PLR2004 - two samples make a rate
    rows, first = np.arange(len(times)), np.minimum(times.shape[1] - count, times.shape[1] - 1)
    begin, start, end = values[rows, first], times[rows, first], times[:, -1]
    increase = values[:, -1] - begin
    covered = np.where(known, end - start, 1.0)
    step = (covered / np.maximum(count - 1, 1))[:, :, np.newaxis]
    front, back = (start - (now - seconds))[:, :, np.newaxis], (now - end)[:, np.newaxis]
    covered = covered[:, :, np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):
        to_zero = np.where(increase > 0.0, covered * begin / increase, np.inf)
    stretched = covered + _edge(np.minimum(front, to_zero), step) + _edge(back, step)
    return increase * (stretched / covered) / seconds[:, :, np.newaxis], known


def _edge(distance: FloatArray, step: FloatArray) -> FloatArray:
    return np.where(distance >= step * EXTRAPOLATION_FACTOR, step / 2.0, distance)


def _levels(inside: BoolArray, values: FloatArray, count: IntArray) -> FloatArray:
    """Peaks of the KV cache's share and of the queue, and the mean of that share, over a window: shape (3, pods)."""
    width = max(int(count.max()), 1)
    recent, inside = values[:, -width:], inside[:, -width:]
    kv, waiting = (np.where(inside, recent[:, :, series], 0.0) for series in (_KV, _WAITING))
    mean = np.add.reduce(kv, axis=1) / np.maximum(count, 1)
    return np.array([np.maximum.reduce(kv, axis=1), np.maximum.reduce(waiting, axis=1), mean])


def _coverage(times: FloatArray, now: float, scrape_seconds: float, seconds: float) -> FloatArray:
    """Samples of the short window over those that a full one has, at most 1; what is older does not count: shape (pods,)."""
    full = max(1, math.ceil(seconds / scrape_seconds - 1e-6))
    inside = times[:, -full:] > now - seconds - JITTER * scrape_seconds
    return np.asarray(np.add.reduce(inside, axis=1, dtype=np.int64) / full)
