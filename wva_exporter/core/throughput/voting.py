"""The throughput analyzer beside the token analyzer: what it is shown of a snapshot, and its word on each request.

It speaks where its supply and demand are both known, of a model or of a role; elsewhere it neither asks for replicas nor keeps
any. Its unit is tokens per second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.allocation.request import Request, Word
from wva_exporter.core.columns import Column
from wva_exporter.core.fleet import Fleet, Role
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.core.throughput.analyze import Throughput
from wva_exporter.core.throughput.view import Readings, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """How the analyzer is asked: its thresholds, None as the model's, and its weight where models compete, 1 the others'."""

    scale_up: float | None = None
    scale_down: float | None = None
    score: float = 1.0


def view_of(snapshot: Snapshot) -> View:
    """What the analyzer sees; nobody says which replica a router sent a request to."""
    replicas, counts, live = snapshot.replicas, snapshot.counts, snapshot.replicas.live
    variant = replicas.variant[live]

    def read(signal: Signal) -> Column:
        return replicas[signal].take(np.flatnonzero(live))

    return View(
        time=snapshot.time,
        replicas=Readings(
            variant=variant,
            stale=np.zeros(len(variant), dtype=np.bool_),
            kv_usage=read(Signal.KV),
            kv_capacity_tokens=read(Signal.KV_CAPACITY),
            itl_seconds=read(Signal.ITL),
            ttft_seconds=read(Signal.TTFT),
            input_tokens=read(Signal.INPUT_TOKENS),
            output_tokens=read(Signal.OUTPUT_TOKENS),
            prefix_hit_ratio=read(Signal.PREFIX_HIT_RATIO),
            max_sequences=_sequences(snapshot.fleet).take(variant),
            arrivals=Column.unknown(len(variant)),
            completions=read(Signal.REQUEST_RATE),
            generated_tokens=read(Signal.GENERATION_TOKEN_RATE),
        ),
        model=snapshot.fleet.variants.model,
        role=snapshot.fleet.variants.role,
        pending=np.minimum(counts.pending.value, counts.current.value),
        configured=np.ones(len(snapshot.fleet), dtype=np.bool_),
        arrivals=snapshot.offered,
        router_queue=snapshot.router_queue,
    )


def _sequences(fleet: Fleet) -> Column:
    """Requests that an engine of each variant runs at once, where somebody said how many: shape (variants,)."""
    arguments = fleet.variants.arguments or (None,) * len(fleet)
    return Column.from_optional(
        [float(each.sequences) if each is not None and each.sequences_given else None for each in arguments]
    )


def heard(requests: Sequence[Request], found: Throughput, fleet: Fleet, vote: Vote) -> list[Request]:
    """The requests with this analyzer's word as their last, and each offer's capacity by it; 0 where it says nothing."""
    row = {f"{ns}/{name}": place for place, (ns, name) in enumerate(zip(*_names(fleet), strict=True))}
    return [_heard(request, row[request.key], found, fleet, vote) for request in requests]


def _names(fleet: Fleet) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return fleet.models.namespace, fleet.models.name


def _heard(request: Request, model: int, found: Throughput, fleet: Fleet, vote: Vote) -> Request:
    up = vote.scale_up or float(fleet.models.thresholds.scale_up[model])
    down = vote.scale_down or float(fleet.models.thresholds.scale_down[model])
    required, spare = {}, {}
    for role in request.roles:
        known, supply, anticipated, demand = _balance(found, model, role, split=request.disaggregated)
        if known:
            required[role] = max(demand / up - anticipated, 0.0)
            spare[role] = max(supply - demand / down, 0.0)
    carried = np.where(found.per_replica.known, found.per_replica.value, 0.0)
    role_of = {offer.name: offer.role if request.disaggregated else Role.BOTH for offer in request.offers}
    offers = tuple(
        replace(
            offer,
            capacity=(*offer.capacity, float(carried[int(offer.name)]) if role_of[offer.name] in required else 0.0),
        )
        for offer in request.offers
    )
    word = Word(score=vote.score, required=required, spare=spare, total_required=sum(required.values()))
    return replace(request, words=(*request.words, word), offers=offers)


def _balance(found: Throughput, model: int, role: Role, *, split: bool) -> tuple[bool, float, float, float]:
    """Whether both sides are known; then supply, what is on its way with it, and demand."""
    totals = found.totals
    if split:
        columns = (totals.role_supply, totals.role_anticipated, totals.role_demand)
        place: int | tuple[int, int] = (model, role)
    else:
        columns, place = (totals.supply, totals.anticipated, totals.demand), model
    supply, anticipated, demand = (float(each.value[place]) for each in columns)
    return all(bool(each.known[place]) for each in columns), supply, anticipated, demand
