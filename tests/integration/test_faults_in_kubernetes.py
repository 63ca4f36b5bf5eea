"""What happens when kube-state-metrics, the router or pods die while kube-state-metrics counts the replicas."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_farm import Engine, Farm, Workload
from fault_stage import OUTLASTS_SECONDS, SIZE, Stage
from real_prometheus import RealPrometheus

CONFIG = """
prometheus: {{url: {url}}}
scale_to_zero: {{retention: 5s}}
variants:
  - {{name: llama, model: tiny-llama, workload: {{kind: Deployment, name: llama}}, min: 0, max: 12, cost: 10}}
"""


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    """Six engines of a Deployment that kube-state-metrics counts, behind a router."""
    farm = Farm(router_queue=0.0).start()
    farm.add(*(Engine(pod=f"llama-{i}") for i in range(SIZE)))
    heal(farm)
    yield farm
    farm.stop()


@pytest.fixture(scope="module")
def stage(farm: Farm, prometheus_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Exporters that decide them."""
    folder = tmp_path_factory.mktemp("kubernetes")
    server = RealPrometheus.start(prometheus_bin, folder / "prometheus", farm.prometheus_config(kube=True, router=True))
    stage = Stage.start(folder, CONFIG.format(url=server.url))
    stage.settle()
    yield stage
    stage.kill()
    server.kill()


def heal(farm: Farm) -> None:
    """Everything as it was: six engines, all of them at work; one that is missing is replaced."""
    farm.add(*(Engine(pod=pod) for pod in (f"llama-{i}" for i in range(SIZE)) if pod not in farm.engines))
    farm.busy()
    farm.workloads["llama"] = Workload(name="llama", spec=SIZE, ready=SIZE)
    farm.router_queue = 0.0


def test_decisions_go_on_without_kube_state_metrics(farm: Farm, stage: Stage) -> None:
    """The engines' own series count then."""
    with stage.nothing_falls("kube-state-metrics") as reasons:
        farm.workloads.clear()
        time.sleep(4)
        reasons.update(stage.reasons())
        counted = {exporter.value("wva_current_replicas") for exporter in stage.exporters.values()}
        assert counted == {SIZE}
        heal(farm)
        stage.settle()


def test_a_dead_router_lowers_nothing(farm: Farm, stage: Stage) -> None:
    """The fleet is busy: its queue was never needed."""
    with stage.nothing_falls("router") as reasons:
        farm.router_queue = None
        time.sleep(3)
        reasons.update(stage.reasons())
        heal(farm)


def test_a_dead_pod_is_missed_and_not_written_off(farm: Farm, stage: Stage) -> None:
    """Its successor is pending for longer than any window, and the five that are left do its work."""
    with stage.nothing_falls("pod") as reasons:
        del farm.engines["llama-5"]
        farm.workloads["llama"].ready = SIZE - 1
        for engine in farm.engines.values():
            engine.kv, engine.running, engine.rate = 0.81, 9.6, 2.88
        time.sleep(OUTLASTS_SECONDS)
        reasons.update(stage.reasons())
        heal(farm)
        stage.settle()


def test_all_pods_dead_hold_the_target(farm: Farm, stage: Stage) -> None:
    """Even where zero is allowed: silence is no proof of idleness."""
    with stage.nothing_falls("all-pods") as reasons:
        for engine in farm.engines.values():
            engine.status = 500
        farm.workloads["llama"].ready = 0
        time.sleep(OUTLASTS_SECONDS)
        reasons.update(stage.reasons())
        heal(farm)
        stage.settle()


def test_a_proven_idle_fleet_goes_to_zero_and_wakes(farm: Farm, stage: Stage) -> None:
    """The counter-test: with proof for the whole retention zero is reached, and a waiting request ends it."""
    farm.freeze()
    stage.wait(lambda exporter: exporter.value("wva_desired_replicas") == 0, "zero")
    farm.engines.clear()
    farm.workloads["llama"] = Workload(name="llama", spec=0, ready=0)
    stage.wait(lambda exporter: exporter.value("wva_current_replicas") == 0, "an empty fleet")
    time.sleep(3)
    stage.wait(lambda exporter: exporter.value("wva_desired_replicas") == 0, "zero still")
    farm.router_queue = 3.0
    stage.wait(lambda exporter: exporter.value("wva_desired_replicas") == 1, "one replica")
