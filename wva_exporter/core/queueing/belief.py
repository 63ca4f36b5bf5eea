"""What is believed of service parameters, and how surely: where learning starts, and what it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray, flags, floats
from wva_exporter.errors import InvalidValue

ANYTHING_SECONDS = (1.0e-2, 3.0e-5, 3.0e-8)
"""alpha, beta, gamma of an engine nobody knows anything about: the middle, on a log scale, of published measurements."""

ANYTHING_SPREAD = (1.2, 1.6, 2.3)
"""Standard deviations of their logarithms: factors of 3, 5 and 10 either way are ordinary."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Belief:
    """alpha, beta and gamma in seconds with their standard deviations: shape (rows, 3); rows that are not ``known`` hold 0.

    Parameters are positive and known within factors, so their logarithms are taken as normal and independent, with deviation
    ``stddev / mean``. These are the numbers that are published, and so the whole memory of learning: what can be read back
    from a Prometheus is what there was.
    """

    mean_seconds: FloatArray
    stddev_seconds: FloatArray
    known: BoolArray

    def __post_init__(self) -> None:
        rows = self.known.shape
        if self.mean_seconds.shape != (*rows, 3) or self.stddev_seconds.shape != (*rows, 3):
            raise InvalidValue(f"{rows} rows, means {self.mean_seconds.shape}, deviations {self.stddev_seconds.shape}")
        mean, stddev = self.mean_seconds, self.stddev_seconds
        fine = (mean > 0.0) & (mean < np.inf) & (stddev > 0.0) & (stddev < np.inf)
        if not fine[self.known].all():
            raise InvalidValue("parameters and their deviations are positive and finite")
        object.__setattr__(self, "mean_seconds", floats(self.mean_seconds))
        object.__setattr__(self, "stddev_seconds", floats(self.stddev_seconds))
        object.__setattr__(self, "known", flags(self.known))

    @classmethod
    def of(cls, mean_seconds: ArrayLike, stddev_seconds: ArrayLike) -> Self:
        """Rows of three means and three deviations; a row that is not positive and finite throughout is unknown."""
        mean = np.atleast_2d(np.asarray(mean_seconds, dtype=np.float64))
        spread = np.broadcast_to(np.asarray(stddev_seconds, dtype=np.float64), mean.shape)
        with np.errstate(invalid="ignore"):
            known = np.all((mean > 0.0) & (spread > 0.0) & np.isfinite(mean) & np.isfinite(spread), axis=-1)
        fine = known[:, None]
        return cls(mean_seconds=np.where(fine, mean, 0.0), stddev_seconds=np.where(fine, spread, 0.0), known=known)

    @classmethod
    def unknown(cls, rows: int) -> Self:
        """Nothing is believed of any row."""
        return cls(
            mean_seconds=np.zeros((rows, 3)), stddev_seconds=np.zeros((rows, 3)), known=np.zeros(rows, dtype=np.bool_)
        )

    @classmethod
    def anything(cls, rows: int) -> Self:
        """Nothing but the range of engines that have been measured."""
        mean = np.broadcast_to(np.array(ANYTHING_SECONDS), (rows, 3))
        return cls.of(mean, mean * np.array(ANYTHING_SPREAD))

    @property
    def spread(self) -> FloatArray:
        """Standard deviations of the logarithms: shape (rows, 3); 0 where unknown."""
        return np.divide(
            self.stddev_seconds, self.mean_seconds, out=np.zeros_like(self.mean_seconds), where=self.mean_seconds > 0.0
        )

    def __len__(self) -> int:
        return len(self.known)

    def otherwise(self, fallback: Belief) -> Belief:
        """This belief, and the other where this one is unknown."""
        fine = self.known[:, None]
        return Belief(
            mean_seconds=np.where(fine, self.mean_seconds, fallback.mean_seconds),
            stddev_seconds=np.where(fine, self.stddev_seconds, fallback.stddev_seconds),
            known=self.known | fallback.known,
        )

    def where(self, mask: BoolArray) -> Belief:
        """Known only where ``mask`` is true as well: shape (rows,)."""
        known = self.known & mask
        fine = known[:, None]
        return Belief(
            mean_seconds=np.where(fine, self.mean_seconds, 0.0),
            stddev_seconds=np.where(fine, self.stddev_seconds, 0.0),
            known=known,
        )

    def take(self, row: IntArray) -> Belief:
        """Row i is the one that stood at ``row[i]``; -1 is one that nobody knows yet."""
        if len(self) == 0:
            return Belief.unknown(len(row))
        inside, at = row >= 0, np.maximum(row, 0)
        return Belief(
            mean_seconds=self.mean_seconds[at], stddev_seconds=self.stddev_seconds[at], known=self.known[at]
        ).where(inside)

    def widened(self, factor: float, least: float) -> Belief:
        """The same means, the spread multiplied by ``factor`` and nowhere below ``least``: memory that fades."""
        spread = np.where(self.known[:, None], np.maximum(self.spread * factor, least), 0.0)
        return Belief(mean_seconds=self.mean_seconds, stddev_seconds=self.mean_seconds * spread, known=self.known)
