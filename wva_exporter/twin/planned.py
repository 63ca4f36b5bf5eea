"""The exporter in the loop: every cycle it observes, decides with ``core.plan`` and publishes; beside that it learns.

What it learned before a cycle is what that cycle decides with, as in the service. The published targets reach the fleet
through an actuator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import IntArray, integers
from wva_exporter.core.decision import Memory, Plan
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.learning import Learning, learn
from wva_exporter.core.queueing.points import point_of
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.sources.assemble import assemble
from wva_exporter.twin.contender import Clock
from wva_exporter.twin.observe import EPOCH_SECONDS, NAMESPACE, Observer
from wva_exporter.twin.scenario import Scenario
from wva_exporter.twin.scrapes import short_window
from wva_exporter.twin.stage import Stage

_EARLY = 0.9
"""A cycle may come this much before its time and still bring a point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """What the exporter believes of service times: ``guess`` before it has seen any, and whether it learns."""

    guess: Belief
    learns: bool = True
    every_seconds: float = 15.0
    """At most so often it learns; the service does so every quarter of its window of a minute."""


class Cycle:
    """One exporter, a cycle every ``scenario.cycle_seconds``."""

    def __init__(self, scenario: Scenario, fleet: Fleet, believed: Believed, seed: int) -> None:
        self.desired: Mapping[str, int] = {}
        self.plan: Plan | None = None
        start = -scenario.warm_seconds
        self._fleet = fleet
        self._observer = Observer(scenario, fleet)
        window = short_window(scenario.scrape_seconds)
        self._rules = Rules(window_seconds=window)
        self._most_age_seconds = window
        self._clock = Clock("cycle", seed=seed, period_seconds=scenario.cycle_seconds, start=start)
        self._memory: Memory | None = None
        self._believed = believed
        self._learning = Learning.start(len(fleet), EPOCH_SECONDS + start)
        self._service = self._learning.latest.belief.otherwise(believed.guess)
        self._limits: IntArray = integers([each.spec.parameters.max_sequences for each in scenario.variants])

    @property
    def next_at(self) -> float:
        """When the next cycle begins."""
        return self._clock.next_at

    def act(self, stage: Stage) -> None:
        """One cycle."""
        self._clock.rung()
        observation, members = self._observer.observe(stage.scrapes, stage.now)
        seen = assemble(
            observation,
            members,
            default_namespace=NAMESPACE,
            max_input_age_seconds=self._most_age_seconds,
            service=self._service,
        )
        self.plan, self._memory = plan(seen, self._memory, POLICIES, self._rules)
        target = self.plan.target
        names = self._fleet.variants.name
        listed = zip(names, target.value.tolist(), target.known.tolist(), strict=True)
        self.desired = {name: round(value) for name, value, known in listed if known}
        stage.publish(self.desired)
        if self._believed.learns and observation.reachable:
            self._learn(seen)

    def _learn(self, seen: Snapshot) -> None:
        """Take this cycle's point in, if the last one is old enough."""
        newest = self._learning.points.time[-1:]
        if np.all(seen.time - newest >= _EARLY * self._believed.every_seconds):
            self._learning, _ = learn(self._learning, point_of(seen, self._limits), self._believed.guess)
            self._service = self._learning.latest.belief.otherwise(self._believed.guess)


class Direct:
    """The simplest actuator: right after each cycle the fleet is asked for what was published."""

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle

    @property
    def desired(self) -> Mapping[str, int]:
        """What was published."""
        return self._cycle.desired

    @property
    def next_at(self) -> float:
        """When the next cycle begins."""
        return self._cycle.next_at

    def act(self, stage: Stage) -> None:
        """One cycle, and what it asks for."""
        self._cycle.act(stage)
        for name, replicas in self._cycle.desired.items():
            stage.scale(name, replicas)
