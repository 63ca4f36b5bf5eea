"""Which of the seen pods still exist, and which of those answer.

A replica is gone only when kube-state-metrics says so, or when its series *and* its target are gone. One whose scrape fails,
or that fell silent where nobody can tell why, exists and is unknown. A target that is still scraped outweighs
kube-state-metrics, of which a shard may be down: its list of a namespace is then not whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from wva_exporter.conventions import Signal
from wva_exporter.core.sightings import Pod
from wva_exporter.sources.samples import Observation
from wva_exporter.sources.sight import UP_TAG, pod_name

PodKey = tuple[str, str]


class Standing(IntEnum):
    """What becomes of a seen pod."""

    ANSWERS = 0
    SILENT = 1
    GONE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the answers say about existence, as sets of (namespace, pod)."""

    answering: frozenset[PodKey]
    target_now: frozenset[PodKey]
    target_before: frozenset[PodKey]
    listed: frozenset[PodKey]
    listed_namespaces: frozenset[str]
    leaving: frozenset[PodKey]


TOLD_BY = (Signal.AGE, Signal.UP, Signal.SEEN, Signal.OWNERS, Signal.PODS)
"""Whose labels are the evidence; values do not matter."""


def evidence(observation: Observation, default_namespace: str) -> Evidence:
    """Collect it; a query that failed leaves its set empty, and the caller treats such a cycle as partial."""

    def keys(signal: Signal, *, up: bool | None = None, metric: str | None = None) -> frozenset[PodKey]:
        answer = observation.answers.get(signal)
        if answer is None:
            return frozenset()
        return frozenset(
            (row.namespace or default_namespace, pod_name(row))
            for row in answer.labels
            if (up is None or (row.engine_type == UP_TAG) is up) and (metric is None or row.metric == metric)
        )

    listed = keys(Signal.OWNERS, metric="kube_pod_owner")
    return Evidence(
        answering=keys(Signal.AGE),
        target_now=keys(Signal.UP),
        target_before=keys(Signal.SEEN, up=True),
        listed=listed,
        listed_namespaces=frozenset(namespace for namespace, _ in listed),
        leaving=keys(Signal.PODS, metric="kube_pod_deletion_timestamp"),
    )


def standing(pods: Sequence[Pod], facts: Evidence) -> list[Standing]:
    """The standing of each pod, in order."""
    return [_standing(pod, facts) for pod in pods]


def _standing(pod: Pod, facts: Evidence) -> Standing:
    key = (pod.namespace, pod.name)
    if key in facts.leaving:
        return Standing.GONE  # it finishes what it has and takes no more: not capacity, and not missed
    if key in facts.answering:
        return Standing.ANSWERS
    if key in facts.target_now:
        return Standing.SILENT
    nameless = pod.name == pod.instance  # no pod label: kube-state-metrics cannot know it by this name
    if pod.namespace in facts.listed_namespaces and not nameless:
        return Standing.SILENT if key in facts.listed else Standing.GONE
    if key in facts.target_before:
        return Standing.GONE
    return Standing.SILENT
