"""Who may have how many GPUs of which type: quotas of the cluster, or of each namespace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum

from wva_exporter.core.allocation.budgets import Constraint

UNLIMITED = -1
DEFAULT = "default"
"""The key of the quota that each namespace has that is not listed itself."""

Quota = Mapping[str, int]
"""GPUs by type; -1 is no limit, a type that is not there may not be used."""


class Scope(StrEnum):
    """What a quota holds for."""

    CLUSTER = "cluster"
    NAMESPACE = "namespace"


@dataclass(slots=True, kw_only=True)
class Quotas:
    """One set of quotas, and what is used of it.

    Cluster scope has ``cluster``; namespace scope ``namespaces`` by name, where ``default`` is a budget of its own for each
    namespace that is not listed, and ``exclude``, which are not limited at all.
    """

    name: str
    scope: Scope
    cluster: Quota = field(default_factory=dict)
    namespaces: Mapping[str, Quota] = field(default_factory=dict)
    exclude: AbstractSet[str] = frozenset()
    used: dict[tuple[str, str], int] = field(default_factory=dict)

    def use(self, namespace: str, accelerator: str, gpus: int) -> None:
        """Say what is taken already."""
        key = self._key(namespace, accelerator)
        self.used[key] = self.used.get(key, 0) + gpus

    def constraint(self, used: Mapping[tuple[str, str], float], namespaces: Iterable[str]) -> Constraint:
        """What these quotas leave to an optimizer; ``used`` are the GPUs in use by namespace and type.

        Every type in use is named, so that one without a quota has none. Namespaces that are excluded are left open.
        """
        kinds = dict.fromkeys(kind for _, kind in used)
        if self.scope is Scope.CLUSTER:
            taken = {kind: sum(gpus for (_, other), gpus in used.items() if other == kind) for kind in kinds}
            return Constraint(pools={kind: (float(self.cluster.get(kind, 0)), taken[kind]) for kind in kinds})
        closed = [name for name in namespaces if name not in self.exclude]
        lists = {
            name: {kind: (float(self._quota(name).get(kind, 0)), used.get((name, kind), 0.0)) for kind in kinds}
            for name in closed
        }
        return Constraint(pools={kind: (float(UNLIMITED), 0.0) for kind in kinds}, namespaces=lists)

    def grant(self, namespace: str, accelerator: str, gpus: int) -> int:
        """Give as many as there are; an accelerator nobody named gets none."""
        granted = min(gpus, self.free(namespace, accelerator, gpus))
        if granted > 0 and not self._passes(namespace):
            self.use(namespace, accelerator, granted)
        return granted

    def free(self, namespace: str, accelerator: str, wanted: int) -> int:
        """How many may be had, ``wanted`` where nothing limits."""
        if self._passes(namespace):
            return wanted
        limit = self._quota(namespace).get(accelerator, 0) if accelerator else 0
        if limit == UNLIMITED:
            return wanted
        return max(0, limit - self.used.get(self._key(namespace, accelerator), 0))

    def _passes(self, namespace: str) -> bool:
        return self.scope is Scope.NAMESPACE and namespace in self.exclude

    def _quota(self, namespace: str) -> Quota:
        if self.scope is Scope.CLUSTER:
            return self.cluster
        return self.namespaces.get(namespace, self.namespaces.get(DEFAULT, {}))

    def _key(self, namespace: str, accelerator: str) -> tuple[str, str]:
        return ("" if self.scope is Scope.CLUSTER else namespace, accelerator)
