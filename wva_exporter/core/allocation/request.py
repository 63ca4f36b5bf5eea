"""What an optimizer is asked: models that lack or have capacity, and the variants that they could grow or shrink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from wva_exporter.core.fleet import Role
from wva_exporter.errors import InvalidValue

Targets = dict[str, int]
"""Replicas by variant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A variant as an optimizer sees it.

    ``capacity`` of one replica by each of the model's analyzers, in the unit of each, the anchor's first; 0: cannot be sized.
    ``gpus`` of one replica; ``maximum`` None is unlimited; ``pending`` of the ``current`` replicas cannot serve yet.
    """

    name: str
    role: Role
    accelerator: str
    cost: float
    capacity: tuple[float, ...]
    current: int
    pending: int = 0
    gpus: int = 1
    minimum: int = 0
    maximum: int | None = None

    @property
    def efficiency(self) -> float:
        """Cost of a unit of capacity."""
        return self.cost / self.capacity[0] if self.capacity[0] > 0 else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What one analyzer says of a model, by role; in its own unit. ``score`` is its weight among the analyzers."""

    score: float
    required: Mapping[Role, float]
    spare: Mapping[Role, float]
    total_required: float


@dataclass(frozen=True, kw_only=True)
class Request:
    """A model: what its analyzers say, the anchor first, and its variants.

    ``demand`` is in the anchor's unit, by role; ``total_demand`` of the whole model. ``scale_up`` is the share of its capacity
    that a demand may take.

    Raises:
        InvalidValue: an offer has not one capacity for each analyzer.
    """

    model: str
    namespace: str
    priority: float
    words: tuple[Word, ...]
    offers: tuple[Offer, ...]
    demand: Mapping[Role, float]
    total_demand: float
    disaggregated: bool = False
    scale_up: float = 1.0

    def __post_init__(self) -> None:
        if any(len(offer.capacity) != len(self.words) for offer in self.offers):
            raise InvalidValue(f"model {self.model}: every variant needs a capacity from each analyzer")

    @property
    def key(self) -> str:
        """Unique in a fleet."""
        return f"{self.namespace}/{self.model}"

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        """Every role that an analyzer speaks of, by name."""
        named = {role for word in self.words for role in (*word.required, *word.spare)}
        return tuple(sorted(named, key=lambda role: role.name))

    def of_role(self, role: Role) -> list[Offer]:
        """The variants of one role."""
        return [offer for offer in self.offers if offer.role is role]

    @cached_property
    def by_efficiency(self) -> Mapping[Role, list[Offer]]:
        """The variants of each role that can be sized, the cheapest capacity first."""
        sized = sorted((o for o in self.offers if o.capacity[0] > 0), key=lambda o: o.efficiency)
        return {role: [offer for offer in sized if offer.role is role] for role in Role}
