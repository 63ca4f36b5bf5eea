"""To zero and back: only on proof.

Zero is never targeted unless an operator set both ``min: 0`` and a retention, and then only after arrivals, running, waiting
and the router's queue were *known* to be zero for all of it. From zero one replica of the cheapest variant of each role wakes
as soon as a router holds a request; without a router's series nobody can know, and the model stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray, first_of
from wva_exporter.core.decision import Memory
from wva_exporter.core.snapshot import REASON_CODE, Snapshot
from wva_exporter.errors import Reason


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Zero:
    """What the rule says: shape (variants,), except ``idle_since``, (models,).

    ``target`` is known where the rule decides instead of the policy, ``minimum`` is the least that any variant may have: none
    that has a replica which answers goes to zero by another word than the rule's, now or in the cycle before.
    """

    target: Column
    reason: IntArray
    minimum: FloatArray
    idle_since: Column


def at_zero(snapshot: Snapshot, load: Column, past: Memory, complete: BoolArray) -> Zero:
    """Apply the rule to every model.

    Args:
        snapshot: this cycle's view.
        load: the load signals per model, shape (models, signals), as ``core.agreement.load`` gives them.
        past: what is remembered; its ``idle_since`` has no gap.
        complete: models of which every replica is seen and nothing is in doubt, shape (models,).

    A model is parked when it is counted at zero and nothing of it is seen, not even something that does not answer.
    """
    fleet, variants = snapshot.fleet, snapshot.fleet.variants
    model = variants.model
    retention = fleet.models.zero_retention_seconds
    allowed = retention.known[model] & (variants.minimum == 0)

    count = snapshot.counts.current
    replicas = np.bincount(model, weights=count.value, minlength=len(fleet.models))
    counted = np.bincount(model, weights=~count.known, minlength=len(fleet.models)) == 0
    seen = np.bincount(model[snapshot.replicas.variant], minlength=len(fleet.models))
    parked = counted & (replicas == 0) & (seen == 0)
    quiet = complete & (load.known & (load.value == 0.0)).all(axis=1) & ~parked
    idle_since = Column.of(np.where(past.idle_since.known, past.idle_since.value, snapshot.time), quiet)
    if not np.count_nonzero(allowed):
        return Zero(
            target=Column.unknown(len(fleet)),
            reason=np.full(len(fleet), _NONE),
            minimum=np.maximum(variants.minimum, 1).astype(np.float64),
            idle_since=idle_since,
        )
    idle = idle_since.known & (snapshot.time - idle_since.value >= retention.value) & retention.known

    router = snapshot.router_queue
    wanted = router.known & (router.value > 0)
    cheapest = _cheapest(fleet.group, fleet.rank, fleet.groups, allowed)
    down = allowed & (idle & router.known & ~wanted)[model]
    stuck = allowed & (idle & ~router.known)[model]
    stay = allowed & parked[model] & ~wanted[model]
    wake = allowed & parked[model] & wanted[model]

    target = first_of([wake, down, stay], [cheapest.astype(float), 0.0, 0.0], 0.0)
    decided = wake | down | stay
    serving = np.bincount(snapshot.replicas.variant[snapshot.replicas.live], minlength=len(fleet)) > 0
    sent_away = past.target.known & (past.target.value == 0)
    minimum = np.where(allowed & (decided | sent_away | ~serving), 0.0, np.maximum(variants.minimum, 1))
    blind = stuck | (stay & ~router.known[model])
    reason = first_of([wake, blind, down | stay], [_WOKEN, _CANNOT_WAKE, _IDLE], _NONE)
    return Zero(target=Column.of(target, decided), reason=reason, minimum=minimum, idle_since=idle_since)


def _cheapest(group: IntArray, rank: IntArray, groups: int, allowed: BoolArray) -> BoolArray:
    """The variant of each role that costs least, among those that may be at zero at all."""
    best = np.full(groups, np.iinfo(np.int64).max)
    np.minimum.at(best, group[allowed], rank[allowed])
    chosen: BoolArray = allowed & (rank == best[group])
    return chosen


_NONE = REASON_CODE[Reason.NONE]
_IDLE = REASON_CODE[Reason.IDLE]
_WOKEN = REASON_CODE[Reason.WOKEN]
_CANNOT_WAKE = REASON_CODE[Reason.CANNOT_WAKE]
