"""Moving GPUs between models when they need more than there are: by priority and demand, and only what is free already.

Only where switched on. A model that has more than its part sheds; one that has less takes GPUs that were free when the cycle
began, so that nothing is promised twice while replicas are still going.

WVA counts a model's need at full use, weighs it by tokens, and so lets a large model starve beside a small one that serves as
many; ``exact`` does the same. Otherwise a need is what keeps use below ``scale_up``, as everywhere, and weighs by its GPUs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wva_exporter.core.allocation.budgets import UNLIMITED, Budgets
from wva_exporter.core.allocation.request import Offer, Request, Targets
from wva_exporter.core.allocation.shedding import last_stays, order
from wva_exporter.core.allocation.waterfill import Share, split, waterfill
from wva_exporter.core.fleet import Role

CLUSTER = ""
"""The scope of models whose namespace has no list of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Where rescaling is on."""

    cluster: bool = False
    namespaces: Mapping[str, bool] = field(default_factory=dict)

    def on(self, scope: str) -> bool:
        """Of a namespace with a list of its own, or of the cluster."""
        return self.cluster if scope == CLUSTER else self.namespaces.get(scope, False)


def rescale(requests: Sequence[Request], budgets: Budgets, switches: Switches, *, exact: bool) -> Targets:
    """Replicas of the variants of every model that is decided here; ``budgets`` lose what is taken."""
    groups: dict[tuple[str, str], list[Request]] = {}
    for request in requests:
        accelerators = {offer.accelerator for offer in request.offers}
        scope = request.namespace if request.namespace in budgets.namespaces else CLUSTER
        if len(accelerators) == 1 and switches.on(scope):
            groups.setdefault((accelerators.pop(), scope), []).append(request)
    targets: Targets = {}
    for (accelerator, scope), members in sorted(groups.items()):
        targets.update(_group(accelerator, scope, members, budgets, exact=exact))
    return targets


def _group(accelerator: str, scope: str, members: list[Request], budgets: Budgets, *, exact: bool) -> Targets:
    """One kind of GPU within one scope; nothing if all needs fit, or nothing is limited."""
    pool = budgets.cluster if scope == CLUSTER else budgets.namespaces[scope]
    free = pool.get(accelerator, 0.0)
    if free < 0 or free == UNLIMITED:
        return {}
    held = sum(_held(request.offers) for request in members)
    budget = int(free) + held
    needs = {request.key: _needs(request, exact=exact) for request in members}
    if sum(sum(need.values()) for need in needs.values()) <= budget:
        return {}
    parts, _ = waterfill(budget, [_share(request, needs[request.key], budget, exact=exact) for request in members])
    targets = {offer.name: offer.current for request in members for offer in request.offers}
    for request in sorted(members, key=lambda each: (-each.priority, each.key)):
        room = min(free, budgets.cluster.get(accelerator, 0.0)) if scope != CLUSTER else free
        taken = _serve(request, parts[request.key], needs[request.key], targets, room)
        free -= taken
        if scope != CLUSTER and accelerator in budgets.cluster:
            budgets.cluster[accelerator] -= taken
    pool[accelerator] = free
    return targets


def _held(offers: Sequence[Offer]) -> int:
    return sum(offer.current * offer.gpus for offer in offers)


def _needs(request: Request, *, exact: bool) -> dict[Role, int]:
    """GPUs that each role's demand fills, on the variant of the cheapest capacity; ``exact``: without headroom.

    The role that serves whole requests is taken to serve all of the model's, also beside others.
    """
    found, usable = {}, 1.0 if exact else request.scale_up
    for role in request.roles:
        demand = request.total_demand if role is Role.BOTH else request.demand.get(role, 0.0)
        best = next(iter(request.by_efficiency[role]), None)
        found[role] = 0 if best is None or demand <= 0 else math.ceil(demand / usable / best.capacity[0]) * best.gpus
    return found


def _share(request: Request, needs: Mapping[Role, int], budget: int, *, exact: bool) -> Share:
    floor = sum(offer.minimum * offer.gpus for offer in request.offers)
    bounded = [offer.maximum * offer.gpus for offer in request.offers if offer.maximum is not None]
    most = sum(bounded) if len(bounded) == len(request.offers) else budget
    cap = max(floor, min(sum(needs.values()), most))
    weight = request.total_demand if exact else float(sum(needs.values()))
    return Share(key=request.key, weight=request.priority * weight, floor=floor, cap=cap)


def _serve(request: Request, part: int, needs: Mapping[Role, int], targets: Targets, free: float) -> float:
    """Bring one model to its part; the GPUs that it took of the free ones."""
    roles = {role.name: role for role in request.roles}
    floor = {name: sum(o.minimum * o.gpus for o in request.of_role(role)) for name, role in roles.items()}
    current = {name: float(_held(request.of_role(role))) for name, role in roles.items()}
    weight = {name: float(needs.get(role, 0)) for name, role in roles.items()}
    taken = 0.0
    for name, target in split(part, sorted(roles), weight, current, floor).items():
        gap = target - int(current[name])
        if gap < 0:
            _shed(request, roles[name], -gap, targets)
        elif gap > 0:
            taken += _fill(request, roles[name], min(gap, free - taken), targets)
    return taken


def _shed(request: Request, role: Role, gpus: int, targets: Targets) -> None:
    """Take away whole replicas of at most this many GPUs, the dearest first."""
    ordered = order(request, request.of_role(role))
    for place, offer in enumerate(ordered):
        if offer.capacity[0] <= 0:
            continue
        removable = targets[offer.name] - offer.minimum
        if removable <= 0:
            continue
        count = last_stays(ordered, place, targets, min(removable, gpus // offer.gpus))
        if count > 0:
            targets[offer.name] -= count
            gpus -= count * offer.gpus


def _fill(request: Request, role: Role, gpus: float, targets: Targets) -> float:
    """Add whole replicas of at most this many GPUs, the cheapest capacity first; the GPUs that they take."""
    taken = 0
    for offer in request.by_efficiency[role]:
        room = math.inf if offer.maximum is None else offer.maximum - targets[offer.name]
        count = int(min((gpus - taken) // offer.gpus, room))
        if count > 0:
            targets[offer.name] += count
            taken += count * offer.gpus
    return float(taken)
