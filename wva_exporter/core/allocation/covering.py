"""The least cost of enough: how many of each kind of replica carry what is needed.

An integer programme of few unknowns: minimise ``sum cost x`` with ``sum capacity x >= need`` for every need at once and each
``x`` within bounds. Solved exactly by depth-first search with the bound of the relaxed problem, cheapest capacity first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wva_exporter.errors import InvalidValue

_EPSILON = 1e-9
"""Relative: a need is covered where no more than this is missing, so that sums of floats cost no extra replica."""

_MOST_NODES = 4000
"""Where kinds cost nearly the same for a unit the search is long and gains next to nothing: then the best so far stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of replica: what one costs, what it carries of each need, how many there may be.

    Raises:
        InvalidValue: the bounds are upside down, or a cost or a capacity is negative or not finite.
    """

    cost: float
    capacity: tuple[float, ...]
    least: int = 0
    most: float = math.inf

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most:
            raise InvalidValue(f"between {self.least} and {self.most} replicas there is nothing")
        if not (0 <= self.cost < math.inf and all(0 <= each < math.inf for each in self.capacity)):
            raise InvalidValue("costs and capacities are finite and not negative")


def cover(kinds: Sequence[Kind], needs: Sequence[float]) -> list[int] | None:
    """The count of each kind, of equal costs the fewest replicas; None where even the most of all do not suffice."""
    lack = [need - sum(kind.least * kind.capacity[w] for kind in kinds) for w, need in enumerate(needs)]
    slack = [_EPSILON * max(abs(need), 1.0) for need in needs]
    open_ = [w for w, value in enumerate(lack) if value > slack[w]]
    if not open_:
        return [kind.least for kind in kinds]
    search = _Search(kinds, [lack[w] - slack[w] for w in open_], open_)
    search.descend(0, search.needs, 0.0, 0)
    if search.best is None:
        return None
    found = [kind.least for kind in kinds]
    for place, more in zip(search.order, search.best, strict=True):
        found[place] += more
    return found


class _Search:
    """One search; ``best`` holds what to add to each kind in ``order``."""

    def __init__(self, kinds: Sequence[Kind], needs: list[float], open_: list[int]) -> None:
        carrying = [place for place, kind in enumerate(kinds) if any(kind.capacity[w] > 0 for w in open_)]
        self.order = sorted(carrying, key=lambda p: min(_price(kinds[p].cost, kinds[p].capacity[w]) for w in open_))
        self.needs = needs
        self.cost = [kinds[place].cost for place in self.order]
        self.capacity = [[kinds[place].capacity[w] for w in open_] for place in self.order]
        self.room = [kinds[place].most - kinds[place].least for place in self.order]
        self.price = self._prices()
        self.best: list[int] | None = None
        self.best_cost, self.best_count, self.nodes = math.inf, math.inf, 0
        self.taken = [0] * len(self.order)

    def _prices(self) -> list[list[float]]:
        """The least cost of a unit of each need from each place of the order on."""
        rows = [[math.inf] * len(self.needs)]
        for cost, capacity in zip(reversed(self.cost), reversed(self.capacity), strict=True):
            rows.append([min(low, _price(cost, each)) for low, each in zip(rows[-1], capacity, strict=True)])
        return rows[::-1]

    def descend(self, place: int, lack: list[float], cost: float, count: int) -> None:
        """Try every number of the kind at ``place`` that could still beat the best."""
        self.nodes += 1
        if all(value <= 0 for value in lack):
            if (cost, count) < (self.best_cost, self.best_count):
                self.best, self.best_cost, self.best_count = list(self.taken), cost, count
            return
        if place == len(self.order):
            return
        capacity, one, room = self.capacity[place], len(lack) == 1, self.room[place]
        pairs = zip(lack, capacity, strict=True)
        enough = max((math.ceil(min(value / each, room)) for value, each in pairs if each > 0), default=0)
        for number in range(max(enough, 0), -1, -1):
            rest = [value - number * each for value, each in zip(lack, capacity, strict=True)]
            spent = cost + number * self.cost[place]
            if spent + self._bound(place + 1, rest) >= self.best_cost and not self._ties(spent, rest):
                if one:
                    break  # fewer of the cheapest capacity only cost more
                continue
            if self.nodes > _MOST_NODES and self.best is not None:
                break
            self.taken[place] = number
            self.descend(place + 1, rest, spent, count + number)
        self.taken[place] = 0

    def _ties(self, spent: float, rest: list[float]) -> bool:
        """A complete answer of the same cost may have fewer replicas."""
        return spent == self.best_cost and all(value <= 0 for value in rest)

    def _bound(self, place: int, lack: list[float]) -> float:
        """What the rest costs at least, could replicas be divided."""
        return max(
            (value * price for value, price in zip(lack, self.price[place], strict=True) if value > 0), default=0.0
        )


def _price(cost: float, capacity: float) -> float:
    return cost / capacity if capacity > 0 else math.inf
