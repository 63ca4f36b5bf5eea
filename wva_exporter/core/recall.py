"""Carrying memory over to a fleet whose rows may have moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wva_exporter.core.agreement import LOAD_SIGNALS
from wva_exporter.core.brake import BUCKETS
from wva_exporter.core.columns import Column, IntArray, integers
from wva_exporter.core.decision import Memory
from wva_exporter.core.fleet import Fleet


def recall(memory: Memory | None, fleet: Fleet, time: float, gap_seconds: float) -> Memory:
    """What is remembered of this fleet; new variants and models have no past.

    ``time`` is this cycle's; without any memory it stands for the cycle before as well. After a silence of more than
    ``gap_seconds``, which is as far as windows look back, nobody knows that a model was idle all the while.
    """
    if memory is not None and time - memory.time > gap_seconds:
        memory = replace(memory, idle_since=Column.unknown(len(memory.fleet.models)))
    if memory is not None and memory.fleet is fleet:
        return memory
    variants, models = len(fleet), len(fleet.models)
    if memory is None:
        return Memory(
            fleet=fleet,
            time=time,
            target=Column.unknown(variants),
            decided_at=Column.unknown(variants),
            known_count=Column.unknown(variants),
            short_since=Column.unknown(variants),
            recent=np.zeros((BUCKETS, variants)),
            idle_since=Column.unknown(models),
            load=Column.unknown((models, len(LOAD_SIGNALS))),
        )
    row = integers([memory.fleet.row.get(key, -1) for key in fleet.key])
    place = {key: i for i, key in enumerate(memory.fleet.model_key)}
    model = integers([place.get(key, -1) for key in fleet.model_key])
    return Memory(
        fleet=fleet,
        time=memory.time,
        target=memory.target.take(row),
        decided_at=memory.decided_at.take(row),
        known_count=memory.known_count.take(row),
        short_since=memory.short_since.take(row),
        recent=np.where(row >= 0, memory.recent[:, np.maximum(row, 0)], 0.0)
        if len(memory.fleet)
        else np.zeros((BUCKETS, variants)),
        idle_since=memory.idle_since.take(model),
        load=_take_rows(memory.load, model),
        policies=memory.policies,
    )


def _take_rows(column: Column, index: IntArray) -> Column:
    """Rows of a two-dimensional column; a negative index is an unknown row."""
    if len(column) == 0:
        return Column.unknown((len(index), column.value.shape[1]))
    safe = np.maximum(index, 0)
    return Column.of(column.value[safe], column.known[safe] & (index >= 0)[:, np.newaxis])
