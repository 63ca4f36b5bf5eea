"""Samples to sightings: which engine pods, owners and scalers the answers speak of.

Pure. Who a pod belongs to is decided by ``discovery``; what its numbers mean by ``assemble``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.declaration import Workload
from wva_exporter.core.sightings import Node, Pod, Scaler, Sightings
from wva_exporter.engines import kubernetes
from wva_exporter.sources.samples import Answer, Labels, Observation

MOST_REPLICAS = 1_000_000
"""More replicas, or GPUs of a node, than this nobody has: a larger number is not believed."""

UP_TAG = "up"
"""``engine_type`` of those rows of ``SEEN`` that tell of a target's ``up`` and not of an engine."""


def pod_name(labels: Labels) -> str:
    """The pod a series belongs to; the instance where it has no pod label."""
    return labels.pod or labels.instance


def sight(observation: Observation, default_namespace: str, before: Sequence[Pod] = ()) -> Sightings:
    """Everything in the answers that bears on who the variants are.

    A pod counts as seen when its engine answered now or within the hold time, or when it is remembered from ``before``. Its
    model is the first that any of its series names; an engine names one.
    """
    pods = {(pod.namespace, pod.name): pod for pod in before}
    fresh: set[tuple[str, str]] = set()
    for labels in _engine_rows(observation):
        name = pod_name(labels)
        key = (labels.namespace or default_namespace, name)
        if not name or (key in fresh and pods[key].model):
            continue
        fresh.add(key)
        pods[key] = Pod(
            namespace=key[0],
            name=name,
            model=labels.model_name,
            job=labels.job,
            instance=labels.instance,
            engine_type=labels.engine_type,
            variant_label=labels.llm_d_ai_variant,
        )
    return Sightings(
        pods=tuple(pods[key] for key in sorted(pods)),
        owner=_owners(observation),
        scalers=_scalers(observation),
        nodes=_nodes(observation),
    )


def same(one: Answer | None, other: Answer | None, *, values: bool) -> bool:
    """Whether two answers list the same series in the same order, and, with ``values``, the same numbers."""
    if one is None or other is None:
        return one is other
    return one.labels == other.labels and (not values or np.array_equal(one.value, other.value))


def says_the_same(one: Observation, other: Observation) -> bool:
    """Whether two observations tell the same of who exists: then they have the same sightings."""
    return all(
        same(one.answers.get(signal), other.answers.get(signal), values=signal in (Signal.SCALERS, Signal.NODES))
        for signal in (Signal.AGE, Signal.SEEN, Signal.OWNERS, Signal.SCALERS, Signal.NODES)
    )


def _engine_rows(observation: Observation) -> Iterable[Labels]:
    """Rows that name a pod: what answers now before what answered within the hold time."""
    for signal in (Signal.AGE, Signal.SEEN):
        answer = observation.answers.get(signal)
        if answer is not None:
            yield from (labels for labels in answer.labels if labels.engine_type != UP_TAG)


def _owners(observation: Observation) -> dict[tuple[str, str], Workload]:
    """The end of each pod's owner chain: ReplicaSets are replaced by what owns them."""
    answer = observation.answers.get(Signal.OWNERS)
    if answer is None:
        return {}
    above = {
        (row.namespace, row.replicaset): Workload(kind=row.owner_kind, namespace=row.namespace, name=row.owner_name)
        for row in answer.labels
        if row.metric == "kube_replicaset_owner" and row.owner_kind not in ("", "<none>")
    }
    owner: dict[tuple[str, str], Workload] = {}
    for row in answer.labels:
        if row.metric != "kube_pod_owner" or row.owner_kind in ("", "<none>"):
            continue
        direct = Workload(kind=row.owner_kind, namespace=row.namespace, name=row.owner_name)
        replaced = above.get((row.namespace, row.owner_name)) if row.owner_kind == "ReplicaSet" else None
        owner[row.namespace, row.pod] = replaced or direct
    return owner


def _nodes(observation: Observation) -> tuple[Node, ...]:
    """Nodes that have GPUs, whatever resource counts them."""
    answer = observation.answers.get(Signal.NODES)
    if answer is None or answer.failure is not None:
        return ()
    product: dict[str, str] = {}
    gpus: dict[str, dict[str, int]] = {}
    for row, value in zip(answer.labels, answer.value.tolist(), strict=True):
        if row.metric == kubernetes.NODE_LABELS:
            named = (getattr(row, label) for label in kubernetes.PRODUCT_LABELS)
            product[row.node] = next((name for name in named if name), "")
        elif row.resource in kubernetes.GPU_RESOURCES and 0 < value < MOST_REPLICAS:
            gpus.setdefault(row.node, {})[row.resource] = int(value)
    return tuple(Node(name, product.get(name, ""), sum(gpus[name].values())) for name in sorted(gpus))


def _scalers(observation: Observation) -> tuple[Scaler, ...]:
    """HPAs with the bounds that kube-state-metrics gives them."""
    answer = observation.answers.get(Signal.SCALERS)
    if answer is None:
        return ()
    target: dict[tuple[str, str], Workload] = {}
    bound: dict[tuple[str, str, str], int] = {}
    for row, value in zip(answer.labels, answer.value.tolist(), strict=True):
        key = (row.namespace, row.horizontalpodautoscaler)
        if row.metric == "kube_horizontalpodautoscaler_info":
            target[key] = Workload(kind=row.scaletargetref_kind, namespace=row.namespace, name=row.scaletargetref_name)
        else:
            which = (*key, row.metric.rpartition("_spec_")[2])
            bound[which] = max(
                int(min(value, MOST_REPLICAS)), bound.get(which, 0)
            )  # of two, the one that costs no replica
    return tuple(
        Scaler(
            namespace=key[0],
            name=key[1],
            target=workload,
            minimum=bound.get((*key, "min_replicas")),
            maximum=bound.get((*key, "max_replicas")),
        )
        for key, workload in sorted(target.items())
    )
