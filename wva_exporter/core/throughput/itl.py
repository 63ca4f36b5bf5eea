"""Inter-token latency as a line in the share k of KV cache in use: ITL(k) = A k + B, in seconds.

Every step of an engine reads the whole resident cache once (A) and the weights once (B); Q 4.3 of the original's throughput
analyzer. A is fitted from a window of observations when these spread enough, else B is pinned and A read off today's replicas.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.throughput.samples import Samples

SATURATED_USAGE = 0.85
"""The share of KV cache at which a replica is taken to be full."""

DEFAULT_BASE_SECONDS = 0.006
"""B of a variant that was never fitted: an 8B model on an H100."""

MIN_SLOPE = 1e-12
MIN_SPREAD = 1e-12
MIN_SAMPLES = 10
MIN_USAGE_RANGE = 0.30


class Tier(IntEnum):
    """Where a line comes from, the surest first."""

    FITTED = 0
    PINNED = 1
    DEFAULT = 2
    FAILED = 3
    REMEMBERED = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A (``slope``), B (``base``), both in seconds, and the tier of each variant: shape (variants,)."""

    slope: FloatArray
    base: FloatArray
    tier: IntArray

    @property
    def known(self) -> BoolArray:
        """Which variants have a line from today's data."""
        return np.asarray(self.tier < Tier.FAILED)

    def at(self, usage: FloatArray | float, variant: IntArray | slice = slice(None)) -> FloatArray:
        """ITL in seconds at a share of KV cache in use."""
        return np.asarray(self.slope[variant] * usage + self.base[variant])


def acceptable(slope: FloatArray, base: FloatArray) -> BoolArray:
    """Whether lines are finite, rise, and are positive where a replica is full. B alone may be negative."""
    finite = np.isfinite(slope) & np.isfinite(base)
    with np.errstate(invalid="ignore", over="ignore"):
        positive = (slope > MIN_SLOPE) & (SATURATED_USAGE * slope + base > 0.0)
    return np.asarray(finite & positive)


def fit(samples: Samples, usage: Column, itl_seconds: Column, variant: IntArray, last_base: Column) -> Line:
    """The line of each variant, ``last_base`` giving the number of variants and B of the last window that fitted.

    Args:
        samples: the windows of all variants.
        usage: share of KV cache in use of today's healthy replicas, shape (replicas,).
        itl_seconds: their mean time between tokens, shape (replicas,).
        variant: their variants, shape (replicas,).
        last_base: B in seconds, shape (variants,).
    """
    variants = len(last_base)
    slope, base, solved = _ordinary(samples, variants)
    fitted = samples.ready(variants, MIN_SAMPLES, MIN_USAGE_RANGE) & solved & acceptable(slope, base)

    pinned = last_base.otherwise(DEFAULT_BASE_SECONDS)
    busy = usage.known & itl_seconds.known & (usage.value > 0.0) & (itl_seconds.value > 0.0)
    where, k = variant[busy], usage.value[busy]
    over = _sum((itl_seconds.value[busy] - pinned[where]) * k, where, variants)
    squares = _sum(k * k, where, variants)
    through = np.divide(over, squares, out=np.zeros(variants), where=squares > 0.0)
    usable = (squares > 0.0) & acceptable(through, pinned)

    second = np.where(usable, np.where(last_base.known, Tier.PINNED, Tier.DEFAULT), Tier.FAILED)
    return Line(
        slope=np.where(fitted, slope, np.where(usable, through, 0.0)),
        base=np.where(fitted, base, np.where(usable, pinned, 0.0)),
        tier=np.where(fitted, Tier.FITTED, second),
    )


def _ordinary(samples: Samples, variants: int) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Ordinary least squares of each window: A, B, and whether the usages differ at all."""
    k, y, where = samples.usage, samples.itl_seconds, samples.variant
    count = np.bincount(where, minlength=variants).astype(np.float64)
    sum_k, sum_y = _sum(k, where, variants), _sum(y, where, variants)
    sum_kk, sum_ky = _sum(k * k, where, variants), _sum(k * y, where, variants)
    spread = count * sum_kk - sum_k * sum_k
    solved = (count >= 2) & (np.abs(spread) >= MIN_SPREAD)  # noqa: PLR2004 - two points make a line
    slope = np.divide(count * sum_ky - sum_k * sum_y, spread, out=np.zeros(variants), where=solved)
    base = np.divide(sum_y - slope * sum_k, count, out=np.zeros(variants), where=solved)
    return slope, base, solved


def _sum(values: FloatArray, where: IntArray, variants: int) -> FloatArray:
    return np.asarray(np.bincount(where, weights=values, minlength=variants), dtype=np.float64)
