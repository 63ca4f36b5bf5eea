"""The peak of what was asked for lately: replicas are given back only after nothing in the window needed them.

Peaks are kept by slices of time, so that the memory does not grow with the pace of the cycles. Of a slice in which nobody
looked it is not known that less was needed: it is taken to have needed what the one before did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray, floats

SLICES = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """``peak`` has a row a slice, the newest first: shape (slices + 1, rows). ``began_at`` is when each row was first seen."""

    slice_seconds: float
    newest: int
    peak: FloatArray
    began_at: FloatArray

    @classmethod
    def start(cls, rows: int, time: float, window_seconds: float) -> Window:
        """Nothing is remembered."""
        width = window_seconds / SLICES
        return cls(
            slice_seconds=width,
            newest=int(time // width),
            peak=np.zeros((SLICES + 1, rows)),
            began_at=np.full(rows, time),
        )

    def take(self, row: IntArray, time: float) -> Window:
        """For rows whose i-th stood at ``row[i]`` before, -1 if it is new."""
        inside, at = row >= 0, np.maximum(row, 0)
        if not len(self.began_at):
            return Window.start(len(row), time, self.slice_seconds * SLICES)
        return Window(
            slice_seconds=self.slice_seconds,
            newest=self.newest,
            peak=np.where(inside, self.peak[:, at], 0.0),
            began_at=np.where(inside, self.began_at[at], time),
        )

    def add(self, needed: FloatArray, time: float) -> Window:
        """With what is needed now."""
        newest = int(time // self.slice_seconds)
        passed = min(max(newest - self.newest, 0), SLICES + 1)
        peak = np.empty_like(self.peak)
        peak[:passed] = self.peak[0]
        peak[passed:] = self.peak[: len(peak) - passed]
        peak[0] = np.maximum(peak[0] if passed == 0 else 0.0, needed)
        return Window(
            slice_seconds=self.slice_seconds, newest=max(newest, self.newest), peak=peak, began_at=self.began_at
        )

    @property
    def highest(self) -> FloatArray:
        """The peak of each row: shape (rows,)."""
        return floats(self.peak.max(axis=0))

    def highest_before(self, slices: int) -> FloatArray:
        """The peak of each row without that of the newest slices: shape (rows,)."""
        return floats(self.peak[slices:].max(axis=0))

    def young(self, time: float) -> BoolArray:
        """Rows that were not watched for a whole window yet: shape (rows,)."""
        return np.asarray(time - self.began_at < self.slice_seconds * SLICES)
