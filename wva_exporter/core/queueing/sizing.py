"""The largest rate of requests at which one replica still meets its targets, for a whole fleet in one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.queueing.analysis import Analysis, analyze
from wva_exporter.core.queueing.percentiles import Exceedance
from wva_exporter.core.queueing.search import narrowed, rising_root
from wva_exporter.core.queueing.station import Station, blocks
from wva_exporter.core.queueing.system import System
from wva_exporter.errors import InvalidValue

TPS_RATIO = 0.9
"""Share of the largest rate that a target of tokens per second leaves, whatever its value: the original's stability margin."""

_MET = 1e-6
"""A target counts as met within this relative distance."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """What users were promised: seconds, output tokens per second; unknown where there is no such target.

    ``percentile`` within (0, 1) is the share of requests (TTFT) and of tokens (ITL) that must meet the target; unknown: the
    mean must.

    Raises:
        InvalidValue: a target is not positive, or a percentile is not within (0, 1).
    """

    ttft_seconds: Column
    itl_seconds: Column
    tokens_per_second: Column
    percentile: Column

    def __post_init__(self) -> None:
        for name in ("ttft_seconds", "itl_seconds", "tokens_per_second"):
            column: Column = getattr(self, name)
            if np.any(column.known & (column.value <= 0.0)):
                raise InvalidValue(f"{name} is positive where there is a target")
        if np.any(self.percentile.known & ~((self.percentile.value > 0.0) & (self.percentile.value < 1.0))):
            raise InvalidValue("percentile lies within (0, 1)")

    @classmethod
    def of(
        cls,
        ttft_seconds: ArrayLike | None = None,
        itl_seconds: ArrayLike | None = None,
        tokens_per_second: ArrayLike | None = None,
        percentile: ArrayLike | None = None,
    ) -> Self:
        """From numbers or arrays; None is no target."""
        given = (ttft_seconds, itl_seconds, tokens_per_second, percentile)
        if any(value is not None and not np.all(np.isfinite(np.asarray(value, dtype=np.float64))) for value in given):
            raise InvalidValue("targets are finite")
        columns = [Column.of(np.nan if value is None else value) for value in given]
        return cls(**dict(zip(cls.__dataclass_fields__, columns, strict=True)))

    def take(self, rows: IntArray) -> Targets:
        """Some rows of flat targets."""
        return Targets(**{name: getattr(self, name).take(rows) for name in self.__dataclass_fields__})

    def stretched(self, shape: tuple[int, ...]) -> Targets:
        """Repeated to a larger shape, in one dimension.

        Raises:
            InvalidValue: the shapes do not go together.
        """
        columns = (self.ttft_seconds, self.itl_seconds, self.tokens_per_second, self.percentile)
        try:
            flat = [
                Column(value=np.broadcast_to(c.value, shape).ravel(), known=np.broadcast_to(c.known, shape).ravel())
                for c in columns
            ]
        except ValueError as error:
            raise InvalidValue(f"targets do not stretch to the system's shape {shape}") from error
        return Targets(ttft_seconds=flat[0], itl_seconds=flat[1], tokens_per_second=flat[2], percentile=flat[3])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sizing:
    """Rates per replica in requests per second: arrays of the system's shape, 0 where not ``known`` or not ``feasible``.

    ``rate_rps`` is the largest rate offered that meets every target, ``throughput_rps`` what is served of it: the capacity of a
    replica. The others are the rates that each target alone allows; one that does not bind allows ``max_rate_rps``.
    ``feasible`` is False where a target is missed by the smallest rate already; then no number of replicas would help.
    """

    rate_rps: FloatArray
    throughput_rps: FloatArray
    ttft_rate_rps: FloatArray
    itl_rate_rps: FloatArray
    tps_rate_rps: FloatArray
    max_rate_rps: FloatArray
    feasible: BoolArray
    known: BoolArray

    @property
    def capacity(self) -> Column:
        """Requests per second that one replica serves within its targets; unknown where no rate meets them."""
        return Column.of(self.throughput_rps, self.known & self.feasible)


def size(system: System, targets: Targets, wait_factor: ArrayLike = 1.0) -> Sizing:
    """The largest rate that meets the targets.

    TTFT and ITL rise with the rate, so the rate is the root of metric(rate) = target between mu(1)/1000 and 0.999 mu(N), found
    by Chandrupatla's method, or an end of that range. CHUNK's metrics jump where the mean batch asks for one more chunk: there
    the range is halved first until both its ends read the same number, as the original's bisection would.

    Args:
        system: the replicas.
        targets: broadcast against the system's shape.
        wait_factor: as for ``analyze``.

    Raises:
        InvalidValue: the shapes do not go together.
    """
    shape, flat = system.shape, system.flat()
    wanted = targets.stretched(shape)
    try:
        factor = np.broadcast_to(np.asarray(wait_factor, dtype=np.float64), shape).ravel()
    except ValueError as error:
        raise InvalidValue(f"wait factors of shape {np.shape(wait_factor)} for a system of shape {shape}") from error
    known = flat.known & np.isfinite(factor) & (factor >= 0.0)
    factor = np.where(known, factor, 1.0)
    parts = [_size(Station.of(flat.take(rows), factor[rows]), wanted, rows) for rows in blocks(flat)]
    names = ("rate_rps", "throughput_rps", "ttft_rate_rps", "itl_rate_rps", "tps_rate_rps", "max_rate_rps")
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.zeros(0)] * 7
    feasible = (columns[6] > 0.0) & known
    rates = [np.where(feasible, column, 0.0) for column in columns[:5]]
    rates.append(np.where(known, columns[5], 0.0))
    return Sizing(
        **{name: column.reshape(shape) for name, column in zip(names, rates, strict=True)},
        feasible=feasible.reshape(shape),
        known=known.reshape(shape),
    )


def _size(station: Station, targets: Targets, rows: IntArray) -> tuple[FloatArray, ...]:
    """The six rates of a ``Sizing`` for some rows, and 1 where feasible."""
    _, highest = station.rate_range
    percentile = Column(value=targets.percentile.value[rows], known=targets.percentile.known[rows])
    found = []
    for name, column in (("ttft", targets.ttft_seconds), ("itl", targets.itl_seconds)):
        mine = Column(value=column.value[rows], known=column.known[rows])
        found.append(_largest_rate(station, name, mine, percentile))
    tps = np.where(targets.tokens_per_second.known[rows], TPS_RATIO * highest, highest)
    (ttft, ttft_fits), (itl, itl_fits) = found
    rate = np.minimum(np.minimum(ttft, itl), tps)
    served = station.occupancy(np.arange(len(rows)), rate).throughput
    return rate, served, ttft, itl, tps, highest, (ttft_fits & itl_fits).astype(np.float64)


def _largest_rate(station: Station, name: str, target: Column, percentile: Column) -> tuple[FloatArray, BoolArray]:
    """The largest rate at which one metric meets its target, and whether the smallest rate does."""
    lowest, highest = station.rate_range
    rate, feasible = highest.copy(), np.ones(highest.shape, dtype=np.bool_)
    for share_known in (False, True):
        rows = np.flatnonzero(target.known & (percentile.known == share_known))
        if not rows.size:
            continue
        excess: Excess
        if share_known:
            excess = Exceedance.of(station, rows, name, target.value, percentile.value).excess
        else:
            excess = _mean_excess(station, name, target.value)
        rate[rows], feasible[rows] = _search(station, excess, rows, lowest[rows], highest[rows])
    return rate, feasible


Excess = Callable[[FloatArray, IntArray], FloatArray]
"""metric/target - 1 at these rates of these rows of a station."""


def _mean_excess(station: Station, name: str, target: FloatArray) -> Excess:
    def excess(rate: FloatArray, rows: IntArray) -> FloatArray:
        metric: FloatArray = getattr(station.latency(rows, station.occupancy(rows, rate)), name)
        return metric / target[rows] - 1.0

    return excess


def _search(
    station: Station, excess: Excess, rows: IntArray, lowest: FloatArray, highest: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """The rate where the excess turns positive, or the upper end where it never does; and whether it begins below."""
    low, high = lowest.copy(), highest.copy()
    bent = station.segmented[rows]
    if bent.any():
        low[bent], high[bent] = _smooth_range(station, excess, rows[bent], low[bent], high[bent])
    root = rising_root(excess, rows, low, high)
    feasible = (root.found | (root.low <= _MET)) & (lowest <= highest)
    return np.where(root.found, root.at, np.where(root.high <= 0.0, high, low)), feasible


def _smooth_range(
    station: Station, excess: Excess, rows: IntArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The range without jumps inside that holds the turn, where there is one."""
    turns = (excess(low, rows) <= 0.0) & (excess(high, rows) > 0.0)

    def chunks(rate: FloatArray, at: IntArray) -> FloatArray:
        return station.chunks(at, station.occupancy(at, rate).in_service)

    low[turns], high[turns] = narrowed(excess, chunks, rows[turns], low[turns], high[turns])
    return low, high


def at_replicas(system: System, total_rps: ArrayLike, replicas: ArrayLike, wait_factor: ArrayLike = 1.0) -> Analysis:
    """What ``replicas`` replicas would do with ``total_rps`` requests per second, spread evenly over them.

    Without a replica nothing is known.
    """
    count = np.asarray(replicas, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(count > 0.0, np.asarray(total_rps, dtype=np.float64) / count, np.nan)
    return analyze(system, each, wait_factor)


def replicas_for(total_rps: ArrayLike, capacity: Column, minimum: ArrayLike = 1) -> Column:
    """The least number of replicas that carry ``total_rps``, at least ``minimum``; unknown where the capacity is."""
    total = np.asarray(total_rps, dtype=np.float64)
    usable = capacity.known & (capacity.value > 0.0)
    count = np.ceil(total / np.where(usable, capacity.value, 1.0))
    return Column.of(np.maximum(count, minimum), usable & np.isfinite(total) & (total >= 0.0))
