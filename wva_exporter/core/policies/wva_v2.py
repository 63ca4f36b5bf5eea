"""Policy ``wva-v2``: as many replicas as the tokens that are asked for need, in one step, at least cost.

The token analyzer says what each model can carry and carries; what exceeds ``scale_up`` of the capacity on its way is lacking,
what stays below ``scale_down`` of the ready one is free; an optimizer turns both into replicas, within the GPUs there are.
``exact`` repeats WVA's analyzer, optimizers and enforcer, faults included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.allocation.budgets import Budgets, Constraint
from wva_exporter.core.allocation.cost_aware import cost_aware
from wva_exporter.core.allocation.enforcer import Candidate, Idleness, enforce
from wva_exporter.core.allocation.greedy import greedy_by_score
from wva_exporter.core.allocation.least_cost import Decided, decide, make_before_break
from wva_exporter.core.allocation.quotas import Quotas
from wva_exporter.core.allocation.request import Request, Targets
from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.policies.bounds import growth_limit
from wva_exporter.core.policies.proposal import Proposal
from wva_exporter.core.snapshot import REASON_CODE, Snapshot
from wva_exporter.core.tokens import exact, pods
from wva_exporter.core.tokens.asking import Terms, requests
from wva_exporter.core.tokens.balance import Balance, balance
from wva_exporter.core.tokens.footprint import router_tokens
from wva_exporter.core.tokens.reading import MOST, exact_instances, pod_instances, stand_of
from wva_exporter.core.tokens.records import Records
from wva_exporter.core.tokens.rows import Instances, Stand, TokenAnalysis
from wva_exporter.errors import Reason


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kept:
    """What the policy remembers: records and samples, in the rows of ``fleet``."""

    fleet: Fleet
    past: exact.Past


@dataclass(frozen=True, slots=True, kw_only=True)
class WvaV2:
    """The policy; ``exact`` repeats the original. ``quotas`` bound it beside the inventory, in ``exact`` instead of it."""

    exact: bool = False
    quotas: tuple[Quotas, ...] = ()

    @property
    def name(self) -> str:
        """How a model selects it."""
        return "wva-v2/exact" if self.exact else "wva-v2"

    def propose(self, snapshot: Snapshot, chosen: BoolArray, memory: object) -> tuple[Proposal, object]:
        """Decide every chosen variant whose own count is known, of a model of which some engine answers."""
        fleet, stand = snapshot.fleet, stand_of(snapshot)
        past = _recalled(memory, fleet, stand)
        instances = exact_instances(snapshot) if self.exact else pod_instances(snapshot)
        if self.exact:
            found, past = exact.analyze(instances, stand, past)
        else:
            found = pods.analyze(pods.Pods(instances=instances, engines=np.ones(len(stand))), stand, past.records)
            past = exact.Past(records=pods.remembered(found, instances, past.records))
        result = self._balance(snapshot, stand, instances, found)
        decidable = chosen & _decidable(snapshot, stand, instances, found)
        asked = requests(fleet, self._terms(snapshot, stand, instances, found), result, decidable)
        decided = self._optimized(asked, snapshot)
        target = _targets(snapshot, decided.targets)
        use, measured = _utilization(found)
        lacking, free = result.of_variants(stand)
        proposal = Proposal(
            target=Column.of(target, decidable),
            reason=_reasons(snapshot, decidable, target, asked, decided),
            utilization=Column.of(use, decidable & measured),
            required=Column.of(lacking, decidable),
            spare=Column.of(free, decidable),
            required_unit="tokens",
            spare_unit="tokens",
        )
        return proposal, _Kept(fleet=fleet, past=past)

    def _balance(self, snapshot: Snapshot, stand: Stand, instances: Instances, found: TokenAnalysis) -> Balance:
        """What is lacking and free. ``exact`` shrinks also where some engines could not be counted."""
        waiting, averages = np.clip(snapshot.router_queue.value, 0.0, MOST), found.averages
        no_bytes = np.zeros_like(waiting)
        queue = router_tokens(waiting, no_bytes, averages.inputs, averages.outputs, averages.hit_ratio)
        engines = np.bincount(instances.variant, minlength=len(stand))
        missed = stand.model[(engines > 0) & ((found.count < engines) | (found.capacity <= 0))]
        whole = np.bincount(missed, minlength=len(stand.model_name)) == 0
        thresholds = snapshot.fleet.models.thresholds
        return balance(found, stand, queue, thresholds, np.ones_like(whole) if self.exact else whole)

    def _terms(self, snapshot: Snapshot, stand: Stand, instances: Instances, found: TokenAnalysis) -> Terms:
        """Costs and bounds.

        ``exact``: a variant without an engine that answers has neither cost nor accelerator; WVA takes both from its metrics.
        """
        fleet, counts = snapshot.fleet, snapshot.counts
        variants = fleet.variants
        to_zero = (variants.minimum == 0) & fleet.models.zero_retention_seconds.known[variants.model]
        blank = self.exact & (np.bincount(instances.variant, minlength=len(stand)) == 0)
        accelerator = variants.accelerator
        if blank.any():
            accelerator = tuple("" if b else a for a, b in zip(accelerator, blank.tolist(), strict=True))
        return Terms(
            cost=np.where(blank, 0.0, variants.ranking_cost),
            capacity=found.capacity,
            current=counts.current.value.astype(np.int64),
            pending=stand.pending.astype(np.int64),
            minimum=variants.minimum if self.exact else np.where(to_zero, 0, np.maximum(variants.minimum, 1)),
            maximum=variants.maximum.otherwise(-1.0 if self.exact else growth_limit(counts.current)).astype(np.int64),
            accelerator=accelerator,
        )

    def _optimized(self, asked: list[Request], snapshot: Snapshot) -> Decided:
        budgets = _budgets(snapshot, self.quotas, exact=self.exact)
        if not self.exact:
            decided = decide(asked, budgets)
            make_before_break(asked, decided.targets)
            return decided
        targets = cost_aware(asked) if budgets is None else greedy_by_score(asked, budgets)
        for request in asked:
            targets.update(_enforced(request, targets))
        return Decided(targets=targets)


def _recalled(memory: object, fleet: Fleet, stand: Stand) -> exact.Past:
    """What is remembered of this fleet, over what the engines' arguments say."""
    if isinstance(memory, _Kept) and memory.fleet is fleet:
        return memory.past
    said = Records.of_arguments(stand.arguments)
    if not isinstance(memory, _Kept):
        return exact.Past(records=said)
    row = np.array([memory.fleet.row.get(key, -1) for key in fleet.key], dtype=np.int64)
    return exact.Past(records=memory.past.records.take(row).over(said), history=memory.past.history)


def _decidable(snapshot: Snapshot, stand: Stand, instances: Instances, found: TokenAnalysis) -> BoolArray:
    """Variants that are counted, of models of which an engine's capacity is known: shape (variants,)."""
    answering = np.bincount(instances.variant, minlength=len(stand)) > 0
    seen = np.bincount(stand.model[answering & (found.capacity > 0)], minlength=len(stand.model_name)) > 0
    return np.asarray(seen[stand.model] & snapshot.counts.current.known)


def _budgets(snapshot: Snapshot, quotas: tuple[Quotas, ...], *, exact: bool) -> Budgets | None:
    """Free GPUs by type; None where nobody counts any and none is allotted. What is in use is in use, whoever asked for it.

    A type that nobody counts has no limit that we know of; ``exact`` takes it for one of which there are none.
    """
    allotted = _allotted(snapshot, quotas)
    if not snapshot.inventory or (exact and allotted):
        return Budgets.of(allotted) if allotted else None
    variants, current = snapshot.fleet.variants, snapshot.counts.current
    kinds = {kind: place for place, kind in enumerate(dict.fromkeys((*snapshot.inventory, *variants.accelerator)))}
    place = np.array([kinds[kind] for kind in variants.accelerator], dtype=np.int64)
    used = np.bincount(place, weights=current.value * variants.gpus_per_replica, minlength=len(kinds)).tolist()
    pools = {kind: (float(limit), used[kinds[kind]]) for kind, limit in snapshot.inventory.items()}
    uncounted = {} if exact else {kind: (-1.0, 0.0) for kind in kinds if kind not in pools}
    return Budgets.of([Constraint(pools={**pools, **uncounted}), *allotted])


def _allotted(snapshot: Snapshot, quotas: tuple[Quotas, ...]) -> list[Constraint]:
    """What each set of quotas leaves free."""
    fleet, current = snapshot.fleet, snapshot.counts.current
    variants = fleet.variants
    taken = (current.value * variants.gpus_per_replica).tolist()
    used: dict[tuple[str, str], float] = {}
    for namespace, kind, gpus in zip(variants.namespace, variants.accelerator, taken, strict=True):
        used[namespace, kind] = used.get((namespace, kind), 0.0) + gpus
    return [each.constraint(used, dict.fromkeys(fleet.models.namespace)) for each in quotas]


def _enforced(request: Request, targets: Targets) -> Targets:
    """Never nothing: going to zero is decided after all policies, on proof."""
    candidates = [
        Candidate(name=o.name, target=targets[o.name], cost=o.cost, minimum=o.minimum, role=o.role)
        for o in request.offers
    ]
    return enforce(candidates, Idleness(allowed=False, requests=None), exact=True)[0]


def _targets(snapshot: Snapshot, decided: Targets) -> FloatArray:
    """Replicas of every variant: shape (variants,). Where nothing was decided, everything stays."""
    target = snapshot.counts.current.value.copy()
    rows = np.array([int(name) for name in decided], dtype=np.int64)
    target[rows] = np.array(list(decided.values()), dtype=np.float64)
    return target


def _utilization(found: TokenAnalysis) -> tuple[FloatArray, BoolArray]:
    """Share of its capacity that each variant is asked for, and where that is known."""
    capacity = found.count * found.capacity
    return np.divide(found.demand, capacity, out=np.zeros(len(capacity)), where=capacity > 0), capacity > 0


def _reasons(
    snapshot: Snapshot, decidable: BoolArray, target: FloatArray, asked: list[Request], decided: Decided
) -> IntArray:
    """What bound each variant: shape (variants,)."""
    current = snapshot.counts.current.value
    short = np.zeros(len(target), dtype=np.bool_)
    for request in asked if decided.short_of_hardware else ():
        for offer in request.offers:
            short[int(offer.name)] = (request.key, offer.role) in decided.short_of_hardware
    return np.select(
        [~decidable, short, target > current, target < current],
        [REASON_CODE[r] for r in (Reason.NO_SERIES, Reason.INVENTORY, Reason.NO_HEADROOM, Reason.SPARE_CAPACITY)],
        REASON_CODE[Reason.STEADY],
    )
