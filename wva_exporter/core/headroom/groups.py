"""Variants that share load: one row a model and role that some variant has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray, integers
from wva_exporter.core.fleet import Fleet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """``of_variant`` is the group of each variant, shape (variants,); ``model`` and ``role`` are of groups, shape (groups,)."""

    of_variant: IntArray
    model: IntArray
    role: IntArray
    key: tuple[tuple[str, str, int], ...]
    """Namespace, model and role, by which a group is known again when rows have moved."""

    @classmethod
    def of(cls, fleet: Fleet) -> Groups:
        """The groups of a fleet, by model and role."""
        _, first, row = np.unique(fleet.group, return_index=True, return_inverse=True)
        model, role = fleet.variants.model[first], fleet.variants.role[first]
        names = fleet.model_key
        key = tuple((*names[m], r) for m, r in zip(model.tolist(), role.tolist(), strict=True))
        return cls(of_variant=integers(row.ravel()), model=integers(model), role=integers(role), key=key)

    def __len__(self) -> int:
        return len(self.model)

    def total(self, values: FloatArray | BoolArray, rows: IntArray | None = None) -> FloatArray:
        """Sum over each group's variants, or over ``rows``, the variant of each value: shape (groups,)."""
        group = self.of_variant if rows is None else self.of_variant[rows]
        found = np.bincount(group, weights=values, minlength=len(self.model))
        return found.astype(np.float64, copy=False)  # whole numbers if empty

    def most(self, values: FloatArray) -> FloatArray:
        """The largest of each group's variants, none of which is negative: shape (groups,)."""
        found = np.zeros(len(self))
        np.maximum.at(found, self.of_variant, values)
        return found

    @property
    def alone(self) -> BoolArray:
        """Groups of one variant, which has nobody to share with: shape (groups,)."""
        return np.asarray(np.bincount(self.of_variant, minlength=len(self)) == 1)

    def every(self, flag: BoolArray) -> BoolArray:
        """Groups of which every variant has the flag: shape (groups,)."""
        return np.asarray(self.total(~flag) == 0)

    def rows_in(self, before: Groups) -> IntArray:
        """Where each group stood before, -1 where it did not: shape (groups,)."""
        place = {key: row for row, key in enumerate(before.key)}
        return integers([place.get(key, -1) for key in self.key])


def weighted(signals: Column, weight: FloatArray, row: IntArray, rows: int) -> Column:
    """The weighted means of what is known of each signal in each row: shape (signals, rows).

    ``signals`` has shape (signals, replicas), ``weight`` and ``row`` are of replicas.
    """
    count = len(signals.value)
    place = (row + rows * np.arange(count)[:, np.newaxis]).ravel()
    share = np.where(signals.known, weight, 0.0)
    total, sums = (
        np.bincount(place, weights=each.ravel(), minlength=count * rows).reshape(count, rows)
        for each in (share, share * signals.value)
    )
    return Column.of(np.divide(sums, total, out=np.zeros((count, rows)), where=total > 0.0), total > 0.0)
