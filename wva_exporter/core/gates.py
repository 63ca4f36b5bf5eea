"""When a target may not fall: the data are not good enough to know that less would do.

Each gate only ever raises a target back to a floor; a rise passes all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray, first_of
from wva_exporter.core.decision import Memory
from wva_exporter.core.snapshot import REASON_CODE, Presence, Snapshot
from wva_exporter.errors import Reason

_NONE = REASON_CODE[Reason.NONE]
_COVERAGE = REASON_CODE[Reason.COVERAGE]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubt:
    """Why a model's targets may not fall: shape (models,), codes of ``REASONS``.

    ``blind``: replicas exist whose load nobody knows, or an input is missing, so that the count itself is in doubt.
    ``early``: everything is seen, but not yet for long enough, or the load signals contradict each other.
    """

    blind: IntArray
    early: IntArray

    @property
    def complete(self) -> BoolArray:
        """Models of which everything is seen."""
        return np.asarray(self.blind == _NONE)


def doubt(snapshot: Snapshot, agreed: BoolArray) -> Doubt:
    """Judge every model; ``agreed`` says whose load signals agree that it may shrink, shape (models,)."""
    fleet, replicas, counts = snapshot.fleet, snapshot.replicas, snapshot.counts
    models, model = len(fleet.models), fleet.variants.model
    silent = replicas.presence == Presence.SILENT
    unseen = np.bincount(model[replicas.variant[silent]], minlength=models) > 0

    answering = np.bincount(replicas.variant[replicas.live], minlength=len(fleet))
    short = counts.declared & counts.ready.known & (answering < counts.ready.value)
    uncounted = np.zeros(models, dtype=np.bool_)
    uncounted[model[short | counts.disputed]] = True

    blind = first_of(
        [snapshot.trouble != _NONE, unseen, uncounted, np.full(models, snapshot.partial)],
        [
            snapshot.trouble,
            REASON_CODE[Reason.REPLICA_UNKNOWN],
            REASON_CODE[Reason.REPLICAS_UNCOUNTED],
            REASON_CODE[Reason.PARTIAL_DATA],
        ],
        _NONE,
    )
    early = first_of(
        [~snapshot.covered, ~agreed], [REASON_CODE[Reason.COVERAGE], REASON_CODE[Reason.SIGNALS_DISAGREE]], _NONE
    )
    return Doubt(blind=blind, early=early)


def known_counts(snapshot: Snapshot, memory: Memory, complete: BoolArray) -> Column:
    """The last replica count of each variant that somebody vouched for: shape (variants,).

    kube-state-metrics vouches for its own; a count from the engines' series stands only while every replica of the model is
    seen, because what does not answer is not counted there.
    """
    current = snapshot.counts.current
    vouched = current.known & (snapshot.counts.declared | complete[snapshot.fleet.variants.model])
    return Column.of(np.where(vouched, current.value, memory.known_count.value), vouched | memory.known_count.known)


def premature(snapshot: Snapshot, memory: Memory) -> BoolArray:
    """Variants whose first decision must wait: shape (variants,).

    After a start replicas come into sight one by one. Where only their own series count them, what exists is not known before
    the windows of all that are seen are filled; a target before that would be an echo of a half-seen fleet.
    """
    covered = snapshot.covered[snapshot.fleet.variants.model]
    return np.asarray(~memory.target.known & ~snapshot.counts.declared & ~covered)


def kept(snapshot: Snapshot, memory: Memory, known_count: Column) -> FloatArray:
    """What a target may not fall below while replicas are unknown: the last target and the last known count.

    But replicas that were asked to leave fall silent before anybody has counted them out. As long as those that answer are as
    many as were asked for, the silent ones are taken for these, and calling them back would undo the decision.
    """
    replicas = snapshot.replicas
    answering = np.bincount(replicas.variant[replicas.live], minlength=len(snapshot.fleet))
    leaving = memory.target.known & (answering >= memory.target.value)
    return np.maximum(memory.target.value, np.where(leaving, 0.0, known_count.value))


def floor(snapshot: Snapshot, memory: Memory, known_count: Column, doubts: Doubt) -> tuple[FloatArray, IntArray]:
    """The least each variant may be asked for, and why: shape (variants,).

    Blind: what ``kept`` says. Early: neither below the last target nor, while
    windows are not filled, below what exists. And whoever has no target yet, after a start or a withdrawal, begins at what
    exists.
    """
    model = snapshot.fleet.variants.model
    blind, early = doubts.blind[model], doubts.early[model]
    current = snapshot.counts.current.value
    last = memory.target.otherwise(current)
    last = np.where(early == _COVERAGE, np.maximum(last, current), last)
    least = first_of(
        [blind != _NONE, (early != _NONE) | ~memory.target.known],
        [np.maximum(last, kept(snapshot, memory, known_count)), last],
        0.0,
    )
    why = first_of([blind != _NONE, early != _NONE], [blind, early], REASON_CODE[Reason.STARTED])
    return least, why
