"""Pods that were there a moment ago: what a silent source does not make disappear.

A Prometheus that does not answer, or that came back without its history, names no pod at all. Variants that nobody declared
would vanish with their pods, and their targets with them. So a pod is remembered for the hold time after its engine answered
or its target was listed; longer, up to twice that, while the source names no engine whatever.
"""

from __future__ import annotations

from collections.abc import Sequence

from wva_exporter.conventions import Signal
from wva_exporter.core.sightings import Pod
from wva_exporter.sources.samples import Observation
from wva_exporter.sources.sight import UP_TAG, pod_name

PodKey = tuple[str, str]


class Remembered:
    """Pods by namespace and name with the time, by the source's clock, at which they were last known to exist."""

    def __init__(self, hold_seconds: float) -> None:
        self._hold = hold_seconds
        self._pods: dict[PodKey, Pod] = {}
        self._time: dict[PodKey, float] = {}
        self._listed: tuple[Pod, ...] = ()

    @property
    def pods(self) -> Sequence[Pod]:
        """All of them."""
        return self._listed

    def note(self, pods: Sequence[Pod], observation: Observation, default_namespace: str) -> None:
        """Take this cycle's pods to mind, and forget those that were not heard of for too long."""
        now = observation.time
        present = {
            (row.namespace or default_namespace, pod_name(row))
            for signal in (Signal.AGE, Signal.UP)
            if (answer := observation.answers.get(signal)) is not None
            for row in answer.labels
        }
        times = {key: now if key in present else self._time.get(key, now) for key in map(_key, pods)}
        patience = self._hold if _names_engines(observation) else 2.0 * self._hold
        self._pods = {key: pod for pod in pods if now - times[key := _key(pod)] <= patience}
        self._time = {key: times[key] for key in self._pods}
        self._listed = tuple(self._pods.values())

    def inherit(self, former: Remembered) -> None:
        """Remember what ``former`` does."""
        self._pods, self._time, self._listed = former._pods, former._time, former._listed


def _key(pod: Pod) -> PodKey:
    return pod.namespace, pod.name


def _names_engines(observation: Observation) -> bool:
    """Whether the source knows any engine, so that what it does not name may be gone."""
    answer = observation.answers.get(Signal.SEEN)
    return answer is not None and answer.failure is None and any(row.engine_type != UP_TAG for row in answer.labels)
