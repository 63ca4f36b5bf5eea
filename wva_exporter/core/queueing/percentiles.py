"""Times to first token and between tokens that a share of requests, or of tokens, does not exceed: p50 to p99.

A mean hides the few that wait long: near capacity the 95th percentile of the wait is several times its mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.queueing.linear_seen import LinearSeen
from wva_exporter.core.queueing.states_seen import StatesSeen
from wva_exporter.core.queueing.station import Station, blocks
from wva_exporter.core.queueing.system import System
from wva_exporter.errors import InvalidValue

_BISECTIONS = 80

_Beyond = Callable[[FloatArray, FloatArray], FloatArray]
"""The share beyond a time, for rates and times of all rows."""


def linear_seen(station: Station, rows: IntArray) -> LinearSeen:
    """What requests meet in some straight rows of a station."""
    return LinearSeen.of(station.system.take(rows), station.linear.take(rows), station.wait_factor[rows])


def states_seen(station: Station, rows: IntArray) -> StatesSeen:
    """What requests meet in any rows of a station, state by state."""
    return StatesSeen.of(station.system.take(rows), station.wait_factor[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exceedance:
    """How far a share of requests, or of tokens, is from meeting a target: for the search of ``sizing``.

    ``place`` is where a row of the station stands among its kind, straight or bent; ``quick`` counts the states that meet the
    target, of straight rows.
    """

    straight: LinearSeen
    bent: StatesSeen | None
    is_bent: BoolArray
    place: IntArray
    quick: FloatArray
    first_token: bool
    target_seconds: FloatArray
    allowed: FloatArray

    @classmethod
    def of(cls, station: Station, rows: IntArray, name: str, target: FloatArray, percentile: FloatArray) -> Self:
        """For some rows of a station; ``name`` is ``ttft`` or ``itl``, ``target`` in seconds."""
        bent = station.segmented[rows]
        place = np.zeros(len(station.first_rate), dtype=np.int64)
        place[rows[bent]] = np.arange(bent.sum())
        place[rows[~bent]] = np.arange((~bent).sum())
        straight = linear_seen(station, rows[~bent])
        count = straight.early_arrivals if name == "ttft" else straight.quick_batches
        return cls(
            straight=straight,
            bent=states_seen(station, rows[bent]) if bent.any() else None,
            is_bent=station.segmented,
            place=place,
            quick=count(target[rows[~bent]]),
            first_token=name == "ttft",
            target_seconds=target,
            allowed=1.0 - percentile,
        )

    def excess(self, rate: FloatArray, rows: IntArray) -> FloatArray:
        """Share that misses the target / share that may - 1."""
        share = np.zeros(len(rows))
        bent = self.is_bent[rows]
        seconds, place = self.target_seconds[rows], self.place[rows]
        if not bent.all():
            mine = place[~bent]
            seen = self.straight.take(mine)
            ask = seen.later_first_token if self.first_token else seen.slower_token
            share[~bent] = ask(rate[~bent], seconds[~bent], self.quick[mine])
        if self.bent is not None and bent.any():
            states = self.bent.take(place[bent])
            told = states.later_first_token if self.first_token else states.slower_token
            share[bent] = told(rate[bent], seconds[bent])
        return share / self.allowed[rows] - 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Percentiles:
    """Times that a share of accepted requests (of tokens, for ITL) does not exceed; unknown as in ``Analysis``."""

    wait_seconds: Column
    ttft_seconds: Column
    itl_seconds: Column


def percentiles(system: System, rate_rps: ArrayLike, share: float, wait_factor: ArrayLike = 1.0) -> Percentiles:
    """The times that ``share`` (0.5 to 0.99, say) of requests do not exceed under this rate.

    Args:
        system: the replicas.
        rate_rps: as for ``analyze``; 0 is a request that comes alone.
        share: within (0, 1).
        wait_factor: as for ``analyze``.

    Raises:
        InvalidValue: the share is out of range, or shapes do not go together.
    """
    if not 0.0 < share < 1.0:
        raise InvalidValue(f"a percentile lies within (0, 1), not {share}")
    try:
        shape = np.broadcast_shapes(system.shape, np.shape(rate_rps), np.shape(wait_factor))
    except ValueError as error:
        raise InvalidValue(f"system of shape {system.shape}, rates of shape {np.shape(rate_rps)}") from error
    flat = system.stretched(shape).flat()
    rate = np.broadcast_to(np.asarray(rate_rps, dtype=np.float64), shape).ravel()
    factor = np.broadcast_to(np.asarray(wait_factor, dtype=np.float64), shape).ravel()
    fine = flat.known & np.isfinite(rate) & (rate >= 0.0) & np.isfinite(factor) & (factor >= 0.0)
    rate, factor = np.where(fine, rate, 0.0), np.where(fine, factor, 1.0)
    found: list[list[FloatArray]] = [[], [], []]
    for rows in blocks(flat):
        for column, value in zip(
            found, _of_station(Station.of(flat.take(rows), factor[rows]), rate[rows], share), strict=True
        ):
            column.append(value)
    whole = [np.concatenate(column).reshape(shape) if column else np.zeros(shape) for column in found]
    known = fine.reshape(shape)
    columns = [Column.of(value, known) for value in whole]
    return Percentiles(wait_seconds=columns[0], ttft_seconds=columns[1], itl_seconds=columns[2])


def _of_station(station: Station, rate: FloatArray, share: float) -> list[FloatArray]:
    """Wait, TTFT and ITL that this share does not exceed, straight rows and others apart."""
    asked = station.hardly_any(rate)
    straight = station.straight(np.arange(len(rate)), asked)
    found = [np.zeros(len(rate)) for _ in range(3)]
    for mine, make in ((straight, linear_seen), (~straight, states_seen)):
        if mine.any():
            for column, value in zip(
                found, _of_seen(make(station, np.flatnonzero(mine)), asked[mine], share), strict=True
            ):
                column[mine] = value
    return found


def _of_seen(
    seen: LinearSeen | StatesSeen, rate: FloatArray, share: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bisection on the exact shares, between nothing and times that nobody exceeds."""
    wait = _first_time(seen.longer_wait, rate, seen.longest_wait, share)
    ttft = _first_time(seen.later_first_token, rate, seen.longest_wait + seen.slowest_first_token, share)
    itl = _first_time(seen.slower_token, rate, seen.slowest_token, share)
    return wait, ttft, itl


def _first_time(beyond: _Beyond, rate: FloatArray, longest: FloatArray, share: float) -> FloatArray:
    """The least time that no more than 1 - share exceed; halved down to the last digits, for laws that jump."""
    low, high = np.zeros(len(rate)), longest.copy()
    done: BoolArray = beyond(rate, low) <= 1.0 - share
    high = np.where(done, 0.0, high)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        over = beyond(rate, middle) > 1.0 - share
        low, high = np.where(over, middle, low), np.where(over, high, middle)
        if np.all(high - low <= 1e-12 * high):
            break
    return high
