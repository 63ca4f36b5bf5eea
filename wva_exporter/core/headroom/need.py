"""How much capacity each group needs at once, and below how much it may give back.

``need``: the pooled chain at the level of arrivals plus what it takes to work off the backlog, which is what waits and what
will come before ordered replicas serve. ``enough``: the same chain at 1.1 times the highest
level of the last minutes and without backlog, so that a fleet is not shed that the next rise would need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray, integers
from wva_exporter.core.headroom.capacity import Capacity
from wva_exporter.core.headroom.groups import Groups
from wva_exporter.core.headroom.pooled import UTILIZATION, Station, replicas_for
from wva_exporter.core.headroom.supply import Supply

DEAD_BAND = 1.1
DRAIN_SECONDS = 60.0
"""How soon a backlog is to be gone once the replicas are there."""

PATIENCE_SECONDS = 60.0
"""Whoever has waited longer is gone: no backlog is longer than what comes in that time."""

_FINE = 0.25
"""Equivalents of a reference replica are counted in quarters where kinds are mixed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waiting:
    """Requests in no batch: at live replicas, shape (replicas,), each of a ``variant``, and at the router, shape (groups,)."""

    at_engine: FloatArray
    variant: IntArray
    at_router: FloatArray

    def total(self, groups: Groups) -> FloatArray:
        """All of them: shape (groups,)."""
        return groups.total(self.at_engine, self.variant) + self.at_router


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Need:
    """Capacity in requests per second that each group must have, and that is enough: shape (groups,).

    ``backlog`` is the requests that are to be worked off.
    """

    need: FloatArray
    enough: FloatArray
    backlog: FloatArray


def needed(
    groups: Groups,
    capacity: Capacity,
    supply: Supply,
    *,
    rate_rps: FloatArray,
    likely_rps: FloatArray,
    peak_rps: FloatArray,
    waiting: Waiting,
    reference: IntArray,
    spare_replicas: int,
) -> Need:
    """For every group; meaningless where the capacity of its variants is not known.

    Args:
        groups: which variants share load.
        capacity: of one replica of each variant.
        supply: what is there and coming.
        rate_rps: arrivals to be ready for, shape (groups,).
        likely_rps: arrivals of which a part was seen, shape (groups,); a guess makes no backlog.
        peak_rps: the most that was to be ready for lately, shape (groups,).
        waiting: requests in no batch.
        reference: the variant whose replicas are counted in, shape (groups,).
        spare_replicas: how many may fail without anybody noticing.
    """
    station = Station(
        base_seconds=capacity.base_seconds[reference],
        slope_seconds=capacity.slope_seconds[reference],
        places=capacity.places[reference],
        rate_rps=capacity.rate_rps[reference],
        step=np.where(groups.alone, 1.0, _FINE),
    )
    backlog = _backlog(groups, capacity, supply, rate_rps, waiting)
    load = np.maximum(rate_rps + backlog / DRAIN_SECONDS, likely_rps)
    found = replicas_for(station, np.stack([load, DEAD_BAND * peak_rps]))
    found = (found + np.where(found > 0.0, float(spare_replicas), 0.0)) * capacity.rate_rps[reference]
    return Need(need=found[0], enough=found[1], backlog=backlog)


def _backlog(groups: Groups, capacity: Capacity, supply: Supply, rate_rps: FloatArray, waiting: Waiting) -> FloatArray:
    """What waits, and what will have come in vain before what is lacking could serve: shape (groups,).

    A request stays with the engine that it was sent to: a queue there keeps that engine from newcomers, but no more than that
    engine, however long it is. What a router holds goes wherever there is room, and for as long as clients have patience.
    """
    ready = groups.total(supply.ready * capacity.rate_rps)
    coming = np.maximum(rate_rps - UTILIZATION * ready, 0.0) * groups.most(supply.startup_seconds)
    at_engines = np.minimum(groups.total(waiting.at_engine, waiting.variant) + coming, ready * DRAIN_SECONDS)
    return at_engines + np.minimum(waiting.at_router, PATIENCE_SECONDS * np.maximum(rate_rps, 1.0))


def best_reference(groups: Groups, cost: FloatArray, size: FloatArray, usable: BoolArray) -> IntArray:
    """The usable variant of each group whose capacity is cheapest, else any: shape (groups,)."""
    price = np.where(usable & (size > 0.0), cost / np.maximum(size, 1e-12), np.inf)
    order = np.lexsort((price, groups.of_variant))
    first = np.searchsorted(groups.of_variant[order], np.arange(len(groups)))
    return integers(order[first])
