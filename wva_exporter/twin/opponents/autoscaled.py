"""Kubernetes' HPA, one for each variant, on whatever somebody reads for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wva_exporter.twin.contender import Clock, Together
from wva_exporter.twin.hpa import Autoscaler, Behavior, Memory, follow, propose
from wva_exporter.twin.hpa_pods import propose_pods
from wva_exporter.twin.pod_samples import Series
from wva_exporter.twin.scenario import Scenario, ScenarioVariant
from wva_exporter.twin.stage import Stage

Measure = Callable[[Stage, Autoscaler], int | None]
"""What a metric proposes for a variant now, None where it cannot be read."""


class Hpa:
    """The HPA of one variant: every sync its metrics propose, and the largest proposal goes through its behaviour.

    An HPA whose minimum is not 0 leaves a target at 0 alone, so somebody has to give that one its first replica.
    """

    def __init__(self, variant: str, scaler: Autoscaler, measures: Sequence[Measure], clock: Clock) -> None:
        self.desired: Mapping[str, int] = {}
        self._variant = variant
        self._scaler = scaler
        self._measures = tuple(measures)
        self._clock = clock
        self._memory = Memory()

    @property
    def next_at(self) -> float:
        """When it syncs next."""
        return self._clock.next_at

    def act(self, stage: Stage) -> None:
        """One sync."""
        self._clock.rung()
        spec = stage.counts(self._variant).spec
        if spec == 0 and self._scaler.minimum > 0:
            stage.scale(self._variant, self._scaler.minimum)
            return
        wanted, self._memory = follow(
            self._scaler,
            self._memory,
            now=stage.now,
            spec_replicas=spec,
            proposals=[measure(stage, self._scaler) for measure in self._measures],
        )
        stage.scale(self._variant, wanted)


def pods_metric(variant: str, target: float, value: Callable[[tuple[float, ...]], float]) -> Measure:
    """A metric of type ``Pods``: the average over a variant's pods of what ``value`` makes of their last scrape."""

    def measure(stage: Stage, scaler: Autoscaler) -> int | None:
        if stage.scrapes.down:
            return None
        pods = stage.staying(variant)
        found = {pod: value(seen.newest) for pod in pods if (seen := stage.scrapes.pods.get(pod)) is not None}
        current = stage.counts(variant).spec
        return propose_pods(found, pods, target=target, current=current, tolerance=scaler.tolerance)

    return measure


def desired_metric(variant: str) -> Measure:
    """The external metric ``wva_desired_replicas`` of a variant, as its last scrape had it."""

    def measure(stage: Stage, scaler: Autoscaler) -> int | None:
        wanted = None if stage.scrapes.down else stage.scrapes.desired.get(variant)
        return None if wanted is None else propose(scaler, stage.counts(variant).current, [float(wanted)])

    return measure


def kv_share(row: tuple[float, ...]) -> float:
    """Share of the KV cache in use."""
    return row[Series.KV]


def queue_length(row: tuple[float, ...]) -> float:
    """Requests that wait in the engine."""
    return row[Series.WAITING]


def concurrency(row: tuple[float, ...]) -> float:
    """Requests inside the engine."""
    return row[Series.RUNNING] + row[Series.WAITING]


def clock_of(name: str, scenario: Scenario, seed: int) -> Clock:
    """When an HPA of this name syncs."""
    return Clock(f"hpa/{name}", seed=seed, period_seconds=scenario.sync_seconds, start=-scenario.warm_seconds)


def autoscaler(variant: ScenarioVariant, behavior: Behavior | None) -> Autoscaler:
    """The spec of an HPA on metrics of pods, which cannot have a minimum of 0: where no pod is there is no metric."""
    return Autoscaler(minimum=max(variant.minimum, 1), maximum=variant.maximum, behavior=behavior)


@dataclass(frozen=True, slots=True, kw_only=True)
class KvAndQueue:
    """HPAs on the KV cache's share and the queue's length, averages over a variant's pods: the larger proposal counts."""

    name: str
    kv: float | None = 0.5
    queue: float | None = 3.0
    behavior: Behavior | None = None
    watches: bool = True

    def controller(self, scenario: Scenario, seed: int) -> Together:
        """An HPA for each variant."""
        parts = []
        for variant in scenario.variants:
            name = variant.spec.name
            targets = ((self.kv, kv_share), (self.queue, queue_length))
            measures = [pods_metric(name, target, value) for target, value in targets if target is not None]
            parts.append(Hpa(name, autoscaler(variant, self.behavior), measures, clock_of(name, scenario, seed)))
        return Together(parts)
