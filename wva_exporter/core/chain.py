"""The stages of one cycle's decision as they are applied: the one place in core that changes as it goes."""

from __future__ import annotations

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray, integers
from wva_exporter.core.decision import Step
from wva_exporter.core.snapshot import REASON_CODE
from wva_exporter.errors import Reason

_NONE = REASON_CODE[Reason.NONE]


class Chain:
    """Targets, whether they are known, and what bound them last: shape (variants,); every stage leaves a ``Step``."""

    def __init__(self, wanted: Step) -> None:
        self.replicas: FloatArray = wanted.replicas.value.copy()
        self.known: BoolArray = wanted.replicas.known.copy()
        self.reason: IntArray = wanted.reason.copy()
        self.steps: list[Step] = [wanted]
        self._nothing = integers(np.full(len(wanted.reason), _NONE))

    def stands(self, name: str, moved: BoolArray) -> bool:
        """Whether a stage moved nothing, as most do; its step is then the one before, without a reason."""
        if np.count_nonzero(moved):
            return False
        self.steps.append(Step(name=name, replicas=self.steps[-1].replicas, reason=self._nothing))
        return True

    def _record(self, name: str, moved: BoolArray, why: IntArray | int) -> None:
        self.reason = np.where(moved, why, self.reason)
        reason = np.where(moved, why, _NONE)
        self.steps.append(Step(name=name, replicas=Column.of(self.replicas, self.known), reason=reason))

    def replace(self, name: str, other: Column, why: IntArray) -> None:
        """Take the other's number where it has one; where it has only a reason, the reason."""
        told = why != _NONE
        if self.stands(name, told | other.known):
            return
        self.replicas = np.where(other.known, other.value, self.replicas)
        self.known = self.known | other.known
        self._record(name, told, why)

    def withhold(self, name: str, mask: BoolArray, why: int) -> None:
        """Forget the targets that it is too early for."""
        moved = self.known & mask
        if self.stands(name, moved):
            return
        self.known = self.known & ~mask
        self._record(name, moved, why)

    def raise_to(self, name: str, least: FloatArray, why: IntArray | int) -> None:
        """No known target below ``least``."""
        moved = self.known & (self.replicas < least)
        if self.stands(name, moved):
            return
        self.replicas = np.where(moved, least, self.replicas)
        self._record(name, moved, why)

    def cap(self, name: str, most: FloatArray, why: int) -> None:
        """No known target above ``most``."""
        moved = self.known & (self.replicas > most)
        if self.stands(name, moved):
            return
        self.replicas = np.where(moved, most, self.replicas)
        self._record(name, moved, why)

    def mark(self, why: IntArray) -> None:
        """Name the doubt under which a target stands, even where it did not move it."""
        self.reason = np.where(self.known & (why != _NONE), why, self.reason)

    def hold(self, held: Column, why: IntArray) -> None:
        """Where nothing could be decided: the held target, if there is one."""
        open_ = ~self.known
        self.replicas = np.where(open_, held.value, self.replicas)
        self.known = self.known | held.known
        self._record("hold", open_, why)
