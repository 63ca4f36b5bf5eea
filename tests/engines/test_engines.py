"""Every engine, router and what surrounds them: one snapshot from a real Prometheus and from our own scraping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine_worlds import INTERVAL, SHORT, Place, beside, column, decided, page, pod, rows_of, scraped, stored
from real_prometheus import RealPrometheus

from wva_exporter.conventions import Signal
from wva_exporter.core.snapshot import Presence
from wva_exporter.service.cycle import Outcome

GROWN = 0.01 / INTERVAL
"""Growth of a counter a second, as a share of its fixture's value."""

QUEUE = "llm_d_epp_flow_control_queue_size"
ROUTERS = ("current", "renamed", "legacy", "without-flow-control")


def everything() -> dict[str, Place]:
    """One pod of each engine's fixture and all that is beside them, each model on its own."""
    places = {
        f"{fixture.replace('/', '-')}-0": pod(f"{fixture.replace('/', '-')}-0", fixture)
        for fixture in ("sglang/data-parallel", "sglang/tensor-parallel", "sglang/pipeline-parallel", "sglang/old")
    }
    places["trtllm-0"] = pod("trtllm-0", "trtllm/busy")
    places["fresh-0"] = pod("fresh-0", "trtllm/fresh")
    places["llama-0"] = pod("llama-0", "vllm-0.32/busy")
    places |= {f"router-{name}": beside(f"router/{name}", namespace=name) for name in ROUTERS}
    places["router-growing"] = replace(beside("router/current", namespace="growing"), gain={QUEUE: 3.0})
    places["ksm"] = beside("kube-state-metrics/nodes", namespace="monitoring")
    places["dcgm"] = beside("dcgm/node", namespace="gpu-operator", pod="dcgm-exporter-x")
    return places


def test_a_real_prometheus_and_our_own_scraping_give_one_snapshot(
    tmp_path: Path, promtool_bin: Path, prometheus: Callable[..., RealPrometheus]
) -> None:
    """Row for row, and then in everything that decisions stand on."""
    places = everything()
    theirs = stored(places, tmp_path / "prometheus-0" / "data", promtool_bin, prometheus)
    ours = scraped(places)
    mine, real = rows_of(ours), rows_of(theirs)
    for signal in Signal:
        near = {"abs": 1.01 * INTERVAL / SHORT} if signal is Signal.COVERAGE else {"rel": 1e-6, "abs": 1e-9}
        assert mine[signal] == pytest.approx(real[signal], **near), signal
    empty = {Signal.WORKLOADS, Signal.OWNERS, Signal.PODS, Signal.SCALERS}
    assert {signal for signal in Signal if not real[signal]} == empty
    first, second = decided(ours).snapshot, decided(theirs).snapshot
    assert first.replicas.pod == second.replicas.pod
    for name in ("variant", "presence"):
        assert getattr(first.replicas, name).tolist() == getattr(second.replicas, name).tolist()
    assert np.allclose(first.replicas.signals.value, second.replicas.signals.value, rtol=1e-6, atol=0.26)
    assert np.array_equal(first.replicas.signals.known, second.replicas.signals.known)
    for name in ("router_queue", "offered", "refused"):
        assert getattr(first, name).listed() == pytest.approx(getattr(second, name).listed())
    assert first.counts.current.listed() == second.counts.current.listed()
    assert first.inventory == second.inventory == {"H100": 16, "L4": 2}


def numbers(outcome: Outcome, signal: Signal) -> float | None:
    """The signal of the only replica."""
    (value,) = column(outcome, signal).values()
    return value


def test_eight_data_parallel_ranks_of_sglang_are_one_replica() -> None:
    """Load and memory add up, the worst rank is the danger, use is weighted by memory."""
    outcome = decided(scraped({"p": pod("p", "sglang/data-parallel")}))
    assert outcome.snapshot.counts.current.listed() == [1]
    assert numbers(outcome, Signal.RUNNING) == sum(range(1, 9))
    assert numbers(outcome, Signal.WAITING) == sum(range(0, 16, 2))
    assert numbers(outcome, Signal.WAITING_PEAK) == 14
    assert numbers(outcome, Signal.KV_PEAK) == 0.7
    assert numbers(outcome, Signal.KV_CAPACITY) == 900_000
    assert numbers(outcome, Signal.KV) == pytest.approx((sum(k / 10 for k in range(7)) + 2 * 0.7) / 9)


@pytest.mark.parametrize(
    ("fixture", "running", "waiting", "capacity"),
    [("tensor-parallel", 12, 5, 400_000), ("pipeline-parallel", 7, 3, 150_000), ("old", 162, 26, None)],
)
def test_shards_of_one_engine_are_not_counted_twice(
    fixture: str, running: float, waiting: float, capacity: float | None
) -> None:
    """Nor are the parts by priority besides their total; what an older version does not say is unknown."""
    outcome = decided(scraped({"p": pod("p", f"sglang/{fixture}")}))
    assert numbers(outcome, Signal.RUNNING) == running
    assert numbers(outcome, Signal.WAITING) == numbers(outcome, Signal.WAITING_PEAK) == waiting
    assert numbers(outcome, Signal.KV_CAPACITY) == capacity


@pytest.mark.parametrize("fixture", ["tensor-parallel", "pipeline-parallel", "old"])
def test_sizes_and_times_of_sglang_are_known_with_and_without_its_histograms(fixture: str) -> None:
    """4,000 requests of 300 and 150 tokens, first token after 0.25 s, then one in 20 ms."""
    outcome = decided(scraped({"p": pod("p", f"sglang/{fixture}")}))
    assert numbers(outcome, Signal.REQUEST_RATE) == pytest.approx(4000 * GROWN)
    assert numbers(outcome, Signal.GENERATION_TOKEN_RATE) == pytest.approx(600_000 * GROWN)
    assert numbers(outcome, Signal.INPUT_TOKENS) == pytest.approx(300)
    assert numbers(outcome, Signal.OUTPUT_TOKENS) == pytest.approx(150)
    assert numbers(outcome, Signal.TTFT) == pytest.approx(0.25)
    assert numbers(outcome, Signal.ITL) == pytest.approx(0.02)
    hits = numbers(outcome, Signal.PREFIX_HIT_RATIO)
    assert hits is None if fixture == "old" else hits == pytest.approx(0.25)


def test_tensorrt_llm_has_blocks_times_tokens_a_block() -> None:
    """And totals in the place of histograms: 400 tokens in, 200 out."""
    outcome = decided(scraped({"p": pod("p", "trtllm/busy")}))
    found = {
        signal: numbers(outcome, signal) for signal in (Signal.KV_CAPACITY, Signal.RUNNING, Signal.WAITING, Signal.KV)
    }
    assert found == {Signal.KV_CAPACITY: 160_000, Signal.RUNNING: 9, Signal.WAITING: 4, Signal.KV: pytest.approx(0.6)}
    assert numbers(outcome, Signal.REQUEST_RATE) == pytest.approx(2000 * GROWN)
    assert numbers(outcome, Signal.INPUT_TOKENS) == pytest.approx(400)
    assert numbers(outcome, Signal.OUTPUT_TOKENS) == pytest.approx(200)
    assert numbers(outcome, Signal.TTFT) == pytest.approx(0.125)
    assert numbers(outcome, Signal.ITL) == pytest.approx(0.015)
    assert numbers(outcome, Signal.PREFIX_HIT_RATIO) == pytest.approx(0.3)


def test_a_tensorrt_llm_that_answered_nothing_yet_exists_and_is_unknown() -> None:
    """It exposes its configuration only: that is no load of zero."""
    outcome = decided(scraped({"a": pod("a", "trtllm/busy"), "b": pod("b", "trtllm/fresh")}))
    replicas = outcome.snapshot.replicas
    assert dict(zip(replicas.pod, replicas.presence.tolist(), strict=True)) == {
        "a": Presence.LIVE,
        "b": Presence.SILENT,
    }
    assert column(outcome, Signal.RUNNING) == {"a": 9, "b": None}


def renamed(fixture: str, model: str) -> list[tuple[tuple[str, str, float], bool]]:
    """A fixture whose model has another name."""
    old = r'model_name="'
    return [
        (
            (
                name,
                labels.replace(old + labels.split(old)[1].split('"')[0], old + model) if old in labels else labels,
                v,
            ),
            c,
        )
        for (name, labels, v), c in page(fixture)
    ]


def test_one_model_may_run_on_several_engines() -> None:
    """vLLM, SGLang and TensorRT-LLM side by side are three variants of one model, each read by its own table."""
    places = {
        "v": pod("v", renamed("vllm-0.32/busy", "llama"), llm_d_ai_variant="on-vllm"),
        "s": pod("s", "sglang/tensor-parallel", llm_d_ai_variant="on-sglang"),
        "t": pod("t", "trtllm/busy", llm_d_ai_variant="on-trtllm"),
    }
    outcome = decided(scraped(places))
    fleet = outcome.snapshot.fleet
    assert fleet.model_key == (("llm", "llama"),)
    assert sorted(fleet.variants.name) == ["on-sglang", "on-trtllm", "on-vllm"]
    assert all(value is not None for value in column(outcome, Signal.KV_CAPACITY).values())
    assert {pod.name: pod.engine_type for pod in outcome.catalogue.pods} == {"v": "vllm", "s": "sglang", "t": "trtllm"}


def test_the_variants_of_one_pod_set_may_be_mixed() -> None:
    """One variant with replicas of two engines, as while it is moved from one to the other."""
    places = {
        "v": pod("v", renamed("vllm-0.32/busy", "llama"), llm_d_ai_variant="moving"),
        "s": pod("s", "sglang/tensor-parallel", llm_d_ai_variant="moving"),
    }
    outcome = decided(scraped(places))
    assert outcome.snapshot.counts.current.listed() == [2]
    assert all(value is not None for value in column(outcome, Signal.RUNNING).values())


@pytest.mark.parametrize("router", ["current", "renamed", "legacy"])
def test_a_router_tells_its_queue_what_is_offered_and_what_it_refuses(router: str) -> None:
    """10,000 left the queue, 1,000 of them unserved; old and new names together count once."""
    outcome = decided(scraped({"p": pod("p", "sglang/tensor-parallel"), "r": beside(f"router/{router}")}))
    assert outcome.snapshot.router_queue.listed() == [8]
    assert outcome.snapshot.offered.listed() == [pytest.approx(10_000 * GROWN)]
    assert outcome.snapshot.refused.listed() == [pytest.approx(1_000 * GROWN)]


@pytest.mark.parametrize(("gain", "growth"), [(3.0, 2 * 3.0 / INTERVAL), (-1e4, -10_000 * GROWN)])
def test_what_the_queue_grows_by_is_offered_too(gain: float, growth: float) -> None:
    """Two flows that grow by three a scrape; a queue that empties faster than requests leave offers nothing, not less."""
    router = replace(beside("router/current"), gain={QUEUE: gain})
    outcome = decided(scraped({"p": pod("p", "sglang/tensor-parallel"), "r": router}))
    assert outcome.snapshot.offered.listed() == [pytest.approx(10_000 * GROWN + growth)]


def test_without_flow_control_what_passes_is_what_is_offered() -> None:
    """Nothing waits there, so nothing is known of a queue."""
    outcome = decided(scraped({"p": pod("p", "sglang/tensor-parallel"), "r": beside("router/without-flow-control")}))
    assert outcome.snapshot.offered.listed() == [pytest.approx(9_000 * GROWN)]
    assert outcome.snapshot.router_queue.listed() == outcome.snapshot.refused.listed() == [None]


def test_two_routers_of_a_model_add_up() -> None:
    """Each sees its own part."""
    places = {"p": pod("p", "sglang/tensor-parallel")}
    places |= {name: beside("router/current") for name in ("r1", "r2")}
    outcome = decided(scraped(places))
    assert outcome.snapshot.router_queue.listed() == [16]
    assert outcome.snapshot.offered.listed() == [pytest.approx(20_000 * GROWN)]


def test_the_power_of_a_pod_is_that_of_its_gpus() -> None:
    """Each once; a GPU that nobody has is nobody's, and one cut into instances does not say whose its power is."""
    places = {name: pod(name, "trtllm/busy") for name in ("llama-0", "small-0", "other-0")}
    places["dcgm"] = beside("dcgm/node", namespace="gpu-operator", pod="dcgm-exporter-x")
    found = column(decided(scraped(places)), Signal.POWER)
    assert found == {"llama-0": 600.0, "small-0": None, "other-0": None}


def test_gpus_are_counted_by_their_nodes_and_the_operators_word_wins() -> None:
    """Sixteen H100 on two nodes; a type that is configured is as configured, others stay."""
    places = {"p": pod("p", "trtllm/busy"), "ksm": beside("kube-state-metrics/nodes", namespace="monitoring")}
    assert decided(scraped(places)).snapshot.inventory == {"H100": 16, "L4": 2}
    assert decided(scraped(places), "gpus: {H100: 4, A100: 8}").snapshot.inventory == {"H100": 4, "L4": 2, "A100": 8}


def test_a_group_of_pods_is_one_replica_with_the_load_of_all() -> None:
    """The leader and a worker that serves data parallel ranks of its own, as a LeaderWorkerSet names them."""
    places = {name: pod(name, "sglang/data-parallel") for name in ("qwen-0", "qwen-0-1", "qwen-1", "qwen-1-1")}
    outcome = decided(scraped(places))
    assert outcome.snapshot.replicas.pod == ("qwen-0", "qwen-1")
    assert outcome.snapshot.counts.current.listed() == [2]
    assert column(outcome, Signal.RUNNING) == {"qwen-0": 72, "qwen-1": 72}
    assert column(outcome, Signal.KV_CAPACITY) == {"qwen-0": 1_800_000, "qwen-1": 1_800_000}
    assert column(outcome, Signal.WAITING_PEAK) == {"qwen-0": 14, "qwen-1": 14}
    assert outcome.catalogue.unattributed == ()


def test_a_group_whose_worker_is_silent_is_unknown_as_a_whole() -> None:
    """Half of its load is no load."""
    places = {name: pod(name, "sglang/data-parallel") for name in ("qwen-0", "qwen-0-1", "qwen-1")}
    gone = places["qwen-0-1"]
    places["qwen-0-1"] = Place(samples=gone.samples, labels=gone.labels, scrapes=3)
    outcome = decided(scraped(places))
    replicas = outcome.snapshot.replicas
    presence = dict(zip(replicas.pod, replicas.presence.tolist(), strict=True))
    assert presence == {"qwen-0": Presence.SILENT, "qwen-1": Presence.LIVE}
