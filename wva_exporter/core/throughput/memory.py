"""What the throughput analyzer remembers of each variant from cycle to cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.throughput.itl import Line, Tier
from wva_exporter.core.throughput.samples import Samples
from wva_exporter.core.throughput.shape import Shape

FORGET_AFTER_SECONDS = 60 * 60.0
"""A variant that was not observed for so long is one we know nothing about."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memory:
    """Rows of variants, shape (variants,), and their observation windows.

    ``shape`` is the last one seen, ``reference`` the one that drift is measured against; ``base`` is B of the last window that
    fitted, in seconds; ``line`` and ``per_replica`` (tokens per second) the last that could be told; ``mismatches`` counts
    cycles in a row in which the predicted token rate was not the measured one; ``prompt_seconds`` is the time that a prompt
    takes alone on a prefill replica.
    """

    samples: Samples
    shape: Shape
    reference: Shape
    base: Column
    line: Line
    per_replica: Column
    prompt_seconds: Column
    mismatches: IntArray
    seen_at: Column

    @classmethod
    def empty(cls, variants: int) -> Memory:
        """Nothing was ever observed."""
        zero = np.zeros(variants)
        return cls(
            samples=Samples.none(),
            shape=Shape.unknown(variants),
            reference=Shape.unknown(variants),
            base=Column.unknown(variants),
            line=Line(slope=zero, base=zero, tier=np.full(variants, Tier.FAILED)),
            per_replica=Column.unknown(variants),
            prompt_seconds=Column.unknown(variants),
            mismatches=np.zeros(variants, dtype=np.int64),
            seen_at=Column.unknown(variants),
        )

    def __len__(self) -> int:
        return len(self.mismatches)

    def moved(self, row: IntArray) -> Memory:
        """For a fleet whose variant i stood at ``row[i]`` before, -1 if it is new."""
        if len(self) == 0:
            return Memory.empty(len(row))
        blank = Memory.empty(len(row))
        known, at = row >= 0, np.maximum(row, 0)
        return Memory(
            samples=self.samples.moved(row),
            shape=_shape_at(self.shape, at).where(known, blank.shape),
            reference=_shape_at(self.reference, at).where(known, blank.reference),
            base=self.base.take(row),
            line=Line(
                slope=np.where(known, self.line.slope[at], 0.0),
                base=np.where(known, self.line.base[at], 0.0),
                tier=np.where(known, self.line.tier[at], Tier.FAILED),
            ),
            per_replica=self.per_replica.take(row),
            prompt_seconds=self.prompt_seconds.take(row),
            mismatches=np.where(known, self.mismatches[at], 0),
            seen_at=self.seen_at.take(row),
        )

    def without_stale(self, time: float) -> Memory:
        """Forgetting variants that were not observed for ``FORGET_AFTER_SECONDS``."""
        fresh = self.seen_at.known & (time - self.seen_at.value <= FORGET_AFTER_SECONDS)
        if not np.any(self.seen_at.known & ~fresh):
            return self
        return self.moved(np.where(fresh, np.arange(len(self)), -1))


def _shape_at(shape: Shape, at: IntArray) -> Shape:
    def rows(values: FloatArray) -> FloatArray:
        return values[at]

    known: BoolArray = shape.known[at]
    return Shape(
        known=known,
        input_tokens=rows(shape.input_tokens),
        output_tokens=rows(shape.output_tokens),
        prefix_hit_ratio=rows(shape.prefix_hit_ratio),
    )
