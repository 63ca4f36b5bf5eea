"""A fleet as the series that rules read of it: engines, kube-state-metrics, the exporter."""

from __future__ import annotations

from promtool import RuleTest

NAMESPACE, MODEL = "llm", "llama"
COPY = {"job": "wva-exporter", "instance": "exporter-a:10982"}
ROLE = {"namespace": NAMESPACE, "model_name": MODEL, "role": "both"}


def of(variant: str) -> dict[str, str]:
    """The labels by which the exporter, and its rules, name a variant."""
    return {"namespace": NAMESPACE, "variant_name": variant}


VLLM = ("vllm:num_requests_running", "vllm:kv_cache_usage_perc", "vllm:num_requests_waiting")
SGLANG = ("sglang:num_running_reqs", "sglang:token_usage", "sglang:num_queue_reqs")
TRTLLM = ("trtllm_num_requests_running", "trtllm_kv_cache_utilization", "trtllm_num_requests_waiting")
ENGINES = (VLLM, SGLANG, TRTLLM)
"""What each engine calls its running requests, the use of its KV cache, and its queue."""


def add_engine(
    test: RuleTest,
    variant: str,
    pod: str,
    *,
    kv: float | str,
    waiting: float | str = 0.0,
    engine: tuple[str, str, str] = VLLM,
) -> None:
    """One replica of one rank, with its variant's name as a label."""
    labels = {
        "namespace": NAMESPACE,
        "pod": pod,
        "instance": f"{pod}:8000",
        "job": "engines",
        "model_name": MODEL,
        "llm_d_ai_variant": variant,
    }
    for name, value in zip(engine, (4.0, kv, waiting), strict=True):
        test.has(name, labels, value)


def add_workload(
    test: RuleTest, variant: str, current: float | str, *, ready: float | str | None = None, spec: float | None = None
) -> None:
    """The Deployment of a variant's name as kube-state-metrics counts it."""
    labels = {"namespace": NAMESPACE, "deployment": variant, "job": "kube-state-metrics", "instance": "ksm:8080"}
    test.has("kube_deployment_spec_replicas", labels, current if spec is None else spec)
    test.has("kube_deployment_status_replicas", labels, current)
    test.has("kube_deployment_status_replicas_ready", labels, current if ready is None else ready)


def add_bounds(test: RuleTest, variant: str, minimum: float, maximum: float) -> None:
    """The HPA of a variant's name."""
    hpa = {"namespace": NAMESPACE, "horizontalpodautoscaler": variant, "job": "kube-state-metrics"}
    target = {"scaletargetref_kind": "Deployment", "scaletargetref_name": variant}
    test.has("kube_horizontalpodautoscaler_info", hpa | target, 1.0)
    test.has("kube_horizontalpodautoscaler_spec_min_replicas", hpa, minimum)
    test.has("kube_horizontalpodautoscaler_spec_max_replicas", hpa, maximum)


def add_description(test: RuleTest, variant: str, rank: float | str, role: str = "both") -> None:
    """What the exporter says a variant is."""
    info = of(variant) | {"model_name": MODEL, "role": role, "accelerator_type": "H100", "source": "configured"}
    test.has("wva_variant_info", COPY | info, 1.0 if isinstance(rank, float) else rank.replace("0x", "1x"))
    test.has("wva_variant_rank", COPY | of(variant), rank)


def add_exporter(test: RuleTest) -> None:
    """A copy of the exporter whose cycles go on: its last one ends at every step."""
    test.has("wva_last_cycle_timestamp_seconds", COPY, f"0+{test.step_seconds}x{test.seconds // test.step_seconds + 1}")


def add_decision(test: RuleTest, variant: str, *, hold: float = 0.0, reason: str = "none") -> None:
    """Whether the exporter decides a variant on good data."""
    test.has("wva_decision_hold", COPY | of(variant) | {"reason": reason}, hold)
    test.has("wva_desired_withdrawn", COPY | of(variant), 0.0)
