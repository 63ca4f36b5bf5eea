"""A snapshot in the words of the token analyzers."""

from __future__ import annotations

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, FloatArray
from wva_exporter.core.snapshot import Replicas, Snapshot
from wva_exporter.core.tokens.rows import Instances, Stand

MOST = 1e12
"""No replica holds more tokens or requests: what an engine says beyond is nonsense, and sums of it must stay finite."""


LEAST_RUNNING = 1e-3
"""Fewer requests than this run nowhere: tokens divided by them would be no size of a request."""


def stand_of(snapshot: Snapshot) -> Stand:
    """The variants as they stand."""
    fleet, counts = snapshot.fleet, snapshot.counts
    variants, thresholds = fleet.variants, fleet.models.thresholds
    return Stand(
        model=variants.model,
        role=variants.role,
        current=counts.current.value,
        pending=np.minimum(counts.pending.value, counts.current.value),
        gpus=variants.gpus_per_replica,
        accelerator=variants.accelerator,
        arguments=variants.arguments or (None,) * len(fleet),
        model_name=fleet.models.name,
        kv_threshold=thresholds.kv,
        queue_threshold=thresholds.queue,
    )


def exact_instances(snapshot: Snapshot) -> Instances:
    """As WVA reads them: peaks of the last minute, and 0 for whatever is not there."""
    replicas = snapshot.replicas
    live = replicas.live & (replicas[Signal.KV_PEAK].known | replicas[Signal.WAITING_PEAK].known)
    total = _value(replicas, Signal.KV_CAPACITY, live)
    kv = np.clip(_value(replicas, Signal.KV_PEAK, live), 0.0, 1.0)
    return _instances(replicas, live, kv, np.clip(np.floor(kv * total + 0.5), 0.0, total), Signal.WAITING_PEAK)


def pod_instances(snapshot: Snapshot) -> Instances:
    """As they are now: mean use of the KV cache and the queue of the moment, which need not peak together.

    A replica that does not know its mean use, or its queue, is taken at its peak. One that does not say what its requests weigh
    is taken to have its variant's mean request, else its model's; and while nothing was finished yet, a waiting request weighs
    what a running one holds.
    """
    replicas = snapshot.replicas
    live = replicas.live & replicas[Signal.KV_PEAK].known & replicas[Signal.WAITING_PEAK].known
    total = _value(replicas, Signal.KV_CAPACITY, live)
    kv = np.clip(_first(replicas, (Signal.KV, Signal.KV_PEAK), live), 0.0, 1.0)
    return _weighed(snapshot, live, _instances(replicas, live, kv, np.round(kv * total), Signal.WAITING))


def _value(replicas: Replicas, signal: Signal, live: BoolArray) -> FloatArray:
    """0 where unknown, and never below."""
    return np.clip(replicas[signal].value[live], 0.0, MOST)


def _first(replicas: Replicas, signals: tuple[Signal, Signal], live: BoolArray) -> FloatArray:
    own, other = (replicas[signal] for signal in signals)
    return np.clip(np.where(own.known, own.value, other.value)[live], 0.0, MOST)


def _instances(replicas: Replicas, live: BoolArray, kv: FloatArray, tokens: FloatArray, queue: Signal) -> Instances:
    hits = _value(replicas, Signal.PREFIX_HIT_RATIO, live)
    return Instances(
        variant=replicas.variant[live],
        kv=kv,
        tokens=tokens,
        total=_value(replicas, Signal.KV_CAPACITY, live),
        queue=np.trunc(_first(replicas, (queue, Signal.WAITING_PEAK), live)),
        inputs=_value(replicas, Signal.INPUT_TOKENS, live),
        outputs=_value(replicas, Signal.OUTPUT_TOKENS, live),
        hit_ratio=np.where(hits <= 1.0, hits, 0.0),
    )


def _weighed(snapshot: Snapshot, live: BoolArray, rows: Instances) -> Instances:
    """Mean sizes where a replica does not know its own."""
    replicas, model = snapshot.replicas, snapshot.fleet.variants.model
    models = len(snapshot.fleet.models)
    telling = (rows.inputs > 0) | (rows.outputs > 0)
    if telling.all():
        return rows
    place = model[rows.variant]
    count = np.bincount(place[telling], minlength=models)
    running = np.bincount(place, weights=_value(replicas, Signal.RUNNING, live), minlength=models)
    held = np.bincount(place, weights=rows.tokens, minlength=models)
    resident = np.divide(held, running, out=np.zeros(models), where=running >= LEAST_RUNNING)

    def of_model(column: FloatArray, otherwise: FloatArray) -> FloatArray:
        total = np.bincount(place[telling], weights=column[telling], minlength=models)
        mean = np.where(count > 0, total / np.maximum(count, 1), otherwise)
        return np.where(telling, column, mean[place])

    return Instances(
        variant=rows.variant,
        kv=rows.kv,
        tokens=rows.tokens,
        total=rows.total,
        queue=rows.queue,
        inputs=of_model(rows.inputs, resident),
        outputs=of_model(rows.outputs, np.zeros(models)),
        hit_ratio=rows.hit_ratio,
    )
