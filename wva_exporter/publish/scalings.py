"""How often each published target has risen and fallen: the only thing that publishing remembers from Plan to Plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, IntArray, flags, integers
from wva_exporter.core.decision import Plan
from wva_exporter.core.fleet import Fleet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scalings:
    """Rises and falls of the published target of each variant under its policy: shape (variants,) in the rows of ``fleet``.

    ``target`` is the last one that was published, so that a target that was withdrawn and came back different counts once.
    """

    fleet: Fleet | None
    rises: IntArray
    falls: IntArray
    target: Column

    @classmethod
    def none(cls) -> Scalings:
        """Before the first Plan."""
        return cls(fleet=None, rises=integers([]), falls=integers([]), target=Column.unknown(0))

    def after(self, plan: Plan) -> Scalings:
        """The counts once ``plan`` is published: a variant that left is forgotten, a changed policy starts at 0."""
        row = self._rows_of(plan.fleet)
        before = self.target.take(row)
        both = before.known & plan.target.known
        same = self._same_policy(plan.fleet, row)
        rises = np.where(same, Column.of(self.rises).take(row).value, 0.0) + (both & (plan.target.value > before.value))
        falls = np.where(same, Column.of(self.falls).take(row).value, 0.0) + (both & (plan.target.value < before.value))
        last = np.where(plan.target.known, plan.target.value, before.value)
        return Scalings(
            fleet=plan.fleet,
            rises=integers(rises.astype(np.int64)),
            falls=integers(falls.astype(np.int64)),
            target=Column.of(last, plan.target.known | before.known),
        )

    def _rows_of(self, fleet: Fleet) -> IntArray:
        """Where each variant of ``fleet`` stands here, -1 where it is new."""
        if self.fleet is fleet:
            return np.arange(len(fleet))
        known = self.fleet.row if self.fleet is not None else {}
        return integers([known.get(key, -1) for key in fleet.key])

    def _same_policy(self, fleet: Fleet, row: IntArray) -> BoolArray:
        if self.fleet is None or self.fleet is fleet:
            return flags(row >= 0)
        before, after = _policies(self.fleet), _policies(fleet)
        return flags([i >= 0 and before[i] == policy for i, policy in zip(row.tolist(), after, strict=True)])


def _policies(fleet: Fleet) -> list[str]:
    """The policy of each variant."""
    return [fleet.models.policy[model] for model in fleet.variants.model.tolist()]
