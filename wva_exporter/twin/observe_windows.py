"""Signals of pods from their samples: what the queries of the engine tables answer, for all pods of a fleet at once.

Scrapes of a pod never fail while it lives, so the samples within a window are always the newest ones of it, and only where
each window begins differs from pod to pod. Windows are open at their start, as in Prometheus 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, Column, FloatArray
from wva_exporter.twin.pod_samples import PodSamples, Series

EXTRAPOLATION_FACTOR = 1.1
"""A window's edge further from its nearest sample than this many mean distances is not extrapolated to."""

JITTER = 0.1
"""Share of a scrape interval by which scrapes may come late without counting as missed."""

_RATES = {Signal.REQUEST_RATE: Series.ENDED, Signal.GENERATION_TOKEN_RATE: Series.GENERATED}
_SHORT_MEANS = {
    Signal.TTFT: (Series.TTFT_SUM, Series.TTFT_COUNT),
    Signal.ITL: (Series.ITL_SUM, Series.ITL_COUNT),
}
_LONG_MEANS = {
    Signal.INPUT_TOKENS: (Series.PROMPT_SUM, Series.PROMPT_COUNT),
    Signal.OUTPUT_TOKENS: (Series.OUTPUT_SUM, Series.OUTPUT_COUNT),
    Signal.PREFIX_HIT_RATIO: (Series.HITS, Series.QUERIES),
}


def signals(
    pods: Sequence[PodSamples], now: float, *, scrape_seconds: float, short_seconds: float, long_seconds: float
) -> Mapping[Signal, Column]:
    """Every signal that engines tell of themselves: shape (pods,), unknown where a query would answer nothing.

    Pods have at least one sample each; units are those of ``conventions.Signal``.
    """
    times = np.stack([pod.times for pod in pods])
    values = np.stack([pod.values for pod in pods])
    latest = values[:, -1]
    inside = latest[:, Series.RUNNING] + latest[:, Series.WAITING]
    everywhere = np.ones(len(pods), dtype=np.bool_)
    found = {
        Signal.WAITING: Column(value=latest[:, Series.WAITING], known=everywhere),
        Signal.RUNNING: Column(value=latest[:, Series.RUNNING], known=everywhere),
        Signal.ARRIVED: Column(value=latest[:, Series.ENDED] + inside, known=everywhere),
        Signal.AGE: Column(value=now - times[:, -1], known=everywhere),
        Signal.COVERAGE: _coverage(times, now, scrape_seconds, short_seconds),
    }
    found |= _levels(times, values, now, short_seconds)
    short, known = rates(times, values, now, short_seconds)
    found |= {signal: Column.of(short[:, series], known) for signal, series in _RATES.items()}
    found |= _means(_SHORT_MEANS, short, known)
    long, known = rates(times, values, now, long_seconds)
    return found | _means(_LONG_MEANS, long, known)


def rates(times: FloatArray, values: FloatArray, now: float, seconds: float) -> tuple[FloatArray, BoolArray]:
    """``rate`` of every series over (now - seconds, now]: shape (pods, series), and which pods have one.

    ``times`` has shape (pods, scrapes), ``values`` (pods, scrapes, series). The increase is stretched from the time between the
    first and the last sample to the window, at the front not past where the counter would have been 0, and at an edge without
    samples by half a mean distance (Prometheus, promql/functions.go, extrapolatedRate).
    """
    count = (times > now - seconds).sum(axis=1)
    known = count >= 2  # noqa: PLR2004 - two samples make a rate
    rows, first = np.arange(len(times)), np.minimum(times.shape[1] - count, times.shape[1] - 1)
    begin, start = values[rows, first], times[rows, first]
    increase = values[:, -1] - begin
    covered = np.where(known, times[:, -1] - start, 1.0)
    step = covered / np.maximum(count - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        to_zero = np.where(increase > 0.0, covered[:, None] * begin / increase, np.inf)
    front = np.minimum((start - (now - seconds))[:, None], to_zero)
    stretched = covered[:, None] + _edge(front, step[:, None]) + _edge(now - times[:, -1], step)[:, None]
    return np.asarray(increase * (stretched / covered[:, None]) / seconds), known


def _edge(distance: FloatArray, step: FloatArray) -> FloatArray:
    return np.where(distance >= step * EXTRAPOLATION_FACTOR, step / 2.0, distance)


def _levels(times: FloatArray, values: FloatArray, now: float, seconds: float) -> dict[Signal, Column]:
    """Peaks and means over the short window."""
    inside = times > now - seconds
    width = max(int(inside.sum(axis=1).max()), 1)
    inside, recent = inside[:, -width:], values[:, -width:]
    known = inside[:, -1]
    kv, waiting = recent[:, :, Series.KV], recent[:, :, Series.WAITING]
    count = np.maximum(inside.sum(axis=1), 1)
    return {
        Signal.KV_PEAK: Column.of(np.where(inside, kv, 0.0).max(axis=1), known),
        Signal.WAITING_PEAK: Column.of(np.where(inside, waiting, 0.0).max(axis=1), known),
        Signal.KV: Column.of(np.where(inside, kv, 0.0).sum(axis=1) / count, known),
    }


def _means(which: Mapping[Signal, tuple[Series, Series]], rate: FloatArray, known: BoolArray) -> dict[Signal, Column]:
    """Rate over rate where something was counted; of nothing there is no mean."""
    total, count = (rate.T[[series[place] for series in which.values()]] for place in (0, 1))
    counted = known & (count > 0.0)
    means = Column(value=np.divide(total, count, out=np.zeros(count.shape), where=counted), known=counted)
    return {signal: means.row(place) for place, signal in enumerate(which)}


def _coverage(times: FloatArray, now: float, scrape_seconds: float, seconds: float) -> Column:
    """Samples of the short window over those that a full one has, at most 1; what is older does not count."""
    full = max(1, math.ceil(seconds / scrape_seconds - 1e-6))
    inside = times[:, -full:] > now - seconds - JITTER * scrape_seconds
    return Column.of(inside.sum(axis=1) / full)
