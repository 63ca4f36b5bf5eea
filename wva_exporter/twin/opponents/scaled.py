"""KEDA as people put it before an inference router: triggers on its queue and on the requests that run behind it.

Thresholds are those of upstream's guide for KEDA without WVA: a queue of 1 and 16 running requests a replica.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wva_exporter.twin.contender import Clock, Together
from wva_exporter.twin.hpa import Autoscaler, Behavior, Memory, follow, propose
from wva_exporter.twin.keda import Activity, Answer, Failure, Health, ScaledObject, Trigger, activate, metrics
from wva_exporter.twin.opponents.autoscaled import clock_of
from wva_exporter.twin.scenario import Scenario
from wva_exporter.twin.stage import Stage

Query = Callable[[Stage], Answer]
"""What a trigger's query is answered now."""


class Keda:
    """The ScaledObject of one variant: KEDA polls for the step from and to zero, its HPA does the rest."""

    def __init__(
        self,
        variant: str,
        scaled: ScaledObject,
        triggers: Sequence[tuple[Trigger, Query]],
        behavior: Behavior | None,
        clocks: tuple[Clock, Clock],
    ) -> None:
        self.desired: Mapping[str, int] = {}
        self._variant = variant
        self._scaled = scaled
        self._triggers = tuple(trigger for trigger, _ in triggers)
        self._queries = tuple(query for _, query in triggers)
        self._scalers = [
            Autoscaler(
                minimum=max(scaled.minimum, 1),
                maximum=scaled.maximum,
                average_value=trigger.threshold,
                behavior=behavior,
            )
            for trigger in self._triggers
        ]
        self._poll, self._sync = clocks
        self._health = Health(failures=(0,) * len(self._triggers))
        self._activity = Activity()
        self._memory = Memory()

    @property
    def next_at(self) -> float:
        """When it polls or syncs next."""
        return min(self._poll.next_at, self._sync.next_at)

    def act(self, stage: Stage) -> None:
        """A poll, a sync, or both."""
        answers = [query(stage) for query in self._queries]
        if self._poll.next_at <= stage.now:
            self._poll.rung()
            spec = stage.counts(self._variant).spec
            wanted, self._activity = activate(
                self._scaled, self._triggers, answers, self._activity, now=stage.now, spec_replicas=spec
            )
            stage.scale(self._variant, wanted)
        if self._sync.next_at <= stage.now:
            self._sync.rung()
            self._scale(stage, answers)

    def _scale(self, stage: Stage, answers: Sequence[Answer]) -> None:
        counts = stage.counts(self._variant)
        told, self._health = metrics(self._scaled, self._triggers, answers, self._health, counts.current)
        pairs = zip(self._scalers, told, strict=True)
        wanted, self._memory = follow(
            self._scalers[0],
            self._memory,
            now=stage.now,
            spec_replicas=counts.spec,
            proposals=[None if value is None else propose(each, counts.current, [value]) for each, value in pairs],
        )
        stage.scale(self._variant, wanted)


def router_queue(stage: Stage) -> Answer:
    """Requests that the router holds."""
    router = stage.scrapes.router
    if stage.scrapes.down:
        return Failure.ERROR
    return Failure.EMPTY if router is None else float(router.held)


def running(variant: str) -> Query:
    """Requests that the router sent to pods of a variant and that are not over."""

    def query(stage: Stage) -> Answer:
        router = stage.scrapes.router
        if stage.scrapes.down:
            return Failure.ERROR
        return Failure.EMPTY if router is None else float(router.inside[variant])

    return query


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterTriggers:
    """A ScaledObject for each variant on the router's queue and on the variant's running requests."""

    name: str
    queue: float = 1.0
    running: float = 16.0
    behavior: Behavior | None = None
    watches: bool = True

    def controller(self, scenario: Scenario, seed: int) -> Together:
        """A ScaledObject for each variant, all else as KEDA has it by default.

        One of several variants at zero would get no request to wake on, so there each keeps at least one replica.
        """
        least = 0 if len(scenario.variants) == 1 else 1
        parts = []
        for variant in scenario.variants:
            name = variant.spec.name
            scaled = ScaledObject(minimum=max(variant.minimum, least), maximum=variant.maximum)
            triggers = [
                (Trigger(threshold=self.queue), router_queue),
                (Trigger(threshold=self.running), running(name)),
            ]
            polls = Clock(
                f"keda/{name}", seed=seed, period_seconds=scaled.polling_seconds, start=-scenario.warm_seconds
            )
            parts.append(Keda(name, scaled, triggers, self.behavior, (polls, clock_of(name, scenario, seed))))
        return Together(parts)
