"""How many GPUs of each type there are to take, for everybody and for each namespace.

A budget maps types to free GPUs. One that is unlimited is ``UNLIMITED``; a type that is not there has none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

UNLIMITED = math.inf

Budget = dict[str, float]
Pool = Mapping[str, tuple[float, float]]
"""Limit and use of each type; a negative limit is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """What one provider says: pools of the whole cluster, and closed lists of namespaces (an empty one may have nothing)."""

    pools: Pool = field(default_factory=dict)
    namespaces: Mapping[str, Pool] = field(default_factory=dict)


@dataclass(slots=True)
class Budgets:
    """What is free: ``cluster``, and ``namespaces`` that have a list of their own. Shrinks as replicas are added."""

    cluster: Budget
    namespaces: dict[str, Budget]

    @classmethod
    def of(cls, constraints: Iterable[Constraint]) -> Budgets:
        """The least that any provider leaves free of each type; a limit beats none, whatever the order."""
        cluster: Budget = {}
        namespaces: dict[str, Budget] = {}
        for constraint in constraints:
            _narrow(cluster, _free(constraint.pools))
            for name, pool in constraint.namespaces.items():
                free = _free(pool)
                if name in namespaces:
                    known = namespaces[name]
                    namespaces[name] = {t: min(known.get(t, 0.0), free.get(t, 0.0)) for t in (*known, *free)}
                else:
                    namespaces[name] = free
        return cls(cluster=cluster, namespaces=namespaces)

    @property
    def exhausted(self) -> bool:
        """Whether no pool of the cluster has anything left."""
        return sum(self.cluster.values()) <= 0

    def effective(self, namespace: str) -> Budget:
        """What a model of this namespace may take: the smaller of the two."""
        own = self.namespaces.get(namespace)
        return dict(self.cluster) if own is None else effective(self.cluster, own)

    def take(self, namespace: str, used: Mapping[str, float]) -> None:
        """Charge both. One that is overdrawn stays below zero."""
        for budget in (self.cluster, self.namespaces.get(namespace, {})):
            for kind, gpus in used.items():
                if budget.get(kind, -1.0) >= 0:
                    budget[kind] -= gpus


def effective(cluster: Mapping[str, float], own: Mapping[str, float]) -> Budget:
    """The smaller of the two for each type that both have.

    What is below zero in a namespace's list counts as unlimited there: the original cannot tell an overdrawn budget from its
    mark for none, and ``greedy_by_score`` can overdraw one.
    """
    return {kind: min(free if free >= 0 else UNLIMITED, cluster[kind]) for kind, free in own.items() if kind in cluster}


def _free(pool: Pool) -> Budget:
    return {t: UNLIMITED if limit < 0 else max(0.0, limit - used) for t, (limit, used) in pool.items()}


def _narrow(budget: Budget, other: Budget) -> None:
    for kind, free in other.items():
        budget[kind] = min(free, budget.get(kind, UNLIMITED))
