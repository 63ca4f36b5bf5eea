"""What a Prometheus has of a fleet: the samples of its last scrapes, each target at its own moment within the interval.

A pod is scraped from when it serves until it is gone, at the offset that its name gives it; its series end at the first
scrape that does not find it. kube-state-metrics, the router and the exporter are targets as well, so what is read of them is
up to an interval old. While the Prometheus is down nothing is scraped and every query fails.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from wva_exporter.twin.fleet import Fleet, ReplicaCounts
from wva_exporter.twin.noise import Noise, Row
from wva_exporter.twin.phases import first_after, phase
from wva_exporter.twin.pod_samples import PodSamples, scrape
from wva_exporter.twin.replica import Replica

LONG_SECONDS = 300.0
"""The longest window that anybody looks at, unless scrapes are rare."""

LEAST_SCRAPES = 4

Period = tuple[float, float]


def short_window(scrape_seconds: float) -> float:
    """Seconds that levels and rates are taken over."""
    return max(60.0, LEAST_SCRAPES * scrape_seconds)


def long_window(scrape_seconds: float) -> float:
    """Seconds that sizes are taken over."""
    return max(LONG_SECONDS, LEAST_SCRAPES * scrape_seconds)


class Listed(NamedTuple):
    """A pod as kube-state-metrics knows it."""

    pod: str
    leaving: bool


class Surroundings(NamedTuple):
    """One scrape of kube-state-metrics: counts by variant, and the pods that exist."""

    counts: Mapping[str, ReplicaCounts]
    pods: tuple[Listed, ...]


class AtRouter(NamedTuple):
    """One scrape of the router.

    Requests that it holds, that it sent to pods of each variant and that are still inside, and that ever came.
    """

    at: float
    held: int
    inside: Mapping[str, int]
    arrived: int


class _Look(NamedTuple):
    """A target of Prometheus: what its scrape does, False once it is gone, and how often that is."""

    scrape: Callable[[], bool]
    every_seconds: float


class Scrapes:
    """All of it; the exporter's page is scraped every ``page_seconds``, as often as the rest if that is not given.

    ``page`` is what the exporter shows now, ``desired`` what a scrape last found there, by variant; ``arrived`` counts the
    requests that came to the router. ``noise`` is the error of what engines tell, as a share.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        scrape_seconds: float,
        seed: int,
        page_seconds: float | None = None,
        blackouts: Sequence[Period] = (),
        idle: bool = False,
        noise: float = 0.0,
    ) -> None:
        self.scrape_seconds = scrape_seconds
        self.pods: dict[str, PodSamples] = {}
        self.surroundings: Surroundings | None = None
        self.arrived = 0
        self._at_router: deque[AtRouter] = deque(maxlen=LEAST_SCRAPES + 1)
        self.page: Mapping[str, int] = {}
        self.desired: Mapping[str, int] = {}
        self._fleet = fleet
        self._blackouts = tuple(blackouts)
        self._idle = idle
        self._noise, self._seed = noise, seed
        self._keep = math.ceil(long_window(scrape_seconds) / scrape_seconds) + 1
        self._due: list[tuple[float, int, _Look]] = []
        self._order = 0
        for name, look in (("kube-state-metrics", self._list), ("router", self._ask_router)):
            self._plan(f"{name}/{seed}", fleet.now, _Look(look, scrape_seconds))
        self._plan(f"exporter/{seed}", fleet.now, _Look(self._read, page_seconds or scrape_seconds))

    @property
    def next_at(self) -> float:
        """When the next target is scraped."""
        return self._due[0][0] if self._due else math.inf

    @property
    def down(self) -> bool:
        """Whether nobody answers queries now."""
        return any(start <= self._fleet.now < end for start, end in self._blackouts)

    @property
    def router(self) -> AtRouter | None:
        """The router as it was scraped last."""
        return self._at_router[-1] if self._at_router else None

    def arrival_rate(self, now: float, seconds: float) -> float | None:
        """Requests per second that came to the router, between the first and the last scrape of the window."""
        inside = [seen for seen in self._at_router if seen.at > now - seconds]
        if len(inside) < 2:  # noqa: PLR2004 - two samples make a rate
            return None
        first, last = inside[0], inside[-1]
        return (last.arrived - first.arrived) / (last.at - first.at)

    def expect(self, replica: Replica) -> None:
        """Scrape a new pod from when it serves."""
        samples = PodSamples(replica.pod, replica.variant, self._keep)
        told = self._telling(replica.pod)
        look = _Look(lambda: self._scrape(replica, samples, told), self.scrape_seconds)
        self._plan(replica.pod, replica.ready_at, look)

    def take(self) -> None:
        """Scrape what is due."""
        now, down = self._fleet.now, self.down
        while self._due and self._due[0][0] <= now:
            at, order, look = heappop(self._due)
            if down or look.scrape():
                heappush(self._due, (at + look.every_seconds, order, look))

    def _plan(self, name: str, start: float, look: _Look) -> None:
        if self._idle:
            return
        at = first_after(start, phase(name, look.every_seconds), look.every_seconds)
        self._order += 1
        heappush(self._due, (at, self._order, look))

    def _telling(self, pod: str) -> Callable[[Row], Row]:
        """How this pod tells of itself: the truth, or nearly."""
        if not self._noise:
            return tuple
        return Noise(self._noise, np.random.default_rng([self._seed, *pod.encode()]))

    def _scrape(self, replica: Replica, samples: PodSamples, told: Callable[[Row], Row]) -> bool:
        """One scrape of a pod; False when it is gone, and its series with it."""
        if replica.gone_at is not None:
            samples.fresh = False
            self.pods.pop(replica.pod, None)
            return False
        if replica.engine is None:
            samples.fresh = False
            return True
        replica.engine.advance(self._fleet.now)
        samples.add(self._fleet.now, told(scrape(replica.engine)))
        self.pods[replica.pod] = samples
        return True

    def _list(self) -> bool:
        pods = tuple(Listed(replica.pod, replica.deleted_at is not None) for replica in self._fleet.replicas)
        self.surroundings = Surroundings({name: self._fleet.counts(name) for name in self._fleet.variants}, pods)
        return True

    def _ask_router(self) -> bool:
        inside = dict.fromkeys(self._fleet.variants, 0)
        for replica in self._fleet.replicas:
            engine = replica.engine
            if engine is not None:
                inside[replica.variant] += engine.running + engine.queued
        self._at_router.append(AtRouter(self._fleet.now, len(self._fleet.held), inside, self.arrived))
        return True

    def _read(self) -> bool:
        self.desired = self.page
        return True
