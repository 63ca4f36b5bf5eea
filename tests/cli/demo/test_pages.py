"""The demo's pages look like the real ones: names, types and labels of a recorded vLLM, and what is read around it."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from wva_exporter.cli.demo.engine_page import engine_page
from wva_exporter.cli.demo.surroundings_page import kubernetes_page, router_page
from wva_exporter.engines import kubernetes, router
from wva_exporter.engines.table import Balance, Mean, Reading
from wva_exporter.engines.vllm import VLLM
from wva_exporter.twin.engine import Engine
from wva_exporter.twin.fleet import Fleet, VariantSpec
from wva_exporter.twin.hpa import Autoscaler
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.requests import Request

EPOCH = 1_700_000_000.0
PARAMETERS = EngineParameters(
    alpha_seconds=0.01, beta_seconds_per_token=2e-5, gamma_seconds_per_resident_token=5e-8, kv_blocks=80
)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def busy_engine() -> Engine:
    """An engine that has served some requests and has some inside."""
    engine = Engine(PARAMETERS, started_at=2.0)
    for number in range(40):
        at = 2.0 + number / 10
        engine.advance(at)
        engine.submit(Request(arrival_seconds=at, prompt_tokens=100, output_tokens=60), at)
    return engine


def vllm_page(engine: Engine) -> str:
    """Its page."""
    return engine_page(engine, model="llama", epoch=EPOCH).decode()


def shape(page: str) -> set[tuple[str, str, frozenset[tuple[str, frozenset[str]]]]]:
    """Families with their types, and each sample's name with the names of its labels."""
    return {
        (family.name, family.type, frozenset((s.name, frozenset(s.labels)) for s in family.samples))
        for family in text_string_to_metric_families(page)
    }


def samples(page: bytes) -> Samples:
    """Values by name and labels."""
    families = text_string_to_metric_families(page.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def values(page: bytes, name: str, **labels: str) -> list[float]:
    """The values of the series of this name with these labels."""
    return [value for (n, own), value in samples(page).items() if n == name and labels.items() <= dict(own).items()]


def fleet(replicas: int = 2) -> Fleet:
    """One variant."""
    variant = VariantSpec(
        name="llama",
        accelerator="A100",
        parameters=PARAMETERS,
        cost_per_hour=1.0,
        replicas=replicas,
        startup_seconds=5.0,
    )
    return Fleet([variant], np.random.default_rng(1), grace_seconds=60.0, detail=True)


def around(it: Fleet) -> bytes:
    """The page of kube-state-metrics."""
    return kubernetes_page(it, {"llama": Autoscaler(minimum=1, maximum=9)}, namespace="llm", epoch=EPOCH)


def test_a_replica_exposes_what_a_recorded_vllm_does(data: Path) -> None:
    """Every family of the real page with its type and its labels, and none besides."""
    assert shape(vllm_page(busy_engine())) == shape((data / "vllm-0.32" / "busy.prom").read_text())


def test_an_idle_replica_already_exposes_every_series_at_zero() -> None:
    """Counters and histograms are there from the start, as in vLLM, so that their first increase is seen."""
    assert shape(vllm_page(Engine(PARAMETERS))) == shape(vllm_page(busy_engine()))
    assert values(
        engine_page(Engine(PARAMETERS), model="llama", epoch=EPOCH), "vllm:e2e_request_latency_seconds_count"
    ) == [0]


def test_promtool_says_of_it_what_it_says_of_the_recorded_page(promtool_bin: Path, data: Path) -> None:
    """The page is well-formed; vLLM's names with colons are vLLM's."""

    def complaints(page: str) -> set[str]:
        done = subprocess.run(
            [promtool_bin, "check", "metrics"], input=page, capture_output=True, text=True, check=False
        )
        return set(done.stderr.splitlines())

    assert complaints(vllm_page(busy_engine())) == complaints((data / "vllm-0.32" / "busy.prom").read_text())


def first_names(reading: Reading) -> tuple[str, ...]:
    """What a reading prefers to be made of."""
    if isinstance(reading, Balance):
        return (reading.ended[0], *reading.inside)
    first = reading.names[0]
    return first if isinstance(first, tuple) else (first,)


def test_every_series_that_the_engine_table_reads_is_there() -> None:
    """The first name of each reading."""
    names = {name for name, _ in samples(vllm_page(busy_engine()).encode())}
    for reading in VLLM.readings.values():
        wanted = first_names(reading)
        for name in wanted:
            assert (f"{name}_sum" if isinstance(reading, Mean) else name) in names


def test_the_numbers_are_those_of_the_engine() -> None:
    """Levels, counters, and a mean that a query would compute."""
    engine = busy_engine()
    page = vllm_page(engine).encode()
    assert values(page, "vllm:num_requests_running") == [engine.running]
    assert values(page, "vllm:num_requests_waiting") == [engine.waiting]
    assert values(page, "vllm:kv_cache_usage_perc") == [pytest.approx(engine.kv_usage_ratio)]
    assert values(page, "vllm:generation_tokens_total") == [engine.meter.generation_tokens]
    assert sum(values(page, "vllm:request_success_total")) == engine.meter.finished > 0
    assert values(page, "vllm:time_to_first_token_seconds_count") == [engine.meter.first_token.count]
    assert values(page, "vllm:cache_config_info", num_gpu_blocks="80", block_size="16") == [1]
    assert values(page, "process_start_time_seconds") == [EPOCH + 2.0]


def test_kube_state_metrics_counts_pods_as_they_start_serve_and_go() -> None:
    """A pod that is to go keeps its owner and has a deletion time, and its Deployment no longer counts it."""
    it = fleet(2)
    it.submit(Request(arrival_seconds=0.0, prompt_tokens=100, output_tokens=500))
    it.scale("llama", 3)
    for name, count in (
        (kubernetes.DEPLOYMENT_SPEC, 3),
        (kubernetes.DEPLOYMENT_CURRENT, 3),
        (kubernetes.DEPLOYMENT_READY, 2),
    ):
        assert values(around(it), name, namespace="llm", deployment="llama") == [count]
    assert sorted(values(around(it), kubernetes.POD_READY, condition="true")) == [0, 1, 1]
    it.advance(1.0)
    it.scale("llama", 0)
    page = around(it)
    assert values(page, kubernetes.DEPLOYMENT_CURRENT) == [0]
    assert values(page, kubernetes.POD_DELETION) == [EPOCH + 1.0]
    assert len(values(page, kubernetes.POD_OWNER)) == 1


def test_owners_lead_from_a_pod_to_its_deployment_and_its_autoscaler() -> None:
    """Pod to ReplicaSet to Deployment, and an HPA that names the Deployment."""
    it = fleet(1)
    page = around(it)
    [[replica_set]] = [
        [
            dict(own)["owner_name"]
            for name, own in samples(page)
            if name == kubernetes.POD_OWNER and ("pod", r.pod) in own
        ]
        for r in it.replicas
    ]
    owner = {"replicaset": replica_set, "owner_kind": "Deployment", "owner_name": "llama"}
    assert values(page, kubernetes.REPLICASET_OWNER, **owner) == [1]
    target = {"horizontalpodautoscaler": "llama", "scaletargetref_kind": "Deployment", "scaletargetref_name": "llama"}
    assert values(page, kubernetes.HPA_INFO, **target) == [1]
    assert values(page, kubernetes.HPA_MINIMUM, horizontalpodautoscaler="llama") == [1]
    assert values(page, kubernetes.HPA_MAXIMUM, horizontalpodautoscaler="llama") == [9]


def test_the_router_shows_what_it_holds_under_both_names() -> None:
    """While no replica is ready."""
    it = fleet(0)
    it.submit(Request(arrival_seconds=0.0, prompt_tokens=10, output_tokens=10))
    page = router_page(it, model="llama", pool="pool")
    for name in router.QUEUE_SIZE:
        assert values(page, name, model_name="llama", target_model_name="llama", inference_pool="pool") == [1]
