"""How sure a mean over seeds is, and a difference between contenders that met the same requests.

Contenders share their random numbers, seed by seed, so comparisons are paired: the interval is that of the mean of the
differences, which is far narrower than the difference of two intervals. Student's t for few seeds (Law 2015, Simulation
Modeling and Analysis, section 10.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from wva_exporter.core.columns import FloatArray
from wva_exporter.errors import InvalidValue

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean and how far the truth may lie from it with 95 % confidence; ``half`` is infinite for a single seed.

    Both are NaN where a seed has no value, such as the cost of nothing good.
    """

    mean: float
    half: float

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half

    def above(self, value: float) -> bool:
        """Whether all of it lies above."""
        return self.low > value

    def below(self, value: float) -> bool:
        """Whether all of it lies below."""
        return self.high < value


def mean(values: Sequence[float] | FloatArray) -> Interval:
    """Mean over seeds.

    Raises:
        InvalidValue: there is none.
    """
    seen = np.asarray(values, dtype=np.float64)
    if not seen.size:
        raise InvalidValue("a mean needs at least one seed")
    if not np.isfinite(seen).all():
        endless = bool(np.isposinf(seen).any()) and not np.isnan(seen).any()
        return Interval(mean=float("inf") if endless else float("nan"), half=float("nan"))
    if seen.size == 1:
        return Interval(mean=float(seen[0]), half=float("inf"))
    spread = float(np.std(seen, ddof=1)) / seen.size**0.5
    return Interval(mean=float(np.mean(seen)), half=float(stats.t.ppf((1 + CONFIDENCE) / 2, seen.size - 1)) * spread)


def difference(ours: Sequence[float] | FloatArray, theirs: Sequence[float] | FloatArray) -> Interval:
    """Mean of the differences, seed by seed.

    Raises:
        InvalidValue: not as many on both sides.
    """
    return mean(_paired(ours, theirs, np.subtract))


def ratio(ours: Sequence[float] | FloatArray, theirs: Sequence[float] | FloatArray) -> Interval:
    """Ratio of the means, with the interval of a ratio of paired means.

    By the delta method: the ratio r of the means of x and y has about the variance of the mean of (x - r y) / mean(y)
    (Cochran 1977, Sampling Techniques, section 2.11).

    Raises:
        InvalidValue: not as many on both sides.
    """
    ours, theirs = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    centre = float(np.mean(theirs))
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()) or centre == 0.0:
        return Interval(mean=float("nan"), half=float("nan"))
    share = float(np.mean(ours)) / centre
    rest = mean(_paired(ours, share * theirs, np.subtract) / centre)
    return Interval(mean=share, half=rest.half)


def _paired(ours: Sequence[float] | FloatArray, theirs: Sequence[float] | FloatArray, how: np.ufunc) -> FloatArray:
    one, other = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if one.shape != other.shape:
        raise InvalidValue(f"seeds are paired: {one.shape} on one side, {other.shape} on the other")
    return np.asarray(how(one, other), dtype=np.float64)
