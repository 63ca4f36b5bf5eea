"""A contender in closed loop: requests come, Prometheus scrapes, the controller decides, and the fleet does what it is told.

Everything is an event on one clock. Requests within [0, duration) are scored; after that nobody comes and nobody scales, and
the fleet lives on until the last request has ended, or for hours, after which the rest has timed out. What arrives depends on
scenario and seed alone.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from wva_exporter.twin.contender import Contender, Controller
from wva_exporter.twin.fleet import Fleet
from wva_exporter.twin.recorder import Endings, Sampler, replica_seconds
from wva_exporter.twin.run import Run
from wva_exporter.twin.scenario import Scenario
from wva_exporter.twin.scrapes import Period, Scrapes
from wva_exporter.twin.stage import Stage
from wva_exporter.twin.workloads.stream import Stream

LONGEST_SECONDS = 4 * 3600.0
"""Whoever has not ended so long after the scored time has timed out, however patient: too few are there to serve it."""

_STEP_SECONDS = 60.0


def run(scenario: Scenario, contender: Contender, seed: int, blackouts: Sequence[Period] = ()) -> Run:
    """Put a contender into a scenario.

    Args:
        scenario: the situation.
        contender: who scales.
        seed: of everything random; the same seed gives every contender the same requests.
        blackouts: times from and until which Prometheus is down.
    """
    fleet = scenario.fleet(seed)
    requests = scenario.requests(seed)
    scrapes = Scrapes(
        fleet,
        scrape_seconds=scenario.scrape_seconds,
        page_seconds=scenario.cycle_seconds,
        seed=seed,
        blackouts=blackouts,
        idle=not contender.watches,
        noise=scenario.noise,
    )
    world = _World(scenario, fleet, requests, Stage(fleet, scrapes), contender.controller(scenario, seed))
    with _uncollected():
        world.live()
        world.finish()
    stage, end = world.stage, scenario.duration_seconds
    names = tuple(fleet.variants)
    seconds = replica_seconds(list(stage.born.values()), names, end)
    return Run(
        scenario=scenario.name,
        contender=contender.name,
        seed=seed,
        duration_seconds=end,
        requests=world.endings.requests(),
        timeline=world.sampler.timeline(requests.arrival_seconds),
        replica_seconds=seconds,
        cost={name: seconds[name] * fleet.variants[name].cost_per_hour / 3600.0 for name in names},
        energy_joules=world.energy_joules,
        changes=tuple(change for change in stage.changes if change.at >= 0.0),
        decisions=world.decisions,
        deciding_seconds=world.deciding_seconds,
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's search for circles of objects: a run makes hardly any, and would spend a twentieth of its time on it."""
    searches = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searches:
            gc.enable()


class _World:
    """One run while it goes on."""

    def __init__(
        self, scenario: Scenario, fleet: Fleet, requests: Stream, stage: Stage, controller: Controller
    ) -> None:
        self.stage = stage
        self.endings = Endings()
        self.sampler = Sampler(tuple(fleet.variants), scenario.scrape_seconds, scenario.duration_seconds)
        self.decisions = 0
        self.deciding_seconds = 0.0
        self.energy_joules = 0.0
        self._energy_before = 0.0
        self._end = scenario.duration_seconds
        self._fleet = fleet
        self._requests = iter(requests)
        self._next = next(self._requests, None)
        self._offered = requests
        self._controller = controller

    def live(self) -> None:
        """From the beginning to the end of the scored time."""
        scrapes, controller, sampler = self.stage.scrapes, self._controller, self.sampler
        while self._fleet.now < self._end:
            at = min(scrapes.next_at, controller.next_at, sampler.next_at, self._end)
            self._serve(at)
            if scrapes.next_at <= at:
                scrapes.take()
            if controller.next_at <= at:
                self._decide()
            if sampler.next_at <= at:
                self._sample()
        self.energy_joules = self._fleet.energy_joules() - self._energy_before

    def finish(self) -> None:
        """Until the last request has ended, or nobody waits any longer."""
        fleet = self._fleet
        while self.endings.ended < len(self._offered) and fleet.now < self._end + LONGEST_SECONDS:
            fleet.advance(fleet.now + _STEP_SECONDS)
            self.endings.note(fleet.take_outcomes())
        if self.endings.ended < len(self._offered):
            self.endings.give_up(self._offered.between(0.0, self._end))

    def _serve(self, to: float) -> None:
        """Let come whoever arrives before ``to``, and time pass until then."""
        batch = []
        while self._next is not None and self._next.arrival_seconds < to:
            batch.append(self._next)
            self._next = next(self._requests, None)
        self.stage.scrapes.arrived += len(batch)
        self._fleet.follow(batch, to)

    def _sample(self) -> None:
        fleet = self._fleet
        fleet.advance(fleet.now)
        self.endings.note(fleet.take_outcomes())
        if self.sampler.next_at <= 0.0:
            self._energy_before = fleet.energy_joules()
        self.sampler.look(fleet, self._controller.desired)

    def _decide(self) -> None:
        began = time.process_time()
        self._controller.act(self.stage)
        self.deciding_seconds += time.process_time() - began
        self.decisions += 1
