"""How WVA grows a model: all its roles in step, by the smallest relative progress of any.

``exact`` only. A role without a variant that may grow stops the others too, and what one analyzer is given is taken from every
analyzer in the anchor's unit: both are the original's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from wva_exporter.core.allocation.request import Offer, Request, Targets
from wva_exporter.core.fleet import Role

Pick = Callable[[Role], tuple[Offer, float] | None]
"""The variant that a role would grow and by how many replicas at most; None if none may."""


@dataclass(slots=True)
class State:
    """What a model still lacks: by analyzer and role, and by analyzer alone (``remaining``)."""

    roles: tuple[Role, ...]
    lacking: list[dict[Role, float]]
    remaining: list[float]
    added: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request) -> State:
        """Before anything was added."""
        return cls(
            roles=request.roles,
            lacking=[{role: word.required.get(role, 0.0) for role in request.roles} for word in request.words],
            remaining=[word.total_required for word in request.words],
        )

    @property
    def any(self) -> bool:
        """Whether some analyzer lacks something for some role."""
        return any(value > 0 for lacking in self.lacking for value in lacking.values())


def grow(state: State, targets: Targets, pick: Pick, charge: Callable[[Offer, int], None]) -> None:
    """Add replicas until nothing is lacking or nothing can be added.

    Each round: every role picks a variant and how many replicas would do, ``n``; its progress is ``n x capacity / lack``,
    and all make the smallest of them, at least one replica each where one is wanted.
    """
    while state.any:
        picks: dict[Role, tuple[Offer, float]] = {}
        for role in state.roles:
            picked = pick(role)
            if picked is None:
                return
            picks[role] = picked
        if not _advance(state, targets, picks, charge):
            return


def _advance(
    state: State, targets: Targets, picks: dict[Role, tuple[Offer, float]], charge: Callable[[Offer, int], None]
) -> bool:
    """One round; False if it added nothing."""
    wanted, lacks, progress = {}, {}, math.inf
    for role, (offer, most) in picks.items():
        wanted[role] = min(_replicas(state, role, offer), most)
        lacks[role] = max(lacking[role] for lacking in state.lacking)
        reached = 1.0 if lacks[role] <= 0 else wanted[role] * offer.capacity[0] / lacks[role]
        progress = min(progress, reached)
    if progress <= 0:
        return False
    added = {role: _share(progress, lacks[role], wanted[role], offer) for role, (offer, _) in picks.items()}
    if not any(added.values()):
        return False
    for role, (offer, _) in picks.items():
        _commit(state, targets, role, offer, added[role])
        charge(offer, added[role])
    return True


def _replicas(state: State, role: Role, offer: Offer) -> float:
    """Enough for the analyzer that asks for most; those that cannot size the variant do not ask."""
    asked = [
        float(math.ceil(lacking[role] / capacity))
        for lacking, capacity in zip(state.lacking, offer.capacity, strict=True)
        if capacity > 0
    ]
    return max(asked, default=0.0)


def _share(progress: float, lack: float, wanted: float, offer: Offer) -> int:
    """Replicas that make the common progress. Floors in exactly this order of operations, without a tolerance."""
    capacity = offer.capacity[0]
    if capacity <= 0 or lack <= 0:
        return 0
    return int(max(math.floor((progress * lack) / capacity), min(1.0, wanted)))


def _commit(state: State, targets: Targets, role: Role, offer: Offer, added: int) -> None:
    if not added:
        return
    targets[offer.name] += added
    of_whole_model = role is Role.PREFILL or (role is Role.BOTH and Role.PREFILL not in state.roles)
    for place, lacking in enumerate(state.lacking):
        lacking[role] = max(0.0, lacking[role] - added * offer.capacity[0])
        if of_whole_model:
            state.remaining[place] = max(0.0, state.remaining[place] - added * offer.capacity[place])
