"""A contender that knows when it will ask for what: how limits run, and plans that somebody wrote by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.contender import NEVER, Controller
from wva_exporter.twin.limits import Levels
from wva_exporter.twin.scenario import Scenario
from wva_exporter.twin.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """Asks for the rows of ``orders`` at their times, one number a variant of the scenario."""

    name: str
    orders: Levels
    watches: bool = False

    def controller(self, scenario: Scenario, seed: int) -> Controller:
        """The same orders for every seed.

        Raises:
            InvalidValue: the orders are for another number of variants.
        """
        del seed
        names = tuple(variant.spec.name for variant in scenario.variants)
        if len(self.orders.replicas[0]) != len(names):
            raise InvalidValue(f"{self.name} orders {len(self.orders.replicas[0])} variants, there are {len(names)}")
        return _Clockwork(names, self.orders, -scenario.warm_seconds)


class _Clockwork:
    def __init__(self, names: tuple[str, ...], orders: Levels, start: float) -> None:
        self._names = names
        self._left = [(max(at, start), row) for at, row in zip(orders.starts, orders.replicas, strict=True)]
        self._left.reverse()
        self.desired: Mapping[str, int] = {}

    @property
    def next_at(self) -> float:
        return self._left[-1][0] if self._left else NEVER

    def act(self, stage: Stage) -> None:
        _, row = self._left.pop()
        self.desired = dict(zip(self._names, row, strict=True))
        for name, replicas in self.desired.items():
            stage.scale(name, replicas)
