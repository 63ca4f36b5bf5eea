"""Supply and demand of models and roles, and what is missing or free between two thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Totals:
    """Per group, a model or a role of one: shape (groups,), tokens.

    ``supply`` is what is ready, ``anticipated`` also what is on its way.
    """

    supply: FloatArray
    anticipated: FloatArray
    demand: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """Of each variant: units that are ready and on their way, tokens that one of them carries, tokens asked for."""

    count: FloatArray
    pending: FloatArray
    capacity: FloatArray
    demand: FloatArray


def totals(units: Units, group: IntArray, groups: int) -> Totals:
    """Sums over the variants of each group, in their order."""
    return Totals(
        supply=_sums(units.count * units.capacity, group, groups),
        anticipated=_sums((units.count + units.pending) * units.capacity, group, groups),
        demand=_sums(units.demand, group, groups),
    )


def _sums(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    return np.bincount(group, weights=values, minlength=groups).astype(np.float64)


def required(
    demand: FloatArray, anticipated: FloatArray, scale_up: FloatArray, before: FloatArray | float = 0.0
) -> FloatArray:
    """What is missing for the load to stay below ``scale_up``: ``max(0, D / up - anticipated)``.

    Where the threshold is not positive, ``before`` stands.
    """
    positive = scale_up > 0
    missing = np.maximum(demand / np.where(positive, scale_up, 1.0) - anticipated, 0.0)
    return np.where(positive, missing, before)


def spare(
    demand: FloatArray, supply: FloatArray, scale_down: FloatArray, before: FloatArray | float = 0.0
) -> FloatArray:
    """What could go with the load still below ``scale_down``: ``max(0, supply - D / down)``, of what is ready only."""
    positive = scale_down > 0
    free = np.maximum(supply - demand / np.where(positive, scale_down, 1.0), 0.0)
    return np.where(positive, free, before)
