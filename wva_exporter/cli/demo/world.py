"""The fleet of the demo under its load, and what an onlooker notes of it. Time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

from wva_exporter.cli.demo import scenario
from wva_exporter.twin.hpa import Memory, sync
from wva_exporter.twin.requests import Ending

_NEVER = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Requests since the run began, and the largest of what was seen."""

    served: int
    failed: int
    peak_waiting: int
    first_token_seconds: float | None
    """Mean time to the first token, None before there was one."""


class World:
    """Fleet, load and autoscalers. The load stays at its base until ``begin``; before that nothing is noted."""

    def __init__(self, seconds: float, seed: int) -> None:
        self.seconds = seconds
        self.fleet = scenario.fleet(seed)
        self.began_at: float | None = None
        self.peak_replicas = {variant.name: variant.replicas for variant in scenario.VARIANTS}
        self.added = dict.fromkeys(self.peak_replicas, 0)
        self.removed = dict.fromkeys(self.peak_replicas, 0)
        self.first_serving_at: float | None = None
        self._profile = scenario.profile(seconds)
        self._workload = scenario.workload(self._profile.later(_NEVER), seed)
        self._memory = dict.fromkeys(self.peak_replicas, Memory())
        self._served = self._failed = self._peak_waiting = 0
        self._first_token_seconds = 0.0
        self._cost_before = 0.0
        self.advance(0.0)

    @property
    def now(self) -> float:
        """The fleet's clock, in seconds."""
        return self.fleet.now

    @property
    def elapsed(self) -> float:
        """Seconds since the load began its course; 0 before."""
        return 0.0 if self.began_at is None else self.now - self.began_at

    @property
    def waiting(self) -> int:
        """Requests without a place, in engines and at the router."""
        inside = sum(replica.engine.waiting for replica in self.fleet.replicas if replica.engine is not None)
        return inside + len(self.fleet.held)

    @property
    def rate(self) -> float:
        """Requests per second that are asked for now."""
        return self._workload.profile.at(self.now)

    @property
    def cost(self) -> float:
        """What the fleet cost since the run began."""
        return self.fleet.cost() - self._cost_before

    @property
    def static_cost(self) -> float:
        """What a fleet of the peak size would have cost in that time."""
        an_hour = sum(variant.cost_per_hour * self.peak_replicas[variant.name] for variant in scenario.VARIANTS)
        return an_hour * self.elapsed / 3600

    @property
    def totals(self) -> Totals:
        """What was noted."""
        served = self._served
        mean = self._first_token_seconds / served if served else None
        return Totals(served=served, failed=self._failed, peak_waiting=self._peak_waiting, first_token_seconds=mean)

    def begin(self) -> None:
        """Let the load take its course from now, and take notes."""
        self.began_at = self.now
        self._workload.profile = self._profile.later(self.now)
        self._cost_before = self.fleet.cost()
        self._served = self._failed = self._peak_waiting = 0
        self._first_token_seconds = 0.0

    def advance(self, to: float) -> None:
        """Live until ``to``."""
        self.fleet.serve(self._workload.until(to), to)
        for outcome in self.fleet.take_outcomes():
            if outcome.ending is Ending.SERVED and outcome.ttft_seconds is not None:
                self._served += 1
                self._first_token_seconds += outcome.ttft_seconds
            else:
                self._failed += 1
        self._peak_waiting = max(self._peak_waiting, self.waiting)
        for variant in scenario.VARIANTS:
            ready = self.fleet.counts(variant.name).ready
            self.peak_replicas[variant.name] = max(self.peak_replicas[variant.name], ready)
        if self.first_serving_at is None and self._added_one_serves():
            self.first_serving_at = self.now

    def autoscale(self, name: str, values: list[float] | None) -> None:
        """One sync of a variant's HPA with the series it read."""
        counts = self.fleet.counts(name)
        wanted, self._memory[name] = sync(
            scenario.AUTOSCALERS[name],
            self._memory[name],
            now=self.now,
            spec_replicas=counts.spec,
            status_replicas=counts.current,
            values=values,
        )
        if wanted != counts.spec:
            change = wanted - counts.spec
            self.added[name] += max(change, 0)
            self.removed[name] += max(-change, 0)
            self.fleet.scale(name, wanted)

    def _added_one_serves(self) -> bool:
        """Whether a replica that was not there at first has generated a token."""
        first = sum(variant.replicas for variant in scenario.VARIANTS)
        return any(
            replica.index > first and replica.engine is not None and replica.engine.meter.generation_tokens > 0
            for replica in self.fleet.replicas
        )
