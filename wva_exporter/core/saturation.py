"""Which replicas are saturated, and whether a model has headroom to grow into or replicas to spare.

The percentage analysis of WVA (V1): a replica is saturated when its KV cache or its queue reaches a threshold; a group of
replicas that share load must keep a margin below the thresholds, and may lose one replica only if the margin would hold after
the others took its load. Malvankar et al. 2026, section IV.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray
from wva_exporter.errors import InvalidValue

MIN_NON_SATURATED = 2
"""Fewer free replicas than this cannot take over another's load."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limits:
    """Thresholds of each group: shape (groups,). Units as in ``core.fleet.Thresholds``."""

    kv: FloatArray
    queue: FloatArray
    kv_spare: FloatArray
    queue_spare: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Saturation:
    """The analysis of every group: shape (groups,), except ``saturated``, (replicas,).

    ``spare_kv`` (ratio) and ``spare_queue`` (requests) are mean margins below the thresholds, 0 where nothing is known of a
    group; ``has_headroom`` and ``may_shrink`` are both False there.
    """

    saturated: BoolArray
    replicas: IntArray
    non_saturated: IntArray
    spare_kv: FloatArray
    spare_queue: FloatArray
    needs_growth: BoolArray
    may_shrink: BoolArray


def analyze(
    kv: FloatArray, queue: FloatArray, group: IntArray, groups: int, limits: Limits, *, exact: bool
) -> Saturation:
    """Headroom of each group of replicas.

    Args:
        kv: share of the KV cache in use, shape (replicas,).
        queue: waiting requests, shape (replicas,).
        group: the group of each replica, shape (replicas,), 0 <= group < groups.
        groups: number of groups, some of which may have no replica.
        limits: thresholds and margins of each group.
        exact: average the margins over non-saturated replicas only, as the original does, so that two idle replicas beside
            eight saturated ones look like room to shrink. Otherwise a saturated replica counts with its negative margin, no
            deeper than its threshold, so that one absurd queue cannot outweigh a fleet.

    Raises:
        InvalidValue: shapes differ, a value is negative or not finite, or a group is out of range.
    """
    if not kv.shape == queue.shape == group.shape:
        raise InvalidValue(f"kv has shape {kv.shape}, queue {queue.shape}, group {group.shape}")
    if not (np.all(np.isfinite(kv)) and np.all(np.isfinite(queue)) and np.all(kv >= 0.0) and np.all(queue >= 0.0)):
        raise InvalidValue("usage and queue lengths are finite and not negative")
    if group.size and not (group.min() >= 0 and group.max() < groups):
        raise InvalidValue(f"group outside [0, {groups})")

    saturated = (kv >= limits.kv[group]) | (queue >= limits.queue[group])
    replicas = np.bincount(group, minlength=groups)
    non_saturated = np.bincount(group[~saturated], minlength=groups)
    counted = ~saturated if exact else np.ones_like(saturated)
    count = non_saturated if exact else replicas
    spare_kv = _mean_margin(kv, limits.kv, group, groups, counted)
    spare_queue = _mean_margin(queue, limits.queue, group, groups, counted)

    present = replicas > 0
    needs_growth = present & ((spare_kv < limits.kv_spare) | (spare_queue < limits.queue_spare))
    with np.errstate(divide="ignore", invalid="ignore"):
        stretch = np.where(count > 1, count / (count - 1), np.inf)
    may_shrink = (
        present
        & (non_saturated >= MIN_NON_SATURATED)
        & _margin_holds(spare_kv, limits.kv, limits.kv_spare, stretch)
        & _margin_holds(spare_queue, limits.queue, limits.queue_spare, stretch)
    )
    return Saturation(
        saturated=saturated,
        replicas=replicas,
        non_saturated=non_saturated,
        spare_kv=spare_kv,
        spare_queue=spare_queue,
        needs_growth=needs_growth,
        may_shrink=may_shrink,
    )


def _mean_margin(
    usage: FloatArray, threshold: FloatArray, group: IntArray, groups: int, counted: BoolArray
) -> FloatArray:
    """Mean of threshold - usage over the counted replicas of each group, 0 where there are none.

    Sums run in the order of the replicas (``np.bincount``), so that ``exact`` repeats the original to the last bit.
    """
    where = group[counted]
    margin = threshold[where] - usage[counted]
    margin = np.maximum(margin, -threshold[where])
    count = np.bincount(where, minlength=groups)
    total = np.bincount(where, weights=margin, minlength=groups)
    return np.divide(total, count, out=np.zeros(groups), where=count > 0)


def _margin_holds(spare: FloatArray, threshold: FloatArray, margin: FloatArray, stretch: FloatArray) -> BoolArray:
    """Whether the margin stays when one replica's load moves to the others: load x N / (N - 1)."""
    load = threshold - spare
    moved = np.where(np.isfinite(stretch), load * np.where(np.isfinite(stretch), stretch, 1.0), np.inf)
    holds: BoolArray = threshold - moved >= margin
    return holds
