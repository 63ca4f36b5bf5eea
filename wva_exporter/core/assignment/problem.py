"""Servers that want replicas, the accelerators each could run on, and the pools these come from; and what was given.

A server is a model's variant that may move between accelerators. On each accelerator that carries its load within its targets
it has one candidate: so many replicas, at such a cost.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray
from wva_exporter.errors import InvalidValue

NOTHING = -1
"""The choice of a server that got nothing."""


class BestEffort(StrEnum):
    """What becomes of servers that cannot be served in full; the names are Inferno's ``saturationPolicy``."""

    NONE = "None"
    PRIORITY_EXHAUSTIVE = "PriorityExhaustive"
    PRIORITY_ROUND_ROBIN = "PriorityRoundRobin"
    ROUND_ROBIN = "RoundRobin"

    @classmethod
    def named(cls, name: str) -> BestEffort:
        """The policy of that name, exactly so spelled; every other word is none, as in the original."""
        return cls(name) if name in {each.value for each in cls} else cls.NONE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """What each server would need on each accelerator: shape (servers, accelerators), meaningless where not ``possible``.

    ``idle`` candidates are no replica on no accelerator. ``cost`` is per hour for all replicas, ``value`` the cost of going
    there from the current allocation (``transition_penalty``), ``rate`` what one replica carries in requests per second,
    times are seconds, ``utilization`` the mean share of the batch in use.

    Raises:
        InvalidValue: shapes differ, or a possible candidate has a negative or no finite number.
    """

    possible: BoolArray
    idle: BoolArray
    replicas: IntArray
    max_batch: IntArray
    cost: FloatArray
    value: FloatArray
    rate: FloatArray
    itl_seconds: FloatArray
    ttft_seconds: FloatArray
    utilization: FloatArray

    def __post_init__(self) -> None:
        shapes = {getattr(self, field.name).shape for field in fields(self)}
        if len(shapes) != 1 or self.possible.ndim != 2:  # noqa: PLR2004 - a table
            raise InvalidValue("candidates have one shape, (servers, accelerators)")
        for name in ("cost", "value", "rate"):
            if not np.all(np.isfinite(getattr(self, name)[self.possible])):
                raise InvalidValue(f"{name} of a possible candidate is a finite number")
        if np.any(self.replicas[self.possible] < 0) or np.any(self.cost[self.possible] < 0.0):
            raise InvalidValue("replicas and costs are not negative")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Candidates and what limits them.

    ``priority`` and ``demand`` (requests per second) are of servers, shape (servers,), priority 1 goes first; ``units`` is what
    one replica takes from its accelerator's pool, shape (servers, accelerators); ``pool`` is the pool of each accelerator, and
    ``capacity`` the units of each pool, None without limits.

    Raises:
        InvalidValue: shapes do not match, a pool is out of range, or units or capacities are negative.
    """

    candidates: Candidates
    priority: IntArray
    demand: FloatArray
    units: IntArray
    pool: IntArray
    capacity: IntArray | None

    def __post_init__(self) -> None:
        servers, accelerators = self.candidates.possible.shape
        if self.priority.shape != (servers,) or self.demand.shape != (servers,):
            raise InvalidValue(f"{servers} servers, {self.priority.shape} priorities, {self.demand.shape} demands")
        if self.units.shape != (servers, accelerators) or self.pool.shape != (accelerators,):
            raise InvalidValue(f"units have shape {self.units.shape}, pools {self.pool.shape}")
        if np.any(self.units[self.candidates.possible] < 0):
            raise InvalidValue("units are not negative")
        if self.capacity is None:
            return
        if np.any(self.capacity < 0):
            raise InvalidValue("capacities are not negative")
        if accelerators and not (self.pool.min() >= 0 and self.pool.max() < len(self.capacity)):
            raise InvalidValue(f"a pool outside [0, {len(self.capacity)})")

    def __len__(self) -> int:
        return len(self.priority)

    @property
    def order(self) -> IntArray:
        """Candidates of each server by value, then accelerator: shape (servers, accelerators); impossible ones come last."""
        ranked = np.where(self.candidates.possible, self.candidates.value, np.inf)
        return np.argsort(ranked, axis=1, kind="stable")

    @property
    def needed(self) -> IntArray:
        """Units that each candidate takes from its pool: shape (servers, accelerators)."""
        return np.where(self.candidates.idle, 0, self.candidates.replicas * self.units)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """What each server got: shape (servers,).

    ``choice`` is the accelerator, ``NOTHING`` for none; with fewer replicas than the candidate asked for, ``cost`` and
    ``value`` are its share. ``full`` ones got all they need, ``saturated`` ones less than their load.
    """

    choice: IntArray
    replicas: IntArray
    cost: FloatArray
    value: FloatArray
    full: BoolArray
    saturated: BoolArray

    @classmethod
    def of(cls, problem: Problem, choice: IntArray, replicas: IntArray) -> Solution:
        """From the choices alone."""
        candidates = problem.candidates
        got = choice != NOTHING
        wanted = _chosen(candidates.replicas, choice)
        share = np.where(wanted > 0, replicas / np.maximum(wanted, 1), 1.0)
        return cls(
            choice=choice,
            replicas=np.where(got, replicas, 0),
            cost=_chosen(candidates.cost, choice) * share,
            value=_chosen(candidates.value, choice) * share,
            full=got & (replicas >= wanted),
            saturated=got & (problem.demand > replicas * _chosen(candidates.rate, choice)),
        )

    def units_used(self, problem: Problem) -> IntArray:
        """Units taken from each pool: shape (pools,)."""
        pools = int(problem.pool.max(initial=-1)) + 1 if problem.capacity is None else len(problem.capacity)
        got = self.choice != NOTHING
        taken = self.replicas[got] * problem.units[got, self.choice[got]]
        used = np.zeros(pools, dtype=np.int64)
        np.add.at(used, problem.pool[self.choice[got]], taken)
        return used

    def served(self, problem: Problem) -> tuple[int, ...]:
        """Servers that got all they need, of each priority from the first on."""
        return tuple(int(np.sum(self.full[problem.priority == each])) for each in np.unique(problem.priority))


def _chosen(table: FloatArray | IntArray, choice: IntArray) -> FloatArray:
    """The chosen number of each server, 0 where nothing was chosen."""
    if table.shape[1] == 0:
        return np.zeros(len(choice))
    picked = table[np.arange(len(choice)), np.maximum(choice, 0)]
    return np.where(choice == NOTHING, 0, picked).astype(np.float64)
