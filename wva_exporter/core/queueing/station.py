"""Replicas prepared for many questions: what does not depend on the arrival rate is computed once.

A row whose prompts need the same number of chunks at every batch has a time in service that is one straight line, and the
closed form answers it; the others, and all that are asked for more than they can carry, go through the table of states.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray
from wva_exporter.core.queueing.chain import Occupancy, StateTable
from wva_exporter.core.queueing.closed_form import LinearQueue
from wva_exporter.core.queueing.service import Lines, chunks_needed, lines, service_time
from wva_exporter.core.queueing.system import ServiceModel, System

RATE_MARGIN = 0.001
"""The least and the largest rate considered are mu(1) x this and mu(N) x (1 - this), as in the original."""

_CLOSED_FORM_UP_TO = 0.9995
"""Share of mu(N) up to which the closed form keeps its digits; sizing never goes beyond 0.999."""

_STATES_AT_ONCE = 1 << 21
_RARE = 1e-13
"""Rate, as a share of mu(1), that stands for no arrivals at all: a request then meets an empty replica, and no 0/0 arises."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Latency:
    """Mean times in seconds that follow from an occupancy: arrays of one shape.

    ``concurrency`` is the batch at which the parts are read: PD's effective batch, the mean batch for the others.
    """

    wait: FloatArray
    service: FloatArray
    prefill: FloatArray
    itl: FloatArray
    ttft: FloatArray
    concurrency: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Station:
    """A flat system, its lines, its mu(1) and mu(N) in requests per second, and tables for the rows with changing chunks."""

    system: System
    lines: Lines
    linear: LinearQueue
    first_rate: FloatArray
    last_rate: FloatArray
    segmented: BoolArray
    table: StateTable | None
    table_row: IntArray
    wait_factor: FloatArray

    @classmethod
    def of(cls, system: System, wait_factor: FloatArray | None = None) -> Station:
        """Prepare a flat system of so many rows that its states fit into memory (see ``blocks``).

        ``wait_factor`` scales waits for sizes that vary otherwise than exponentially (``variability.wait_factor``).
        """
        batch = system.max_batch.astype(np.float64)
        first, last = chunks_needed(system, 1.0), chunks_needed(system, batch)
        fixed = lines(system, first)
        segmented = first != last
        linear = LinearQueue.of(fixed.service_base, fixed.service_slope, batch, system.max_queue.astype(np.float64))
        at_last = lines(system, last) if segmented.any() else fixed
        return cls(
            system=system,
            lines=fixed,
            linear=linear,
            first_rate=1.0 / fixed.service(1.0),
            last_rate=batch / at_last.service(batch),
            segmented=segmented,
            table=state_table(system.take(segmented)) if segmented.any() else None,
            table_row=np.cumsum(segmented) - 1,
            wait_factor=np.ones(system.shape) if wait_factor is None else wait_factor,
        )

    @property
    def rate_range(self) -> tuple[FloatArray, FloatArray]:
        """The least and the largest rate that sizing considers, requests per second."""
        return self.first_rate * RATE_MARGIN, self.last_rate * (1.0 - RATE_MARGIN)

    def hardly_any(self, rate: FloatArray) -> FloatArray:
        """The rates of all rows, none of them quite 0."""
        return np.maximum(rate, self.first_rate * _RARE)

    def straight(self, rows: IntArray, rate: FloatArray) -> BoolArray:
        """Where the closed form answers."""
        found: BoolArray = ~self.segmented[rows] & (rate <= self.last_rate[rows] * _CLOSED_FORM_UP_TO)
        return found

    def occupancy(self, rows: IntArray, rate: FloatArray) -> Occupancy:
        """How full these rows are under these rates, which are finite and not negative."""
        asked = np.maximum(rate, self.first_rate[rows] * _RARE)
        straight = self.straight(rows, asked)
        if straight.all():
            return self.linear.take(rows).occupancy(asked)
        found = Occupancy.empty(rows.shape)
        if straight.any():
            found.put(straight, self.linear.take(rows[straight]).occupancy(asked[straight]))
        kept = self.segmented[rows]
        if self.table is not None and kept.any():
            found.put(kept, self.table.take(self.table_row[rows[kept]]).occupancy(asked[kept]))
        over = ~straight & ~kept
        if over.any():
            found.put(over, state_table(self.system.take(rows[over])).occupancy(asked[over]))
        return found

    def chunks(self, rows: IntArray, in_service: FloatArray) -> FloatArray:
        """Chunks of a prompt at the mean batch, rounded to the nearest state, as the original reads it."""
        part = self.system.take(rows)
        return chunks_needed(part, np.clip(np.floor(in_service + 0.5), 1.0, part.max_batch))

    def latency(self, rows: IntArray, found: Occupancy) -> Latency:
        """Mean times of these rows under this occupancy.

        By Little's law S = B/X and W = Lq/X. PD reads its parts at n* = (S - a)/b, the batch that takes S; ABG and CHUNK take
        prefill at the mean batch B, and spread the rest of S over the output tokens; their TTFT contains one token's time.
        """
        part = self.lines.take(rows)
        bent = self.segmented[rows]
        if bent.any():
            chunked = lines(self.system.take(rows[bent]), self.chunks(rows[bent], found.in_service[bent]))
            part = part.replaced(bent, chunked)
        model, batch = self.system.model[rows], self.system.max_batch[rows]
        served = np.maximum(found.throughput, 1e-300)
        service = found.in_service / served
        wait = found.in_queue / served * self.wait_factor[rows]
        pd = model == ServiceModel.PD
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            read = (service - part.service_base) / part.service_slope
        read = np.where(np.isfinite(read), read, found.in_service + 1.0)
        at = np.where(pd, np.clip(read, 0.0, batch), found.in_service)
        prefill = part.prefill(at)
        spread = (service - prefill) / self.system.out_tokens[rows]
        itl = np.where(pd, part.decode(at), spread)
        ttft = wait + prefill + np.where(pd, 0.0, itl)
        return Latency(wait=wait, service=service, prefill=prefill, itl=itl, ttft=ttft, concurrency=at)


def state_table(system: System) -> StateTable:
    """The states of a flat system's chains, one row each."""
    states = np.arange(1, int(system.max_batch.max(initial=1)) + 1, dtype=np.float64)
    each = service_time(system.take(np.arange(len(system.model))[:, None]), states) / states
    return StateTable.of(each, system.max_batch.astype(np.float64), system.max_queue.astype(np.float64))


def blocks(system: System) -> Iterator[IntArray]:
    """The rows of a flat system in portions whose states fit into memory at once."""
    rows = len(system.model)
    step = max(1, _STATES_AT_ONCE // int(system.max_batch.max(initial=1)))
    for start in range(0, rows, step):
        yield np.arange(start, min(start + step, rows))
