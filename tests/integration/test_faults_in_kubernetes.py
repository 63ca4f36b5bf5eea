"""What happens when kube-state-metrics, the router or pods die while kube-state-metrics counts the replicas."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_farm import Engine, Farm, Workload
from exporter_process import Exporter, Watch
from fault_table import ROWS
from real_prometheus import RealPrometheus

SIZE = 6
CONFIG = """
prometheus: {{url: {url}}}
interval: 1s
scrape_interval: 1s
window_floor: 5s
hold: 1h
max_down_ratio_per_minute: 1
default_namespace: llm
policy: wva-v1
scale_to_zero: {{retention: 5s}}
variants:
  - {{name: llama, model: tiny-llama, workload: {{kind: Deployment, name: llama}}, min: 0, max: 12, cost: 10}}
"""


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    """Six engines of a Deployment that kube-state-metrics counts, behind a router."""
    farm = Farm(router_queue=0.0).start()
    heal(farm)
    yield farm
    farm.stop()


@pytest.fixture(scope="module")
def exporter(farm: Farm, prometheus_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """An exporter that decides them."""
    folder = tmp_path_factory.mktemp("kubernetes")
    server = RealPrometheus.start(prometheus_bin, folder / "prometheus", farm.prometheus_config(kube=True, router=True))
    exporter = Exporter.start(folder, CONFIG.format(url=server.url))
    settle(exporter)
    yield exporter
    exporter.kill()
    server.kill()


def heal(farm: Farm) -> None:
    """Everything as it was: six engines, none of them idle."""
    farm.engines.clear()
    farm.add(*(Engine(pod=f"llama-{i}", kv=0.60) for i in range(SIZE)))
    farm.workloads["llama"] = Workload(name="llama", spec=SIZE, ready=SIZE)
    farm.router_queue = 0.0


def settle(exporter: Exporter) -> None:
    """Wait until the fleet is decided on good data."""
    exporter.wait(
        lambda: exporter.value("wva_desired_replicas") == SIZE and exporter.reason() == "none",
        "a decision on good data",
    )


def proves(row: str, watch: Watch, *reasons: str) -> None:
    """What was published is what the table claims."""
    assert set(watch.targets) == {float(SIZE)}
    assert set(reasons) <= set(ROWS[row].reasons)


def test_decisions_go_on_without_kube_state_metrics(farm: Farm, exporter: Exporter) -> None:
    """The engines' own series count then."""
    with Watch(exporter=exporter) as watch:
        farm.workloads.clear()
        time.sleep(4)
        proves("kube-state-metrics", watch, exporter.reason())
        assert exporter.value("wva_current_replicas") == SIZE
        heal(farm)
        settle(exporter)


def test_a_dead_router_lowers_nothing(farm: Farm, exporter: Exporter) -> None:
    """The fleet is busy: its queue was never needed."""
    with Watch(exporter=exporter) as watch:
        farm.router_queue = None
        time.sleep(3)
        proves("router", watch, exporter.reason())
        heal(farm)


def test_a_dead_pod_is_missed_and_not_written_off(farm: Farm, exporter: Exporter) -> None:
    """Its successor is pending; the five that are left look idle."""
    with Watch(exporter=exporter) as watch:
        del farm.engines["llama-5"]
        farm.workloads["llama"].ready = SIZE - 1
        for engine in farm.engines.values():
            engine.kv, engine.running = 0.02, 1
        time.sleep(7)
        proves("pod", watch, exporter.reason())
        heal(farm)
        settle(exporter)


def test_all_pods_dead_hold_the_target(farm: Farm, exporter: Exporter) -> None:
    """Even where zero is allowed: silence is no proof of idleness."""
    with Watch(exporter=exporter) as watch:
        for engine in farm.engines.values():
            engine.status = 500
        farm.workloads["llama"].ready = 0
        time.sleep(8)
        proves("all-pods", watch, exporter.reason())
        heal(farm)
        settle(exporter)


def test_a_proven_idle_fleet_goes_to_zero_and_wakes(farm: Farm, exporter: Exporter) -> None:
    """The counter-test: with proof for the whole retention zero is reached, and a waiting request ends it."""
    for engine in farm.engines.values():
        engine.kv, engine.running = 0.0, 0
    farm.freeze()
    exporter.wait(lambda: exporter.value("wva_desired_replicas") == 0, "zero")
    farm.engines.clear()
    farm.workloads["llama"] = Workload(name="llama", spec=0, ready=0)
    exporter.wait(lambda: exporter.value("wva_current_replicas") == 0, "an empty fleet")
    time.sleep(3)
    assert exporter.value("wva_desired_replicas") == 0
    farm.router_queue = 3.0
    exporter.wait(lambda: exporter.value("wva_desired_replicas") == 1, "one replica")
