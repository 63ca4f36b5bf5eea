"""What is served, and by what: the sections ``thresholds``, ``models`` and ``variants``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, WithJsonSchema

from wva_exporter.config.scalars import (
    Count,
    Duration,
    Flag,
    Money,
    Percentile,
    PositiveCount,
    Priority,
    Regex,
    Requests,
    Share,
    ShareOrNone,
    Text,
    WholeNumber,
)
from wva_exporter.config.section import Given, Problem, Section, count_of, key, number_of
from wva_exporter.core.policies import EXACT, POLICIES

POLICY_NAMES: tuple[str, ...] = tuple(name for name in POLICIES if not name.endswith(EXACT))
"""The policies that a file may name; `compat` chooses the mode of those that have two."""


def _known_policy(name: str) -> str:
    if name not in POLICY_NAMES:
        raise ValueError(f"must be {', '.join(POLICY_NAMES[:-1])} or {POLICY_NAMES[-1]}")
    return name


Policy = Annotated[Text, AfterValidator(_known_policy), WithJsonSchema({"type": "string", "enum": list(POLICY_NAMES)})]
Compat = Literal["exact", "corrected"]
LearningWay = Literal["window", "kalman"]

_KV = "A replica whose KV cache is this full is saturated."
_QUEUE = "A replica with this many waiting requests is saturated."
_KV_SPARE = "More replicas are wanted when the mean free share below `kv` falls under this."
_QUEUE_SPARE = "More replicas are wanted when the mean free places below `queue` fall under this."
_SCALE_UP = "More replicas are wanted when the load exceeds this share of the capacity (policy `wva-v2`)."
_SCALE_DOWN = "Fewer replicas will do when the load stays below this share of what they carry (policy `wva-v2`)."


class Thresholds(Section):
    """When a replica is full, and what must stay free on those that are not."""

    kv: Share = key(_KV, 0.80, unit="ratio")
    queue: Requests = key(_QUEUE, 5.0, unit="requests")
    kv_spare: ShareOrNone = key(_KV_SPARE, 0.10, unit="ratio")
    queue_spare: Requests = key(_QUEUE_SPARE, 3.0, unit="requests")
    scale_up: Share = key(_SCALE_UP, 0.85, unit="ratio")
    scale_down: Share = key(_SCALE_DOWN, 0.70, unit="ratio")

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """A spare above its threshold could never be free, and a band turned upside down never be left: fleets would swing."""
        return threshold_problems(given, {})


class ThresholdChanges(Section):
    """Thresholds of one model; those not given are the global ones."""

    kv: Share | None = key(_KV, None, unit="ratio")
    queue: Requests | None = key(_QUEUE, None, unit="requests")
    kv_spare: ShareOrNone | None = key(_KV_SPARE, None, unit="ratio")
    queue_spare: Requests | None = key(_QUEUE_SPARE, None, unit="requests")
    scale_up: Share | None = key(_SCALE_UP, None, unit="ratio")
    scale_down: Share | None = key(_SCALE_DOWN, None, unit="ratio")


def threshold_problems(given: Given, inherited: Given) -> Iterable[Problem]:
    """Thresholds that do not go together where ``given`` overrides ``inherited`` and both the defaults."""
    merged = {**inherited, **given}
    yield from _band_problems(given, merged)
    for name, spare_name in (("kv", "kv_spare"), ("queue", "queue_spare")):
        threshold = number_of(merged, name, Thresholds.model_fields[name].default)
        spare = number_of(merged, spare_name, Thresholds.model_fields[spare_name].default)
        if threshold is None or spare is None or not spare > threshold >= 0:  # also where one is NaN
            continue
        if spare_name in given:
            yield (spare_name,), f"must be at most {name}, {threshold:g}"
        elif name in given:
            yield (name,), f"{spare_name} must be at most {name}, and is {spare:g}"


def _band_problems(given: Given, merged: Given) -> Iterable[Problem]:
    """Below the lower threshold less will do, above the upper one more is wanted: they are not the same, nor crossed."""
    up, down = (number_of(merged, name, Thresholds.model_fields[name].default) for name in ("scale_up", "scale_down"))
    if up is None or down is None or not down >= up > 0:
        return
    if "scale_down" in given:
        yield ("scale_down",), f"must be below scale_up, {up:g}"
    elif "scale_up" in given:
        yield ("scale_up",), f"must be above scale_down, {down:g}"


class Slo(Section):
    """What latency is promised."""

    ttft_seconds: Duration | None = key("Time to the first token.", None, name="ttft")
    itl_seconds: Duration | None = key("Time between two tokens.", None, name="itl")
    percentile: Percentile = key("Share of the requests that are to keep both.", 95.0, unit="percent")

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """A promise promises something."""
        if "ttft" not in given and "itl" not in given:
            yield (), "ttft or itl must be given"


class ScaleToZero(Section):
    """When nobody asks, nothing runs; only variants with `min: 0`."""

    retention_seconds: Duration = key("How long a model must be known to be idle first.", name="retention")


class Model(Section):
    """A model and how to decide it."""

    name: Text = key("Name of the model, as the engines' label `model_name` has it.")
    namespace: Text | None = key("Only in this namespace; everywhere if not given.", None)
    policy: Policy | None = key("Policy of this model.", None)
    compat: Compat | None = key("`compat` of this model.", None)
    thresholds: ThresholdChanges = key("Thresholds that differ from the global ones.", ThresholdChanges)
    priority: Priority | None = key("Weight of its need where models compete for GPUs; 1 if not given.", None)
    slo: Slo | None = key("Promised latency; without it only KV, sequences and utilisation bind.", None)
    scale_to_zero: ScaleToZero | None = key("Scale to zero of this model.", None)


class Selector(Section):
    """Which replicas are a variant's own: every given regular expression matches the whole label."""

    namespace: Regex | None = key("Label `namespace`.", None)
    pod: Regex | None = key("Label `pod`.", None)
    instance: Regex | None = key("Label `instance`.", None)
    job: Regex | None = key("Label `job`.", None)
    llm_d_ai_variant: Regex | None = key("Label `llm_d_ai_variant`.", None)

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """A selector without labels would take every replica."""
        if not given:
            yield (), "at least one label must be given"


class Workload(Section):
    """The Kubernetes object that owns the replicas, in the variant's namespace."""

    kind: Text = key("Deployment, StatefulSet, LeaderWorkerSet or another kind.", "Deployment")
    name: Text = key("Its name.")


class Variant(Section):
    """A model on one kind of hardware, scaled by one HPA or ScaledObject."""

    name: Text = key("Name of the variant: that of its HPA.")
    namespace: Text | None = key("Its namespace; `default_namespace` if not given.", None)
    model: Text = key("Model that it serves.")
    accelerator: Text | None = key("Hardware of its replicas, such as H100.", None)
    cost: Money | None = key(
        "Cost of one replica; if not given it ranks as 10 and none is published.", None, unit="currency per hour"
    )
    gpus_per_replica: PositiveCount = key("GPUs of one replica.", 1, unit="GPUs")
    min: Count | None = key("Fewest replicas; if not given, the HPA's where known, else 1.", None, unit="replicas")
    max: WholeNumber | None = key(
        "Most replicas, at least `min`; if not given, the HPA's where known, else each cycle at most max(2 x current, 4).",
        None,
        unit="replicas",
    )
    role: Literal["both", "prefill", "decode"] = key("Part of each request that it serves.", "both")
    selector: Selector | None = key("Which replicas are its own.", None)
    workload: Workload | None = key("What owns its replicas.", None)
    pause: Flag = key("Keep the target where it is.", default=False)
    fixed: Count | None = key("The target, whatever the load; within `min` and `max`.", None, unit="replicas")

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """The bounds hold something, and a fixed target stands within them."""
        least, most, fixed = count_of(given, "min", 1), count_of(given, "max"), count_of(given, "fixed")
        if least is None or least < 0:
            return
        if most is not None and most < max(least, 1):
            yield ("max",), f"must be at least 1 (and at least min, {least})"
        elif fixed is not None and fixed < least:
            yield ("fixed",), f"must be at least min, {least}"
        elif fixed is not None and most is not None and fixed > most:
            yield ("fixed",), f"must be at most max, {most}"
