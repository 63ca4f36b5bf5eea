"""A restart forgets nothing that was learned: all of it is read back from a real Prometheus."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import structlog
from engine_farm import Engine, Farm
from exporter_process import Exporter
from real_prometheus import RealPrometheus

from wva_exporter.config.load import parse
from wva_exporter.core.queueing.points import point_of
from wva_exporter.service.warm_start import past_snapshots
from wva_exporter.service.wiring import source_of

CONFIG = """
prometheus: {{url: {url}}}
interval: 1s
scrape_interval: 1s
window_floor: 4s
default_namespace: llm
variants: [{{name: llama, model: tiny-llama, selector: {{pod: 'llama-.*'}}, max: 12, cost: 10}}]
"""
PARTS = ("wva_model_parameter", "wva_model_parameter_stddev")

Beliefs = dict[tuple[str, str], float]


@pytest.fixture
def farm() -> Iterator[Farm]:
    """Three engines at work."""
    farm = Farm().start()
    farm.add(*(Engine(pod=f"llama-{i}", kv=0.6) for i in range(3)))
    yield farm
    farm.stop()


def published(exporter: Exporter) -> Beliefs:
    """What its page says was learned."""
    return {(name, labels["parameter"]): value for name in PARTS for labels, value in exporter.series(name)}


def stored(server: RealPrometheus) -> Beliefs:
    """What the Prometheus saw last of it."""
    return {
        (name, row["metric"]["parameter"]): float(row["value"][1])
        for name in PARTS
        for row in server.query(f"last_over_time({name}[10m])")
    }


async def remembered(server: RealPrometheus) -> int:
    """How many points of the past the Prometheus gives back."""
    settings = parse(CONFIG.format(url=server.url), "wva.yaml")
    source = source_of(settings)
    try:
        time = (await source.observe()).time
        before = await past_snapshots(source, settings, time, structlog.stdlib.get_logger())
    finally:
        await source.close()
    return sum(int(point_of(one, np.array([256])).seen.usable.sum()) for one in before if len(one.fleet))


def scrape(server: RealPrometheus, farm: Farm, exporter: Exporter) -> None:
    """Let the Prometheus scrape the exporter's page as well."""
    host = exporter.url.removeprefix("http://")
    job = f"- job_name: wva\n  static_configs: [{{targets: ['{host}'], labels: {{namespace: ops}}}}]\n"
    (server.folder / "prometheus.yml").write_text(farm.prometheus_config() + job)
    urllib.request.urlopen(urllib.request.Request(f"{server.url}/-/reload", method="POST"), timeout=5).close()


def test_a_killed_exporter_goes_on_with_what_it_knew(farm: Farm, prometheus_bin: Path, tmp_path: Path) -> None:
    """The first page after it says the same of the engines and asks for the same replicas; later ones know no less."""
    server = RealPrometheus.start(prometheus_bin, tmp_path / "prometheus", farm.prometheus_config())
    exporters = [Exporter.start(tmp_path, CONFIG.format(url=server.url))]
    try:
        first = exporters[0]
        scrape(server, farm, first)
        first.wait(lambda: first.value("wva_desired_replicas") == 3 and first.reason() == "none", "a steady fleet")
        first.wait(lambda: len(published(first)) == 6, "something learned")
        server.wait_for("count_over_time(wva_model_parameter[10m]) >= 5")
        first.kill()
        before = stored(server)
        assert asyncio.run(remembered(server)) >= 5
        second = Exporter.start(tmp_path, CONFIG.format(url=server.url))
        exporters.append(second)
        second.wait(lambda: published(second) or second.value("wva_desired_replicas"), "a first page")
        assert published(second) == before
        second.wait(lambda: second.value("wva_desired_replicas") == 3, "the same target")
        second.wait(lambda: published(second) != before, "another lesson")
        for (name, parameter), value in published(second).items():
            spread = before[PARTS[1], parameter]
            assert value == pytest.approx(before[name, parameter], abs=0.5 * spread), (name, parameter)
        faults = [value for labels, value in second.series("wva_errors_total") if labels["component"] == "learning"]
        assert faults == [0.0]
        assert "the past of the engines is not read" not in second.log.read_text()
    finally:
        for exporter in exporters:
            exporter.kill()
        server.kill()
