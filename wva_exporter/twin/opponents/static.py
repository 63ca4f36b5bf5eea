"""A fleet that nobody scales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from wva_exporter.twin.contender import NEVER
from wva_exporter.twin.limit_sizes import Shape, demand, levels
from wva_exporter.twin.scenario import Scenario, ScenarioVariant
from wva_exporter.twin.stage import Stage

Size = int | Literal["min", "max", "start", "peak"]
"""A number for every variant, or its minimum, its maximum, what it starts with, what the busiest minute needs."""

_BIN_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """So many replicas of every variant from the beginning, within its bounds: a number, or a word of the scenario's."""

    name: str
    size: Size
    watches: bool = False

    def controller(self, scenario: Scenario, seed: int) -> _Once:
        """Asks once, when the fleet begins."""
        if self.size == "peak":
            wanted = _peak(scenario, seed)
        else:
            wanted = {variant.spec.name: _replicas(variant, self.size) for variant in scenario.variants}
        return _Once(wanted, -scenario.warm_seconds)


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
            return min(max(size, variant.minimum), variant.maximum)


def _peak(scenario: Scenario, seed: int) -> dict[str, int]:
    """Replicas that carry the mean load of the busiest minute."""
    found = levels(scenario, demand(scenario, [scenario.requests(seed)], _BIN_SECONDS), _BIN_SECONDS, Shape())
    most = found.most(0.0, scenario.duration_seconds)
    return {variant.spec.name: replicas for variant, replicas in zip(scenario.variants, most, strict=True)}
