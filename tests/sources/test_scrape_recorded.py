"""The recorded run of a vLLM into saturation, scraped by ourselves, and the same run in a real Prometheus: equal numbers."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from real_prometheus import RealPrometheus
from scrape_stage import Clock, page, recorded_run, scraping, serving, values

from wva_exporter.conventions import Signal
from wva_exporter.engines import kubernetes, router
from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.promql import QuerySettings, queries
from wva_exporter.engines.table import Window
from wva_exporter.sources.exposition import labels_of, read
from wva_exporter.sources.fetch import Body
from wva_exporter.sources.readings import names_of
from wva_exporter.sources.samples import Labels
from wva_exporter.sources.scrape import ScrapeSettings, ScrapeSource
from wva_exporter.sources.scraped import Tally
from wva_exporter.sources.target_state import Reach, TargetState
from wva_exporter.sources.targets import target_of

INTERVAL, SHORT, LONG, HOLD = 5.0, 60.0, 300.0, 600.0
NAMES = frozenset(
    {name for engine in ENGINES for names in names_of(engine).values() for name in names}
    | {name for names in kubernetes.NAMES.values() for name in names}
    | set(router.QUEUE_SIZE)
)


async def test_the_recorded_run_reads_as_it_went(data: Path) -> None:
    """Scraped over HTTP at its own times: idle, full with a queue, then a minute of 3.5 requests a second, then idle again."""
    clock = Clock()
    async with serving({}) as (pages, address):
        settings = ScrapeSettings(targets=(address,), scrape_interval_seconds=INTERVAL)
        async with scraping(ScrapeSource(settings, clock=clock)) as source:
            seen = {}
            for number, (time, content) in enumerate(recorded_run(data)):
                clock.now, pages["/metrics"] = time, content
                await source.scrape()
                clock.now += 0.5
                if number in (2, 40, 71):
                    observation = await source.observe()
                    seen[number] = {signal: values(observation, signal).get(address) for signal in Signal}
            capacity = (await source.observe()).answers[Signal.KV_CAPACITY].labels[0]
    first, full, last = seen[2], seen[40], seen[71]
    assert (first[Signal.RUNNING], first[Signal.WAITING], first[Signal.KV_PEAK]) == (0, 0, 0)
    assert first[Signal.COVERAGE] == 0.25
    assert first[Signal.TTFT] is None
    assert (full[Signal.RUNNING], full[Signal.WAITING], full[Signal.WAITING_PEAK]) == (13, 291, 291)
    assert (full[Signal.KV_PEAK], full[Signal.COVERAGE], full[Signal.AGE]) == (1.0, 1.0, 0.5)
    assert full[Signal.KV] == pytest.approx(0.98, abs=0.02)
    assert full[Signal.INPUT_TOKENS] == pytest.approx(423613 / 1001, rel=0.05)
    assert (last[Signal.RUNNING], last[Signal.WAITING], last[Signal.UP]) == (0, 0, 1)
    assert (capacity.engine, capacity.num_gpu_blocks, capacity.block_size) == ("0", "80", "128")


def scrapes_of(run: list[tuple[float, bytes]], kind: str) -> Iterator[tuple[float, bytes]]:
    """The run as another pod would have had it; a time without a page is left out."""
    surroundings = page(
        'kube_deployment_spec_replicas{namespace="llm",deployment="d"} 2',
        'kube_pod_owner{namespace="llm",pod="plain",owner_kind="ReplicaSet",owner_name="d-1"} 1',
        'kube_pod_owner{namespace="elsewhere",pod="stranger",owner_kind="ReplicaSet",owner_name="s-1"} 1',
        'kube_replicaset_owner{namespace="llm",replicaset="d-1",owner_kind="Deployment",owner_name="d"} 1',
        'kube_replicaset_owner{namespace="elsewhere",replicaset="s-1",owner_kind="Deployment",owner_name="s"} 1',
        'kube_pod_status_ready{namespace="llm",pod="ranks",condition="true"} 1',
        'kube_pod_status_ready{namespace="llm",pod="ranks",condition="false"} 0',
        'kube_horizontalpodautoscaler_info{namespace="llm",horizontalpodautoscaler="h",scaletargetref_name="d"} 1',
        'inference_extension_flow_control_queue_size{model_name="tiny-llama",priority="0"} 7',
        'inference_extension_flow_control_queue_size{model_name="tiny-llama",priority="1"} 2',
    )
    for number, (time, content) in enumerate(run):
        match kind:
            case "plain":
                yield time, content
            case "restarts":  # what it had counted is lost; two scrapes fail meanwhile
                if number not in (29, 30):
                    yield time, run[number - 31][1] if number > 30 else content
            case "ranks":
                later = run[min(number + 7, len(run) - 1)][1].replace(b'engine="0"', b'engine="1"')
                yield time, content + later
            case "old":
                yield time, content.replace(b"kv_cache_usage", b"gpu_cache_usage").replace(b"inter_token", b"x")
            case "beside":
                yield time, surroundings


def openmetrics(pods: dict[str, list[tuple[float, bytes]]], labels: dict[str, dict[str, str]]) -> Iterator[str]:
    """What promtool needs to make the blocks that a Prometheus with these targets would have."""
    for pod, scrapes in pods.items():
        for time, content in scrapes:
            for name, found in read(content, "text/plain", NAMES).samples.items():
                for series, value in found.items():
                    exposed = labels_of(series)
                    kube = name.startswith("kube_")
                    every = {**labels[pod], **exposed} if kube else {**exposed, **labels[pod]}
                    text = ",".join(f'{key}="{text}"' for key, text in every.items())
                    yield f"{name}{{{text}}} {value!r} {time:.3f}"
            text = ",".join(f'{key}="{text}"' for key, text in labels[pod].items())
            yield f"up{{{text}}} 1 {time:.3f}"
    yield "# EOF\n"


Rows = dict[Signal, dict[Labels, float]]


def ours(states: list[TargetState], now: float) -> Rows:
    """Our rows at this time."""
    tally = Tally(ENGINES, now, "default")
    for state in states:
        tally.add(state)
    answers = tally.observation(()).answers
    return {signal: dict(zip(answer.labels, answer.value.tolist(), strict=True)) for signal, answer in answers.items()}


def theirs(server: RealPrometheus, now: float) -> Rows:
    """Its rows at this time, to the same signals."""
    settings = QuerySettings(
        short_window_seconds=SHORT, long_window_seconds=LONG, scrape_interval_seconds=INTERVAL, hold_seconds=HOLD
    )
    rows: Rows = {signal: {} for signal in Signal}
    for query in queries(settings):
        for series in server.query(query.promql, time=now):
            labels = msgspec.convert(series["metric"], Labels)
            value = float(series["value"][1])
            signal = query.split.get(labels.metric or labels.engine_type, query.signal)
            if math.isfinite(value):
                rows[signal][labels] = value
    return rows


def test_every_row_is_what_a_real_prometheus_answers(
    data: Path, tmp_path: Path, promtool_bin: Path, prometheus: Callable[..., RealPrometheus]
) -> None:
    """Five pods: a plain one, one that restarts, one of two ranks, one with old names, and what is beside engines."""
    run = [(round(time, 3), content) for time, content in recorded_run(data)]
    pods = {kind: list(scrapes_of(run, kind)) for kind in ("plain", "restarts", "ranks", "old", "beside")}
    reach = Reach(windows={Window.SHORT: SHORT, Window.LONG: LONG}, interval_seconds=INTERVAL, hold_seconds=HOLD)
    targets = {kind: target_of(f"{kind}:8000", {"namespace": "llm", "pod": kind, "job": "vllm"}) for kind in pods}
    targets["beside"] = target_of("beside:8000", {"namespace": "llm", "job": "beside"})

    source = tmp_path / "run.om"
    source.write_text("\n".join(openmetrics(pods, {kind: dict(target.labels) for kind, target in targets.items()})))
    blocks = tmp_path / "prometheus-0" / "data"
    command = [promtool_bin, "tsdb", "create-blocks-from", "openmetrics", source, blocks]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    server = prometheus()

    states = {kind: TargetState(target, ENGINES, reach) for kind, target in targets.items()}
    compared = 0
    for number, (time, _) in enumerate(run):
        for kind, state in states.items():
            if (content := dict(pods[kind]).get(time)) is not None:
                state.record(state.understand(Body(content=content, content_type="")), time)
        if number in (1, 9, 26, 31, 33, 44, 60, 71):
            now = time + 1.7
            mine, real = ours(list(states.values()), now), theirs(server, now)
            for signal in Signal:
                tolerance = (
                    {"abs": 1.01 * INTERVAL / SHORT} if signal is Signal.COVERAGE else {"rel": 1e-6, "abs": 1e-6}
                )
                assert mine[signal] == pytest.approx(real[signal], **tolerance), (number, signal)
                compared += len(real[signal])
    assert compared > 400
