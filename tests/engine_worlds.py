"""Fixtures of engines and what surrounds them as targets that are scraped for a while, by a Prometheus and by ourselves.

Counters grow by one hundredth of the fixture's value a scrape, gauges stay as they are.
"""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from engine_pages import Sample
from real_prometheus import RealPrometheus

from wva_exporter.config.load import parse
from wva_exporter.conventions import Signal
from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.promql import QuerySettings, queries
from wva_exporter.engines.table import Window
from wva_exporter.service.cycle import Cycle, Outcome
from wva_exporter.sources.fetch import Body
from wva_exporter.sources.samples import Answer, Labels, Observation
from wva_exporter.sources.scraped import Tally
from wva_exporter.sources.target_state import Reach, TargetState
from wva_exporter.sources.targets import target_of

DATA = Path(__file__).parent / "data"
START, INTERVAL, SCRAPES = 1_700_000_000.0, 15.0, 30
SHORT, LONG, HOLD = 60.0, 300.0, 600.0
NOW = START + INTERVAL * (SCRAPES - 1) + 1.7
"""When everybody is asked: between two scrapes."""

GROWTH = 0.01
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_OF_OTHERS = ("kube_", "DCGM_")

Page = list[tuple[Sample, bool]]
"""Samples, and whether each is a counter."""


def page(name: str) -> Page:
    """A fixture of ``tests/data``: ``sglang/old``."""
    kinds: dict[str, str] = {}
    found: Page = []
    for line in (DATA / f"{name}.prom").read_text().splitlines():
        if line.startswith("# TYPE "):
            family, kind = line.split()[2:4]
            kinds[family] = kind
        elif not line.startswith("#"):
            match = _SAMPLE.fullmatch(line)
            assert match, line
            family = re.sub(r"_(sum|count|bucket)$", "", match["name"])
            kind = kinds.get(match["name"]) or kinds[family]
            found.append(((match["name"], match["labels"] or "", float(match["value"])), kind != "gauge"))
    return found


def changed(samples: Page, levels: Mapping[str, float]) -> Page:
    """The page with other levels of some gauges."""
    return [((name, labels, levels.get(name, value)), counts) for (name, labels, value), counts in samples]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A target: the page that it serves, its labels, how fast its counters grow, and what some gauges gain a scrape."""

    samples: Page
    labels: Mapping[str, str] = field(default_factory=dict)
    growth: float = GROWTH
    scrapes: int = SCRAPES
    gain: Mapping[str, float] = field(default_factory=dict)

    def at(self, scrape: int) -> list[Sample]:
        """Its page at one scrape."""
        rise = 1.0 + self.growth * scrape
        return [
            (name, labels, value * rise if counts else value + self.gain.get(name, 0.0) * scrape)
            for (name, labels, value), counts in self.samples
        ]


def pod(name: str, fixture: str | Page, **more: str) -> Place:
    """An engine's pod."""
    labels = {"namespace": "llm", "pod": name, "job": "engines", **more}
    return Place(samples=page(fixture) if isinstance(fixture, str) else fixture, labels=labels)


def beside(fixture: str, **labels: str) -> Place:
    """A target that is no engine."""
    return Place(samples=page(fixture), labels={"job": fixture.partition("/")[0], "namespace": "llm", **labels})


def scraped(places: Mapping[str, Place], now: float = NOW) -> Observation:
    """What our own scraping makes of it."""
    reach = Reach(windows={Window.SHORT: SHORT, Window.LONG: LONG}, interval_seconds=INTERVAL, hold_seconds=HOLD)
    tally = Tally(ENGINES, now, "default")
    for name, place in places.items():
        state = TargetState(target_of(f"{name}:8000", place.labels), ENGINES, reach)
        for scrape in range(place.scrapes):
            text = "".join(f"{n}{{{labels}}} {value!r}\n" for n, labels, value in place.at(scrape))
            state.record(state.understand(Body(content=text.encode(), content_type="")), START + scrape * INTERVAL)
        tally.add(state)
    return tally.observation(())


def stored(
    places: Mapping[str, Place], folder: Path, promtool: Path, start: Callable[[], RealPrometheus]
) -> Observation:
    """What a real Prometheus that scraped the same answers; ``folder`` is where it will look for its data."""
    folder.parent.mkdir(parents=True)
    source = folder.parent / "worlds.om"
    source.write_text("\n".join(_lines(places)) + "\n# EOF\n")
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", source, folder]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    server = start()
    settings = QuerySettings(
        short_window_seconds=SHORT, long_window_seconds=LONG, scrape_interval_seconds=INTERVAL, hold_seconds=HOLD
    )
    rows: dict[Signal, list[tuple[Labels, float]]] = {signal: [] for signal in Signal}
    for query in queries(settings):
        for series in server.query(query.promql, time=NOW):
            labels = msgspec.convert(series["metric"], Labels)
            signal = query.split.get(labels.metric or labels.engine_type, query.signal)
            if math.isfinite(value := float(series["value"][1])):
                rows[signal].append((labels, value))
    answers = {
        signal: Answer(labels=[labels for labels, _ in found], value=np.array([value for _, value in found]))
        for signal, found in rows.items()
    }
    return Observation(time=NOW, answers=answers)


def _lines(places: Mapping[str, Place]) -> Iterator[str]:
    """Every sample with the labels that a scrape which honours those of kube-state-metrics and DCGM would give it."""
    written: list[tuple[str, str]] = []
    for name, place in places.items():
        own = dict(target_of(f"{name}:8000", place.labels).labels)
        for scrape in range(place.scrapes):
            time = f"{START + scrape * INTERVAL:.3f}"
            for sample, text, value in [*place.at(scrape), ("up", "", 1.0)]:
                exposed = dict(re.findall(r'(\w+)="([^"]*)"', text))
                every = {**own, **exposed} if sample.startswith(_OF_OTHERS) else {**exposed, **own}
                labels = ",".join(f'{key}="{found}"' for key, found in every.items())
                written.append((sample, f"{sample}{{{labels}}} {value!r} {time}"))
    yield from (line for _, line in sorted(written, key=lambda each: each[0]))


def rows_of(observation: Observation) -> dict[Signal, dict[Labels, float]]:
    """The answers as rows by their labels."""
    return {
        signal: dict(zip(answer.labels, answer.value.tolist(), strict=True))
        for signal, answer in observation.answers.items()
    }


def decided(observation: Observation, yaml: str = "") -> Outcome:
    """What a first cycle makes of it, without any configuration unless a test gives one."""
    return Cycle(parse(yaml, "test")).decide(observation)


def column(outcome: Outcome, signal: Signal) -> dict[str, float | None]:
    """A signal of every replica by its pod."""
    replicas = outcome.snapshot.replicas
    return dict(zip(replicas.pod, replicas[signal].listed(), strict=True))


def idle(places: Mapping[str, Place], gauges: Sequence[str]) -> dict[str, Place]:
    """The same without load: these gauges at 0, and nothing counted any more."""
    return {
        name: Place(samples=changed(place.samples, dict.fromkeys(gauges, 0.0)), labels=place.labels, growth=0.0)
        for name, place in places.items()
    }
