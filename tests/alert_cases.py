"""For every alert: series that make it fire, the text it then shows, and the smallest change that keeps it silent.

Steps are a minute. Inputs are constant or straight lines, so that windows with and without their left edge (Prometheus 2.x and
3.x) give the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ME = 'job="wva-exporter",instance="a:10982"'
V = 'namespace="llm",variant_name="v"'
M = 'namespace="llm",model_name="llama"'
VM = f'{M},variant_name="v",role="both"'
UP = f'wva_replica_scaling_total{{{ME},{V},direction="scale-up",reason="wva-v1"}}'
DOWN = f'wva_replica_scaling_total{{{ME},{V},direction="scale-down",reason="wva-v1"}}'
BUCKET = f'wva_optimization_duration_seconds_bucket{{{ME},status="success",'
NAMED = {"namespace": "llm", "variant_name": "v"}
MODEL = {"namespace": "llm", "model_name": "llama"}
WHOLE = MODEL | {"variant_name": "v", "role": "both"}
HERE = {"job": "wva-exporter", "instance": "a:10982"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCase:
    """One alert. ``silent`` replaces series of ``fires``, or takes them away where it has None.

    ``labels`` are those of the firing alert beside its name and severity. What the alert reads of recording rules is given as
    recorded; ``test_records.py`` shows that it is recorded so.
    """

    alert: str
    when: str = ""
    fires: Mapping[str, str]
    silent: Mapping[str, str | None]
    labels: Mapping[str, str] = field(default_factory=dict)
    says: str
    minutes: int = 30
    step_minutes: int = 1
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The alert, and which of its branches where it has several."""
        return f"{self.alert} {self.when}".strip()

    @property
    def quiet(self) -> dict[str, str]:
        """The series of the twin that must not fire."""
        merged = {**self.fires, **self.silent}
        return {name: values for name, values in merged.items() if values is not None}


def flat(value: float) -> str:
    """The same value for ever."""
    return f"{value:g}+0x400"


def line(start: float, per_step: float) -> str:
    """A straight line."""
    return f"{start:g}+{per_step:g}x400"


EXPORTER = (
    AlertCase(
        alert="WVAExporterDown",
        fires={f"up{{{ME}}}": flat(0)},
        silent={f"up{{{ME}}}": flat(0), 'up{job="wva-exporter",instance="b:10982"}': flat(1)},
        says="No scrape of wva-exporter succeeded for 5 minutes.",
    ),
    AlertCase(
        alert="WVACycleStalled",
        fires={f"wva_last_cycle_timestamp_seconds{{{ME}}}": flat(0)},
        silent={f"wva_last_cycle_timestamp_seconds{{{ME}}}": line(0, 60)},
        labels=HERE,
        says="The last cycle of a:10982 ended 30m 0s ago.",
    ),
    AlertCase(
        alert="WVACycleSlow",
        fires={
            f'{BUCKET}le="5.0"}}': line(0, 0),
            f'{BUCKET}le="10.0"}}': line(0, 10),
            f'{BUCKET}le="+Inf"}}': line(0, 10),
            f"wva_config_optimization_interval_seconds{{{ME}}}": flat(15),
        },
        silent={f'{BUCKET}le="5.0"}}': line(0, 10)},
        labels=HERE,
        says="One cycle in ten of a:10982 takes longer than 9.5s.",
    ),
    AlertCase(
        alert="WVACycleFailing",
        fires={f'wva_errors_total{{{ME},component="controller",error_type="cycle"}}': line(0, 2)},
        silent={f'wva_errors_total{{{ME},component="controller",error_type="cycle"}}': flat(7)},
        labels=HERE | {"component": "controller", "error_type": "cycle"},
        says="10 cycles of a:10982 failed within 5 minutes.",
    ),
    AlertCase(
        alert="WVAPrometheusUnreachable",
        fires={f'wva_source_up{{{ME},source="prometheus"}}': flat(0)},
        silent={f'wva_source_up{{{ME},source="prometheus"}}': "0 0 1 0 0 0 1 0 0 0 1 0 0 0 1" + " 0 0 0 1" * 5},
        labels=HERE | {"source": "prometheus"},
        says="No cycle of a:10982 got an answer from prometheus for 5 minutes.",
    ),
    AlertCase(
        alert="WVAQueriesFailing",
        fires={f'wva_metrics_collection_errors_total{{{ME},query_type="kv_cache",reason="timeout"}}': line(0, 1)},
        silent={f'wva_metrics_collection_errors_total{{{ME},query_type="kv_cache",reason="timeout"}}': flat(3)},
        labels=HERE | {"query_type": "kv_cache", "reason": "timeout"},
        says="The query kv_cache of a:10982 failed 5 times within 5 minutes: timeout.",
    ),
    AlertCase(
        alert="WVAClockSkew",
        fires={f"wva_clock_skew_seconds{{{ME}}}": flat(-90)},
        silent={f"wva_clock_skew_seconds{{{ME}}}": flat(-3)},
        labels=HERE,
        says="The data source of a:10982 is 1m 30s off the clock of the exporter.",
    ),
    AlertCase(
        alert="WVAConfigReloadFailed",
        fires={f"wva_config_last_reload_successful{{{ME}}}": flat(0)},
        silent={f"wva_config_last_reload_successful{{{ME}}}": flat(1)},
        labels=HERE,
        says="The last reload of a:10982 failed; it goes on with the configuration before.",
    ),
    AlertCase(
        alert="WVADuplicateSeries",
        fires={
            f'wva_desired_replicas{{{ME},{V},accelerator_type="H100"}}': flat(3),
            f'wva_desired_replicas{{job="old-wva",instance="w:8443",{V},accelerator_type="H100"}}': flat(2),
        },
        silent={f'wva_desired_replicas{{job="old-wva",instance="w:8443",{V},accelerator_type="H100"}}': None},
        labels=NAMED,
        says="The target of llm/v has 2 series, from job old-wva at w:8443; job wva-exporter at a:10982; an HPA adds",
    ),
)

INPUTS = (
    AlertCase(
        alert="WVAInputsMissing",
        fires={f'wva_input_missing{{{ME},{M},signal="queue"}}': flat(1)},
        silent={f'wva_input_missing{{{ME},{M},signal="queue"}}': flat(0)},
        labels=MODEL | {"signal": "queue"},
        says="The signal queue of model llama in llm is missing for 10 minutes",
    ),
    AlertCase(
        alert="WVACostUnknown",
        fires={f'wva_input_missing{{{ME},{M},signal="cost"}}': flat(1)},
        silent={f'wva_input_missing{{{ME},{M},signal="cost"}}': flat(0)},
        labels=MODEL | {"signal": "cost"},
        minutes=90,
        says="A variant of model llama in llm has no cost",
    ),
    AlertCase(
        alert="WVAInputsStale",
        fires={f'wva_input_age_seconds{{{ME},{M},signal="kv"}}': flat(95)},
        silent={f'wva_input_age_seconds{{{ME},{M},signal="kv"}}': flat(20)},
        labels=MODEL | {"signal": "kv"},
        says="The oldest sample of kv of model llama in llm is 1m 35s old",
    ),
    AlertCase(
        alert="WVAModelIdMismatch",
        fires={f"variant:wva_ready_replicas:kube{{{VM}}}": flat(4)},
        silent={f"variant:wva_replicas_live:count{{{VM}}}": flat(4)},
        labels=WHOLE,
        says="llm/v has 4 ready replicas and no series of an engine with model_name llama",
    ),
    AlertCase(
        alert="WVAReplicasUnseen",
        fires={
            f"variant:wva_ready_replicas:kube{{{VM}}}": flat(4),
            f"variant:wva_replicas_live:count{{{VM}}}": flat(3),
        },
        silent={f"variant:wva_replicas_live:count{{{VM}}}": flat(4)},
        labels=WHOLE,
        says="1 ready replicas of llm/v are not scraped or lack a signal",
    ),
    AlertCase(
        alert="WVACapacityUnknown",
        when="in tokens",
        fires={f"wva_saturation_metrics_up{{{ME},{V}}}": flat(1)},
        silent={f'wva_kv_cache_tokens_capacity{{{ME},{V},model_name="llama"}}': flat(1e5)},
        labels=NAMED | {"lacks": "kv_cache_size"},
        says="llm/v is decided on fresh data, but not every replica says how many tokens its KV cache holds",
    ),
    AlertCase(
        alert="WVACapacityUnknown",
        when="in requests",
        fires={f'wva_demand{{{ME},{V},model_name="llama",unit="tokens"}}': "5e4x14 0x16"},
        silent={f'wva_demand{{{ME},{V},model_name="llama",unit="tokens"}}': "5e4x14 _x16"},
        labels=NAMED | {"lacks": "service_times"},
        says="llm/v is decided on fresh data, but nothing says how many requests a second a replica carries",
    ),
    AlertCase(
        alert="WVACapacityUnknown",
        when="nor in tokens",
        fires={f'wva_demand{{{ME},{V},model_name="llama",unit="kv_caches"}}': flat(3)},
        silent={
            f'wva_demand{{{ME},{V},model_name="llama",unit="kv_caches"}}': None,
            f'wva_demand{{{ME},{V},model_name="llama",unit="requests_per_second"}}': flat(3),
        },
        labels=NAMED | {"lacks": "service_times"},
        says="so that full KV caches bound it and the promised latency does not",
    ),
)

DECISIONS = (
    AlertCase(
        alert="WVAHoldingUnderTraffic",
        fires={
            f'wva_decision_hold{{{ME},{V},reason="input_missing"}}': flat(1),
            f"variant:wva_variant_rank:last{{{VM}}}": flat(0),
            f"model:wva_requests_in_system:sum{{{M}}}": flat(12),
        },
        silent={f"model:wva_requests_in_system:sum{{{M}}}": flat(0)},
        labels=NAMED | {"reason": "input_missing"},
        says="The target of llm/v echoes an earlier one for 10 minutes, because of input_missing, while requests come.",
    ),
    AlertCase(
        alert="WVATargetWithdrawn",
        fires={f"wva_desired_withdrawn{{{ME},{V}}}": flat(1)},
        silent={f'wva_desired_replicas{{job="wva-exporter",instance="b:10982",{V}}}': flat(3)},
        labels=NAMED,
        says="llm/v had no usable data for longer than the hold time",
    ),
    AlertCase(
        alert="WVASetByHand",
        fires={f'wva_decision_hold{{{ME},{V},reason="fixed"}}': flat(1)},
        silent={f'wva_decision_hold{{{ME},{V},reason="fixed"}}': "1x250 _x60 1x90"},
        labels=NAMED | {"reason": "fixed"},
        minutes=1510,
        step_minutes=5,
        says="llm/v is fixed by configuration and does not follow its load.",
    ),
    AlertCase(
        alert="WVADesiredNotActuated",
        fires={
            f'wva_expected_replicas{{{ME},{V},accelerator_type="H100"}}': flat(6),
            f'wva_current_replicas{{{ME},{V},accelerator_type="H100"}}': flat(4),
        },
        silent={f'wva_current_replicas{{{ME},{V},accelerator_type="H100"}}': "4x20 6x80"},
        labels=NAMED,
        says="llm/v should have 6 replicas by now, and has another number",
    ),
    AlertCase(
        alert="WVAAtMaxReplicas",
        fires={
            f'wva_desired_replicas{{{ME},{V},accelerator_type="H100"}}': flat(8),
            f'wva_required_capacity{{{ME},{V},model_name="llama",unit="binary"}}': flat(1),
            f"variant:wva_max_replicas:kube{{{VM}}}": flat(8),
        },
        silent={f'wva_required_capacity{{{ME},{V},model_name="llama",unit="binary"}}': flat(0)},
        labels=NAMED,
        says="llm/v is at 8 replicas, the maximum of its HPA, and capacity is missing.",
    ),
    AlertCase(
        alert="WVANoInventory",
        fires={
            'kube_pod_status_unschedulable{namespace="llm",pod="v-1",job="ksm"}': flat(1),
            'wva:pod_workload:info{namespace="llm",pod="v-1",workload_kind="Deployment",workload="v"}': flat(1),
        },
        silent={'kube_pod_status_unschedulable{namespace="llm",pod="v-1",job="ksm"}': "1x5 _x100"},
        labels={"namespace": "llm", "workload": "v"},
        says="1 pods of v in llm find no node for 10 minutes",
    ),
    AlertCase(
        alert="WVAFlapping",
        fires={UP: line(0, 0.2), DOWN: line(0, 0.2)},
        silent={DOWN: flat(0)},
        labels=NAMED,
        minutes=50,
        says="The target of llm/v rose 6 times within half an hour, and fell as often.",
    ),
    AlertCase(
        alert="WVAEngineAndRulesDisagree",
        fires={
            f'wva_desired_replicas{{{ME},{V},accelerator_type="H100"}}': flat(3),
            f'wva_decision_hold{{{ME},{V},reason="none"}}': flat(0),
            f"wva:desired_replicas:fallback{{{V}}}": flat(4),
            UP: flat(2),
        },
        silent={f"wva:desired_replicas:fallback{{{V}}}": flat(3)},
        labels=NAMED,
        says="The exporter wants 3 replicas of llm/v for 10 minutes and the rules",
    ),
    AlertCase(
        alert="WVAEngineAndRulesDisagree",
        when="headroom",
        fires={
            f'wva_desired_replicas{{{ME},{V},accelerator_type="H100"}}': flat(2),
            f'wva_current_replicas{{{ME},{V},accelerator_type="H100"}}': flat(3),
            f"variant:wva_replicas_saturated:sum{{{VM}}}": flat(1),
            UP.replace("wva-v1", "headroom"): flat(2),
        },
        silent={f"variant:wva_replicas_saturated:sum{{{VM}}}": flat(0)},
        labels=NAMED,
        says="The exporter wants 2 replicas of llm/v for 10 minutes and the rules",
    ),
    AlertCase(
        alert="WVAScaleToZeroWithQueue",
        fires={
            f'wva_desired_replicas{{{ME},{V},accelerator_type="H100"}}': flat(0),
            f"variant:wva_variant_rank:last{{{VM}}}": flat(0),
            f"model:wva_router_queue:sum{{{M}}}": flat(2),
        },
        silent={f"model:wva_router_queue:sum{{{M}}}": flat(0)},
        labels=MODEL,
        says="Requests for llama in llm wait in the router and every target of the model is 0.",
    ),
    AlertCase(
        alert="WVACostOverBudget",
        fires={"wva:current_cost:sum": flat(120.5), "wva:cost_budget:max": flat(100)},
        silent={"wva:cost_budget:max": None},
        says="The fleet costs 120.5 an hour, the budget is 100.",
    ),
)


def _burns(alert: str, record: str, long: str, short: str, burn: float, *, says: str) -> AlertCase:
    fires = {f"model:wva_{record}_burn:ratio_rate{window}{{{M}}}": flat(burn) for window in (long, short)}
    over = {f"model:wva_{record}_burn:ratio_rate{short}{{{M}}}": flat(0.2)}
    return AlertCase(alert=alert, fires=fires, silent=over, labels=MODEL, says=says)


SERVICE = (
    _burns("WVATtftBudgetBurnsFast", "ttft", "1h", "5m", 16, says="misses its time to first token 16 times as often"),
    _burns("WVATtftBudgetBurnsSlowly", "ttft", "6h", "30m", 7, says="misses its time to first token 7 times as often"),
    _burns("WVAItlBudgetBurnsFast", "itl", "1h", "5m", 16, says="misses its inter-token latency 16 times as often"),
    _burns("WVAItlBudgetBurnsSlowly", "itl", "6h", "30m", 7, says="misses its inter-token latency 7 times as often"),
    AlertCase(
        alert="WVAObjectiveNotMeasured",
        when="of the first token",
        fires={f"model:wva_ttft_observed:rate{{{M}}}": flat(3)},
        silent={f"model:wva_ttft_slow:ratio_rate5m{{{M}}}": flat(0)},
        labels=MODEL | {"signal": "ttft"},
        says="no engine of it has a histogram bucket at the objective for ttft",
    ),
    AlertCase(
        alert="WVAObjectiveNotMeasured",
        when="of the other tokens",
        fires={
            f"model:wva_itl_observed:rate{{{M}}}": flat(3),
            f"model:wva_ttft_observed:rate{{{M}}}": flat(3),
            f"model:wva_ttft_slow:ratio_rate5m{{{M}}}": flat(0),
        },
        silent={f"model:wva_itl_observed:rate{{{M}}}": flat(0)},
        labels=MODEL | {"signal": "itl"},
        says="no engine of it has a histogram bucket at the objective for itl",
    ),
    AlertCase(
        alert="WVAQueueGrowing",
        fires={
            f"model:wva_requests_waiting:sum{{{M}}}": line(20, 3),
            f"model:wva_replicas_live:count{{{M}}}": flat(2),
        },
        silent={f"model:wva_requests_waiting:sum{{{M}}}": flat(200)},
        labels=MODEL,
        says="More than 5 requests a replica of llama in llm wait, and it grows by 50m requests a second.",
    ),
    AlertCase(
        alert="WVAAllReplicasSaturated",
        fires={
            f"model:wva_replicas_saturated:sum{{{M}}}": flat(3),
            f"model:wva_replicas_live:count{{{M}}}": flat(3),
        },
        silent={f"model:wva_replicas_saturated:sum{{{M}}}": flat(2)},
        labels=MODEL,
        says="All 3 replicas of llama in llm are saturated for 10 minutes",
    ),
)

CASES = EXPORTER + INPUTS + DECISIONS + SERVICE
