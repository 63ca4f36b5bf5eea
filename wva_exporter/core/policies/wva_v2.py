"""Policy ``wva-v2``: as many replicas as the tokens that are asked for need, in one step, at least cost.

The token analyzer says what each model can carry and carries; what exceeds ``scale_up`` of the capacity on its way is lacking,
what stays below ``scale_down`` of the ready one is free; an optimizer turns both into replicas, within the GPUs there are.
``exact`` repeats WVA's analyzer, optimizers and enforcer, faults included.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.core.allocation.cost_aware import cost_aware
from wva_exporter.core.allocation.enforcer import Candidate, Idleness, enforce
from wva_exporter.core.allocation.greedy import within_budgets
from wva_exporter.core.allocation.least_cost import Decided, decide, make_before_break
from wva_exporter.core.allocation.quotas import Quotas
from wva_exporter.core.allocation.request import Request, Targets
from wva_exporter.core.allocation.rescale import Switches, rescale
from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.policies.bounds import growth_limit
from wva_exporter.core.policies.proposal import Proposal
from wva_exporter.core.policies.scarcity import budgets_of
from wva_exporter.core.snapshot import REASON_CODE, Snapshot
from wva_exporter.core.throughput import analyze as throughput
from wva_exporter.core.throughput.memory import Memory
from wva_exporter.core.throughput.voting import Vote, heard, view_of
from wva_exporter.core.tokens import exact, pods
from wva_exporter.core.tokens.asking import Terms, requests
from wva_exporter.core.tokens.balance import Balance, balance
from wva_exporter.core.tokens.footprint import router_tokens
from wva_exporter.core.tokens.reading import MOST, exact_instances, pod_instances, stand_of
from wva_exporter.core.tokens.records import Records
from wva_exporter.core.tokens.rows import Instances, Stand, TokenAnalysis
from wva_exporter.errors import Reason

Balances = tuple[FloatArray, FloatArray]
"""What the model or role of each variant lacks, and what is free there: shape (variants,), tokens."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kept:
    """What the policy remembers: records and samples, in the rows of ``fleet``."""

    fleet: Fleet
    past: exact.Past
    throughput: Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class WvaV2:
    """The policy; ``exact`` repeats the original.

    ``limited``: it keeps to the GPUs that are counted and to ``quotas``, which bound it beside the inventory, in ``exact``
    instead of it. ``rescale``: where GPUs are short they go by priority, also those that another model holds. ``throughput``:
    how the throughput analyzer votes beside the tokens; None: not at all.
    """

    exact: bool = False
    limited: bool = True
    rescale: bool = False
    quotas: tuple[Quotas, ...] = ()
    throughput: Vote | None = None

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
        terms = self._terms(snapshot, stand, instances, found)
        asked = requests(fleet, terms, result, decidable, every=self.rescale or self.throughput is not None)
        asked, rates = self._heard(asked, snapshot, memory)
        decided = self._optimized(asked, snapshot)
        target = _targets(snapshot, decided.targets)
        added = target - snapshot.counts.current.value
        use, measured = _utilization(found)
        lacking, free = result.of_variants(stand)
        proposal = Proposal(
            target=Column.of(target, decidable),
            reason=_reasons(decidable, added, _scarce(snapshot, asked, decided, added, (lacking, free))),
            utilization=Column.of(use, decidable & measured),
            required=Column.of(lacking, decidable),
            spare=Column.of(free, decidable),
            required_unit="tokens",
            spare_unit="tokens",
        )
        return proposal, _Kept(fleet=fleet, past=past, throughput=rates)

    def _heard(self, asked: list[Request], snapshot: Snapshot, memory: object) -> tuple[list[Request], Memory]:
        """The requests with the word of the throughput analyzer, where it is asked, and what it remembers."""
        fleet = snapshot.fleet
        rates = memory.throughput if isinstance(memory, _Kept) else Memory.empty(len(fleet))
        if self.throughput is None:
            return asked, Memory.empty(len(fleet))
        if isinstance(memory, _Kept) and memory.fleet is not fleet:
            rates = rates.moved(_rows(memory.fleet, fleet))
        found, rates = throughput.analyze(view_of(snapshot), rates, exact=self.exact)
        return heard(asked, found, fleet, self.throughput), rates

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
        budgets = budgets_of(snapshot, self.quotas, exact=self.exact) if self.limited else None
        switches = self._switches(snapshot)
        if not self.exact:
            moved = {} if budgets is None else rescale(asked, budgets, switches, exact=False)
            rest = [request for request in asked if not any(offer.name in moved for offer in request.offers)]
            decided = decide(rest, budgets)
            make_before_break(rest, decided.targets)
            decided.targets.update(moved)
            return replace(decided, rescaled=frozenset(moved))
        targets = cost_aware(asked) if budgets is None else within_budgets(asked, budgets, switches)
        for request in asked:
            targets.update(_enforced(request, targets))
        return Decided(targets=targets)

    def _switches(self, snapshot: Snapshot) -> Switches:
        """``exact``: the switch of the cluster, which is not that of namespaces with quotas of their own."""
        own = {} if self.exact else dict.fromkeys(snapshot.fleet.models.namespace, self.rescale)
        return Switches(cluster=self.rescale, namespaces=own)


def _recalled(memory: object, fleet: Fleet, stand: Stand) -> exact.Past:
    """What is remembered of this fleet, over what the engines' arguments say."""
    if isinstance(memory, _Kept) and memory.fleet is fleet:
        return memory.past
    said = Records.of_arguments(stand.arguments)
    if not isinstance(memory, _Kept):
        return exact.Past(records=said)
    row = _rows(memory.fleet, fleet)
    return exact.Past(records=memory.past.records.take(row).over(said), history=memory.past.history)


def _rows(before: Fleet, fleet: Fleet) -> IntArray:
    """Where each variant stood before, -1 where it is new."""
    return np.array([before.row.get(key, -1) for key in fleet.key], dtype=np.int64)


def _decidable(snapshot: Snapshot, stand: Stand, instances: Instances, found: TokenAnalysis) -> BoolArray:
    """Variants that are counted, of models of which an engine's capacity is known: shape (variants,)."""
    answering = np.bincount(instances.variant, minlength=len(stand)) > 0
    seen = np.bincount(stand.model[answering & (found.capacity > 0)], minlength=len(stand.model_name)) > 0
    return np.asarray(seen[stand.model] & snapshot.counts.current.known)


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


def _reasons(decidable: BoolArray, added: FloatArray, scarce: tuple[BoolArray, BoolArray]) -> IntArray:
    """What bound each variant: shape (variants,). ``added`` replicas are fewer than 0 where some go."""
    given, short = scarce
    return np.select(
        [~decidable, given, short, added > 0, added < 0],
        [
            REASON_CODE[reason]
            for reason in (
                Reason.NO_SERIES,
                Reason.RESCALE,
                Reason.INVENTORY,
                Reason.NO_HEADROOM,
                Reason.SPARE_CAPACITY,
            )
        ],
        REASON_CODE[Reason.STEADY],
    )


def _scarce(
    snapshot: Snapshot, asked: list[Request], decided: Decided, added: FloatArray, balances: Balances
) -> tuple[BoolArray, BoolArray]:
    """Variants that give up replicas which they use, for another model, and those that lack GPUs: shape (variants,)."""
    lacking, free = balances
    short, moved = np.zeros(len(added), dtype=np.bool_), np.zeros(len(added), dtype=np.bool_)
    for request in asked if decided.short_of_hardware else ():
        for offer in request.offers:
            short[int(offer.name)] = (request.key, offer.role) in decided.short_of_hardware
    moved[[int(name) for name in decided.rescaled]] = True
    room = snapshot.counts.current.value < snapshot.fleet.variants.maximum.otherwise(np.inf)
    return moved & (added < 0) & (free <= 0), short | (moved & (lacking > 0) & (added <= 0) & room)
