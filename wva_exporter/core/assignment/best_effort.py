"""What is left of the pools, shared out among servers that could not be served in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from wva_exporter.core.assignment.problem import BestEffort

Option = tuple[int, int, int, int]
"""Accelerator, its pool, units a replica, replicas wanted."""

Give = Callable[[int, int, int], None]
"""Server, accelerator, replicas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A server without an allocation and what it would take, best first."""

    server: int
    priority: int
    options: tuple[Option, ...]


def share_out(leftovers: Sequence[Leftover], available: list[int], policy: BestEffort, give: Give) -> None:
    """Give what is left, taking it from ``available`` units of each pool; leftovers are in the order in which they failed."""
    if policy is BestEffort.PRIORITY_EXHAUSTIVE:
        _exhaustive(leftovers, available, give)
    elif policy is BestEffort.ROUND_ROBIN:
        _in_turn(leftovers, available, give)
    elif policy is BestEffort.PRIORITY_ROUND_ROBIN:
        for _, group in groupby(leftovers, key=lambda each: each.priority):
            _in_turn(list(group), available, give)


def _exhaustive(leftovers: Sequence[Leftover], available: list[int], give: Give) -> None:
    """Each in turn takes all that it can use of its first option that has a replica left."""
    for leftover in leftovers:
        option = _first_affordable(leftover, available)
        if option is None:
            continue
        accelerator, pool, units, wanted = option
        got = min(available[pool] // units, wanted)
        available[pool] -= got * units
        give(leftover.server, accelerator, got)


def _in_turn(leftovers: Sequence[Leftover], available: list[int], give: Give) -> None:
    """One replica a round for each, of the option that had one left when its first turn came, until the pools are empty."""
    locked: dict[int, Option] = {}
    got: dict[int, int] = {}
    members = list(leftovers)
    while members:
        going_on = []
        for leftover in members:
            option = locked.get(leftover.server) or _first_affordable(leftover, available)
            if option is None:
                continue
            accelerator, pool, units, wanted = locked.setdefault(leftover.server, option)
            count = got.get(leftover.server, 0)
            if available[pool] < units or count >= wanted:
                continue
            available[pool] -= units
            got[leftover.server] = count + 1
            give(leftover.server, accelerator, count + 1)
            going_on.append(leftover)
        members = going_on


def _first_affordable(leftover: Leftover, available: list[int]) -> Option | None:
    """The first option of which one replica is left."""
    return next((o for o in leftover.options if o[3] > 0 and available[o[1]] >= o[2]), None)
