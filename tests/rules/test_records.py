"""Recording rules from raw series: whose an engine is, how late it answers, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from jsonnet_bindings import rendered_fast
from promtool import RuleTest, failures
from rule_fleet import COPY, MODEL, NAMESPACE, add_description, of

from wva_exporter.artefacts.mixin_files import groups_yaml

M = {"namespace": NAMESPACE, "model_name": MODEL}
ENGINE = {"namespace": NAMESPACE, "job": "vllm", "model_name": MODEL, "engine": "0"}
KSM = {"namespace": NAMESPACE, "job": "ksm", "instance": "ksm:8080"}


def write(folder: Path, options: Mapping[str, object] | None = None) -> list[Path]:
    """The rule file with these options."""
    path = folder / "recording.yaml"
    path.write_text(groups_yaml(rendered_fast(options).recording))
    return [path]


def add_pod(test: RuleTest, pod: str, *, kv: float = 0.5, **labels: str) -> None:
    """One rank of an engine, without any label that names its variant."""
    own = ENGINE | {"pod": pod, "instance": f"{pod or 'host'}:8000"} | labels
    test.has("vllm:num_requests_running", own, 1.0)
    test.has("vllm:num_requests_waiting", own, 2.0)
    test.has("vllm:kv_cache_usage_perc", own, kv)


def add_owner(test: RuleTest, pod: str, replica_set: str, deployment: str) -> None:
    """The chain from a pod to its Deployment."""
    controller = {"owner_is_controller": "true"}
    owner = {"pod": pod, "owner_kind": "ReplicaSet", "owner_name": replica_set}
    test.has("kube_pod_owner", KSM | owner | controller, 1.0)
    above = {"replicaset": replica_set, "owner_kind": "Deployment", "owner_name": deployment}
    test.has("kube_replicaset_owner", KSM | above | controller, 1.0)


def add_scaler(test: RuleTest, name: str, kind: str, workload: str) -> None:
    """An HPA and its target."""
    target = {"scaletargetref_kind": kind, "scaletargetref_name": workload}
    test.has("kube_horizontalpodautoscaler_info", KSM | {"horizontalpodautoscaler": name} | target, 1.0)


def expect_variant(test: RuleTest, variant: str, replicas: float = 1.0) -> None:
    """The fleet is this one variant with so many replicas."""
    rows = [(M | {"variant_name": variant, "role": "both"}, replicas)]
    test.expects("variant:wva_replicas_live:count + 0", rows)


def test_a_pod_belongs_to_the_deployment_that_owns_it(promtool_bin: Path, tmp_path: Path) -> None:
    """Whatever its own name suggests."""
    test = RuleTest()
    add_pod(test, "odd-name-0")
    add_owner(test, "odd-name-0", "llama-x", "llama")
    expect_variant(test, "llama")
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


@pytest.mark.parametrize(("hpa", "variant"), [("llama-hpa", "llama-hpa"), ("keda-hpa-llama-so", "llama-so")])
def test_a_workload_is_called_as_its_scaler(hpa: str, variant: str, promtool_bin: Path, tmp_path: Path) -> None:
    """The HPA's name, or that of the ScaledObject from which KEDA made it."""
    test = RuleTest()
    add_pod(test, "llama-7c9d5b8f6d-626fj")
    add_owner(test, "llama-7c9d5b8f6d-626fj", "llama-7c9d5b8f6d", "llama")
    add_scaler(test, hpa, "Deployment", "llama")
    expect_variant(test, variant)
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def test_two_scalers_of_one_workload_break_nothing(promtool_bin: Path, tmp_path: Path) -> None:
    """A join that is not unique would fail for the whole fleet: such a workload goes by its own name."""
    test = RuleTest()
    add_pod(test, "llama-7c9d5b8f6d-626fj")
    add_scaler(test, "one", "Deployment", "llama")
    add_scaler(test, "two", "Deployment", "llama")
    expect_variant(test, "llama")
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


@pytest.mark.parametrize(("pod", "variant"), [("llama-7c9d5b8f6d-626fj", "llama"), ("mistral-3", "mistral")])
def test_without_kube_state_metrics_the_name_tells(pod: str, variant: str, promtool_bin: Path, tmp_path: Path) -> None:
    """The stem of a Deployment's pod, or of a StatefulSet's."""
    test = RuleTest()
    add_pod(test, pod)
    expect_variant(test, variant)
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def test_ranks_of_a_pod_are_one_replica(promtool_bin: Path, tmp_path: Path) -> None:
    """The fullest rank decides, loads add up."""
    test = RuleTest()
    for rank in range(4):
        add_pod(test, "llama-0", kv=0.2 + 0.1 * rank, engine=str(rank))
    replica = M | {"variant_name": "llama", "role": "both", "replica": "llama-0"}
    test.expects_about("replica:wva_kv_cache_usage:max", replica, 0.5)
    test.expects("replica:wva_requests_waiting:sum + 0", [(replica, 8.0)])
    expect_variant(test, "llama")
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def test_an_engine_of_an_older_name_counts_once(promtool_bin: Path, tmp_path: Path) -> None:
    """Both names of one thing: the newer one speaks."""
    test = RuleTest()
    add_pod(test, "llama-0", kv=0.3)
    test.has("vllm:gpu_cache_usage_perc", ENGINE | {"pod": "llama-0", "instance": "llama-0:8000"}, 0.9)
    test.expects_about("max(replica:wva_kv_cache_usage:max)", {}, 0.3)
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


@pytest.mark.parametrize("wrong", ["NaN", "-0.5", "7", "Inf"])
def test_a_share_that_cannot_be_is_unknown_and_not_idle(wrong: str, promtool_bin: Path, tmp_path: Path) -> None:
    """The replica is not counted, so its variant is not seen whole."""
    test = RuleTest()
    add_pod(test, "llama-0")
    test.has("vllm:kv_cache_usage_perc", ENGINE | {"pod": "llama-0", "instance": "llama-0:8000"}, f"{wrong} " * 30)
    test.expects("variant:wva_replicas_live:count", [])
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def test_an_engine_that_fell_silent_is_not_counted(promtool_bin: Path, tmp_path: Path) -> None:
    """Its windows still hold samples; it is not there now."""
    test = RuleTest(seconds=307)
    add_pod(test, "llama-0")
    add_pod(test, "llama-1")
    for name in ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"):
        test.has(f"vllm:{name}", ENGINE | {"pod": "llama-1", "instance": "llama-1:8000"}, "0.5x18 stale")
    expect_variant(test, "llama")
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def test_prefill_and_decode_are_groups_of_their_own(promtool_bin: Path, tmp_path: Path) -> None:
    """The role comes from the exporter's description, and the analysis is made for each."""
    test = RuleTest()
    for rank, role in enumerate(("prefill", "decode")):
        add_description(test, role, float(rank), role)
        add_pod(test, f"{role}-0", kv=0.9 if role == "prefill" else 0.1)
    test.expects("role:wva_needs_growth:bool == 1", [(_named("role:wva_needs_growth:bool", role="prefill"), 1.0)])
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def _named(name: str, **labels: str) -> dict[str, str]:
    return M | labels | {"__name__": name}


def test_latency_is_read_from_buckets(promtool_bin: Path, tmp_path: Path) -> None:
    """Ten first tokens a step: eight within a second, all within two and a half."""
    test = RuleTest(seconds=607)
    own = ENGINE | {"pod": "llama-0", "instance": "llama-0:8000"}
    for bound, step in (("0.5", 0), ("1.0", 8), ("2.5", 10), ("+Inf", 10)):
        test.has("vllm:time_to_first_token_seconds_bucket", own | {"le": bound}, f"0+{step}x50")
    test.has("vllm:time_to_first_token_seconds_count", own, "0+10x50")
    for share, seconds in (("0.5", 0.5 + 0.5 * 5 / 8), ("0.95", 1 + 1.5 * 1.5 / 2), ("0.99", 1 + 1.5 * 1.9 / 2)):
        series = f'model:wva_ttft_seconds:quantile{{quantile="{share}"}}'
        test.expects_about(series, M | {"quantile": share}, seconds)
    test.expects_about("model:wva_ttft_slow:ratio_rate5m", M, 0.2)
    test.expects_about("model:wva_ttft_burn:ratio_rate5m", M, 4.0)
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def test_arrivals_are_what_leaves_and_what_piles_up(promtool_bin: Path, tmp_path: Path) -> None:
    """Two finish a second and the queue grows by one a second, in the engine and in the router: four arrive."""
    test = RuleTest(seconds=607)
    own = ENGINE | {"pod": "llama-0", "instance": "llama-0:8000"}
    add_pod(test, "llama-0")
    test.has("vllm:request_success_total", own | {"finished_reason": "stop"}, "0+30x50")
    test.has("vllm:num_requests_waiting", own, "0+15x50")
    router = {"namespace": NAMESPACE, "model_name": MODEL, "target_model_name": MODEL, "inference_pool": "p"}
    test.has("llm_d_epp_flow_control_queue_size", router | {"priority": "0"}, "0+15x50")
    test.expects_about("model:wva_requests_finished:rate", M, 2.0)
    test.expects_about("model:wva_requests_offered:rate", M, 4.0)
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def test_costs_add_up_over_variants_once_however_many_copies_publish_them(promtool_bin: Path, tmp_path: Path) -> None:
    """Two copies of the exporter say the same of two variants; a request's price follows from what is finished."""
    test = RuleTest(seconds=607)
    own = ENGINE | {"pod": "llama-0", "instance": "llama-0:8000"}
    test.has("vllm:request_success_total", own | {"finished_reason": "stop"}, "0+30x50")
    for copy in ("a", "b"):
        for variant, cost in (("small", 12.0), ("large", 24.0)):
            labels = COPY | {"instance": copy} | of(variant) | {"model_name": MODEL, "accelerator_type": variant}
            test.has("wva_current_cost", labels, cost)
    test.expects("wva:current_cost:sum + 0", [({}, 36.0)])
    test.expects(
        "accelerator:wva_current_cost:sum + 0",
        [({"accelerator_type": v}, c) for v, c in (("large", 24), ("small", 12))],
    )
    test.expects_about("model:wva_cost_per_request:ratio", M, 0.005)
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def add_sglang(test: RuleTest, name: str, value: float | str, **labels: str) -> None:
    """One series of an SGLang server's scheduler."""
    own = M | {"pod": "sglang-0", "instance": "sglang-0:8000", "job": "sglang", "engine_type": "unified"} | labels
    test.has(f"sglang:{name}", own, value)


def test_shards_of_an_sglang_engine_count_once_and_its_parts_not_at_all(promtool_bin: Path, tmp_path: Path) -> None:
    """Two data parallel engines of two tensor parallel ranks, of which all speak; priorities stand beside the total."""
    test = RuleTest()
    for dp, waiting in (("0", 3.0), ("1", 4.0)):
        for tp in ("0", "1"):
            ranks = {"dp_rank": dp, "tp_rank": tp}
            add_sglang(test, "num_running_reqs", 5.0, **ranks)
            add_sglang(test, "token_usage", 0.2 + 0.1 * waiting, **ranks)
            add_sglang(test, "num_queue_reqs", waiting, **ranks)
            add_sglang(test, "num_queue_reqs", 99.0, priority="1", **ranks)
    replica = M | {"variant_name": "sglang", "role": "both", "replica": "sglang-0"}
    test.expects_about("replica:wva_kv_cache_usage:max", replica, 0.6)
    test.expects("replica:wva_queue_length:max + 0", [(replica, 4.0)])
    test.expects("replica:wva_requests_waiting:sum + 0", [(replica, 7.0)])
    test.expects("model:wva_requests_in_system:sum + 0", [(M, 17.0)])
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def test_a_tensorrt_server_that_only_shows_its_configuration_is_unknown_and_not_idle(
    promtool_bin: Path, tmp_path: Path
) -> None:
    """Its gauges appear with its first request: until then it is there, and nobody knows how full."""
    test = RuleTest()
    own = M | {"pod": "trtllm-0", "instance": "trtllm-0:8000", "job": "trtllm"}
    test.has("trtllm_model_config_info", own | {"max_batch_size": "64"}, 1.0)
    variant = {"variant_name": "trtllm", "replica": "trtllm-0"}
    test.expects("wva:engine_variant:info + 0", [(own | variant, 1.0)])
    test.expects("replica:wva_saturated:bool", [])
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def add_latency(test: RuleTest, name: str, pod: str, job: str, buckets: Mapping[str, int]) -> None:
    """A histogram with so many more observations a step at each bound."""
    own = M | {"pod": pod, "instance": f"{pod}:8000", "job": job}
    for bound, more in buckets.items():
        test.has(f"{name}_bucket", own | {"le": bound}, f"0+{more}x50")
    test.has(f"{name}_count", own, f"0+{buckets['+Inf']}x50")


def test_the_slower_engine_of_a_model_speaks_for_its_latency(promtool_bin: Path, tmp_path: Path) -> None:
    """Buckets of two engines have other bounds and do not add up; how many were slow does."""
    test = RuleTest(seconds=607)
    add_latency(test, "vllm:time_to_first_token_seconds", "a-0", "vllm", {"0.5": 10, "1.0": 10, "+Inf": 10})
    add_latency(
        test, "sglang:time_to_first_token_seconds", "b-0", "sglang", {"0.8": 0, "1.0": 5, "2.0": 10, "+Inf": 10}
    )
    test.expects_about('model:wva_ttft_seconds:quantile{quantile="0.5"}', M | {"quantile": "0.5"}, 1.0)
    test.expects_about("model:wva_ttft_slow:ratio_rate5m", M, 0.25)
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def test_an_objective_between_two_buckets_is_not_measured(promtool_bin: Path, tmp_path: Path) -> None:
    """An engine without a bucket at the bound says nothing of it: it neither burns the budget nor spares it."""
    test = RuleTest(seconds=607)
    add_latency(test, "vllm:time_to_first_token_seconds", "a-0", "vllm", {"0.5": 10, "2.5": 10, "+Inf": 10})
    test.expects("model:wva_ttft_slow:ratio_rate5m", [])
    test.expects_about("model:wva_ttft_observed:rate", M, 10 / 15)
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def test_tokens_and_requests_of_every_engine_add_up(promtool_bin: Path, tmp_path: Path) -> None:
    """Three engines of one model; the counter of a histogram wins over the plain one of the same server."""
    test = RuleTest(seconds=607)
    own = {engine: M | {"pod": f"{engine}-0", "instance": f"{engine}-0:8000", "job": engine} for engine in "abc"}
    for name, engine, step in (
        ("vllm:request_success_total", "a", 15),
        ("sglang:num_requests_total", "b", 30),
        ("sglang:e2e_request_latency_seconds_count", "b", 30),
        ("trtllm_request_success_total", "c", 45),
        ("vllm:request_prompt_tokens_sum", "a", 150),
        ("sglang:prompt_tokens_histogram_sum", "b", 300),
        ("sglang:prompt_tokens_total", "b", 900),
        ("trtllm_prompt_tokens_total", "c", 450),
    ):
        test.has(name, own[engine], f"0+{step}x50")
    test.expects_about("model:wva_requests_finished:rate", M, 6.0)
    test.expects_about("model:wva_prompt_tokens:rate", M, 60.0)
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


def test_a_replica_that_left_counts_on_both_sides_of_the_share(promtool_bin: Path, tmp_path: Path) -> None:
    """Its requests within the window were slow or not, whether or not it still exists; no share falls below 0."""
    test = RuleTest(seconds=607)
    add_latency(test, "vllm:time_to_first_token_seconds", "a-0", "vllm", {"1.0": 5, "+Inf": 10})
    own = M | {"pod": "b-0", "instance": "b-0:8000", "job": "vllm"}
    for name, labels in (("bucket", own | {"le": "1.0"}), ("bucket", own | {"le": "+Inf"}), ("count", own)):
        test.has(f"vllm:time_to_first_token_seconds_{name}", labels, "0+10x36 stale")
    slow = "model:wva_ttft_slow:ratio_rate5m"
    test.expects(f"({slow} > bool 0.25) * ({slow} < bool 0.3)", [(M, 1.0)])
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)


@pytest.mark.parametrize(
    ("options", "budgets"), [({}, [({}, 40.0)]), ({"costBudgetPerHour": 7}, [({}, 7.0)])], ids=["configured", "option"]
)
def test_the_budget_is_that_of_the_exporter_unless_an_option_says_another(
    options: Mapping[str, object], budgets: list[tuple[dict[str, str], float]], promtool_bin: Path, tmp_path: Path
) -> None:
    """Two copies of the exporter say the same of one fleet."""
    test = RuleTest()
    for copy in ("a", "b"):
        labels = COPY | {"instance": copy}
        test.has("wva_config_cost_budget_per_hour", labels, 40.0)
        cost = of("small") | {"model_name": MODEL, "accelerator_type": "A100"}
        test.has("wva_current_cost", labels | cost, 12.0)
    test.expects("wva:cost_budget:max + 0", budgets)
    assert not failures(promtool_bin, test, write(tmp_path, options), tmp_path)


def test_without_a_budget_there_is_none_to_be_over(promtool_bin: Path, tmp_path: Path) -> None:
    """Absent, and not 0."""
    test = RuleTest()
    cost = of("small") | {"model_name": MODEL, "accelerator_type": "A100"}
    test.has("wva_current_cost", COPY | cost, 12.0)
    test.expects("wva:cost_budget:max", [])
    test.expects("wva:current_cost:sum + 0", [({}, 12.0)])
    assert not failures(promtool_bin, test, write(tmp_path), tmp_path)
