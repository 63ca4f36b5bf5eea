"""The rate of arrivals to be ready for: a little above what was seen, and the new level at once after a step.

A mean over a minute says what the rate was; the deviation of so few arrivals is added because too little capacity costs answers
and too much only money. Where the last scrape or two cannot come from the minute before (three deviations), the minute before
no longer counts. Deviations are Poisson's, stretched by how much more than Poisson's the counts of this group vary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import Column, FloatArray
from wva_exporter.core.headroom.arrivals import Arrivals

LONG_DEVIATIONS = 1.0
SHORT_DEVIATIONS = 0.5
STEP_DEVIATIONS = 3.0
FRESH = 2.5
"""A step comes in the middle of a scrape, in the mean: the rise that it shows is half of the whole, and often less."""

STEEP = 1.5
"""A rise of less than half within a scrape is a slope or a burst, of which no more is to come than was seen."""


_MEDIAN_OF_SQUARED_DIFFERENCE = 0.91
"""The median of (x - y)^2 of two independent normal numbers of variance 1 is 0.4549 x 2."""

_MOST_DISPERSION = 6.0
_BINS_OF_DISPERSION = 6
"""Fewer bins say nothing of how counts vary."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """Requests per second, shape (groups,): the ``rate`` to be ready for, unknown where nobody was seen arriving.

    ``likely`` is more where the last scrape jumped and the one before did not: the step came somewhere within that scrape, so
    what it shows is a part of what is coming. That is a guess, and nothing to remember. ``lasting`` is what is remembered: the
    long window's, since the most of five minutes of short windows is mostly chance.
    """

    rate: Column
    likely: Column
    lasting: Column


def level(arrivals: Arrivals, now: float, *, short_seconds: float, long_seconds: float) -> Level:
    """What the steps of the last minutes say, for every group.

    Args:
        arrivals: the steps, the newest last.
        now: seconds, the clock of the steps.
        short_seconds: half a minute, two scrapes at least.
        long_seconds: a minute, four scrapes at least.
    """
    scrape = short_seconds / 2.0
    spread = dispersion(arrivals.binned(scrape))
    long, short = arrivals.within(now - long_seconds), arrivals.within(now - short_seconds)
    lasting = _upper(*long, spread, LONG_DEVIATIONS)
    rate = np.maximum(lasting, _upper(*short, spread, SHORT_DEVIATIONS))
    last, jump = _jump(arrivals, now - scrape, now, long_seconds, spread)
    two, jump_of_two = _jump(arrivals, now - short_seconds, now, long_seconds, spread)
    _, jump_before = _jump(arrivals, now - short_seconds, now - scrape, long_seconds, spread)
    rate = np.where(jump > STEP_DEVIATIONS, np.maximum(rate, last), rate)
    rate = np.where(jump_of_two > STEP_DEVIATIONS, np.maximum(rate, two), rate)
    known = long[0] > 0.0
    usual = _upper(*arrivals.within(now - scrape - long_seconds, now - scrape), spread, 0.0)
    began = (jump > STEP_DEVIATIONS) & (jump_before <= STEP_DEVIATIONS) & (last > STEEP * usual)
    likely = np.where(began, np.maximum(rate, usual + FRESH * (last - usual)), rate)
    return Level(rate=Column.of(rate, known), likely=Column.of(likely, known), lasting=Column.of(lasting, known))


def dispersion(count: FloatArray) -> FloatArray:
    """Variance over mean of the counts of bins, shape (bins, groups), at least 1 as for Poisson: shape (groups,).

    From the median difference of neighbouring bins, which neither a trend nor a single step of the rate moves.
    """
    if len(count) < _BINS_OF_DISPERSION:
        return np.ones(count.shape[1])
    variance = np.median(np.diff(count, axis=0) ** 2, axis=0) / _MEDIAN_OF_SQUARED_DIFFERENCE
    return np.asarray(np.clip(variance / np.maximum(count.mean(axis=0), 1.0), 1.0, _MOST_DISPERSION))


def _upper(seconds: FloatArray, count: FloatArray, spread: FloatArray, deviations: float) -> FloatArray:
    """Mean rate plus so many of its deviations; 0 where nothing was seen."""
    upper = count + deviations * np.sqrt(count * spread)
    return np.divide(upper, seconds, out=np.zeros(len(seconds)), where=seconds > 0.0)


def _jump(
    arrivals: Arrivals, since: float, until: float, long_seconds: float, spread: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The rate in (since, until], and how many deviations it lies above that of the minute before; 0 where that is unknown."""
    old_seconds, old_count = arrivals.within(since - long_seconds, since)
    seconds, count = arrivals.within(since, until)
    seen = old_seconds > 0.0
    usual = np.divide(old_count, old_seconds, out=np.zeros(len(count)), where=seen) * seconds
    above = (count - usual) / np.sqrt(np.maximum(usual, 1.0) * spread)
    return _upper(seconds, count, np.ones(len(count)), SHORT_DEVIATIONS), np.where(seen, above, 0.0)
