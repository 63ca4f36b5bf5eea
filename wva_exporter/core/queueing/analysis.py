"""What a replica does under a given rate of requests: throughput, waits, TTFT, ITL, for a whole fleet in one call."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from wva_exporter.core.columns import BoolArray, Column, FloatArray
from wva_exporter.core.queueing.station import Station, blocks
from wva_exporter.core.queueing.system import System
from wva_exporter.errors import InvalidValue


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """The long run of one replica, mean values: arrays of the shape of the question. Where ``known`` is False all are 0.

    Rates are requests per second and replica, times seconds, ``in_...`` mean numbers of requests. ``rate_rps`` is offered,
    ``throughput_rps`` served; ``overloaded`` where more is offered than ``max_rate_rps``, the largest rate with a margin.
    ``utilization_ratio`` is the mean share of the batch in use; ``concurrency`` the batch at which the parts were read.
    ``p_empty``, ``p_wait`` and ``p_block`` are the probabilities to find nobody, to find the batch full, to be lost.
    """

    rate_rps: FloatArray
    throughput_rps: FloatArray
    min_rate_rps: FloatArray
    max_rate_rps: FloatArray
    response_seconds: FloatArray
    wait_seconds: FloatArray
    service_seconds: FloatArray
    prefill_seconds: FloatArray
    itl_seconds: FloatArray
    ttft_seconds: FloatArray
    in_system: FloatArray
    in_service: FloatArray
    in_queue: FloatArray
    utilization_ratio: FloatArray
    concurrency: FloatArray
    p_empty: FloatArray
    p_wait: FloatArray
    p_block: FloatArray
    overloaded: BoolArray
    known: BoolArray

    def column(self, name: str) -> Column:
        """One of the numbers beside the knowledge of whether it is known."""
        return Column.of(getattr(self, name), self.known)


def analyze(system: System, rate_rps: ArrayLike, wait_factor: ArrayLike = 1.0) -> Analysis:
    """The long run of replicas that are each offered ``rate_rps`` requests per second.

    The rate 0 is an empty replica, with the times of a request that comes alone; any rate above the largest is an overload, and
    answered. A rate that is negative or not finite is unknown, and so is what follows from it.

    Args:
        system: the replicas.
        rate_rps: broadcasts against the system's shape.
        wait_factor: what waits are multiplied by, for request sizes that vary otherwise than exponentially.

    Raises:
        InvalidValue: the shapes do not go together.
    """
    try:
        shape = np.broadcast_shapes(system.shape, np.shape(rate_rps), np.shape(wait_factor))
    except ValueError as error:
        raise InvalidValue(f"system of shape {system.shape}, rates of shape {np.shape(rate_rps)}") from error
    flat = system.stretched(shape).flat()
    rate = np.broadcast_to(np.asarray(rate_rps, dtype=np.float64), shape).ravel()
    factor = np.broadcast_to(np.asarray(wait_factor, dtype=np.float64), shape).ravel()
    fine = flat.known & np.isfinite(rate) & (rate >= 0.0) & np.isfinite(factor) & (factor >= 0.0)
    rate, factor = np.where(fine, rate, 0.0), np.where(fine, factor, 1.0)
    parts = [of_station(Station.of(flat.take(rows), factor[rows]), rate[rows]) for rows in blocks(flat)]
    whole = {name: np.concatenate([part[name] for part in parts]) if parts else np.zeros(0) for name in _NUMBERS}
    whole |= {name: np.where(fine, value, 0.0) for name, value in whole.items()}
    over = fine & (whole["rate_rps"] > whole["max_rate_rps"])
    return Analysis(
        **{name: value.reshape(shape) for name, value in whole.items()},
        overloaded=over.reshape(shape),
        known=fine.reshape(shape),
    )


def of_station(station: Station, rate: FloatArray) -> dict[str, FloatArray]:
    """Every number of an ``Analysis`` for all rows of a prepared station, under finite rates that are not negative."""
    rows = np.arange(len(rate))
    found = station.occupancy(rows, rate)
    times = station.latency(rows, found)
    idle = rate <= 0.0
    lowest, highest = station.rate_range
    in_service = np.where(idle, 0.0, found.in_service)
    in_queue = np.where(idle, 0.0, found.in_queue * station.wait_factor)
    wait = np.where(idle, 0.0, times.wait)
    return {
        "rate_rps": rate,
        "throughput_rps": np.where(idle, 0.0, found.throughput),
        "min_rate_rps": lowest,
        "max_rate_rps": highest,
        "response_seconds": wait + times.service,
        "wait_seconds": wait,
        "service_seconds": times.service,
        "prefill_seconds": times.prefill,
        "itl_seconds": times.itl,
        "ttft_seconds": times.ttft,
        "in_system": in_service + in_queue,
        "in_service": in_service,
        "in_queue": in_queue,
        "utilization_ratio": np.clip(in_service / station.system.max_batch, 0.0, 1.0),
        "concurrency": times.concurrency,
        "p_empty": np.where(idle, 1.0, found.p_empty),
        "p_wait": np.where(idle, 0.0, found.p_full + found.p_waiting),
        "p_block": np.where(idle, 0.0, found.p_block),
    }


_NUMBERS = tuple(field.name for field in fields(Analysis) if field.name not in {"overloaded", "known"})
