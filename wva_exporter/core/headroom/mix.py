"""Which replicas: as few changes as do, at least cost.

A group that lacks capacity gets the cheapest addition that covers it (``allocation.covering``); one that has too much gives
back the dearest capacity first; in between nothing moves, however much better another mix would be: a swap starts engines and
drains others, which costs more than it saves within the hour. A fleet of several kinds needs more than one of a kind, because
a router fills them alike and the slowest is full first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.allocation.covering import Kind, cover
from wva_exporter.core.columns import FloatArray, IntArray, floats
from wva_exporter.core.headroom.groups import Groups

MIXED_RESERVE = 1.05
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offers:
    """What each variant can contribute: shape (variants,).

    ``size`` is what one replica carries, 0 for one that does not count; ``standing`` are the replicas that are there or coming;
    ``least`` and ``most`` the bounds, ``cost`` that of a replica.
    """

    size: FloatArray
    standing: FloatArray
    least: FloatArray
    most: FloatArray
    cost: FloatArray


def fit(groups: Groups, offers: Offers, need: FloatArray, enough: FloatArray) -> FloatArray:
    """Replicas of each variant: shape (variants,).

    Args:
        groups: which variants share load.
        offers: what they can contribute.
        need: capacity that each group must have, shape (groups,), in the unit of ``size``.
        enough: capacity above which it may give back, not below ``need``.
    """
    variants = np.bincount(groups.of_variant, minlength=len(groups))
    of_variant = groups.of_variant
    standing = np.clip(offers.standing, offers.least, offers.most)
    size = np.maximum(offers.size, 1e-12)
    low = np.ceil(need[of_variant] / size - _EPSILON)
    high = np.maximum(np.ceil(enough[of_variant] / size - _EPSILON), low)
    wanted = np.where(offers.size > 0.0, np.clip(standing, low, high), standing)
    for group in np.flatnonzero(variants > 1).tolist():
        rows = np.flatnonzero(of_variant == group)
        wanted[rows] = _of_several(offers, standing, rows, float(need[group]), float(enough[group]))
    return np.clip(wanted, offers.least, offers.most)


def _of_several(offers: Offers, standing: FloatArray, rows: IntArray, need: float, enough: float) -> FloatArray:
    """Replicas of variants that share load."""
    size, cost, most = offers.size[rows], offers.cost[rows], offers.most[rows]
    count: FloatArray = standing[rows].copy()
    reserve = MIXED_RESERVE if np.count_nonzero(count * size) > 1 else 1.0
    need, enough = need * reserve, enough * reserve
    have = float(count @ size)
    if have < need * (1.0 - _EPSILON):
        kinds = [
            Kind(cost=float(c), capacity=(float(s),), least=int(n), most=float(m))
            for c, s, n, m in zip(cost, size, count, np.maximum(most, count), strict=True)
        ]
        found = cover(kinds, (need,))
        return most if found is None else np.array(found, dtype=np.float64)
    for place in np.argsort(-_price(cost, size), kind="stable").tolist():
        spare = have - max(need, enough)
        may_go = count[place] - offers.least[rows][place]
        gone = min(may_go, np.floor(spare / size[place] + _EPSILON)) if size[place] > 0.0 else may_go
        gone = min(gone, count.sum() - 1.0)
        if gone > 0.0:
            count[place] -= gone
            have -= gone * float(size[place])
    return count


def _price(cost: FloatArray, size: FloatArray) -> FloatArray:
    """Cost of a unit of capacity; what carries nothing is dearest."""
    return floats(np.divide(cost, size, out=np.full(len(cost), np.inf), where=size > 0.0))
