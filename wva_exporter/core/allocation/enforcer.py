"""The last word on a model: nothing where nobody asks, if that is allowed, and otherwise never nothing.

``exact`` brings back one variant of a model that was shrunk to nothing; otherwise one of each role comes back, because a model
that prefills and does not decode serves nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wva_exporter.core.fleet import DEFAULT_COST, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A variant of the model and what it is to have."""

    name: str
    target: int
    cost: float
    minimum: int = 0
    role: Role = Role.BOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Idleness:
    """Whether the model may go to zero, and the requests of its retention window; None: nobody knows."""

    allowed: bool
    requests: float | None
    engines: tuple[str, ...] = ()
    """Of its variants; none named is vLLM."""


def enforce(candidates: Sequence[Candidate], idleness: Idleness, *, exact: bool) -> tuple[dict[str, int], bool]:
    """Replicas by variant, and whether the model went to zero.

    ``exact`` leaves models alone whose engines are not all vLLM, or of which a variant has a minimum.
    """
    targets = {each.name: each.target for each in candidates}
    if any(engine != "vllm" for engine in idleness.engines) or any(each.minimum > 0 for each in candidates):
        return targets, False
    if idleness.allowed:
        gone = idleness.requests == 0
        return (dict.fromkeys(targets, 0) if gone else targets), gone
    groups = [list(candidates)] if exact else [[c for c in candidates if c.role is role] for role in Role]
    for group in groups:
        if group and sum(each.target for each in group) == 0:
            targets[min(group, key=lambda c: (c.cost if c.cost > 0 else DEFAULT_COST, c.name)).name] = 1
    return targets, False
