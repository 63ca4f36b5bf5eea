"""A fleet that nobody scales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.contender import NEVER
from wva_exporter.twin.limit_sizes import Shape, demand, levels
from wva_exporter.twin.scenario import Scenario, ScenarioVariant
from wva_exporter.twin.stage import Stage

Size = int | Literal["min", "max", "start", "peak"]
"""A number for every variant, or its minimum, its maximum, what it starts with, what the busiest minute needs."""

_BIN_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """So many replicas of every variant from the beginning: a number within its bounds, or a word of the scenario's."""

    name: str
    size: Size
    watches: bool = False

    def controller(self, scenario: Scenario, seed: int) -> _Once:
        """Asks once, when the fleet begins.

        Raises:
            InvalidValue: a variant of the scenario cannot have so many replicas.
        """
        self.check(scenario)
        if self.size == "peak":
            wanted = _peak(scenario, seed)
        else:
            wanted = {variant.spec.name: _replicas(variant, self.size) for variant in scenario.variants}
        return _Once(wanted, -scenario.warm_seconds)

    def check(self, scenario: Scenario) -> None:
        """Refuse a number outside the bounds of a variant: nobody who asks for ten means the four that there may be.

        Raises:
            InvalidValue: a variant of the scenario cannot have so many replicas.
        """
        for variant in scenario.variants:
            if isinstance(self.size, int) and not variant.minimum <= self.size <= variant.maximum:
                bounds = f"{variant.minimum} to {variant.maximum} replicas of {variant.spec.name}"
                raise InvalidValue(f"{self.name}: {scenario.name} has {bounds}")


class _Once:
    """Asks for these replicas at this time and never again."""

    def __init__(self, desired: Mapping[str, int], at: float) -> None:
        self.desired = desired
        self.next_at = at

    def act(self, stage: Stage) -> None:
        """Ask."""
        self.next_at = NEVER
        for name, replicas in self.desired.items():
            stage.scale(name, replicas)


def _replicas(variant: ScenarioVariant, size: int | Literal["min", "max", "start"]) -> int:
    match size:
        case "min":
            return variant.minimum
        case "max":
            return variant.maximum
        case "start":
            return variant.spec.replicas
        case _:
            return size


def _peak(scenario: Scenario, seed: int) -> dict[str, int]:
    """Replicas that carry the mean load of the busiest minute."""
    found = levels(scenario, demand(scenario, [scenario.requests(seed)], _BIN_SECONDS), _BIN_SECONDS, Shape())
    most = found.most(0.0, scenario.duration_seconds)
    return {variant.spec.name: replicas for variant, replicas in zip(scenario.variants, most, strict=True)}
