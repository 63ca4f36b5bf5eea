"""WVA's optimizer with hardware limits: models share what is free by priority, score and need. ``exact`` only.

The neediest model is brought down towards the mean of all that need something, then the next neediest, until nobody needs or
nothing is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wva_exporter.core.allocation.budgets import Budget, Budgets
from wva_exporter.core.allocation.joint import State, grow
from wva_exporter.core.allocation.request import Offer, Request, Targets
from wva_exporter.core.allocation.rescale import Switches, rescale
from wva_exporter.core.allocation.shedding import shed
from wva_exporter.core.fleet import Role


def within_budgets(requests: Sequence[Request], budgets: Budgets, switches: Switches) -> Targets:
    """Replicas of every variant after the step; ``budgets`` are used up.

    Where rescaling is on and models compete, it decides them; the rest share what is left.
    """
    moved = rescale(requests, budgets, switches, exact=True)
    rest = [request for request in requests if not any(offer.name in moved for offer in request.offers)]
    return {**moved, **greedy_by_score(rest, budgets)}


def greedy_by_score(requests: Sequence[Request], budgets: Budgets) -> Targets:
    """Replicas of every variant after the step; ``budgets`` are used up."""
    targets = {offer.name: offer.current for request in requests for offer in request.offers}
    claims: list[_Claim] = []
    for request in requests:
        claim = _Claim.of(request)
        if claim.value > 0:
            claims.append(claim)
        else:
            shed(request, targets)
    _share(claims, targets, budgets)
    return targets


@dataclass(slots=True)
class _Claim:
    """A model that needs something, and how much that weighs; 0 once it is out."""

    request: Request
    state: State
    value: float

    @classmethod
    def of(cls, request: Request) -> _Claim:
        state = State.of(request)
        return cls(request=request, state=state, value=_weight(request, state.lacking))


def _weight(request: Request, lacking: Sequence[Mapping[Role, float]]) -> float:
    """Priority x sum over analyzers of score x lack; where that is nothing, the largest lack."""
    total = 0.0
    for word, of_word in zip(request.words, lacking, strict=True):
        total += word.score * sum(of_word.values())
    value = request.priority * total
    return value if value > 0 else max((max(each.values(), default=0.0) for each in lacking), default=0.0)


def _share(claims: list[_Claim], targets: Targets, budgets: Budgets) -> None:
    active = [claim for claim in claims if claim.value > 0]
    while active and not budgets.exhausted:
        total = 0.0
        for claim in active:
            total += claim.value
        mean = total / len(active)
        claim = max(active, key=lambda each: each.value)
        if len(active) == 1:
            floor = 0.0
        elif claim.value <= mean:
            floor = mean - claim.value / len(active)
        else:
            floor = mean
        _serve(claim, claim.value - floor, mean, targets, budgets)
        active = [each for each in active if each.value > 0]


def _serve(claim: _Claim, allowance: float, mean: float, targets: Targets, budgets: Budgets) -> None:
    """Give one model at most its allowance; ``claim.value`` becomes what it still weighs, 0 if it is out."""
    if allowance <= 0:
        claim.value = 0.0
        return
    request = claim.request
    state = _fresh(claim)
    for lacking in state.lacking:
        for role, value in lacking.items():
            lacking[role] = min(value, allowance)
    free = budgets.effective(request.namespace)
    before = dict(free)

    def charge(offer: Offer, added: int) -> None:
        free[offer.accelerator] = free.get(offer.accelerator, 0.0) - added * offer.gpus

    grow(state, targets, lambda role: _pick(request, role, allowance, targets, free), charge)
    budgets.take(request.namespace, {kind: before[kind] - left for kind, left in free.items() if left < before[kind]})
    value = _after(claim, state)
    claim.state.remaining = state.remaining
    claim.value = 0.0 if value >= claim.value or value > mean else value


def _fresh(claim: _Claim) -> State:
    """The lack at the start of a turn: of a disaggregated model what it lacked at first, of others what is left."""
    state = State.of(claim.request)
    state.remaining = list(claim.state.remaining)
    if not claim.request.disaggregated:
        for lacking, left in zip(state.lacking, state.remaining, strict=True):
            lacking[Role.BOTH] = left
    return state


def _after(claim: _Claim, state: State) -> float:
    """What a model weighs after its turn; a disaggregated one by what is left of its capped lack."""
    if claim.request.disaggregated:
        return _weight(claim.request, state.lacking)
    return _weight(claim.request, [{Role.BOTH: left} for left in state.remaining])


def _pick(request: Request, role: Role, allowance: float, targets: Targets, free: Budget) -> tuple[Offer, float] | None:
    """The cheapest capacity that may grow and has GPUs, by no more than the allowance."""
    for offer in request.by_efficiency[role]:
        gpus = free.get(offer.accelerator, 0.0)
        if gpus < offer.gpus:
            continue
        room = math.inf if offer.maximum is None else float(offer.maximum - targets[offer.name])
        most = min(float(math.ceil(allowance / offer.capacity[0])), _fitting(gpus, offer), room)
        if most > 0:
            return offer, most
    return None


def _fitting(gpus: float, offer: Offer) -> float:
    """Whole replicas."""
    return gpus if math.isinf(gpus) else gpus // offer.gpus
