"""What kube-state-metrics says of owners and scalers, and what it said before it fell silent.

A variant is named after its scaler. If an outage of kube-state-metrics made us forget owners, a fleet would change its names
within one cycle, and every HPA would lose the series that it reads. So what was known of a pod stays known while the pod is
seen, and an empty list of scalers after a full one is a missing answer, not a fleet without scalers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wva_exporter.core.declaration import Workload
from wva_exporter.core.sightings import Scaler, Sightings

KEDA_HPA_PREFIX = "keda-hpa-"
"""KEDA's own name for the HPA that it makes of a ScaledObject: this prefix and the ScaledObject's name."""

Key = tuple[str, str]
Address = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Owners of the pods that are seen, by (namespace, pod), and scalers, as the last answer that had them gave them."""

    owner: Mapping[Key, Workload]
    scalers: tuple[Scaler, ...]


def gather(seen: Sightings, previous: Evidence | None) -> Evidence:
    """This cycle's evidence on the pods that are seen, completed by what the last one knew of them."""
    owner: dict[Key, Workload] = {}
    before = {} if previous is None else previous.owner
    for pod in seen.pods:
        key = (pod.namespace, pod.name)
        found = seen.owner.get(key) or before.get(key)
        if found is not None:
            owner[key] = found
    return Evidence(owner=owner, scalers=seen.scalers or (() if previous is None else previous.scalers))


def address(workload: Workload) -> Address:
    """What makes two workloads the same one.

    A LeaderWorkerSet runs its leaders in a StatefulSet of its own name, which is the end of the owner chain that
    kube-state-metrics shows: the two are one workload.
    """
    kind = "StatefulSet" if workload.kind == "LeaderWorkerSet" else workload.kind
    return (workload.namespace, kind, workload.name)


def variant_name(scaler: Scaler) -> str:
    """The variant that a scaler scales: its own name, or that of the ScaledObject from which KEDA made it."""
    return scaler.name.removeprefix(KEDA_HPA_PREFIX) or scaler.name


class Scalers:
    """Scalers by the variant they name and by the workload they scale."""

    def __init__(self, scalers: Iterable[Scaler]) -> None:
        self.by_name: dict[Key, Scaler] = {}
        self.by_target: dict[Address, Scaler] = {}
        self._doubts: dict[Address, list[str]] = {}
        # In order of name, HPAs that somebody wrote before those that KEDA made.
        for scaler in sorted(scalers, key=lambda s: (s.name != variant_name(s), s.namespace, s.name)):
            self.by_name.setdefault((scaler.namespace, variant_name(scaler)), scaler)
            first = self.by_target.setdefault(address(scaler.target), scaler)
            if first.name != scaler.name:
                self._doubts.setdefault(address(scaler.target), []).append(
                    f"{scaler.target.kind} {scaler.target.name} of namespace {scaler.namespace}: scaled by "
                    f"{first.name} and by {scaler.name}; only {first.name} counts, delete one"
                )

    def of(self, namespace: str, name: str, workload: Workload | None) -> Scaler | None:
        """The scaler of a variant: the one of its name, else the one that scales its workload."""
        named = self.by_name.get((namespace, name))
        if named is not None or workload is None:
            return named
        return self.by_target.get(address(workload))

    def doubts(self, workloads: Iterable[Workload | None]) -> list[str]:
        """What an operator should know of the scalers of these workloads; a cluster has many others."""
        addresses = dict.fromkeys(address(workload) for workload in workloads if workload is not None)
        return [sentence for each in addresses for sentence in self._doubts.get(each, ())]
