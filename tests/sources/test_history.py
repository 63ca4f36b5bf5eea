"""What a real Prometheus remembers: our own series read back, and engines' pasts as points."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from core.learning.engines import START, Law
from publish.plans import CHEAP, DEAR, plan_of
from real_prometheus import RealPrometheus

from wva_exporter.cli import main
from wva_exporter.config.catalogue import parse_catalogue
from wva_exporter.core.decision import Plan
from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.learning import Learned
from wva_exporter.engines.own import learned_query
from wva_exporter.engines.promql import QuerySettings
from wva_exporter.errors import ConfigError
from wva_exporter.publish.board import Board
from wva_exporter.sources.decode import LabelMemory, decode
from wva_exporter.sources.history import Range
from wva_exporter.sources.learned import learned_of
from wva_exporter.sources.samples import Answer, Labels

SETTINGS = QuerySettings(
    short_window_seconds=60.0, long_window_seconds=300.0, scrape_interval_seconds=15.0, hold_seconds=600.0
)
Prometheus = Callable[..., RealPrometheus]


def backfill(promtool: Path, folder: Path, lines: Iterable[str]) -> None:
    """Blocks from OpenMetrics text, where ``prometheus`` will start its first server."""
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "history.om"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", text, folder / "data"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def published(plan: Plan, time: float) -> list[str]:
    """The learned series of a plan's page as samples of that time, as a scrape without ``honorLabels`` stores them."""
    board = Board()
    board.swap(plan)
    lines = [line for line in board.text().decode().splitlines() if line.startswith("wva_model_parameter")]
    return [re.sub(r"\bnamespace=", "exported_namespace=", line) + f" {time}" for line in lines]


def test_what_was_published_is_read_back_to_the_last_bit(
    promtool_bin: Path, prometheus: Prometheus, tmp_path: Path
) -> None:
    """Two publications, found by their age; namespaces survive a scrape that renames them."""
    rng = np.random.default_rng(5)
    plans = []
    for _ in range(2):
        plan = plan_of(CHEAP, DEAR)
        mean = rng.uniform(1e-9, 1e-2, (2, 3))
        began = plan.learned.began_at if plan.learned is not None else None
        assert began is not None
        object.__setattr__(plan, "learned", Learned(belief=Belief.of(mean, mean / 7.0), began_at=began))
        plans.append(plan)
    early, late = START, START + 300.0
    lines = sorted([*published(plans[0], early), *published(plans[1], late)], key=lambda line: line.partition("{")[0])
    backfill(promtool_bin, tmp_path / "prometheus-0", lines)
    server = prometheus("", "--storage.tsdb.retention.time=100y")
    for ago, plan in ((0.0, plans[1]), (200.0, plans[0])):
        found = server.query(learned_query(SETTINGS, ago), time=START + 400.0)
        labels = [Labels(**renamed(row["metric"])) for row in found]
        answer = Answer(labels=labels, value=np.array([float(row["value"][1]) for row in found]))
        back = learned_of(plan.fleet, answer)
        assert plan.learned is not None
        assert back.belief.mean_seconds.tolist() == plan.learned.belief.mean_seconds.tolist()
        assert back.belief.stddev_seconds.tolist() == plan.learned.belief.stddev_seconds.tolist()
        assert back.began_at.listed() == plan.learned.began_at.listed()


def renamed(metric: dict[str, str]) -> dict[str, str]:
    """Labels by the names of ``Labels``' fields."""
    return {("metric" if name == "__name__" else name): value for name, value in metric.items()}


def test_the_live_decoder_keeps_what_reading_back_needs() -> None:
    """Name, variant, parameter and both namespaces come through the decoder that every answer passes."""
    body = (
        b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"wva_model_parameter",'
        b'"variant_name":"llama-a100","exported_namespace":"llm","namespace":"ops","model_name":"m","parameter":"alpha"},'
        b'"value":[1,"0.007"]}]}}'
    )
    labels = decode(body, LabelMemory()).labels[0]
    assert (labels.metric, labels.variant_name, labels.parameter) == ("wva_model_parameter", "llama-a100", "alpha")
    assert (labels.exported_namespace, labels.namespace) == ("llm", "ops")


def test_a_part_that_is_missing_makes_the_whole_unknown() -> None:
    """Two parameters of three are nothing to go on; a stranger's series change nothing."""
    plan = plan_of(CHEAP)
    rows = [("llama-a100", "alpha"), ("llama-a100", "beta"), ("stranger", "gamma")]
    labels = [
        Labels(metric="wva_model_parameter", namespace="llm", variant_name=name, parameter=parameter)
        for name, parameter in rows
    ]
    assert not learned_of(plan.fleet, Answer(labels=labels, value=np.ones(3))).belief.known.any()


LABELS = '{namespace="llm",model_name="acme/brain",pod="p-0",instance="p-0:8000",job="vllm"}'


def vllm_history(law: Law, minutes: int) -> list[str]:
    """The counters of one engine whose load changes every five minutes, a scrape every 15 s."""
    loads = np.repeat([0.2, 0.75, 0.45, 0.9, 0.3, 0.6], 20)[: minutes * 4]
    says = analyze(law.system(law.seconds), law.capacity() * loads)
    rate = says.throughput_rps
    each = {
        "vllm:request_success_total": rate,
        "vllm:generation_tokens_total": rate * law.out_tokens,
        "vllm:request_prompt_tokens_sum": rate * law.in_tokens,
        "vllm:request_prompt_tokens_count": rate,
        "vllm:request_generation_tokens_sum": rate * law.out_tokens,
        "vllm:request_generation_tokens_count": rate,
        "vllm:time_to_first_token_seconds_sum": rate * says.ttft_seconds,
        "vllm:time_to_first_token_seconds_count": rate,
        "vllm:inter_token_latency_seconds_sum": rate * law.out_tokens * says.itl_seconds,
        "vllm:inter_token_latency_seconds_count": rate * law.out_tokens,
    }
    columns = {name: np.cumsum(values * 15.0) for name, values in each.items()}
    columns["vllm:num_requests_running"] = says.in_service
    columns["vllm:num_requests_waiting"] = says.in_queue
    return [
        f"{name}{LABELS} {value} {START + 15.0 * place}"
        for name, values in columns.items()
        for place, value in enumerate(values.tolist())
    ]


def test_a_range_of_a_prometheus_is_fitted(
    promtool_bin: Path, prometheus: Prometheus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half an hour of an engine's own series gives back the engine."""
    law, profile = Law(), tmp_path / "profile.yaml"
    backfill(promtool_bin, tmp_path / "prometheus-0", vllm_history(law, 30))
    server = prometheus("", "--storage.tsdb.retention.time=100y")
    asked = ["--start", f"{START + 120}", "--end", f"{START + 1700}", "--step", "60s", "--output", str(profile)]
    assert main(["fit", "--prometheus.url", server.url, "--model", "acme/brain", *asked]) == 0
    assert "points" in capsys.readouterr().out
    found = parse_catalogue(profile.read_text(), "profile.yaml").guess(["acme/brain"], ["unnamed"], [1])
    assert law.capacity(found.mean_seconds[0]) == pytest.approx(law.capacity(), rel=0.05)
    assert main(["fit", "--prometheus.url", server.url, "--model", "nobody", *asked]) == 2
    assert "has no series of nobody" in capsys.readouterr().err


def test_a_prometheus_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 3, no traceback."""
    asked = ["--model", "m", "--start", "1700000000", "--end", "1700003600"]
    assert main(["fit", "--prometheus.url", "http://127.0.0.1:1", *asked]) == 3
    said = capsys.readouterr().err
    assert "http://127.0.0.1:1 does not answer" in said
    assert len(said.splitlines()) == 1


def test_a_range_holds_a_step() -> None:
    """An end before its beginning asks for nothing."""
    with pytest.raises(ConfigError, match="at least one step"):
        Range(url="http://x", model="m", start=10.0, end=5.0, step_seconds=1.0)
