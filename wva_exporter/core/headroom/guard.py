"""What must hold before anything leaves, and what to do when arithmetic and fleet disagree."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, FloatArray, floats
from wva_exporter.core.headroom.case import Case
from wva_exporter.core.headroom.groups import Groups
from wva_exporter.core.headroom.mix import Offers
from wva_exporter.core.headroom.window import Window
from wva_exporter.core.snapshot import Snapshot

_EPSILON = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """``replicas`` of each variant, shape (variants,), and what of groups, shape (groups,), made them so.

    ``held_by_tokens``: what is held would not fit into the rest, or a replica is full. ``saturated``: every replica is full,
    whatever the arithmetic says. ``unreachable``: no replica of any kind keeps the promise, even for one request.
    """

    replicas: FloatArray
    held_by_tokens: BoolArray
    saturated: BoolArray
    unreachable: BoolArray


def guarded(snapshot: Snapshot, groups: Groups, now: Case, offers: Offers, wanted: FloatArray) -> Answer:
    """The answer after the guards; the last resort where nothing fits is the maximum, never one."""
    of_variant = groups.of_variant
    full, answering = _full(snapshot, groups)
    standing = np.clip(offers.standing, offers.least, offers.most)
    crowded = wanted < standing
    if crowded.any():  # in most cycles nothing is to leave
        crowded &= ((full > 0) | ~_fits(snapshot, groups, now, wanted))[of_variant]
    replicas = np.where(crowded, standing, wanted)

    coming = groups.total(now.standing) > answering
    saturated = (full >= answering) & (answering > 0) & ~coming
    growing = groups.total(np.maximum(replicas - standing, 0.0)) > 0
    stuck = saturated & ~growing
    if stuck.any():
        replicas = replicas + (_cheapest_growable(groups, offers, replicas) & stuck[of_variant])

    maximum = snapshot.fleet.variants.maximum
    reachable = now.capacity.reachable & now.capacity.known
    unreachable = now.by_time & (groups.total(reachable) == 0) & (now.demand > 0.0)
    last_resort = unreachable[of_variant] & maximum.known
    return Answer(
        replicas=np.where(last_resort, offers.most, replicas),
        held_by_tokens=groups.total(crowded) > 0,
        saturated=saturated,
        unreachable=unreachable,
    )


def settled(answer: Answer, groups: Groups, now: Case, window: Window, time: float) -> tuple[Answer, Window]:
    """Nothing is given back that was needed within the window, for whatever; and the window with what is needed now.

    A guess of a step and a backlog are over within a minute or two. To take back at once what was ordered for them would start
    engines for nothing and end answers in the middle, at every turn of a load that goes up and down. ``window`` remembers
    replicas of each variant; those of a group of several kinds are needed all or not at all. A time that nobody saw needed what
    was needed before.
    """
    of_variant, standing = groups.of_variant, now.standing
    rises = (groups.total(np.maximum(answer.replicas - standing, 0.0)) > 0.0)[of_variant]
    needed = now.would_do
    if not groups.alone.all():
        all_or_none = np.where(_all_needed(groups, now)[of_variant], standing, 0.0)
        needed = np.where(groups.alone[of_variant], needed, all_or_none)
    needed = np.where(rises, np.maximum(needed, answer.replicas), needed)
    window = window.add(np.where(now.known[of_variant], needed, window.highest), time)
    return replace(answer, replicas=np.maximum(answer.replicas, np.minimum(window.highest, standing))), window


def _all_needed(groups: Groups, now: Case) -> BoolArray:
    """Groups for which one replica less, the smallest, would be too few: shape (groups,)."""
    counts = (now.size > 0.0) & (now.standing > 0.0)
    smallest = np.full(len(groups), np.inf)
    np.minimum.at(smallest, groups.of_variant[counts], now.size[counts])
    fewer = groups.total(now.size * now.standing) - np.where(np.isfinite(smallest), smallest, 0.0)
    return np.asarray(now.need > fewer * (1.0 + _EPSILON))


def _full(snapshot: Snapshot, groups: Groups) -> tuple[FloatArray, FloatArray]:
    """Live replicas that are saturated, and all live ones: shape (groups,).

    By the mean of their caches and the queue of the moment: a small cache that holds three requests peaks all the time.
    """
    replicas, thresholds = snapshot.replicas, snapshot.fleet.models.thresholds
    model = snapshot.fleet.variants.model[replicas.variant]
    full = (_share(snapshot) >= thresholds.kv[model]) | (replicas[Signal.WAITING].value >= thresholds.queue[model])
    return groups.total(full & replicas.live, replicas.variant), groups.total(replicas.live, replicas.variant)


def _share(snapshot: Snapshot) -> FloatArray:
    """Mean share of each replica's cache in use, its peak where that is all it tells; 0 of one that does not answer."""
    use, peak = snapshot.replicas[Signal.KV], snapshot.replicas[Signal.KV_PEAK]
    return floats(np.where(use.known, use.value, peak.value) * snapshot.replicas.live)


def _fits(snapshot: Snapshot, groups: Groups, now: Case, wanted: FloatArray) -> BoolArray:
    """Whether what the caches hold would stay below their thresholds on the replicas that are wanted: shape (groups,)."""
    replicas, model = snapshot.replicas, snapshot.fleet.variants.model
    count = np.bincount(replicas.variant[replicas.live], minlength=len(wanted)).astype(np.float64)
    caches = np.bincount(replicas.variant, weights=_share(snapshot), minlength=len(wanted))
    weight = np.where(now.size > 0.0, now.size, 0.0)
    held = groups.total(floats(caches * weight))
    room = groups.total(floats(np.minimum(wanted, count) * weight * snapshot.fleet.models.thresholds.kv[model]))
    return np.asarray(held <= room)


def _cheapest_growable(groups: Groups, offers: Offers, replicas: FloatArray) -> BoolArray:
    """The variant of each group that may have one more and costs least for what it carries: shape (variants,)."""
    price = np.where(
        (replicas < offers.most) & (offers.size > 0.0), offers.cost / np.maximum(offers.size, 1e-12), np.inf
    )
    order = np.lexsort((price, groups.of_variant))
    first = order[np.searchsorted(groups.of_variant[order], np.arange(len(groups)))]
    chosen = np.zeros(len(replicas), dtype=np.bool_)
    chosen[first] = np.isfinite(price[first])
    return chosen
