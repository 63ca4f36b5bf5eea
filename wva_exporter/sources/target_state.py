"""All that is remembered of one target between two scrapes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wva_exporter.engines.promql import TARGET_LABELS
from wva_exporter.engines.table import Engine, Window
from wva_exporter.sources import requests, surroundings
from wva_exporter.sources.exposition import read
from wva_exporter.sources.failures import BadAnswer
from wva_exporter.sources.fetch import Body
from wva_exporter.sources.readings import View, answering, describer, labelled, names_of
from wva_exporter.sources.samples import Labels
from wva_exporter.sources.series import History, Series
from wva_exporter.sources.surroundings import Surroundings
from wva_exporter.sources.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far back one looks, in seconds: what every target has in common."""

    windows: Mapping[Window, float]
    interval_seconds: float
    hold_seconds: float

    @property
    def scrapes(self) -> int:
        """Scrapes that the longest window needs, and one at each edge."""
        return math.ceil(max(self.windows.values()) / self.interval_seconds) + 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Understood:
    """What is kept of one page: samples of engines and routers by their text, what surrounds them, what was not finite."""

    samples: Mapping[str, float]
    beside: Surroundings
    dropped: Mapping[str, int]


class TargetState:
    """One target's recent samples, whether it answers, and when which engine was seen on it."""

    def __init__(self, target: Target, engines: Sequence[Engine], reach: Reach) -> None:
        self.target = target
        self.labels = dict(target.labels)
        self._engines = engines
        self._reach = reach
        self._names = requests.NAMES | surroundings.NAMES
        self._names |= {name for engine in engines for names in names_of(engine).values() for name in names}
        self._engine_series = describer(engines, self.labels)
        self.history = History(scrapes=reach.scrapes, describe=self._describe)
        self.beside = Surroundings()
        self.up: bool | None = None
        """Whether the newest scrape succeeded; None before the first and after the target has left."""
        self.asked_at = -math.inf
        self.answered_at = -math.inf
        self.seen: dict[Labels, float] = {}
        """When each replica of an engine last answered."""
        self.dropped: Mapping[str, int] = {}
        """Samples of the newest page that were not finite, by name."""
        self.failure: BadAnswer | None = None
        """Why the newest scrape failed."""

    def view(self, now: float) -> View:
        """Its recent samples as seen at this time."""
        return View(history=self.history, now=now, seconds=self._reach.windows, interval=self._reach.interval_seconds)

    def row(self, tag: str) -> Labels:
        """The labels of a row about the target itself."""
        return labelled(self.labels, TARGET_LABELS, tag)

    def understand(self, body: Body) -> Understood:
        """What a page says. Changes nothing here, so that a large page can be read in a thread.

        Raises:
            BadPage: it is no exposition, or labels in it do not parse.
        """
        page = read(body.content, body.content_type, self._names)
        samples: dict[str, float] = {}
        beside: dict[str, Mapping[str, float]] = {}
        for name, found in page.samples.items():
            if name in surroundings.NAMES:
                beside[name] = found
            else:
                samples.update(found)
        return Understood(
            samples=samples,
            beside=self.beside.then(beside, self.labels),
            dropped=page.dropped,
        )

    def record(self, page: Understood, time: float) -> None:
        """A page that came.

        Raises:
            BadPage: labels in it do not parse.
            TooManySeries: it is no engine's page. Either way nothing of it is kept, and ``fail`` is to be called.
        """
        self.history.append(time, page.samples)
        self.beside = page.beside
        self.up, self.asked_at, self.answered_at = True, time, time
        self.failure, self.dropped = None, page.dropped
        view = self.view(time)
        for table in self._engines:
            self.seen.update(dict.fromkeys(answering(table, view), time))
        self._forget(time)

    def fail(self, failure: BadAnswer, time: float) -> None:
        """A scrape that failed: every series of the target ends here."""
        self._end(time)
        self.up, self.asked_at, self.failure = False, time, failure

    def leave(self, time: float) -> None:
        """Nobody lists the target any more: its series end and it has no ``up``; windows and ``seen`` live on."""
        if self.up is not None:
            self._end(time)
            self.up = self.failure = None

    def forgotten(self, now: float) -> bool:
        """Whether nothing of it can matter any more."""
        return self.up is None and now - self.asked_at > max(self._reach.hold_seconds, *self._reach.windows.values())

    def recently(self, time: float, now: float) -> bool:
        """Whether this was within the hold time."""
        return now - time <= self._reach.hold_seconds

    def _describe(self, text: str) -> Series:
        if requests.name_of(text) in requests.NAMES:
            return requests.describe(text, self.labels)
        return self._engine_series(text)

    def _end(self, time: float) -> None:
        self.beside = Surroundings()
        self.history.append(time, {})
        self.dropped = {}
        self._forget(time)

    def _forget(self, now: float) -> None:
        self.seen = {labels: time for labels, time in self.seen.items() if self.recently(time, now)}
