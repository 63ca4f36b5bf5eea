"""A real vLLM's recorded run, served by a real Prometheus, decided as it would have been."""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
from real_prometheus import RealPrometheus

from wva_exporter.config.load import parse
from wva_exporter.config.schema import Settings
from wva_exporter.conventions import Signal
from wva_exporter.core.headroom.arrivals import Arrivals
from wva_exporter.core.headroom.arrivals import observe as flow
from wva_exporter.core.headroom.groups import Groups
from wva_exporter.engines.promql import interval_query, queries
from wva_exporter.errors import Reason
from wva_exporter.service.cycle import Cycle
from wva_exporter.service.examine import examine
from wva_exporter.service.wiring import query_settings
from wva_exporter.sources.samples import Answer, Labels, Observation

SAID = "scrape_interval: 5s\nprometheus: {url: http://unused}\n"
SETTINGS = parse(f"{SAID}policy: wva-v1\n", "test")
TARGET = 'namespace="llm",pod="llama-0",instance="10.0.0.7:8000",job="vllm"'
_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One cycle of the replay: seconds since the run began, what the engine said, what was decided."""

    seconds: float
    kv: float
    waiting: float
    target: float | None
    reason: Reason
    arrival_rps: float
    """What came in the last minute by flow balance, 0 before two scrapes were seen."""


def scrapes(archive: Path) -> list[tuple[float, str]]:
    """The recorded pages with the times of their scrapes."""
    with tarfile.open(archive) as tar:
        pages = {Path(m.name).name: tar.extractfile(m).read().decode() for m in tar if m.isfile()}  # type: ignore[union-attr]
    times = {}
    for line in pages["scrape_times_unix.txt"].splitlines():
        numbers = re.findall(r"\d+(?:\.\d+)?", line)
        times[int(numbers[0]) if len(numbers) > 1 else len(times)] = float(numbers[-1])
    return [(times[i], pages[f"{i:03d}.prom"]) for i in range(len(times)) if f"{i:03d}.prom" in pages]


def openmetrics(recorded: list[tuple[float, str]]) -> str:
    """The run as OpenMetrics with timestamps, as a Prometheus that scraped it would have stored it."""
    lines = []
    for time, page in recorded:
        lines.append(f"up{{{TARGET}}} 1 {time:.3f}")
        for line in page.splitlines():
            match = _SAMPLE.fullmatch(line)
            if match and match[1].startswith("vllm:"):
                labels = ",".join(part for part in (match[2], TARGET) if part)
                lines.append(f"{match[1]}{{{labels}}} {match[3]} {time:.3f}")
    return "\n".join([*lines, "# EOF", ""])


def observe(server: RealPrometheus, settings: Settings, time: float) -> Observation:
    """What a cycle would have been answered at this time."""
    answers: dict[Signal, Answer] = {}
    for query in queries(query_settings(settings)):
        rows: dict[Signal, list[tuple[Labels, float]]] = {signal: [] for signal in query.signals}
        for series in server.query(query.promql, time=time):
            labels = msgspec.convert(series["metric"], Labels)
            signal = query.split.get(labels.metric or labels.engine_type, query.signal)
            rows[signal].append((labels, float(series["value"][1])))
        for signal, found in rows.items():
            finite = [(labels, value) for labels, value in found if np.isfinite(value)]
            answers[signal] = Answer(labels=[r[0] for r in finite], value=np.array([r[1] for r in finite]))
    return Observation(time=time, answers=answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The served run: its first and last scrape, seconds since the epoch."""

    server: RealPrometheus
    first: float
    last: float


@pytest.fixture(scope="module")
def run(
    prometheus_bin: Path, promtool_bin: Path, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """A Prometheus that holds the recorded run."""
    folder = tmp_path_factory.mktemp("recorded")
    recorded = scrapes(data / "vllm-0.32" / "saturation-5s-scrapes.tar.xz")
    (folder / "run.om").write_text(openmetrics(recorded))
    subprocess.run(
        [promtool_bin, "tsdb", "create-blocks-from", "openmetrics", folder / "run.om", folder / "data"],
        check=True,
        capture_output=True,
    )
    server = RealPrometheus.start(prometheus_bin, folder, "", ["--storage.tsdb.retention.time=10y"])
    yield Run(server=server, first=recorded[0][0], last=recorded[-1][0])
    server.kill()


@pytest.fixture(scope="module")
def moments(run: Run) -> list[Moment]:
    """The whole run under policy wva-v1, a cycle every 15 seconds."""
    return replayed(run, SETTINGS)


@pytest.fixture(scope="module")
def default_moments(run: Run) -> list[Moment]:
    """The same under the default policy, for a variant of at most four replicas."""
    return replayed(
        run, parse(f"{SAID}variants: [{{name: llama, model: tiny-llama, namespace: llm, max: 4}}]\n", "test")
    )


def replayed(run: Run, settings: Settings) -> list[Moment]:
    """What a fleet would have been asked to be that never grew."""
    cycle, found = Cycle(settings), []
    past, groups = Arrivals.none(1), None
    for time in np.arange(run.first + 15.0, run.last, 15.0).tolist():
        outcome = cycle.decide(observe(run.server, settings, time))
        replicas = outcome.snapshot.replicas
        groups = groups or Groups.of(outcome.snapshot.fleet)
        past = flow(past, outcome.snapshot, groups, keep_seconds=300.0, scrape_seconds=5.0)
        seconds, came = (each[0] for each in past.between(np.array([time - 30.0]), np.array([time])))
        found.append(
            Moment(
                seconds=time - run.first,
                kv=float(replicas[Signal.KV_PEAK].value[0]),
                waiting=float(replicas[Signal.WAITING_PEAK].value[0]),
                target=outcome.plan.target.listed()[0],
                reason=outcome.plan.reasons[0],
                arrival_rps=float(came[0] / seconds[0]) if seconds[0] else 0.0,
            )
        )
    return found


def test_a_second_replica_is_asked_for_as_the_engine_saturates(moments: list[Moment]) -> None:
    """In the first cycle in which the recorded engine lacks headroom, and not before."""
    lacking = [m for m in moments if m.kv > 0.70 or m.waiting > 2]
    calm = [m for m in moments if m not in lacking and m.target is not None]
    assert len(lacking) >= 5
    assert lacking[0].reason is Reason.NO_HEADROOM
    assert all(m.target == 2 for m in lacking)  # and no third one while the second is on its way
    assert all(m.target == 1 for m in calm if m.seconds < lacking[0].seconds)


def test_the_request_for_more_comes_before_the_queue_is_long(moments: list[Moment]) -> None:
    """The recorded queue grows to hundreds; the second replica is asked for before it has a tenth of that."""
    first = next(m for m in moments if m.target == 2)
    longest = max(m.waiting for m in moments)
    assert longest > 200
    assert first.waiting < 0.1 * longest


def test_the_only_replica_is_never_given_up(moments: list[Moment]) -> None:
    """Drain and near silence end the run: one replica stays, and the one that never came is still waited for."""
    assert [m.reason for m in moments if m.target is None] == [Reason.COVERAGE] * 3  # until a window was full
    assert min(m.target for m in moments if m.target is not None) == 1
    assert moments[-1].target == 2
    assert moments[-1].reason is Reason.PENDING


def test_the_scrape_interval_is_measured_and_a_wrong_one_is_a_finding(run: Run) -> None:
    """The run was scraped every five seconds; a configuration that says 15 s, the default, is told so."""
    said = parse("", "test")
    [series] = run.server.query(interval_query(query_settings(said)), time=run.last)
    measured = float(series["value"][1])
    assert measured == pytest.approx(5.0, rel=0.02)
    outcome = Cycle(said).decide(observe(run.server, said, run.last))
    found = examine(outcome, said, Answer(labels=[Labels()], value=np.array([measured]))).findings
    assert any("engines are scraped every 5 s, scrape_interval says 15 s" in finding for finding in found)


@pytest.mark.parametrize(("seconds", "rps"), [(75, 2), (120, 6), (135, 6), (150, 6), (180, 14), (195, 14)])
def test_arrivals_are_seen_as_they_were_sent(default_moments: list[Moment], seconds: float, rps: float) -> None:
    """Flow balance finds the load of each phase within a fifth, also while hundreds wait and completions stand still."""
    [moment] = [m for m in default_moments if m.seconds == seconds]
    assert moment.arrival_rps == pytest.approx(rps, rel=0.2)


def test_an_engine_that_completes_its_queue_sees_no_arrivals(default_moments: list[Moment]) -> None:
    """Nobody comes while it drains: completions alone would call that a load."""
    drained = [m for m in default_moments if 240 <= m.seconds <= 255]
    assert [m.arrival_rps for m in drained] == [0, 0]
    assert all(m.waiting > 200 for m in drained)


def test_the_default_policy_asks_for_all_it_needs_before_the_queue_is_long(default_moments: list[Moment]) -> None:
    """Nothing is known of this model's service times, so its caches decide and say so; nothing is given back in the window."""
    known = [m for m in default_moments if m.target is not None]
    first = next(m for m in known if m.target > 1)
    assert all(m.target == 1 for m in known if m.seconds < first.seconds)
    assert first.reason is Reason.ALL_SATURATED
    assert first.waiting < 0.1 * max(m.waiting for m in known)
    assert next(m.target for m in known if m.seconds > first.seconds) == 4
    assert {m.target for m in known[-10:]} == {4}
    assert known[-1].reason is Reason.CAPACITY_UNKNOWN


def test_without_a_maximum_growth_ends_with_the_load(run: Run) -> None:
    """A fleet that never grows is not asked for without end: what it was asked for in the flood is the most."""
    targets = [m.target for m in replayed(run, parse(SAID, "test")) if m.target is not None]
    assert targets == sorted(targets)
    assert targets[-1] <= 64
