"""A second store answers every query of a cycle as Prometheus does: same series, same replicas, a decision."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_stage import NOWHERE, FleetThread
from exporter_process import Exporter
from jsonnet_bindings import rendered_fast
from real_prometheus import RealPrometheus
from victoria_metrics import VictoriaMetrics

from wva_exporter.cli.demo import scenario
from wva_exporter.cli.demo.configuration import exporter_file, prometheus_file
from wva_exporter.cli.demo.face import Addresses
from wva_exporter.cli.demo.processes import free_port
from wva_exporter.conventions import Signal
from wva_exporter.engines.promql import QuerySettings, queries
from wva_exporter.sources.prometheus import PrometheusSettings, PrometheusSource
from wva_exporter.sources.samples import Answer, Observation

pytestmark = pytest.mark.timeout(120)

SETTINGS = QuerySettings(
    short_window_seconds=scenario.WINDOW_FLOOR_SECONDS,
    long_window_seconds=10.0,
    scrape_interval_seconds=scenario.SCRAPE_SECONDS,
    hold_seconds=60.0,
)
SCRAPED = "count(count_over_time(vllm:num_requests_running[1m]) > 12) == 3"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Addresses]:
    """The demo's fleet at its base load."""
    thread = FleetThread()
    yield thread.start()
    thread.stop()


@pytest.fixture(scope="module")
def stores(
    fleet: Addresses, prometheus_bin: Path, victoria_metrics_bin: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[VictoriaMetrics, RealPrometheus]]:
    """Both stores, which have scraped the fleet for longer than every window."""
    config, folder = prometheus_file(around=fleet, exporter=NOWHERE), tmp_path_factory.mktemp("stores")
    victoria = VictoriaMetrics.start(victoria_metrics_bin, folder / "victoria", free_port(), config)
    try:
        prometheus = RealPrometheus.start(prometheus_bin, folder / "prometheus", config)
        try:
            prometheus.wait_for(SCRAPED)
            victoria.wait_for(SCRAPED)
            yield victoria, prometheus
        finally:
            prometheus.kill()
    finally:
        victoria.kill()


@pytest.fixture
def victoria(stores: tuple[VictoriaMetrics, RealPrometheus]) -> VictoriaMetrics:
    """The second store."""
    return stores[0]


@pytest.fixture
def prometheus(stores: tuple[VictoriaMetrics, RealPrometheus]) -> RealPrometheus:
    """The first."""
    return stores[1]


async def asked(url: str) -> Observation:
    """Everything that a cycle asks, asked once."""
    source = PrometheusSource(PrometheusSettings(url=url), lambda: queries(SETTINGS))
    try:
        return await source.observe()
    finally:
        await source.close()


def rows(answer: Answer) -> list[object]:
    """Whom an answer speaks of."""
    return sorted(answer.labels, key=repr)


async def test_every_query_of_a_cycle_is_answered_alike(victoria: VictoriaMetrics, prometheus: RealPrometheus) -> None:
    """No failure, no warning, and for every signal the same rows with the same labels."""
    theirs, ours = await asked(victoria.url), await asked(prometheus.url)
    assert {signal: answer.detail for signal, answer in theirs.answers.items() if answer.failure is not None} == {}
    assert all(answer.warnings == () for answer in theirs.answers.values())
    assert theirs.answers.keys() == ours.answers.keys() == set(Signal)
    for signal, answer in ours.answers.items():
        assert rows(theirs.answers[signal]) == rows(answer), signal
    assert {signal for signal, answer in ours.answers.items() if not len(answer)} <= NOT_IN_THE_DEMO


NOT_IN_THE_DEMO = {
    Signal.PREFIX_HIT_RATIO,
    Signal.POWER,
    Signal.NODES,
    Signal.ROUTER_ARRIVALS,
    Signal.ROUTER_OUTCOMES,
}


@pytest.mark.parametrize("signal", [Signal.KV_CAPACITY, Signal.UP, Signal.WORKLOADS, Signal.SCALERS, Signal.OWNERS])
async def test_what_does_not_move_has_the_same_value(
    victoria: VictoriaMetrics, prometheus: RealPrometheus, signal: Signal
) -> None:
    """Counts, bounds and capacities are equal to the last digit."""

    def values(answer: Answer) -> list[tuple[str, float]]:
        return sorted((repr(labels), value) for labels, value in zip(answer.labels, answer.value.tolist(), strict=True))

    theirs, ours = await asked(victoria.url), await asked(prometheus.url)
    assert values(theirs.answers[signal]) == values(ours.answers[signal])


@pytest.mark.parametrize("signal", [Signal.REQUEST_RATE, Signal.RUNNING, Signal.KV, Signal.INPUT_TOKENS, Signal.ITL])
async def test_what_moves_is_of_the_same_size(
    victoria: VictoriaMetrics, prometheus: RealPrometheus, signal: Signal
) -> None:
    """Fleet totals agree within what two scrapers see of a moving fleet."""
    theirs, ours = await asked(victoria.url), await asked(prometheus.url)
    assert theirs.answers[signal].value.sum() == pytest.approx(ours.answers[signal].value.sum(), rel=0.5)


@pytest.mark.parametrize("options", [{}, {"honorLabels": False, "compat": "exact", "costBudgetPerHour": 5}], ids=str)
def test_it_takes_every_rule(victoria: VictoriaMetrics, options: dict[str, object]) -> None:
    """It has an evaluator of its own, vmalert, which would ask them here."""
    for rule in rendered_fast(options).rules:
        victoria.query(rule["expr"])


def test_an_exporter_decides_by_it(victoria: VictoriaMetrics, fleet: Addresses, tmp_path: Path) -> None:
    """Both variants get a target on good data."""
    exporter = Exporter.start(tmp_path, exporter_file(prometheus=victoria.url, around=fleet))
    try:
        exporter.wait(lambda: len(exporter.series("wva_desired_replicas")) == len(scenario.VARIANTS), "two targets")
        exporter.wait(
            lambda: {labels["reason"] for labels, _ in exporter.series("wva_decision_hold")} == {"none"},
            "decisions on good data",
        )
    finally:
        exporter.kill()
