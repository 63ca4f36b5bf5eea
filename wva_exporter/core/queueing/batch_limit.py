"""The smallest batch limit that carries nearly as much as the largest: what to set as an engine's ``max_num_seqs``.

A larger batch serves more at once and each request slower; beyond some size the targets, not the batch, bound the rate, and a
larger limit only lets latency run away when load is too high. The search is that of llm-inferno ``queue-analysis``: closed
forms bracket the limit, bisection on the capacity f(M) narrows it, at most eight sizings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.queueing.service import chunks_needed, lines
from wva_exporter.core.queueing.sizing import Targets, size
from wva_exporter.core.queueing.station import blocks
from wva_exporter.core.queueing.system import System

NEAR_RATIO = 0.99
"""Share of the capacity at the largest limit that the recommended one must keep: 1 - 0.02/2, as in the original."""

_BISECTIONS = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchLimit:
    """A recommended limit for each row: arrays of the system's shape.

    ``max_batch`` is the limit and ``throughput_rps`` the capacity under it, ``anchor_rps`` the capacity under the system's own
    limit. ``itl_batch`` and ``prefill_batch`` are the largest batches whose closed-form times meet the targets, at least 1.
    ``probes`` lists the limits tried along the last axis, 0 behind the last; where nothing is ``feasible`` the limit is 1.
    """

    max_batch: IntArray
    throughput_rps: FloatArray
    anchor_rps: FloatArray
    itl_batch: IntArray
    prefill_batch: IntArray
    probes: IntArray
    feasible: BoolArray
    known: BoolArray

    @property
    def recommended(self) -> Column:
        """The limit where one can be recommended."""
        return Column.of(self.max_batch.astype(np.float64), self.known & self.feasible)


def recommend(system: System, targets: Targets) -> BatchLimit:
    """The smallest batch limit, up to the system's own, that keeps ``NEAR_RATIO`` of its capacity.

    Raises:
        InvalidValue: the shapes do not go together.
    """
    flat, wanted, shape = system.flat(), targets.stretched(system.shape), system.shape
    itl, prefill = _closed_form_batches(flat, wanted)
    largest = flat.max_batch
    probes = [largest]
    anchor = size(flat, wanted)
    feasible = anchor.feasible & (anchor.throughput_rps > 0.0)
    enough = NEAR_RATIO * anchor.throughput_rps
    low = np.maximum(1, np.minimum(itl, prefill))
    high = np.maximum(low, np.minimum(largest, np.maximum(3 * np.maximum(itl, prefill), low + 1)))
    for _ in range(_BISECTIONS):
        trying = feasible & (low < high)
        if not trying.any():
            break
        middle = (low + high) // 2
        rate = size(flat.with_batch(np.where(trying, middle, largest)), wanted).throughput_rps
        carries = rate >= enough
        probes.append(np.where(trying, middle, 0))
        high = np.where(trying & carries, middle, high)
        low = np.where(trying & ~carries, middle + 1, low)
    limit = np.where(feasible, high, 1)
    final = size(flat.with_batch(limit), wanted).throughput_rps
    probes.append(np.where(feasible, limit, 0))
    return BatchLimit(
        max_batch=limit.reshape(shape),
        throughput_rps=np.where(feasible, final, 0.0).reshape(shape),
        anchor_rps=anchor.throughput_rps.reshape(shape),
        itl_batch=itl.reshape(shape),
        prefill_batch=prefill.reshape(shape),
        probes=_packed(np.stack(probes, axis=-1)).reshape(*shape, -1),
        feasible=feasible.reshape(shape),
        known=system.known,
    )


def _closed_form_batches(system: System, targets: Targets) -> tuple[IntArray, IntArray]:
    """The largest batches at which decode and prefill alone meet the targets, at least 1; the limit without a target."""
    found: list[list[IntArray]] = [[], []]
    for rows in blocks(system):
        part = system.take(rows[:, None])
        batch = np.arange(1, int(part.max_batch.max(initial=1)) + 1, dtype=np.float64)
        times = lines(part, chunks_needed(part, batch))
        inside = batch <= part.max_batch
        pairs = ((times.decode(batch), targets.itl_seconds), (times.prefill(batch), targets.ttft_seconds))
        for column, (seconds, target) in zip(found, pairs, strict=True):
            limit = np.where(target.known[rows], target.value[rows], np.inf)[:, None]
            column.append(np.where(inside & (seconds <= limit), batch, 1.0).max(axis=1).astype(np.int64))
    itl, prefill = (np.concatenate(column) if column else np.zeros(0, dtype=np.int64) for column in found)
    return itl, prefill


def _packed(probes: IntArray) -> IntArray:
    """Zeros moved behind the numbers of each row, the order of the numbers kept."""
    order = np.argsort(probes == 0, axis=-1, kind="stable")
    return np.take_along_axis(probes, order, axis=-1)
