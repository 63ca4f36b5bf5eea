"""How WVA shrinks a model: role by role, the dearest variants first, by what every analyzer can spare. ``exact`` only."""

from __future__ import annotations

import math

from wva_exporter.core.allocation.request import Offer, Request, Targets
from wva_exporter.core.fleet import Role


def order(request: Request, offers: list[Offer]) -> list[Offer]:
    """Dearest first, then least weighted capacity, then by name."""

    def weight(offer: Offer) -> float:
        total = 0.0
        for word, capacity in zip(request.words, offer.capacity, strict=True):
            total += word.score * capacity
        return total

    return sorted(offers, key=lambda offer: (-offer.cost, weight(offer), offer.name))


def shed(request: Request, targets: Targets) -> None:
    """Take away what no analyzer misses."""
    for role in request.roles:
        spares = [word.spare.get(role, 0.0) for word in request.words]
        if not spares or min(spares) <= 0:
            continue
        _shed_role(request, role, targets, spares)


def _shed_role(request: Request, role: Role, targets: Targets, spares: list[float]) -> None:
    ordered = order(request, request.of_role(role))
    for place, offer in enumerate(ordered):
        if offer.capacity[0] <= 0:
            continue
        removable = targets[offer.name] - offer.minimum
        if removable <= 0:
            continue
        sized = [(spare, capacity) for spare, capacity in zip(spares, offer.capacity, strict=True) if capacity > 0]
        count = min(removable, *(math.floor(spare / capacity) for spare, capacity in sized))
        count = last_stays(ordered, place, targets, count)
        if count <= 0:
            continue
        targets[offer.name] -= count
        for each, capacity in enumerate(offer.capacity):
            spares[each] = max(0.0, spares[each] - count * capacity)


def last_stays(ordered: list[Offer], place: int, targets: Targets, count: int) -> int:
    """The last in order keeps one replica if none before it has any left."""
    target = targets[ordered[place].name]
    is_last = place == len(ordered) - 1
    if is_last and target - count < 1 and not any(targets[before.name] > 0 for before in ordered[:place]):
        return target - 1
    return count
