"""Which workload each pod belongs to, and whether anybody said so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wva_exporter.core.declaration import VariantDeclaration, Workload
from wva_exporter.core.sightings import Pod
from wva_exporter.discovery.evidence import Evidence
from wva_exporter.discovery.names import deployment_of_replica_set, is_group_worker, workload_of_pod


@dataclass(frozen=True, slots=True)
class Owner:
    """The workload of a pod; ``sure`` if its owner chain says so, else read from its name."""

    workload: Workload
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A pod with everything that attribution asks of it: ``namespace`` is its label or the default."""

    pod: Pod
    namespace: str
    owner: Owner | None
    leader: tuple[str, str] | None
    """Namespace and name of the pod of which it is a part: a group of pods is one replica, known by its leader."""

    @property
    def worker(self) -> bool:
        """Whether it is but a part of a replica."""
        return self.leader is not None


def place(
    pods: Sequence[Pod], evidence: Evidence, declared: Iterable[VariantDeclaration], default: str
) -> list[Placed]:
    """Every pod with its namespace and its workload.

    A pod without a known owner, for instance one that kube-state-metrics has not seen yet, takes the workload that its name
    suggests. Where a workload of that name is known by its owner chain, its scaler or a declaration, that one is meant,
    whatever its kind: a ReplicaSet may belong to something else than a Deployment.

    A pod of a StatefulSet that is named like another pod is a worker of that pod's group: so a LeaderWorkerSet names the
    StatefulSet of each group's workers after its leader.
    """
    known: dict[tuple[str, str], set[Workload]] = {}
    groups: dict[str, set[str]] = {}
    named = (variant.workload for variant in declared if variant.workload is not None)
    for workload in (*evidence.owner.values(), *(scaler.target for scaler in evidence.scalers), *named):
        known.setdefault((workload.namespace, workload.name), set()).add(workload)
        if workload.kind == "LeaderWorkerSet":
            groups.setdefault(workload.namespace, set()).add(workload.name)
    sets = {namespace: frozenset(names) for namespace, names in groups.items()}
    names = {(pod.namespace or default, pod.name) for pod in pods}

    placed = []
    for pod in pods:
        namespace = pod.namespace or default
        owner = _owner(pod, namespace, evidence, known)
        leader = None
        if is_group_worker(pod.name, sets.get(namespace, frozenset())):
            leader = (namespace, pod.name.rpartition("-")[0])
        elif owner is not None and owner.workload.kind == "StatefulSet" and (namespace, owner.workload.name) in names:
            leader = (namespace, owner.workload.name)
        placed.append(Placed(pod=pod, namespace=namespace, owner=owner, leader=leader))
    return placed


def _owner(pod: Pod, namespace: str, evidence: Evidence, known: dict[tuple[str, str], set[Workload]]) -> Owner | None:
    stated = evidence.owner.get((pod.namespace, pod.name))
    guess = None
    if stated is not None:
        if stated.kind == "ReplicaSet":
            guess = deployment_of_replica_set(stated.namespace, stated.name)
        if guess is None:
            return Owner(stated, sure=True)
    elif pod.name != pod.instance:  # else it is an address, not a pod's name
        guess = workload_of_pod(namespace, pod.name)
    if guess is None:
        return None
    candidates = known.get((guess.namespace, guess.name), set())
    alike = [workload for workload in candidates if workload.kind == guess.kind]
    return Owner(min(alike or candidates, default=guess), sure=False)
