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

RISES = 3
PACE_SECONDS = 60.0
"""A load that rose as often from one such span to the next is on a slope; spans are longer where scrapes are rare."""

STEEP = 1.5
"""A rise of less than half within a scrape is a slope or a burst, of which no more is to come than was seen."""


_MEDIAN_OF_SQUARED_DIFFERENCE = 0.91
"""The median of (x - y)^2 of two independent normal numbers of variance 1 is 0.4549 x 2."""

_MOST_DISPERSION = 6.0
_BINS_OF_DISPERSION = 6
"""Fewer bins say nothing of how counts vary."""

_LONG, _SHORT, _LAST, _BEFORE, _USUAL, _USUAL_BEFORE = range(6)
_SPANS = slice(6, 7 + RISES)
_PACES = np.arange(1.0, 2.0 + RISES)
_SINCE, _UNTIL = np.array([[3, 2, 1, 2, 4, 5, 6, 7, 8, 9], [0, 0, 0, 1, 1, 2, 0, 6, 7, 8]])
"""The spans of a level, as the places of their ends: now, a scrape ago, the short window, the long one, both before it; and a
minute, two and more, between which it rises."""

_OF_RATES = np.array([_LONG, _SHORT, _LAST, _SHORT, _USUAL])
_DEVIATIONS = np.array([[LONG_DEVIATIONS], [SHORT_DEVIATIONS], [SHORT_DEVIATIONS], [SHORT_DEVIATIONS], [0.0]])
_OWN_SPREAD = np.array([[True], [True], [False], [False], [False]])
"""A level is above chance as this group has it; what a step brought is above Poisson's, whatever came before it."""

_NEW, _OLD = np.array([[_LAST, _BEFORE, _SHORT], [_USUAL, _USUAL_BEFORE, _USUAL_BEFORE]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """Requests per second, shape (groups,): the ``rate`` to be ready for, unknown where nobody was seen arriving.

    ``likely`` is more where the last scrape jumped and the one before did not: the step came somewhere within that scrape, so
    what it shows is a part of what is coming. That is a guess, and nothing to remember. ``lasting`` is what is remembered: the
    long window's, since the most of five minutes of short windows is mostly chance. ``rising`` is by how much more come from
    one second to the next while ever more come, in requests per second, shape (groups,): the least of the last rises from one
    span of a minute to the next, 0 unless each of them is more than a deviation. A step is one rise and chance besides; so are
    a burst and noise.
    """

    rate: Column
    likely: Column
    lasting: Column
    rising: FloatArray


def level(arrivals: Arrivals, now: float, *, short_seconds: float, long_seconds: float) -> Level:
    """What the steps of the last minutes say, for every group.

    Args:
        arrivals: the steps, the newest last.
        now: seconds, the clock of the steps.
        short_seconds: half a minute, two scrapes at least.
        long_seconds: a minute, four scrapes at least.
    """
    scrape = short_seconds / 2.0
    pace = max(PACE_SECONDS, short_seconds)
    ago = np.array(
        [
            0.0,
            scrape,
            short_seconds,
            long_seconds,
            scrape + long_seconds,
            short_seconds + long_seconds,
            *(pace * _PACES),
        ]
    )
    seconds, count = arrivals.between(now - ago[_SINCE], now - ago[_UNTIL])
    spread = dispersion(arrivals.binned(scrape))
    lasting, recent, last, two, usual = _upper(seconds[_OF_RATES], count[_OF_RATES], np.where(_OWN_SPREAD, spread, 1.0))
    began_now, began_before, began = _jumps(seconds, count, spread) > STEP_DEVIATIONS
    rate = np.maximum(lasting, recent)
    rate = np.where(began_now, np.maximum(rate, last), rate)
    rate = np.where(began, np.maximum(rate, two), rate)
    fresh = began_now & ~began_before & (last > STEEP * usual)
    likely = np.where(fresh, np.maximum(rate, usual + FRESH * (last - usual)), rate)
    known = seconds[_LONG] > 0.0
    return Level(
        rate=Column.of(rate, known),
        likely=Column.of(likely, known),
        lasting=Column.of(lasting, known),
        rising=_rising(seconds[_SPANS], count[_SPANS], spread) / pace,
    )


def dispersion(count: FloatArray) -> FloatArray:
    """Variance over mean of the counts of bins, shape (bins, groups), at least 1 as for Poisson: shape (groups,).

    From the median difference of neighbouring bins, which neither a trend nor a single step of the rate moves.
    """
    if len(count) < _BINS_OF_DISPERSION:
        return np.ones(count.shape[1])
    squared = np.sort(np.diff(count, axis=0) ** 2, axis=0)
    median = (squared[(len(squared) - 1) // 2] + squared[len(squared) // 2]) / 2.0
    variance = median / _MEDIAN_OF_SQUARED_DIFFERENCE
    return np.asarray(np.clip(variance / np.maximum(count.mean(axis=0), 1.0), 1.0, _MOST_DISPERSION))


def _upper(seconds: FloatArray, count: FloatArray, spread: FloatArray) -> FloatArray:
    """Mean rates plus so many of their deviations as ``_DEVIATIONS`` says; 0 where nothing was seen."""
    return _rate(count + _DEVIATIONS * np.sqrt(count * spread), seconds)


def _rising(seconds: FloatArray, count: FloatArray, spread: FloatArray) -> FloatArray:
    """The least rise of the rate from one span to the next, the newest first; 0 where one was not seen, or may be chance."""
    rate, chance = _rate(count, seconds), _rate(np.sqrt(count * spread), seconds)
    rises = rate[:-1] - rate[1:]
    sure = (seconds > 0.0).all(axis=0) & (rises > chance[:-1]).all(axis=0)
    return np.where(sure, rises.min(axis=0), 0.0)


def _jumps(seconds: FloatArray, count: FloatArray, spread: FloatArray) -> FloatArray:
    """How many deviations spans lie above the minute before them, 0 where that is unknown: shape (3, groups)."""
    seen = seconds[_OLD] > 0.0
    usual = _rate(count[_OLD], seconds[_OLD]) * seconds[_NEW]
    above = (count[_NEW] - usual) / np.sqrt(np.maximum(usual, 1.0) * spread)
    return np.where(seen, above, 0.0)


def _rate(count: FloatArray, seconds: FloatArray) -> FloatArray:
    """Requests per second, 0 where nothing was seen."""
    return np.asarray(np.divide(count, seconds, out=np.zeros(count.shape), where=seconds > 0.0))
