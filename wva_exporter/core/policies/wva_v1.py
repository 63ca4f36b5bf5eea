"""Policy ``wva-v1``: one replica up or down at a time by the percentage analysis of WVA.

Each role of each model is a group. A group that lacks headroom grows by one on its cheapest variant; one that can do without a
replica loses it on its dearest; while a replica is on its way the group waits. Ties go by name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.allocation.quotas import Quotas
from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.fleet import Fleet, Role
from wva_exporter.core.policies.proposal import Proposal
from wva_exporter.core.policies.scarcity import Wanted, cut
from wva_exporter.core.saturation import Limits, Saturation, analyze
from wva_exporter.core.snapshot import REASON_CODE, Snapshot
from wva_exporter.errors import Reason


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stand:
    """Where each variant of a fleet stands before the step: shape (variants,).

    ``desired`` is the count that was asked for, 0 where nobody says: a group that waits keeps it. Live decisions take what
    the workload asks for, not the last target: an HPA whose dead band swallows a step would lock the group for ever.
    """

    group: IntArray
    rank: IntArray
    current: IntArray
    pending: IntArray
    desired: IntArray
    minimum: IntArray
    maximum: Column
    movable: BoolArray
    """Whose number may change at all: counted, neither paused nor fixed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WvaV1:
    """The policy; ``exact`` repeats the original's arithmetic and order, faults included.

    ``limited``: targets are cut to the GPUs that are counted and to ``quotas``.
    """

    exact: bool = False
    limited: bool = False
    quotas: tuple[Quotas, ...] = ()

    @property
    def name(self) -> str:
        """How a model selects it."""
        return "wva-v1/exact" if self.exact else "wva-v1"

    def propose(self, snapshot: Snapshot, chosen: BoolArray, memory: object) -> tuple[Proposal, object]:
        """One step for every chosen variant whose group has a live replica and whose own count is known."""
        fleet, replicas, counts = snapshot.fleet, snapshot.replicas, snapshot.counts
        usable = replicas.live & replicas[Signal.KV_PEAK].known & replicas[Signal.WAITING_PEAK].known
        variant = replicas.variant[usable]
        kv = replicas[Signal.KV_PEAK].value[usable]
        queue = np.trunc(replicas[Signal.WAITING_PEAK].value[usable])
        group = fleet.group
        found = analyze(kv, queue, group[variant], fleet.groups, _limits(fleet), exact=self.exact)

        stand = Stand(
            group=group,
            rank=fleet.rank,
            current=counts.current.value.astype(np.int64),
            pending=counts.pending.value.astype(np.int64),
            desired=np.where(counts.spec.known, np.maximum(counts.spec.value, counts.current.value), 0).astype(
                np.int64
            ),
            minimum=fleet.variants.minimum,
            maximum=fleet.variants.maximum,
            movable=counts.current.known & ~fleet.variants.paused & ~fleet.variants.fixed.known,
        )
        target, reason = step(found.needs_growth, found.may_shrink, stand, exact=self.exact)
        known = chosen & (found.replicas[group] > 0) & counts.current.known
        spare = _spare(kv, variant, fleet, found)
        if self.limited:
            wanted = Wanted(target=target.astype(np.float64), spare=spare.otherwise(0.0), asking=known)
            within, short = cut(snapshot, wanted, self.quotas, exact=self.exact)
            target, reason = within.astype(np.int64), np.where(short, REASON_CODE[Reason.INVENTORY], reason)
        proposal = Proposal(
            target=Column.of(target, known),
            reason=np.where(known, reason, REASON_CODE[Reason.NO_SERIES]),
            utilization=_mean(kv, variant, len(fleet)),
            required=Column.of(found.needs_growth[group].astype(float), known),
            spare=spare,
            required_unit="binary",
            spare_unit="",
        )
        return proposal, memory


def step(needs_growth: BoolArray, may_shrink: BoolArray, stand: Stand, *, exact: bool) -> tuple[IntArray, IntArray]:
    """Targets and reasons of each variant, shape (variants,), from the analysis of each group, shape (groups,).

    ``exact`` picks the cheapest variant even where its maximum forbids the step; otherwise the next one grows.
    """
    groups = len(needs_growth)
    group, current = stand.group, stand.current
    unsettled = (stand.pending > 0) | ((stand.desired != 0) & (stand.desired != current))
    locked = np.zeros(groups, dtype=np.bool_)
    locked[group[unsettled]] = True

    ceiling = np.where(stand.maximum.known & (stand.maximum.value > 0), stand.maximum.value, np.inf)
    can_grow = stand.movable & (exact | (current < ceiling))
    can_shrink = stand.movable & (current > (1 if exact else np.maximum(stand.minimum, 1)))
    up = _first(stand.rank, can_grow & needs_growth[group], group, groups)
    down = _first(-stand.rank, can_shrink & (may_shrink & ~needs_growth)[group], group, groups)

    bounded = np.minimum(np.maximum(current + up - down, stand.minimum), ceiling).astype(np.int64)
    kept = np.where((stand.desired != 0) & (stand.desired != current), stand.desired, current)
    target = np.where(locked[group], kept, bounded)
    full = needs_growth[group] & ~can_grow & (current >= ceiling)
    bare = (may_shrink & ~needs_growth)[group] & ~can_shrink & stand.movable
    reason = np.select(
        [locked[group], up > 0, down > 0, full, bare],
        [
            REASON_CODE[why]
            for why in (Reason.PENDING, Reason.NO_HEADROOM, Reason.SPARE_CAPACITY, Reason.MAX, Reason.MIN)
        ],
        REASON_CODE[Reason.STEADY],
    )
    return target, reason


def _first(order: IntArray, eligible: BoolArray, group: IntArray, groups: int) -> IntArray:
    """1 for the eligible variant of each group that comes first in ``order``, else 0; orders are unique within a group."""
    last = np.iinfo(np.int64).max
    best = np.full(groups, last)
    np.minimum.at(best, group[eligible], order[eligible])
    chosen: IntArray = (eligible & (order == best[group])).astype(np.int64)
    return chosen


def _limits(fleet: Fleet) -> Limits:
    """The models' thresholds, repeated for each role."""
    t, roles = fleet.models.thresholds, len(Role)
    return Limits(
        kv=np.repeat(t.kv, roles),
        queue=np.repeat(t.queue, roles),
        kv_spare=np.repeat(t.kv_spare, roles),
        queue_spare=np.repeat(t.queue_spare, roles),
    )


def _mean(values: FloatArray, variant: IntArray, variants: int) -> Column:
    """Mean over the replicas of each variant, unknown without any."""
    count = np.bincount(variant, minlength=variants)
    total = np.bincount(variant, weights=values, minlength=variants)
    return Column.of(np.divide(total, count, out=np.zeros(variants), where=count > 0), count > 0)


def _spare(kv: FloatArray, variant: IntArray, fleet: Fleet, found: Saturation) -> Column:
    """Mean free share of the KV cache below the threshold over the non-saturated replicas of each variant."""
    free = ~found.saturated
    threshold = fleet.models.thresholds.kv[fleet.variants.model]
    mean = _mean(kv[free], variant[free], len(fleet))
    present = np.bincount(variant, minlength=len(fleet)) > 0
    return Column.of(np.where(mean.known, threshold - mean.value, 0.0), present)
