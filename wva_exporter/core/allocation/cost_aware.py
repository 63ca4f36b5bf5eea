"""WVA's optimizer without hardware limits: the cheapest capacity grows, the dearest replica goes. ``exact`` only."""

from __future__ import annotations

import math
from collections.abc import Iterable

from wva_exporter.core.allocation.joint import State, grow
from wva_exporter.core.allocation.request import Offer, Request, Targets
from wva_exporter.core.allocation.shedding import shed
from wva_exporter.core.fleet import Role


def cost_aware(requests: Iterable[Request]) -> Targets:
    """Replicas of every variant after the step; a model either grows or shrinks."""
    targets: Targets = {}
    for request in requests:
        targets.update((offer.name, offer.current) for offer in request.offers)
        state = State.of(request)
        if state.any:
            grow(state, targets, lambda role, of=request: _pick(of, role, targets), _free)  # type: ignore[misc]
        else:
            shed(request, targets)
    return targets


def _pick(request: Request, role: Role, targets: Targets) -> tuple[Offer, float] | None:
    """The cheapest capacity that may still grow."""
    for offer in request.by_efficiency[role]:
        if offer.maximum is None:
            return offer, math.inf
        if offer.maximum > targets[offer.name]:
            return offer, float(offer.maximum - targets[offer.name])
    return None


def _free(offer: Offer, added: int) -> None:
    """Nothing is charged where nothing is scarce."""
