"""How fast a target may fall: the last clamp that belongs to no policy.

A target may not fall below ``(1 - max_down_ratio_per_minute)`` of the highest it was within the last minute, so no sequence of
decisions, however frequent the cycles, sheds more than that share in any minute. The highest of each of the last few
seconds is remembered, not every target: the memory does not grow with the pace of the cycles.
"""

from __future__ import annotations

import numpy as np

from wva_exporter.core.columns import Column, FloatArray

BUCKET_SECONDS = 5.0
BUCKETS = 13
"""Twelve whole ones make the minute; the thirteenth is the one that is still being filled."""

_EPSILON = 1e-9


def advance(recent: FloatArray, before: float, now: float) -> FloatArray:
    """Shift the buckets, newest first, from one time to another (seconds): shape (BUCKETS, variants), in replicas."""
    passed = int(now // BUCKET_SECONDS) - int(before // BUCKET_SECONDS)
    if passed <= 0:
        return recent
    shifted = np.zeros_like(recent)
    if passed < BUCKETS:
        shifted[passed:] = recent[: BUCKETS - passed]
    return shifted


def lowest(recent: FloatArray, max_down_ratio_per_minute: float) -> FloatArray:
    """The least whole number of replicas that the brake allows: shape (variants,)."""
    peak = recent.max(axis=0)
    return np.asarray(np.ceil(peak * (1.0 - max_down_ratio_per_minute) - _EPSILON))


def remember(recent: FloatArray, target: Column) -> FloatArray:
    """The buckets with this cycle's target in the newest one."""
    kept = recent.copy()
    kept[0] = np.maximum(kept[0], np.where(target.known, target.value, 0.0))
    return kept
