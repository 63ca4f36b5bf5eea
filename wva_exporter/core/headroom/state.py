"""What policy ``headroom`` remembers from one cycle to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.core.columns import Column, FloatArray, IntArray, integers
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.headroom.arrivals import Arrivals
from wva_exporter.core.headroom.capacity import Capacity, Limits
from wva_exporter.core.headroom.groups import Groups
from wva_exporter.core.headroom.shape import Shape
from wva_exporter.core.headroom.supply import Supply
from wva_exporter.core.headroom.window import Window
from wva_exporter.core.queueing.belief import Belief

CRESTS = 6
"""A swing is known again for so many windows: half an hour."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """In the rows of ``fleet`` and of its ``groups``.

    ``kv_tokens`` and ``wanted`` are of variants: the cache of a replica, and what was wanted last. ``capacity`` was worked out
    from ``inputs``, a row a variant, and holds while those hardly change, let alone the very objects of the cycle before, its
    ``basis``. ``window`` has each group twice: the rates to be
    ready for, then what was asked of the KV caches; ``needed`` has the replicas of each variant that were needed for all of it.
    """

    fleet: Fleet
    groups: Groups
    limits: Limits
    arrivals: Arrivals
    shape: Shape
    supply: Supply
    window: Window
    crest: Window
    kv_tokens: Column
    wanted: Column
    needed: Window
    basis: tuple[Belief | None, Shape, Column] | None = None
    inputs: FloatArray | None = None
    capacity: Capacity | None = None


def recalled(memory: object, fleet: Fleet, time: float, window_seconds: float) -> Kept:
    """What is remembered of this fleet; new variants and groups have no past."""
    if isinstance(memory, Kept) and memory.fleet is fleet:
        return memory
    groups = Groups.of(fleet)
    if not isinstance(memory, Kept):
        return Kept(
            fleet=fleet,
            groups=groups,
            limits=Limits.of(fleet),
            arrivals=Arrivals.none(len(groups)),
            shape=Shape.prior(groups),
            supply=Supply.unknown(len(fleet)),
            window=Window.start(2 * len(groups), time, window_seconds),
            crest=Window.start(len(groups), time, CRESTS * window_seconds),
            kv_tokens=Column.unknown(len(fleet)),
            wanted=Column.unknown(len(fleet)),
            needed=Window.start(len(fleet), time, window_seconds),
        )
    row = integers([memory.fleet.row.get(key, -1) for key in fleet.key])
    group = groups.rows_in(memory.groups)
    return replace(
        memory,
        fleet=fleet,
        groups=groups,
        limits=Limits.of(fleet),
        arrivals=memory.arrivals.take(group),
        shape=memory.shape.take(group, groups),
        supply=memory.supply.take(row),
        window=memory.window.take(_twice(group, len(memory.groups)), time),
        crest=memory.crest.take(group, time),
        kv_tokens=memory.kv_tokens.take(row),
        wanted=memory.wanted.take(row),
        needed=memory.needed.take(row, time),
        basis=None,
        inputs=None,
        capacity=None,
    )


def same(before: FloatArray | None, now: FloatArray, tolerance: float) -> bool:
    """Whether inputs moved by less than a share of themselves."""
    return (
        before is not None
        and before.shape == now.shape
        and bool(np.all(np.abs(now - before) <= tolerance * np.abs(before)))
    )


def _twice(row: IntArray, before: int) -> IntArray:
    """The same places in both halves of a column that has each group twice."""
    return integers(np.concatenate([row, np.where(row >= 0, row + before, -1)]))
