"""Learning service parameters from cycle to cycle, with nothing to remember that cannot be read back from a Prometheus.

Each cycle fits the points of the last ten minutes on top of what was believed before them. To count no point twice, that
earlier belief is the one published before the ten-minute boundary (of the source's clock) before last; so the whole memory is

* the points of the window, which the engines' series hold,
* the beliefs published last, before this boundary and before the one before, which our own series hold,
* when learning last began anew, which is a series too.

Points of engines on their way from one state to another count only while there is nothing better (``points.point_of``): no
steady one in the window, and either no earlier belief or five minutes of them.

It begins anew where an engine's arguments changed, and where the newest points all miss the fit to one side (drift): older
points no longer count, and older beliefs only as a rough guide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.estimation import Estimate, Noise, fit
from wva_exporter.core.queueing.points import Points
from wva_exporter.core.queueing.system import ServiceModel
from wva_exporter.errors import InvalidValue

WINDOW_SECONDS = 600.0
"""How far back points count: 40 of them at the usual interval."""

FADE = 1.05
"""How much less sure an old belief is per window: half as sure after two and a half hours without news."""

LEAST_SPREAD = 0.05
"""No belief is surer than this when it meets new points, so that ten minutes of them can always move it."""

ANEW_SPREAD = 0.7
"""How sure an old belief still is after a new beginning: within a factor of two."""

RUSH_SECONDS = 300.0
"""An engine that was in no steady state for so long is in the state that it is in, and what it does then counts."""

DRIFT_POINTS = 5
DRIFT_DEVIATIONS = 5.0
"""Drift is when the mean residual of so many newest points is so many of its standard deviations from zero."""

_DRIFT_RATIO = 0.10
"""And the engine became slower or faster by at least this much: smaller steps are left to the window."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """What is published of each variant: the belief, and when learning last began anew (seconds, unknown: never)."""

    belief: Belief
    began_at: Column

    @classmethod
    def nothing(cls, variants: int) -> Learned:
        """No variant has been learned of."""
        return cls(belief=Belief.unknown(variants), began_at=Column.unknown(variants))

    def take(self, row: IntArray) -> Learned:
        """For a fleet whose variant i stood at ``row[i]`` before, -1 if it is new."""
        return Learned(belief=self.belief.take(row), began_at=self.began_at.take(row))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learning:
    """All that one cycle leaves for the next: the points, what they say, and what was published before two boundaries.

    ``latest`` is what was learned last, ``published`` what the last page said, a cycle older: a restart reads pages.
    """

    points: Points
    latest: Learned
    published: Belief
    newer: Belief
    older: Belief
    period: int

    @classmethod
    def start(cls, variants: int, time: float) -> Learning:
        """Before the first cycle of a fleet that has no history."""
        nothing = Belief.unknown(variants)
        return cls(
            points=Points.none(variants),
            latest=Learned.nothing(variants),
            published=nothing,
            newer=nothing,
            older=nothing,
            period=period_of(time),
        )

    def __len__(self) -> int:
        return len(self.latest.belief)

    def shown(self, time: float) -> Learning:
        """The same once a page of this time says what was learned last."""
        return replace(_turned(self, time), published=self.latest.belief)

    def take(self, row: IntArray) -> Learning:
        """For a fleet whose variant i stood at ``row[i]`` before, -1 if it is new."""
        return Learning(
            points=self.points.take(row),
            latest=self.latest.take(row),
            published=self.published.take(row),
            newer=self.newer.take(row),
            older=self.older.take(row),
            period=self.period,
        )


def period_of(time: float) -> int:
    """The ten minutes that a time lies in, counted from the epoch."""
    return math.floor(time / WINDOW_SECONDS)


def boundaries(time: float) -> tuple[float, float]:
    """When the beliefs ``newer`` and ``older`` of this time were published last: what a restart has to read back."""
    start = period_of(time) * WINDOW_SECONDS
    return start, start - WINDOW_SECONDS


def learn(
    past: Learning, new: Points, guess: Belief, model: ServiceModel = ServiceModel.CHUNK, noise: Noise | None = None
) -> tuple[Learning, Estimate]:
    """One cycle: take the newest points in, fit, and begin anew where that no longer fits.

    Args:
        past: what the cycle before left, in the rows of this fleet.
        new: this cycle's point of each variant; one whose measurements are unknown changes nothing.
        guess: what is believed of variants without history (``core.catalogue``).
        model: the service law.
        noise: how exact the measurements are.

    Raises:
        InvalidValue: the rows are not those of ``past``, or ``new`` is not exactly one point.
    """
    if len(past) != new.shape[0] or len(guess) != len(past) or new.shape[1] != 1:
        raise InvalidValue(f"{len(past)} variants, new points of shape {new.shape}, {len(guess)} guesses")
    time = float(new.time[-1])
    law = _Law(guess=guess, model=model, noise=noise)
    past = _turned(past, time)
    points = past.points.joined(new).since(time - WINDOW_SECONDS)
    began = _later(past.latest.began_at, points.changed_at)
    found = _fit(past, points, began, law)
    began = _later(began, _drift(points, found))
    again = began.known & (began.value > past.latest.began_at.otherwise(-np.inf))
    if again.any():
        found = _fit(past, points, began, law)
    belief = found.belief.where(new.seen.usable[:, 0]).otherwise(past.latest.belief)
    latest = Learned(belief=belief, began_at=began)
    return replace(past, points=points, latest=latest), found


def _turned(past: Learning, time: float) -> Learning:
    """The beliefs before the boundaries, once one or more of them are passed."""
    passed = period_of(time) - past.period
    if passed <= 0:
        return past
    older = past.newer if passed == 1 else past.published
    return replace(past, newer=past.published, older=older, period=period_of(time))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Law:
    """What stays the same from fit to fit."""

    guess: Belief
    model: ServiceModel
    noise: Noise | None


def _fit(past: Learning, points: Points, began: Column, law: _Law) -> Estimate:
    _, published = boundaries(float(points.time[-1]))
    outdated = began.known & (began.value > published)
    kept = past.older.widened(FADE, LEAST_SPREAD)
    rough = past.older.widened(FADE, ANEW_SPREAD)
    prior = rough.where(outdated).otherwise(kept).otherwise(law.guess)
    counted = points.time[None, :] >= began.otherwise(-np.inf)[:, None]
    usable = points.seen.usable & counted
    since = np.where(usable, points.time[None, :], np.inf).min(axis=1, initial=np.inf)
    rush = points.time[-1] - since < RUSH_SECONDS
    better = (points.steady & usable).any(axis=1) | (past.older.known & rush)
    counted = counted & (points.steady | ~better[:, None])
    return fit(points.seen.where(counted), prior, law.model, law.noise)


def _drift(points: Points, found: Estimate) -> Column:
    """Where the newest points say that the engine has changed: the time of the first of them that does; else unknown."""
    newest = found.residual_itl.known | found.residual_ttft.known
    order = np.cumsum(newest[:, ::-1], axis=1)[:, ::-1]
    recent = newest & (order <= DRIFT_POINTS)
    enough = found.points >= 2 * DRIFT_POINTS
    off: BoolArray = np.zeros(points.shape, dtype=np.bool_)
    for residual, sigma in ((found.residual_itl, Noise().itl), (found.residual_ttft, Noise().ttft)):
        use = recent & residual.known
        count = use.sum(axis=1)
        mean = np.divide((residual.value * use).sum(axis=1), count, out=np.zeros(points.shape[0]), where=count > 0)
        usual = np.maximum(_spread(residual.value, newest & ~recent & residual.known), sigma)
        far = np.abs(mean) * np.sqrt(count) > DRIFT_DEVIATIONS * usual
        jumped = enough & far & (np.abs(mean) > _DRIFT_RATIO) & (count >= DRIFT_POINTS)
        off |= use & jumped[:, None] & (residual.value * np.sign(mean)[:, None] > 0.5 * np.abs(mean)[:, None])
    first = np.where(off, points.time[None, :], np.inf).min(axis=1, initial=np.inf)
    return Column.of(first)


def _spread(values: FloatArray, use: BoolArray) -> FloatArray:
    """Robust standard deviation around the median of each row's values: 1.48 times the median distance; 0 without values."""
    some = np.flatnonzero(use.any(axis=1))
    result = np.zeros(values.shape[0])
    masked = np.where(use, values, np.inf)[some]
    middle = _median(masked)
    result[some] = 1.4826 * _median(np.abs(masked - middle[:, None]))
    return result


def _median(values: FloatArray) -> FloatArray:
    """Of the finite ones of each row, of which there is one at least: shape (rows,)."""
    ordered, count = np.sort(values, axis=1), np.isfinite(values).sum(axis=1)
    row = np.arange(len(values))
    return np.asarray((ordered[row, (count - 1) // 2] + ordered[row, count // 2]) / 2.0)


def _later(one: Column, other: Column) -> Column:
    """The later of two times, where at least one is known."""
    value = np.maximum(one.otherwise(-np.inf), other.otherwise(-np.inf))
    return Column.of(value, one.known | other.known)
