"""Every name that leaves this program, spelled once: signals, metrics, labels, reasons stay in ``errors``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NAMESPACE = "wva"
DEFAULT_PORT = 10982
PROGRAM = "wva-exporter"


class Signal(StrEnum):
    """What is read, by the name that queries, error labels and tables use. Units are in the comment of each."""

    # per replica
    KV_PEAK = "kv_peak"  # ratio 0..1, worst rank, peak over the query window
    KV = "kv_cache"  # ratio 0..1, mean over the window, ranks weighted by their capacity
    WAITING_PEAK = "queue_peak"  # requests, worst rank, peak over the window
    WAITING = "queue_length"  # requests now, ranks summed
    RUNNING = "running"  # requests now, ranks summed
    ARRIVED = "arrived"  # requests that ever came: ended, running and waiting, all of one scrape
    REQUEST_RATE = "request_rate"  # finished requests per second, every finish reason
    GENERATION_TOKEN_RATE = "generation_token_rate"  # noqa: S105 - tokens per second
    KV_CAPACITY = "cache_config"  # tokens, ranks summed
    INPUT_TOKENS = "input_tokens"  # tokens per request
    OUTPUT_TOKENS = "output_tokens"  # tokens per request
    TTFT = "ttft"  # seconds, mean
    ITL = "itl"  # seconds, mean
    PREFIX_HIT_RATIO = "prefix_hit_ratio"  # ratio 0..1
    AGE = "age"  # seconds since the newest sample
    COVERAGE = "coverage"  # ratio 0..1 of the samples that a full window has
    POWER = "power"  # watts of a pod's GPUs now, summed

    # of the fleet's surroundings
    UP = "up"  # 1 or 0 per target, now, of the jobs that run engines
    SEEN = "seen"  # engines with a sample within the hold time; tagged engine_type="up": targets that had an `up` then
    WORKLOADS = "workloads"  # replica counts of kube-state-metrics
    OWNERS = "owners"  # pod and replica set owners
    PODS = "pods"  # readiness and deletion of pods
    SCALERS = "scalers"  # bounds and targets of HPAs
    NODES = "nodes"  # GPUs that nodes have to give, and which ones
    ROUTER_QUEUE = "router_queue"  # requests waiting before any engine
    ROUTER_ARRIVALS = "router_arrivals"  # requests per second that are offered, whatever becomes of them
    ROUTER_OUTCOMES = "router_outcomes"  # requests per second that leave the router's queue, by outcome


REPLICA_SIGNALS = (
    Signal.KV_PEAK,
    Signal.KV,
    Signal.WAITING_PEAK,
    Signal.WAITING,
    Signal.RUNNING,
    Signal.ARRIVED,
    Signal.REQUEST_RATE,
    Signal.GENERATION_TOKEN_RATE,
    Signal.KV_CAPACITY,
    Signal.INPUT_TOKENS,
    Signal.OUTPUT_TOKENS,
    Signal.TTFT,
    Signal.ITL,
    Signal.PREFIX_HIT_RATIO,
    Signal.AGE,
    Signal.COVERAGE,
    Signal.POWER,
)
"""Signals with one number a replica, in the order of ``Replicas.signals``."""


class Input(StrEnum):
    """What a decision stands on: the ``signal`` label of ``wva_input_age_seconds`` and ``wva_input_missing``."""

    KV = "kv"
    QUEUE = "queue"
    REPLICAS = "replicas"
    REQUESTS = "requests"
    COST = "cost"


class Label(StrEnum):
    """Label names."""

    VARIANT = "variant_name"
    NAMESPACE = "namespace"
    MODEL = "model_name"
    ACCELERATOR = "accelerator_type"
    REASON = "reason"
    SIGNAL = "signal"
    UNIT = "unit"
    PARAMETER = "parameter"
    STEP = "step"
    BOUND = "bound"


class Annotation(StrEnum):
    """Annotations and labels by which Kubernetes objects say what they are; the names are upstream's."""

    MANAGED = "llm-d.ai/managed"  # of an HPA or ScaledObject: 'true' makes it a variant's
    MODEL_ID = "llm-d.ai/model-id"  # the model that it scales, as the engine names it
    VARIANT_COST = "llm-d.ai/variant-cost"  # per replica and hour
    VARIANT = "llm-d.ai/variant"  # label of a pod, relabelled by the scrape to llm_d_ai_variant: its variant's name
    ROLE = "llm-d.ai/role"  # label of a pod template: prefill or decode
    ACCELERATOR = "inference.optimization/acceleratorName"  # label of a scaler, where node selection tells nothing


SAFE_DESIRED_REPLICAS = "wva:desired_replicas:safe"
"""The recording rule that actuators read: the target while its exporter is alive, else one that cannot lower."""


class Kind(StrEnum):
    """Metric types of the exposition format."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Metric:
    """A series that we publish: its name without type suffix games, its type, labels and help line."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


_V = (Label.VARIANT, Label.NAMESPACE, Label.ACCELERATOR)
_VN = (Label.VARIANT, Label.NAMESPACE)
_VM = (Label.VARIANT, Label.NAMESPACE, Label.MODEL)
_VMA = (Label.VARIANT, Label.NAMESPACE, Label.MODEL, Label.ACCELERATOR)
_VMU = (Label.VARIANT, Label.NAMESPACE, Label.MODEL, Label.UNIT)
_VNS = (Label.VARIANT, Label.NAMESPACE, Label.STEP)


def _gauge(name: str, labels: tuple[str, ...], text: str) -> Metric:
    return Metric(name, Kind.GAUGE, tuple(str(label) for label in labels), text)


def _counter(name: str, labels: tuple[str, ...], text: str) -> Metric:
    return Metric(name, Kind.COUNTER, tuple(str(label) for label in labels), text)


# What actuators read.
DESIRED_REPLICAS = _gauge("wva_desired_replicas", _V, "Desired number of replicas for each variant.")
CURRENT_REPLICAS = _gauge("wva_current_replicas", _V, "Replicas that each variant has, ready or not.")
DESIRED_RATIO = _gauge(
    "wva_desired_ratio", _V, "Desired divided by current replicas; the desired number itself while there are none."
)
EXPECTED_REPLICAS = _gauge(
    "wva_expected_replicas", _V, "Replicas that an HPA with the configured tolerance makes of the desired number."
)

# How full the fleet is.
SATURATION_UTILIZATION = _gauge(
    "wva_saturation_utilization", _VMA, "Mean share of the KV cache in use over the replicas of the variant."
)
REQUIRED_CAPACITY = _gauge(
    "wva_required_capacity", _VMU, "Capacity that is missing; 1 or 0 where the unit is binary (policy wva-v1)."
)
SPARE_CAPACITY = _gauge(
    "wva_spare_capacity",
    _VMU,
    "Capacity that is free; for policy wva-v1 the mean share of the KV cache below its threshold.",
)
KV_TOKENS_USED = _gauge("wva_kv_cache_tokens_used", _VM, "Tokens resident in the KV caches of the variant.")
KV_TOKENS_CAPACITY = _gauge("wva_kv_cache_tokens_capacity", _VM, "Tokens that the KV caches of the variant can hold.")
SATURATION_METRICS_UP = _gauge(
    "wva_saturation_metrics_up", _VN, "Whether the variant was decided on fresh data in the last cycle."
)

# What it costs.
COST = _gauge("wva_cost", _VMA, "Desired replicas times cost per replica-hour; the currency is in wva_config_info.")
CURRENT_COST = _gauge("wva_current_cost", _VMA, "Current replicas times cost per replica-hour.")
COST_PER_REPLICA = _gauge("wva_cost_per_replica", _VMA, "Configured cost of one replica for one hour.")

# Why.
DECISION_HOLD = _gauge(
    "wva_decision_hold",
    (*_VN, Label.REASON),
    "Whether the target is an echo of an earlier one or the operator's word, and why; 0 with reason none otherwise.",
)
DESIRED_WITHDRAWN = _gauge(
    "wva_desired_withdrawn", _VN, "Whether the target was withdrawn because its data were missing for too long."
)
VARIANT_RANK = _gauge(
    "wva_variant_rank", _VN, "Place of the variant among those of its model by cost, then name; 0 first."
)
VARIANT_INFO = _gauge(
    "wva_variant_info",
    (*_VMA, "role", "source"),
    "What the variant is; source guessed means that nobody named it and wva-exporter check should be read.",
)
DEMAND = _gauge(
    "wva_demand",
    _VMU,
    "What is asked of all variants of the model and role together; the same number on each of them (policy headroom).",
)
REPLICA_CAPACITY = _gauge(
    "wva_replica_capacity",
    (*_VMU, Label.BOUND),
    "What one replica of the variant carries, and what keeps it from carrying more (policy headroom).",
)
DECISION_STEP_REPLICAS = _gauge(
    "wva_decision_step_replicas",
    _VNS,
    "Replicas after each stage of the decision: the policy's word, every stage that moved it, and the target.",
)
REPLICA_SCALING = _counter(
    "wva_replica_scaling", (*_VN, "direction", Label.REASON), "Changes of the desired number of replicas."
)
INPUT_AGE = _gauge(
    "wva_input_age_seconds",
    (Label.NAMESPACE, Label.MODEL, Label.SIGNAL),
    "Age of the oldest sample that the last cycle used.",
)
INPUT_MISSING = _gauge(
    "wva_input_missing", (Label.NAMESPACE, Label.MODEL, Label.SIGNAL), "Whether the last cycle lacked this input."
)

# What was learned of engines: the whole memory of learning, read back after a restart.
MODEL_PARAMETER = _gauge(
    "wva_model_parameter",
    (*_VM, Label.PARAMETER),
    "Learned service parameter: alpha per iteration, beta per token computed, gamma per token read from the KV cache.",
)
MODEL_PARAMETER_STDDEV = _gauge(
    "wva_model_parameter_stddev", (*_VM, Label.PARAMETER), "Standard deviation of the learned service parameter."
)
MODEL_PARAMETER_RESET = _gauge(
    "wva_model_parameter_reset_timestamp_seconds",
    _VM,
    "When learning last began anew because the engine drifted or its arguments changed, by the data source's clock.",
)
RECOMMENDED_MAX_NUM_SEQS = _gauge(
    "wva_recommended_max_num_seqs",
    _VM,
    "Batch limit of an engine that keeps 99 % of the rate at which its model's promise holds; more only slows overload.",
)

# The exporter itself.
LAST_CYCLE = _gauge(
    "wva_last_cycle_timestamp_seconds", (), "When the last cycle ended, by the clock of the data source."
)
OPTIMIZATION_DURATION = Metric(
    "wva_optimization_duration_seconds",
    Kind.HISTOGRAM,
    ("status",),
    "Duration of a whole cycle, from queries to exposed text.",
)
MODELS_PROCESSED = _gauge("wva_models_processed", (), "Models in the last cycle.")
ERRORS = _counter("wva_errors", ("component", "error_type"), "Errors by part of the program and closed type.")
COLLECTION_ERRORS = _counter(
    "wva_metrics_collection_errors", ("query_type", Label.REASON), "Queries without a usable answer, by closed reason."
)
COLLECTION_DURATION = Metric(
    "wva_metrics_collection_duration_seconds", Kind.HISTOGRAM, ("query_type",), "Duration of each query."
)
COLLECTION_WARNINGS = _counter(
    "wva_metrics_collection_warnings", ("query_type",), "Answers that their source marked with warnings."
)
SOURCE_UP = _gauge("wva_source_up", ("source",), "Whether the data source answered in the last cycle.")
CLOCK_SKEW = _gauge("wva_clock_skew_seconds", (), "Data source's clock minus ours; decisions use the source's.")
CONFIG_RELOAD_OK = _gauge(
    "wva_config_last_reload_successful", (), "Whether the last configuration reload was accepted."
)
CONFIG_RELOAD_TIME = _gauge(
    "wva_config_last_reload_success_timestamp_seconds", (), "When a configuration was last accepted."
)
CONFIG_INFO = _gauge("wva_config_info", ("analyzer_name", "currency"), "The default policy and the currency of costs.")
CONFIG_INTERVAL = _gauge("wva_config_optimization_interval_seconds", (), "Seconds between two cycles.")
CONFIG_KV_SPARE = _gauge("wva_config_kv_spare_threshold", (), "Share of the KV cache that must stay free, by default.")
CONFIG_QUEUE_SPARE = _gauge("wva_config_queue_spare_threshold", (), "Queue places that must stay free, by default.")
CONFIG_COST_BUDGET = _gauge(
    "wva_config_cost_budget_per_hour", (), "What the fleet may cost an hour; absent where no budget is configured."
)
BUILD_INFO = _gauge("wva_exporter_build_info", ("version", "revision", "pythonversion"), "What is running.")

PER_VARIANT = (
    DESIRED_REPLICAS,
    CURRENT_REPLICAS,
    DESIRED_RATIO,
    EXPECTED_REPLICAS,
    SATURATION_UTILIZATION,
    REQUIRED_CAPACITY,
    SPARE_CAPACITY,
    KV_TOKENS_USED,
    KV_TOKENS_CAPACITY,
    SATURATION_METRICS_UP,
    COST,
    CURRENT_COST,
    COST_PER_REPLICA,
    DECISION_HOLD,
    DESIRED_WITHDRAWN,
    VARIANT_RANK,
    VARIANT_INFO,
    DEMAND,
    REPLICA_CAPACITY,
    DECISION_STEP_REPLICAS,
    REPLICA_SCALING,
)
LEARNING_MEMORY = (MODEL_PARAMETER, MODEL_PARAMETER_STDDEV, MODEL_PARAMETER_RESET)
"""What a restart reads back of each variant that was learned of: six series, seven once learning began anew."""

PER_LEARNED = (*LEARNING_MEMORY, RECOMMENDED_MAX_NUM_SEQS)
"""And one more where a batch limit follows."""

PER_MODEL = (INPUT_AGE, INPUT_MISSING)
OF_EXPORTER = (
    LAST_CYCLE,
    OPTIMIZATION_DURATION,
    MODELS_PROCESSED,
    ERRORS,
    COLLECTION_ERRORS,
    COLLECTION_DURATION,
    COLLECTION_WARNINGS,
    SOURCE_UP,
    CLOCK_SKEW,
    CONFIG_RELOAD_OK,
    CONFIG_RELOAD_TIME,
    CONFIG_INFO,
    CONFIG_INTERVAL,
    CONFIG_KV_SPARE,
    CONFIG_QUEUE_SPARE,
    CONFIG_COST_BUDGET,
    BUILD_INFO,
)

ERROR_KINDS = (
    ("controller", "cycle"),
    ("config", "reload"),
    ("web", "config"),
    ("web", "request"),
    ("source", "credentials"),
    ("learning", "fit"),
)
"""Component and type of every error that ``wva_errors_total`` counts, each published from 0 on."""

SHADOW_PREFIXES = ("wva_desired_", "wva_current_")


def shadow_name(name: str) -> str:
    """The name under which a series is published in shadow mode, beside a WVA that still actuates.

    Only what an actuator or a WVA dashboard would read changes its name.
    """
    return name.replace("wva_", "wva_shadow_", 1) if name.startswith(SHADOW_PREFIXES) else name
