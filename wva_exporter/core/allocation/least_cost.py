"""How replicas should be chosen: each role alone, at least cost, within the hardware there is.

What differs from WVA's optimizers, and why:

* A role grows or shrinks by its own need: one that needs nothing neither stops another nor keeps idle replicas.
* Replicas are bought by their cost, not by the price of a unit: a small gap is closed by a small replica.
* A model that can do with less is composed anew at least cost, also by a cheaper variant that grows while a dear one goes.
* Each analyzer's need is covered in its own unit.
* Where GPUs are scarce they go replica by replica to whoever lacks most, by priority; nobody pays for what he did not get.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from wva_exporter.core.allocation.budgets import UNLIMITED, Budgets
from wva_exporter.core.allocation.covering import Kind, cover
from wva_exporter.core.allocation.request import Offer, Request, Targets
from wva_exporter.core.fleet import Role

WORTH_MOVING = 0.1
"""Composing anew brings up replicas that have to load their model first: done only for a tenth of the cost or more."""

_EPSILON = 1e-9


@dataclass(slots=True)
class Decided:
    """Replicas of every variant, and the roles that lack something for want of hardware, by the model's key.

    ``rescaled``: variants whose model was given its part of GPUs that are short, by the name of their offers.
    """

    targets: Targets = field(default_factory=dict)
    short_of_hardware: set[tuple[str, Role]] = field(default_factory=set)
    rescaled: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Group:
    """A role of a model that lacks capacity: what it lacks by analyzer, and what it would add if hardware were free."""

    request: Request
    role: Role
    offers: list[Offer]
    lack: list[float]
    wish: list[int]


def decide(requests: Sequence[Request], budgets: Budgets | None) -> Decided:
    """Every variant's replicas; ``budgets`` None: no limit but each variant's own. They are used up."""
    decided = Decided()
    wanting: list[_Group] = []
    for request in requests:
        for role in Role:
            offers = request.of_role(role)
            decided.targets.update((offer.name, offer.current) for offer in offers)
            lack = [word.required.get(role, 0.0) for word in request.words]
            if offers and max(lack) > 0:
                wish = _growth(offers, lack)
                wanting.append(_Group(request=request, role=role, offers=offers, lack=lack, wish=wish))
            elif offers:
                _shrink(request, role, offers, decided.targets)
    if budgets is None:
        for group in wanting:
            _add(group, decided.targets)
    else:
        _ration(wanting, budgets, decided)
    return decided


def _growth(offers: Sequence[Offer], lack: Sequence[float]) -> list[int]:
    """Replicas to add to each variant; all that may be where that is not enough. A need that no variant carries is nobody's."""
    rooms = [math.inf if o.maximum is None else max(0, o.maximum - o.current) for o in offers]
    needs = [
        value if any(o.capacity[w] > 0 and o.capacity[0] > 0 for o in offers) else 0.0 for w, value in enumerate(lack)
    ]
    kinds = [
        Kind(cost=o.cost, capacity=o.capacity, most=room if o.capacity[0] > 0 else 0)
        for o, room in zip(offers, rooms, strict=True)
    ]
    found = cover(kinds, needs)
    if found is not None:
        return found
    return [int(kind.most) if math.isfinite(kind.most) else 0 for kind in kinds]


def _shrink(request: Request, role: Role, offers: Sequence[Offer], targets: Targets) -> None:
    """The cheapest composition that carries what has to be carried, if it is worth the move; at least one replica."""
    spares = [word.spare.get(role, 0.0) for word in request.words if role in word.spare]
    words = [w for w, word in enumerate(request.words) if role in word.spare]
    if not words or min(spares) <= 0:
        return
    sized = [offer for offer in offers if offer.capacity[0] > 0]
    needs = [
        sum(max(offer.current - offer.pending, 0) * offer.capacity[w] for offer in sized) - spare
        for w, spare in zip(words, spares, strict=True)
    ]
    shed = _composed(sized, words, needs, may_grow=False)
    anew = _composed(sized, words, needs, may_grow=True)
    if shed is None:
        return
    before, price = _cost(sized, [offer.current for offer in sized]), _cost(sized, shed)
    if anew is not None and _cost(sized, anew) < price - WORTH_MOVING * before:
        shed = anew
    targets.update((offer.name, count) for offer, count in zip(sized, shed, strict=True))


def make_before_break(requests: Sequence[Request], targets: Targets) -> None:
    """Take no more away than what is ready can spare now: what replaces a dear replica has to serve before that one goes."""
    for request in requests:
        for role in Role:
            offers = request.of_role(role)
            spares = [word.spare.get(role, 0.0) for word in request.words]
            for offer in sorted(offers, key=lambda each: (-each.cost, each.name)):
                leaving = offer.current - targets[offer.name]
                if leaving <= 0:
                    continue
                fits = [math.floor(s / c + _EPSILON) for s, c in zip(spares, offer.capacity, strict=True) if c > 0]
                going = min(leaving, *fits) if fits else 0
                targets[offer.name] = offer.current - going
                spares = [s - going * c for s, c in zip(spares, offer.capacity, strict=True)]


def _composed(
    offers: Sequence[Offer], words: Sequence[int], needs: Sequence[float], *, may_grow: bool
) -> list[int] | None:
    """Replicas of least cost, at least one of them."""
    kinds = []
    needs = (*needs, 1.0)
    for offer in offers:
        most = math.inf if offer.maximum is None else float(offer.maximum)
        most = max(most if may_grow else min(most, offer.current), offer.minimum)
        capacity = (*(offer.capacity[w] for w in words), 1.0)
        kinds.append(Kind(cost=offer.cost, capacity=capacity, least=offer.minimum, most=most))
    return cover(kinds, needs)


def _cost(offers: Sequence[Offer], counts: Sequence[int]) -> float:
    return sum(offer.cost * count for offer, count in zip(offers, counts, strict=True))


def _add(group: _Group, targets: Targets) -> None:
    for offer, more in zip(group.offers, group.wish, strict=True):
        targets[offer.name] += more


# Scarce hardware


def _ration(groups: Sequence[_Group], budgets: Budgets, decided: Decided) -> None:
    """Grant every wish where all fit; else the models that compete for a pool share it replica by replica."""
    scarce = _scarce(groups, budgets)
    competing: list[_Group] = []
    for group in groups:
        pools = {
            pool for offer, more in zip(group.offers, group.wish, strict=True) if more for pool in _pools(group, offer)
        }
        if pools & scarce:
            competing.append(group)
        else:
            _add(group, decided.targets)
            for offer, more in zip(group.offers, group.wish, strict=True):
                budgets.take(group.request.namespace, {offer.accelerator: float(more * offer.gpus)})
    _share(competing, budgets, decided)


def _pools(group: _Group, offer: Offer) -> tuple[tuple[str, str], tuple[str, str]]:
    """The pool of the cluster and that of the namespace."""
    return ("", offer.accelerator), (group.request.namespace, offer.accelerator)


def _scarce(groups: Sequence[_Group], budgets: Budgets) -> set[tuple[str, str]]:
    """Pools that cannot hold all wishes together."""
    asked: dict[tuple[str, str], float] = {}
    for group in groups:
        for offer, more in zip(group.offers, group.wish, strict=True):
            for pool in _pools(group, offer) if more else ():
                asked[pool] = asked.get(pool, 0.0) + more * offer.gpus
    return {pool for pool, gpus in asked.items() if gpus > _free(budgets, *pool)}


def _free(budgets: Budgets, namespace: str, accelerator: str) -> float:
    if not namespace:
        return budgets.cluster.get(accelerator, 0.0)
    own = budgets.namespaces.get(namespace)
    return UNLIMITED if own is None else own.get(accelerator, 0.0)


def _share(groups: Sequence[_Group], budgets: Budgets, decided: Decided) -> None:
    """The one that lacks most, weighted by priority and score, gets the next replica that there is for it."""
    queue = [(-_weight(group), place) for place, group in enumerate(groups)]
    heapq.heapify(queue)
    while queue:
        _, place = heapq.heappop(queue)
        group = groups[place]
        offer = _next(group, budgets, decided.targets)
        if offer is None:
            decided.short_of_hardware.add((group.request.key, group.role))
            continue
        decided.targets[offer.name] += 1
        budgets.take(group.request.namespace, {offer.accelerator: float(offer.gpus)})
        group.lack = [value - each for value, each in zip(group.lack, offer.capacity, strict=True)]
        if any(_open(group)):
            heapq.heappush(queue, (-_weight(group), place))


def _open(group: _Group) -> list[bool]:
    """Needs that are not covered and that some variant of the role can carry."""
    return [
        value > _EPSILON and any(offer.capacity[w] > 0 for offer in group.offers) for w, value in enumerate(group.lack)
    ]


def _weight(group: _Group) -> float:
    """Priority x score x lack, in the anchor's unit: what other analyzers lack counts in replicas that would carry it."""
    best = next(iter(group.request.by_efficiency[group.role]), None)
    if best is None:
        return 0.0
    weight = 0.0
    for word, value, capacity in zip(group.request.words, group.lack, best.capacity, strict=True):
        if capacity > 0 and value > 0:
            weight += (word.score or 1.0) * value * best.capacity[0] / capacity
    return (group.request.priority or 1.0) * weight


def _next(group: _Group, budgets: Budgets, targets: Targets) -> Offer | None:
    """The replica to add: the cheapest that covers all the rest if there is one, else the one of the cheapest capacity."""
    open_ = _open(group)
    able = [
        offer
        for offer in group.request.by_efficiency[group.role]
        if (offer.maximum is None or targets[offer.name] < offer.maximum)
        and min(_free(budgets, *pool) for pool in _pools(group, offer)) >= offer.gpus
        and any(each > 0 for each, wanted in zip(offer.capacity, open_, strict=True) if wanted)
    ]
    if not able or not any(open_):
        return None
    finishing = [
        o for o in able if all(o.capacity[w] >= group.lack[w] - _EPSILON for w, wanted in enumerate(open_) if wanted)
    ]
    return min(finishing, key=lambda offer: (offer.cost, offer.name)) if finishing else able[0]
