"""How many replicas each variant has: by kube-state-metrics where it says, else by the engines that are seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.declaration import Workload
from wva_exporter.core.snapshot import Counts
from wva_exporter.sources.samples import Labels, Observation
from wva_exporter.sources.sight import MOST_REPLICAS

_Key = tuple[str, str, str]
"""Kind, namespace and name of a workload."""

_SPEC, _CURRENT, _READY = range(3)
_FIELD = {
    "kube_deployment_spec_replicas": _SPEC,
    "kube_deployment_status_replicas": _CURRENT,
    "kube_deployment_status_replicas_ready": _READY,
    "kube_statefulset_replicas": _SPEC,
    "kube_statefulset_status_replicas": _CURRENT,
    "kube_statefulset_status_replicas_ready": _READY,
}


def count(observation: Observation, workloads: Sequence[Workload | None], variant: IntArray) -> Counts:
    """Replica counts of every variant.

    Args:
        observation: the answers; ``WORKLOADS`` has the declared counts.
        workloads: the workload of each variant, None where nobody knows it.
        variant: the variant of each seen replica, shape (replicas,).

    Returns:
        Declared counts where all three are there; otherwise what is seen, unknown where nothing is: no series is not zero.
        Of two different numbers for one workload the larger one counts.
    """
    variants = len(workloads)
    told, twofold = _told(observation, workloads)
    declared = np.all(np.isfinite(told), axis=0)
    seen = np.bincount(variant, minlength=variants)
    existing = np.where(declared, told[[_CURRENT, _READY]], seen)
    known = Column.of(existing, declared | (seen > 0))
    return Counts(
        spec=Column.of(told[_SPEC], declared),
        current=known.row(0),
        ready=known.row(1),
        declared=declared,
        disputed=declared & twofold,
    )


def _told(observation: Observation, workloads: Sequence[Workload | None]) -> tuple[FloatArray, BoolArray]:
    """What is declared: shape (3, variants), NaN where nothing is; and of which variants there are two different numbers."""
    figures = [[math.nan] * len(workloads) for _ in range(3)]
    twofold = [False] * len(workloads)
    row = _rows(workloads)
    answer = observation.answers.get(Signal.WORKLOADS)
    if answer is not None and answer.failure is None:
        for labels, value in zip(answer.labels, answer.value.tolist(), strict=True):
            field = _FIELD.get(labels.metric)
            place = None if field is None else row.get(_workload(labels))
            if field is not None and place is not None and 0 <= value <= MOST_REPLICAS:
                before = figures[field][place]
                twofold[place] = twofold[place] or not (math.isnan(before) or before == value)
                figures[field][place] = value if math.isnan(before) else max(before, value)
    return np.array(figures), np.array(twofold, dtype=np.bool_)


def _rows(workloads: Sequence[Workload | None]) -> dict[_Key, int]:
    """The variant that a workload's count is of; a workload that several variants share counts for none of them.

    A LeaderWorkerSet is counted by the StatefulSet of its leaders, which has its name.
    """
    found: dict[_Key, int] = {}
    shared: set[_Key] = set()
    for place, workload in enumerate(workloads):
        if workload is None:
            continue
        kind = "StatefulSet" if workload.kind == "LeaderWorkerSet" else workload.kind
        counted = (kind, workload.namespace, workload.name)
        if counted in found:
            shared.add(counted)
        found[counted] = place
    return {workload: place for workload, place in found.items() if workload not in shared}


def _workload(labels: Labels) -> _Key:
    """Which workload a row of kube-state-metrics counts."""
    if labels.deployment:
        return "Deployment", labels.namespace, labels.deployment
    return "StatefulSet", labels.namespace, labels.statefulset
