"""What is there and what is on its way, and how long that takes: learned from how long it took.

A replica that was asked for counts as there, so that nothing is ordered twice; but only until it is overdue, for then it may
never come, and where there is another kind that one is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.snapshot import Snapshot

ASSUMED_STARTUP_SECONDS = 90.0
OVERDUE_FACTOR = 3.0
OVERDUE_SECONDS = 600.0
"""Overdue is what takes three times as long as usual, and ten minutes at least."""

_LONGEST_SECONDS = 1800.0
"""What took longer waited for a machine, and says nothing of the next start."""

_NEWEST = 0.5
"""Weight of the newest start."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Supply:
    """Replicas of each variant: shape (variants,).

    ``ready`` serve, ``coming`` were asked for and are not overdue. ``pending_since`` is when a variant last lacked none that
    were asked for, unknown while it lacks none; ``startup_seconds`` is how long the last ones took.
    """

    ready: FloatArray
    coming: FloatArray
    overdue: BoolArray
    pending_since: Column
    startup_seconds: FloatArray

    @classmethod
    def unknown(cls, variants: int) -> Supply:
        """Nothing was seen."""
        return cls(
            ready=np.zeros(variants),
            coming=np.zeros(variants),
            overdue=np.zeros(variants, dtype=np.bool_),
            pending_since=Column.unknown(variants),
            startup_seconds=np.full(variants, ASSUMED_STARTUP_SECONDS),
        )

    def take(self, row: IntArray) -> Supply:
        """For variants whose i-th stood at ``row[i]`` before, -1 if it is new."""
        if not len(self.ready):
            return Supply.unknown(len(row))
        inside, at = row >= 0, np.maximum(row, 0)
        return Supply(
            ready=np.where(inside, self.ready[at], 0.0),
            coming=np.where(inside, self.coming[at], 0.0),
            overdue=inside & self.overdue[at],
            pending_since=self.pending_since.take(row),
            startup_seconds=np.where(inside, self.startup_seconds[at], ASSUMED_STARTUP_SECONDS),
        )

    @property
    def total(self) -> FloatArray:
        """Replicas that serve or will."""
        return self.ready + self.coming


def supply(past: Supply, snapshot: Snapshot, wanted: Column) -> Supply:
    """What there is this cycle; where nobody counts, what there was.

    What was ``wanted``, shape (variants,), and nobody made is as overdue as what was made and does not start.
    """
    counts, now = snapshot.counts, snapshot.time
    known = counts.current.known & counts.ready.known
    ready = np.where(known, counts.ready.value, past.ready)
    coming = np.where(known, np.minimum(counts.pending.value, counts.current.value), past.coming)
    came = (ready > past.ready) & past.pending_since.known
    took = np.maximum(now - past.pending_since.value, 0.0)
    took = np.minimum(took, _LONGEST_SECONDS)
    startup = np.where(came, (1.0 - _NEWEST) * past.startup_seconds + _NEWEST * took, past.startup_seconds)
    since = np.where(came | ~past.pending_since.known, now, past.pending_since.value)
    missing = (coming > 0.0) | (known & wanted.known & (wanted.value > counts.current.value))
    waited = np.where(missing, now - since, 0.0)
    overdue = waited > np.maximum(OVERDUE_FACTOR * startup, OVERDUE_SECONDS)
    return Supply(
        ready=ready,
        coming=np.where(overdue, 0.0, coming),
        overdue=overdue,
        pending_since=Column.of(since, missing),
        startup_seconds=startup,
    )
