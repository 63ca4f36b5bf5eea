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
from wva_exporter.engines.promql import interval_query, queries
from wva_exporter.errors import Reason
from wva_exporter.service.cycle import Cycle
from wva_exporter.service.examine import examine
from wva_exporter.service.wiring import query_settings
from wva_exporter.sources.samples import Answer, Labels, Observation

SETTINGS = parse("scrape_interval: 5s\nprometheus: {url: http://unused}\n", "test")
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
    """The whole run, a cycle every 15 seconds."""
    cycle, found = Cycle(SETTINGS), []
    for time in np.arange(run.first + 15.0, run.last, 15.0).tolist():
        outcome = cycle.decide(observe(run.server, SETTINGS, time))
        replicas = outcome.snapshot.replicas
        found.append(
            Moment(
                seconds=time - run.first,
                kv=float(replicas[Signal.KV_PEAK].value[0]),
                waiting=float(replicas[Signal.WAITING_PEAK].value[0]),
                target=outcome.plan.target.listed()[0],
                reason=outcome.plan.reasons[0],
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
