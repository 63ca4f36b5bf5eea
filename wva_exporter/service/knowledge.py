"""What is believed of a fleet's engines when a cycle decides: what was learned, else what the catalogue guesses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wva_exporter.core.catalogue import Catalogue
from wva_exporter.core.columns import Column
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.learning import Learned
from wva_exporter.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """``learned`` is what an exporter learned, ``recommended_limit`` what follows, ``belief`` adds a guess for the rest."""

    learned: Learned
    recommended_limit: Column
    belief: Belief


Knowledge = Callable[[Snapshot], Awaitable[Known | None]]
"""Asked in every cycle whose source answered, before it decides."""


class Guesses:
    """The catalogue's guess of a fleet, worked out once while the fleet stays the same."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._fleet: Fleet | None = None
        self._guess = Belief.unknown(0)

    def of(self, fleet: Fleet) -> Belief:
        """Of every variant: shape (variants,)."""
        if fleet is not self._fleet:
            variants, names = fleet.variants, fleet.models.name
            models = [names[model] for model in variants.model.tolist()]
            self._guess = self._catalogue.guess(models, variants.accelerator, variants.gpus_per_replica.tolist())
            self._fleet = fleet
        return self._guess

    def known(self, fleet: Fleet, learned: Learned, recommended_limit: Column) -> Known:
        """What was learned, and the guess for the rest."""
        belief = learned.belief.otherwise(self.of(fleet))
        return Known(learned=learned, recommended_limit=recommended_limit, belief=belief)
