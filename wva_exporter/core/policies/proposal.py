"""What a policy is asked and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from wva_exporter.core.columns import BoolArray, Column, IntArray
from wva_exporter.core.explanation import Explanation
from wva_exporter.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proposal:
    """Replicas that a policy wants, and its measure of how full each variant is: shape (variants,).

    ``reason`` holds codes of ``core.snapshot.REASONS``. Capacities are in ``required_unit`` and ``spare_unit``.
    ``explanation`` is how it came to that, of policies that reason so.
    """

    target: Column
    reason: IntArray
    utilization: Column
    required: Column
    spare: Column
    required_unit: str
    spare_unit: str
    explanation: Explanation | None = None


class Policy(Protocol):
    """A way to decide. Pure: the same arguments give the same answer."""

    @property
    def name(self) -> str:
        """How a model selects it."""
        ...

    def propose(self, snapshot: Snapshot, chosen: BoolArray, memory: object) -> tuple[Proposal, object]:
        """Decide the variants that ``chosen`` marks, shape (variants,); the others stay unknown.

        ``memory`` is what the policy returned in the cycle before, None at first.
        """
        ...
