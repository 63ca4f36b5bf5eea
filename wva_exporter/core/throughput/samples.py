"""Observation windows of a whole fleet: (time, usage, latency), newest last, a bounded number a variant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray, floats, integers

MAX_SAMPLES = 20
MAX_AGE_SECONDS = 30 * 60.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """One row an observation, in the order in which they were made: shape (samples,)."""

    variant: IntArray
    time: FloatArray
    usage: FloatArray
    itl_seconds: FloatArray

    @classmethod
    def none(cls) -> Samples:
        """No observation yet."""
        return cls(variant=integers([]), time=floats([]), usage=floats([]), itl_seconds=floats([]))

    def __len__(self) -> int:
        return len(self.variant)

    def count(self, variants: int) -> IntArray:
        """How many there are of each variant: shape (variants,)."""
        return np.bincount(self.variant, minlength=variants)

    def ready(self, variants: int, samples: int, usage_range: float) -> BoolArray:
        """Whether windows hold enough observations, spread widely enough, to fit a line: shape (variants,)."""
        least, most = np.full(variants, np.inf), np.full(variants, -np.inf)
        np.minimum.at(least, self.variant, self.usage)
        np.maximum.at(most, self.variant, self.usage)
        enough = self.count(variants) >= samples
        return enough & (np.where(enough, most, 0.0) - np.where(enough, least, 0.0) >= usage_range)

    def without(self, cleared: BoolArray) -> Samples:
        """Only the observations of variants that are not ``cleared``, shape (variants,)."""
        return self.only(~cleared[self.variant])

    def add(self, variant: IntArray, time: float, usage: FloatArray, itl_seconds: FloatArray) -> Samples:
        """With today's, less those that are too old or too many: the oldest go first."""
        grown = Samples(
            variant=np.concatenate([self.variant, variant]),
            time=np.concatenate([self.time, np.full(len(variant), time)]),
            usage=np.concatenate([self.usage, usage]),
            itl_seconds=np.concatenate([self.itl_seconds, itl_seconds]),
        )
        young = grown.only(time - grown.time <= MAX_AGE_SECONDS)
        return young.only(_place_from_end(young.variant) < MAX_SAMPLES)

    def moved(self, row: IntArray) -> Samples:
        """For a fleet whose variant i stood at ``row[i]`` before, -1 if it is new; what is gone is forgotten."""
        before = int(self.variant.max(initial=-1)) + 1
        new_row = np.full(max(before, int(row.max(initial=-1)) + 1), -1)
        new_row[row[row >= 0]] = np.flatnonzero(row >= 0)
        there = new_row[self.variant] >= 0
        kept = self.only(there)
        return Samples(variant=new_row[kept.variant], time=kept.time, usage=kept.usage, itl_seconds=kept.itl_seconds)

    def only(self, keep: BoolArray) -> Samples:
        """The observations of a mask of shape (samples,)."""
        return Samples(
            variant=self.variant[keep],
            time=self.time[keep],
            usage=self.usage[keep],
            itl_seconds=self.itl_seconds[keep],
        )


def _place_from_end(variant: IntArray) -> IntArray:
    """How many later rows the same variant has: 0 for its newest."""
    order = np.argsort(variant, kind="stable")
    grouped = variant[order]
    last = np.searchsorted(grouped, grouped, side="right") - 1
    place = np.empty(len(variant), dtype=np.int64)
    place[order] = last - np.arange(len(variant))
    return place
