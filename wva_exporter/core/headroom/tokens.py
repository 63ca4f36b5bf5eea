"""What the KV caches say, where nothing is known of service times: how much memory is asked for, and how much there is.

Memory is neither linear in the load nor aware of a promise, so this is the second best. Of a rise it would see nothing before
requests hold tokens, so what they will hold is worked out by Little's law where arrivals and the time between tokens are known:
rate x answer x ITL requests at once, of prompt + answer/2 tokens each. That is too little by what ITL will grow, and what is
held already counts if it is more. Counted in tokens where every variant of a group tells its capacity, else in whole caches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, Column, FloatArray
from wva_exporter.core.fleet import Role
from wva_exporter.core.headroom.groups import Groups, weighted
from wva_exporter.core.headroom.shape import Shape
from wva_exporter.core.snapshot import Snapshot

_PREFILL = int(Role.PREFILL)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memory:
    """``size`` is what one replica of each variant may hold, shape (variants,); the others are of groups, shape (groups,).

    ``demand`` is held or waited for; the shares ``up`` and ``down`` of a fleet's size are those at which it is too small, and
    below which it is too large. ``in_tokens`` says of what the numbers are.
    """

    size: FloatArray
    demand: Column
    up: FloatArray
    down: FloatArray
    in_tokens: BoolArray


def memory(
    snapshot: Snapshot,
    groups: Groups,
    shape: Shape,
    kv_tokens: Column,
    *,
    there: BoolArray,
    waiting: FloatArray,
    rate_rps: FloatArray,
) -> Memory:
    """What is asked of the caches; ``waiting`` are requests outside of any batch, ``rate_rps`` arrivals: shape (groups,).

    ``there`` are variants that have replicas, shape (variants,): the others need not have told their capacity.
    """
    replicas, thresholds = snapshot.replicas, snapshot.fleet.models.thresholds
    told = groups.every(kv_tokens.known | ~there) & (groups.total(kv_tokens.known) > 0)
    each = np.where(told[groups.of_variant], kv_tokens.value, 1.0)
    use = replicas[Signal.KV]
    share = np.where(use.known, use.value, replicas[Signal.KV_PEAK].value) * replicas.live
    resident = groups.total(share * each[replicas.variant], replicas.variant)
    running = groups.total(np.where(replicas.live, replicas[Signal.RUNNING].value, 0.0), replicas.variant)
    seen = groups.total(replicas.live, replicas.variant) > 0
    answer = np.where(groups.role == _PREFILL, 0.0, shape.out_tokens)
    held = np.divide(resident, running, out=np.zeros(len(groups)), where=running >= 1.0)
    weight = np.where(told & shape.measured, shape.in_tokens + answer, held)
    coming = np.where(
        told, rate_rps * _inside_seconds(snapshot, groups, answer) * (shape.in_tokens + answer / 2.0), 0.0
    )
    return Memory(
        size=each * thresholds.kv[groups.model][groups.of_variant],
        demand=Column.of(np.maximum(resident + waiting * weight, coming), seen),
        up=thresholds.scale_up[groups.model],
        down=thresholds.scale_down[groups.model],
        in_tokens=told,
    )


def _inside_seconds(snapshot: Snapshot, groups: Groups, answer: FloatArray) -> FloatArray:
    """How long a request decodes at today's pace: shape (groups,), 0 where the pace is not known."""
    replicas = snapshot.replicas
    tokens = np.where(replicas.live, np.maximum(replicas[Signal.GENERATION_TOKEN_RATE].value, 1e-9), 0.0)
    pace = weighted(replicas.rows((Signal.ITL,)), tokens, groups.of_variant[replicas.variant], len(groups))
    return np.asarray(answer * pace.value[0])
