"""From a vLLM's page over a real Prometheus to the numbers of every signal, checked against the page by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from engine_pages import Sample, as_early_v1, as_v0, grown, recorded, text, with_ranks
from real_prometheus import RealPrometheus

from wva_exporter.conventions import REPLICA_SIGNALS, Signal
from wva_exporter.engines.promql import QuerySettings, queries
from wva_exporter.sources.prometheus import PrometheusSettings, PrometheusSource
from wva_exporter.sources.samples import Answer, Labels, Observation

SCRAPES_PER_SECOND = 2
SETTINGS = QuerySettings(
    short_window_seconds=4 / SCRAPES_PER_SECOND,
    long_window_seconds=6 / SCRAPES_PER_SECOND,
    scrape_interval_seconds=1 / SCRAPES_PER_SECOND,
    hold_seconds=60.0,
)

GROWTH = {
    "vllm:request_success_total": 2.0,
    "vllm:generation_tokens_total": 100.0,
    "vllm:request_prompt_tokens_sum": 800.0,
    "vllm:request_prompt_tokens_count": 2.0,
    "vllm:request_generation_tokens_sum": 200.0,
    "vllm:request_generation_tokens_count": 2.0,
    "vllm:time_to_first_token_seconds_sum": 1.0,
    "vllm:time_to_first_token_seconds_count": 2.0,
    "vllm:inter_token_latency_seconds_sum": 0.5,
    "vllm:inter_token_latency_seconds_count": 50.0,
    "vllm:prefix_cache_hits_total": 40.0,
    "vllm:prefix_cache_queries_total": 160.0,
}
"""Increase of each counter from one scrape to the next."""

LEVELS: dict[str, Callable[[int], float]] = {
    "vllm:num_requests_running": float,
    "vllm:num_requests_waiting": lambda rank: 10.0 * rank,
    "vllm:kv_cache_usage_perc": lambda rank: rank / 10,
}

PAGES: dict[str, Callable[[Sequence[Sample]], Sequence[Sample]]] = {
    "now": lambda page: page,
    "ranks": lambda page: with_ranks(page, 8, LEVELS),
    "v0": as_v0,
    "early": as_early_v1,
    "failing": lambda page: page,
}
ALIVE = ("now", "ranks", "v0", "early")


class Engines(ThreadingHTTPServer):
    """Serves the page of each path, its counters grown by one step a scrape; ``failing`` answers 500 from the third on."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = recorded("saturated")
        self.scraped: dict[str, int] = {}

    def say(self, path: str) -> str | None:
        """The page of a path now."""
        times = self.scraped[path] = self.scraped.get(path, 0) + 1
        if path == "failing" and times > 2:
            return None
        if path not in PAGES:
            return "something_else 1\n"
        return text(PAGES[path](grown(self.page, GROWTH, times)))


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """One scrape."""
        assert isinstance(self.server, Engines)
        page = self.server.say(self.path.rpartition("/")[2])
        self.send_response(500 if page is None else 200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write((page or "").encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


def configuration(port: int) -> str:
    """Every page as a pod of one job, which its relabelling names."""
    groups = "".join(
        f"""
      - targets: ['127.0.0.1:{port}']
        labels: {{namespace: llm, pod: {name}, llm_d_ai_variant: llama-a100, __metrics_path__: /{name}}}"""
        for name in PAGES
    )
    return f"""
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - job_name: engines
    static_configs:{groups}
  - job_name: nothing-of-ours
    static_configs: [{{targets: ['127.0.0.1:{port}'], labels: {{__metrics_path__: /nothing}}}}]
"""


@pytest.fixture(scope="module")
def server(prometheus_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    """A real Prometheus whose long windows are full of scrapes of every page."""
    engines = Engines()
    serving = threading.Thread(target=engines.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    folder = tmp_path_factory.mktemp("prometheus")
    running = RealPrometheus.start(prometheus_bin, folder, configuration(engines.server_address[1]))
    try:
        running.wait_for('count(count_over_time(up{job="engines"}[1m]) > 7) == 5')
        yield running
    finally:
        running.kill()
        engines.shutdown()
        serving.join()
        engines.server_close()


@pytest.fixture
async def seen(server: RealPrometheus) -> Observation:
    """Everything asked once."""
    source = PrometheusSource(PrometheusSettings(url=server.url), lambda: queries(SETTINGS))
    try:
        return await source.observe()
    finally:
        await source.close()


def by_pod(answer: Answer) -> dict[str, float]:
    """The value of each pod; a signal with one row a pod."""
    found = {labels.pod: value for labels, value in zip(answer.labels, answer.value.tolist(), strict=True)}
    assert len(found) == len(answer)
    return found


def test_every_signal_answers_without_failure_or_warning(seen: Observation) -> None:
    """Those of a cluster that is not there are empty and not errors."""
    assert {signal: answer.detail for signal, answer in seen.answers.items() if answer.failure is not None} == {}
    assert all(answer.warnings == () and answer.dropped == 0 for answer in seen.answers.values())
    assert seen.answers.keys() == set(Signal)
    cluster = {Signal.WORKLOADS, Signal.OWNERS, Signal.PODS, Signal.SCALERS, Signal.NODES, Signal.POWER}
    routers = {Signal.ROUTER_QUEUE, Signal.ROUTER_ARRIVALS, Signal.ROUTER_OUTCOMES}
    assert {signal for signal, answer in seen.answers.items() if not len(answer)} == cluster | routers
    assert abs(seen.skew) < 1.0
    assert abs(seen.time - time.time()) < 5.0


def test_rows_name_the_replica_by_the_labels_of_its_target(seen: Observation) -> None:
    """The grouping labels, the engine, and no rank where ranks are merged."""
    for signal in set(REPLICA_SIGNALS) - {Signal.KV, Signal.KV_CAPACITY, Signal.POWER}:
        labels = next(labels for labels in seen.answers[signal].labels if labels.pod == "now")
        assert labels == Labels(
            namespace="llm",
            pod="now",
            instance=labels.instance,
            job="engines",
            model_name="tiny-llama",
            llm_d_ai_variant="llama-a100",
            engine_type="vllm",
        )
        assert labels.instance.startswith("127.0.0.1:")


def alive(answer: Answer) -> dict[str, float]:
    """Without the pod that fell silent: its window may, or may not, still hold samples."""
    return {pod: value for pod, value in by_pod(answer).items() if pod != "failing"}


def test_levels_are_those_of_the_page(seen: Observation) -> None:
    """78 of 79 usable blocks, 148 waiting, 15 running; eight ranks summed, or the worst of them."""
    usage = 78 / 79
    peaks = alive(seen.answers[Signal.KV_PEAK])
    assert peaks == pytest.approx({"now": usage, "ranks": 0.7, "v0": usage, "early": usage})
    assert alive(seen.answers[Signal.WAITING_PEAK]) == {"now": 148.0, "ranks": 70.0, "v0": 148.0, "early": 148.0}
    # the silent pod's last samples are in no answer about now
    assert by_pod(seen.answers[Signal.WAITING]) == {"now": 148.0, "ranks": 280.0, "v0": 148.0, "early": 148.0}
    assert by_pod(seen.answers[Signal.RUNNING]) == {"now": 15.0, "ranks": 28.0, "v0": 15.0, "early": 15.0}


def test_ranks_stay_apart_where_they_are_weighted_later(seen: Observation) -> None:
    """Mean use and memory have a row each; V0 does not number its engine."""
    use = {(row.pod, row.engine): value for row, value in zip(*rows(seen, Signal.KV), strict=True)}
    expected = {("ranks", str(rank)): rank / 10 for rank in range(8)}
    assert use == pytest.approx({**expected, ("now", "0"): 78 / 79, ("early", "0"): 78 / 79, ("v0", ""): 78 / 79})
    capacity = {
        (row.pod, row.engine): (row.num_gpu_blocks, row.block_size) for row in rows(seen, Signal.KV_CAPACITY)[0]
    }
    assert capacity == dict.fromkeys(use, ("80", "128"))
    assert all(row.model_name == "" for row in rows(seen, Signal.KV_CAPACITY)[0])


def rows(seen: Observation, signal: Signal) -> tuple[list[Labels], list[float]]:
    """The rows of a signal without those of the pod that fell silent."""
    answer = seen.answers[signal]
    kept = [i for i, labels in enumerate(answer.labels) if labels.pod != "failing"]
    return [answer.labels[i] for i in kept], answer.value[kept].tolist()


def test_rates_are_the_growth_per_second(seen: Observation) -> None:
    """Two requests from scrape to scrape, 50 tokens each; eight ranks finish eight times as much."""
    rate = 2.0 * SCRAPES_PER_SECOND
    finished = {"now": rate, "ranks": 8 * rate, "v0": rate, "early": rate}
    assert alive(seen.answers[Signal.REQUEST_RATE]) == pytest.approx(finished, rel=0.4)
    tokens = {pod: 50 * each for pod, each in finished.items()}
    assert alive(seen.answers[Signal.GENERATION_TOKEN_RATE]) == pytest.approx(tokens, rel=0.4)


@pytest.mark.parametrize(
    ("signal", "mean"),
    [
        (Signal.INPUT_TOKENS, 400.0),
        (Signal.OUTPUT_TOKENS, 100.0),
        (Signal.TTFT, 0.5),
        (Signal.ITL, 0.01),
    ],
)
def test_means_are_growth_of_the_sum_over_growth_of_the_count(seen: Observation, signal: Signal, mean: float) -> None:
    """Under whichever name a version exposes them."""
    assert alive(seen.answers[signal]) == pytest.approx(dict.fromkeys(ALIVE, mean))


def test_the_share_of_prefix_hits_is_known_where_it_is_counted(seen: Observation) -> None:
    """V0 has a gauge of its own kind instead, which is not read."""
    shares = alive(seen.answers[Signal.PREFIX_HIT_RATIO])
    assert shares == pytest.approx({"now": 0.25, "ranks": 0.25, "early": 0.25})


def test_who_answers_has_a_small_age_and_full_windows(seen: Observation) -> None:
    """The pod that fell silent has no age: it is not there now."""
    ages = by_pod(seen.answers[Signal.AGE])
    assert set(ages) == set(ALIVE)
    assert all(0.0 <= age < 3.0 for age in ages.values())
    assert all(covered >= 0.5 for covered in alive(seen.answers[Signal.COVERAGE]).values())


def test_a_target_that_fails_is_down_and_was_seen(seen: Observation) -> None:
    """Which makes it a replica that exists and is unknown; targets of other jobs are none of ours."""
    assert by_pod(seen.answers[Signal.UP]) == {**dict.fromkeys(ALIVE, 1.0), "failing": 0.0}
    kinds = {(row.pod, row.engine_type, row.job) for row in seen.answers[Signal.SEEN].labels}
    assert kinds == {(pod, tag, "engines") for pod in PAGES for tag in ("vllm", "up")}
