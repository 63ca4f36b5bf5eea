"""One cycle's question in numbers: what is asked for, what a replica carries, what there is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.fleet import Fleet, Role
from wva_exporter.core.headroom import arrivals as flow
from wva_exporter.core.headroom.capacity import Capacity, Terms, capacity
from wva_exporter.core.headroom.groups import Groups, weighted
from wva_exporter.core.headroom.level import level
from wva_exporter.core.headroom.need import Waiting, best_reference, needed
from wva_exporter.core.headroom.shape import shape
from wva_exporter.core.headroom.state import Kept, same
from wva_exporter.core.headroom.supply import supply
from wva_exporter.core.headroom.tokens import Memory, memory
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.snapshot import Snapshot

_SAME = 0.01
"""Capacity is not worked out again for changes of its inputs below this share."""

_OF_THE_RISE = 3
"""Slices of the crests' window in which a rise of four minutes lies."""

_TINY = _EPSILON = 1e-9
_DECODE, _PREFILL = int(Role.DECODE), int(Role.PREFILL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Seconds: ``short`` and ``long`` of the level (30 and 60), ``down`` before anything is given back (300)."""

    short_seconds: float = 30.0
    long_seconds: float = 60.0
    down_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """``size`` is what one replica carries and ``standing`` the replicas there or coming, of variants: shape (variants,).

    Of groups, shape (groups,), in the unit of ``size``: ``demand``, ``asked`` with what is likely still to come of a step, the
    capacity ``need`` that must be there and ``enough`` above which some may go. ``by_time`` says that the unit is requests per
    second and rests on ``capacity``; else it is what KV caches hold, ``in_tokens`` or in caches. ``backlog`` is requests.
    ``known`` are groups of which enough is known to decide.
    """

    of_variant: IntArray
    size: FloatArray
    standing: FloatArray
    demand: FloatArray
    asked: FloatArray
    need: FloatArray
    enough: FloatArray
    backlog: FloatArray
    by_time: BoolArray
    in_tokens: BoolArray
    known: BoolArray
    capacity: Capacity

    @property
    def would_do(self) -> FloatArray:
        """Replicas of each variant that would do without any other: shape (variants,), 0 of one that counts for nothing."""
        size = np.where(self.size > 0.0, self.size, np.inf)
        return np.asarray(np.ceil(self.need[self.of_variant] / size - _EPSILON))


def looked(kept: Kept, snapshot: Snapshot, windows: Windows) -> Kept:
    """What is remembered, with what this cycle saw."""
    return replace(
        kept,
        arrivals=flow.observe(
            kept.arrivals,
            snapshot,
            kept.groups,
            keep_seconds=windows.down_seconds,
            scrape_seconds=windows.short_seconds / 2.0,
        ),
        shape=shape(kept.shape, snapshot, kept.groups, windows.down_seconds),
        supply=supply(kept.supply, snapshot, kept.wanted),
        kv_tokens=_kv_tokens(kept, snapshot),
    )


def _kv_tokens(kept: Kept, snapshot: Snapshot) -> Column:
    """Tokens that the cache of a replica of each variant holds, as it was told now or before: shape (variants,)."""
    replicas, before = snapshot.replicas, kept.kv_tokens
    told = replicas.rows((Signal.KV_CAPACITY,))
    weight = np.where(replicas.live & (told.value[0] > 0.0), 1.0, 0.0)
    now = weighted(told, weight, replicas.variant, len(snapshot.fleet)).row(0)
    same_as_before = before.known & (~now.known | (now.value == before.value))
    if same_as_before.all():
        return before
    return Column.of(np.where(now.known, now.value, before.value), now.known | before.known)


def case(kept: Kept, snapshot: Snapshot, windows: Windows, spare_replicas: int) -> tuple[Case, Kept]:
    """The question, and what is remembered with the capacity that was worked out for it."""
    groups, there = kept.groups, _there(kept, snapshot)
    kept, carries = _capacity(kept, snapshot)
    waiting = _waiting(snapshot, groups)
    rate, likely, lasting, arriving = _rates(kept, snapshot, windows)
    caches = memory(
        snapshot, groups, kept.shape, kept.kv_tokens, there=there, waiting=waiting.total(groups), rate_rps=likely
    )
    kept = _remembering(kept, snapshot.time, lasting, caches.demand, arriving)
    peak_rps, peak_held = np.split(kept.window.highest, 2)
    size, reference = _sizes(groups, carries, snapshot.fleet)
    by_time = groups.every(carries.known | ~there) & _any_of(groups, carries.known) & arriving
    timed = needed(
        groups,
        carries,
        kept.supply,
        rate_rps=rate,
        likely_rps=likely,
        peak_rps=peak_rps,
        waiting=waiting,
        reference=reference,
        spare_replicas=spare_replicas,
    )
    now = Case(
        of_variant=groups.of_variant,
        size=size,
        standing=_standing(kept),
        demand=rate,
        asked=likely,
        need=np.maximum(timed.need, _TINY),
        enough=timed.enough,
        backlog=timed.backlog,
        by_time=by_time,
        in_tokens=np.zeros(len(groups), dtype=np.bool_),
        known=by_time,
        capacity=carries,
    )
    return (now if by_time.all() else _by_memory(now, groups, caches, peak_held)), kept


def _remembering(kept: Kept, time: float, lasting: FloatArray, held: Column, arriving: BoolArray) -> Kept:
    """What is remembered, with the rates and the tokens that this cycle must be ready for."""
    needs, told = np.concatenate([lasting, held.value]), np.concatenate([arriving, held.known])
    needs = np.where(told, needs, kept.window.highest)  # of a time that nobody saw the peak is no less than before
    return replace(kept, window=kept.window.add(needs, time), crest=kept.crest.add(lasting, time))


def _sizes(groups: Groups, carries: Capacity, fleet: Fleet) -> tuple[FloatArray, IntArray]:
    """What a replica of each variant counts for, shape (variants,), and the variant that sizes each group, shape (groups,).

    Kinds of which nothing is known count for nothing, nor do those that break the promise where another keeps it.
    """
    usable = carries.known & carries.reachable
    counts = carries.known & (carries.reachable | ~_any_of(groups, usable)[groups.of_variant])
    reference = best_reference(groups, fleet.variants.ranking_cost, carries.rate_rps, usable)
    return np.where(counts, carries.rate_rps, 0.0), reference


def _waiting(snapshot: Snapshot, groups: Groups) -> Waiting:
    replicas = snapshot.replicas
    return Waiting(
        at_engine=np.where(replicas.live, replicas[Signal.WAITING].value, 0.0),
        variant=replicas.variant,
        at_router=np.maximum(snapshot.router_queue.value[groups.model], 0.0),
    )


def _there(kept: Kept, snapshot: Snapshot) -> BoolArray:
    """Variants of which a replica answers: shape (variants,). Of a kind that never ran nothing is known, which stops nobody."""
    replicas = snapshot.replicas
    answering = np.bincount(replicas.variant[replicas.live], minlength=len(snapshot.fleet)) > 0
    return np.asarray(answering | (kept.supply.ready > 0.0))


def _any_of(groups: Groups, flag: BoolArray) -> BoolArray:
    """Groups of which any variant has the flag: shape (groups,)."""
    return np.asarray(groups.total(flag) > 0)


def _by_memory(now: Case, groups: Groups, caches: Memory, peak: FloatArray) -> Case:
    """The same question asked of the KV caches, for the groups of which no service times are known."""
    timed, demand = now.by_time, caches.demand.value
    return replace(
        now,
        size=np.where(timed[groups.of_variant], now.size, caches.size),
        demand=np.where(timed, now.demand, demand),
        asked=np.where(timed, now.asked, demand),
        need=np.where(timed, now.need, np.maximum(demand / caches.up, _TINY)),
        enough=np.where(timed, now.enough, peak / caches.down),
        in_tokens=~timed & caches.in_tokens,
        known=timed | caches.demand.known,
    )


def _standing(kept: Kept) -> FloatArray:
    """Replicas that are there or coming, or were asked for a cycle ago and are not overdue: shape (variants,)."""
    asked = np.where(kept.supply.overdue, 0.0, kept.wanted.value)
    return np.maximum(kept.supply.total, asked)


def _rates(kept: Kept, snapshot: Snapshot, windows: Windows) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Arrivals per second to be ready for, likely ones, those to remember, and whether anybody knows: shape (groups,).

    The largest of what the engines and the router saw. Where no engine's balance is known, what finishes must do. While no
    engine answers nobody knows, whatever was seen before. On a slope more is likely, at most as much again.
    """
    groups, replicas = kept.groups, snapshot.replicas
    seen = level(kept.arrivals, snapshot.time, short_seconds=windows.short_seconds, long_seconds=windows.long_seconds)
    done = replicas[Signal.REQUEST_RATE].where(replicas.live)
    finished = groups.total(done.value, replicas.variant)
    telling = groups.total(done.known, replicas.variant) > 0
    answering = groups.total(replicas.live, replicas.variant) > 0
    offered = snapshot.offered.where(snapshot.offered.value >= 0.0).take(groups.model)
    rate, likely, lasting = (
        _handed_on(groups, np.maximum(column.otherwise(finished), offered.otherwise(0.0)))
        for column in (seen.rate, seen.likely, seen.lasting)
    )
    likely = np.maximum(likely, _ahead(kept, rate, lasting, _handed_on(groups, seen.rising), windows))
    return rate, likely, lasting, np.asarray((seen.rate.known & answering) | telling | offered.known)


def _ahead(kept: Kept, rate: FloatArray, lasting: FloatArray, rising: FloatArray, windows: Windows) -> FloatArray:
    """Where a load on a slope will be when replicas ordered now serve, at most twice what it is: shape (groups,).

    A load that swings is not taken for one that grows: until it has passed the crest of the last half hour, of which the rise
    itself is no part, it is expected to come to that again.
    """
    later = rate + np.minimum(rising * (kept.groups.most(kept.supply.startup_seconds) + windows.long_seconds), rate)
    crest = kept.crest.highest_before(_OF_THE_RISE)
    return np.where(lasting > crest, later, np.minimum(later, np.maximum(crest, rate)))


def _handed_on(groups: Groups, rate: FloatArray) -> FloatArray:
    """Rates at which requests come to each group, where prefill hands on what comes to it: shape (groups,).

    Who decodes sees a rise only as far as prefill lets it through, and has it all at once when prefill has grown.
    """
    first = groups.role == _PREFILL
    if not first.any():
        return rate
    prompts = np.zeros(int(groups.model.max()) + 1)
    prompts[groups.model[first]] = rate[first]
    return np.where(groups.role == _DECODE, np.maximum(rate, prompts[groups.model]), rate)


def _capacity(kept: Kept, snapshot: Snapshot) -> tuple[Kept, Capacity]:
    """What one replica of each variant carries; worked out again only when something it rests on has moved."""
    basis = (snapshot.service, kept.shape, kept.kv_tokens)
    if kept.capacity is not None and _very_same(basis, kept.basis):
        return kept, kept.capacity
    fleet, of_variant, limits = snapshot.fleet, kept.groups.of_variant, kept.limits
    terms = Terms(
        belief=snapshot.service if snapshot.service is not None else Belief.unknown(len(fleet)),
        in_tokens=kept.shape.in_tokens[of_variant],
        out_tokens=kept.shape.out_tokens[of_variant],
        hit_ratio=kept.shape.hit_ratio[of_variant],
        role=fleet.variants.role,
        kv_tokens=kept.kv_tokens,
        sequences=limits.sequences,
        chunk_tokens=limits.chunk_tokens,
        ttft_seconds=limits.ttft_seconds,
        itl_seconds=limits.itl_seconds,
    )
    inputs = terms.table()
    if kept.capacity is not None and same(kept.inputs, inputs, _SAME):
        return replace(kept, basis=basis), kept.capacity
    found = capacity(terms)
    found = found if kept.capacity is None else found.otherwise(kept.capacity)
    return replace(kept, basis=basis, inputs=inputs, capacity=found), found


def _very_same(now: tuple[object, ...], before: tuple[object, ...] | None) -> bool:
    """Whether these are the objects of before, so that nobody need look into them."""
    return before is not None and all(one is other for one, other in zip(now, before, strict=True))
