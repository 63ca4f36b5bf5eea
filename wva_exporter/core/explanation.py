"""Why a number of replicas: demand, what one replica carries, what that makes, as arrays beside the chain of clamps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, IntArray, integers


class Unit(IntEnum):
    """What demand and capacity are counted in."""

    NONE = 0
    REQUESTS_PER_SECOND = 1
    TOKENS = 2
    """Tokens held in KV caches, where service times are unknown."""
    KV_CACHES = 3
    """Whole caches, where not even their size is known."""


class Bound(IntEnum):
    """What keeps one replica from carrying more."""

    UNKNOWN = 0
    KV = 1
    SEQUENCES = 2
    ITL = 3
    TTFT = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """Of each variant, shape (variants,); unknown where its policy does not reason in these terms.

    ``demand`` is of the variant's model and role, ``capacity`` of one of its replicas, both in ``unit``; ``backlog`` the
    requests to be worked off; ``wanted`` the replicas that this makes at once, ``kept`` those below which none is given back
    yet. ``doubt`` is the deviation of the logarithm of the service time that the capacity rests on.
    """

    demand: Column
    capacity: Column
    backlog: Column
    wanted: Column
    kept: Column
    doubt: Column
    unit: IntArray
    bound: IntArray

    @classmethod
    def nothing(cls, variants: int) -> Explanation:
        """Nobody reasoned so."""
        unknown, zero = Column.unknown(variants), integers(np.zeros(variants, dtype=np.int64))
        return cls(
            demand=unknown,
            capacity=unknown,
            backlog=unknown,
            wanted=unknown,
            kept=unknown,
            doubt=unknown,
            unit=zero,
            bound=zero,
        )

    def where(self, chosen: BoolArray, other: Explanation) -> Explanation:
        """This one, and the other where it was ``chosen``."""

        def column(name: str) -> Column:
            mine, theirs = getattr(self, name), getattr(other, name)
            return Column.of(np.where(chosen, theirs.value, mine.value), np.where(chosen, theirs.known, mine.known))

        columns = {name: column(name) for name in ("demand", "capacity", "backlog", "wanted", "kept", "doubt")}
        return Explanation(
            **columns,
            unit=np.where(chosen, other.unit, self.unit),
            bound=np.where(chosen, other.bound, self.bound),
        )
