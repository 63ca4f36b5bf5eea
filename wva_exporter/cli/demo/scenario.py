"""What the demo shows: one model on two kinds of hardware, a load that rises threefold and falls, a loop in fast motion.

Only the loop is shortened, by ordinary settings. Request rates, time to first token and inter-token latency are those of the
wall clock. Iteration times are measured ones of Llama-3.1-8B on an H100, and the same scaled by memory bandwidth for an A100;
the KV caches are cut so that tens of requests fill a replica and not hundreds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.twin.fleet import Fleet, VariantSpec
from wva_exporter.twin.hpa import Autoscaler, Behavior, Direction, Policy, Unit
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.workload import Lengths, RateProfile, Workload

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
NAMESPACE = "llm"
CURRENCY = "USD"
COST_BUDGET_PER_HOUR = 20.0
WARM_UP_SECONDS = 60.0
"""The fleet has served this long when the demo starts, so that it starts in its stride."""

STARTUP_SECONDS = 5.0
SCRAPE_SECONDS = 1.0
CYCLE_SECONDS = 2.0
SYNC_SECONDS = 2.0
WINDOW_FLOOR_SECONDS = 5.0
UP_PERIOD_SECONDS = 1.0
DOWN_PERIOD_SECONDS = 4.0
MAX_DOWN_RATIO_PER_MINUTE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortened:
    """A setting of the demo's loop beside its usual value."""

    name: str
    here: str
    usual: str


SHORTENED = (
    Shortened(name="scrape", here=f"{SCRAPE_SECONDS:g}s", usual="15s"),
    Shortened(name="cycle", here=f"{CYCLE_SECONDS:g}s", usual="15s"),
    Shortened(name="HPA sync", here=f"{SYNC_SECONDS:g}s", usual="15s"),
    Shortened(name="replica start-up", here=f"{STARTUP_SECONDS:g}s", usual="60-120s"),
    Shortened(name="window_floor", here=f"{WINDOW_FLOOR_SECONDS:g}s", usual="60s"),
    Shortened(name="window before a fall", here=f"{5 * WINDOW_FLOOR_SECONDS:g}s", usual="300s"),
    Shortened(name="HPA 100 pods up per", here=f"{UP_PERIOD_SECONDS:g}s", usual="15s"),
    Shortened(name="HPA 50% down per", here=f"{DOWN_PERIOD_SECONDS:g}s", usual="60s"),
    Shortened(name="max_down_ratio_per_minute", here=f"{MAX_DOWN_RATIO_PER_MINUTE:g}", usual="0.5"),
)

PROFILE = ((0.0, 1.0), (4.0, 1.0), (58.0, 3.0), (72.0, 3.0), (92.0, 1.0))
"""Load over time as (seconds, multiple of the base): stretched for runs longer than 180 s, cut off for shorter ones."""

SLO = {"ttft": "1s", "itl": "50ms"}
"""What the model promises in the mean."""

BASE_RATE = 26.0
"""Requests per second before the rise."""

_H100 = EngineParameters(
    alpha_seconds=0.0067,
    beta_seconds_per_token=2.08e-5,
    gamma_seconds_per_resident_token=4.9e-8,
    kv_blocks=4_200,
)
_A100 = EngineParameters(
    alpha_seconds=0.0110,
    beta_seconds_per_token=3.42e-5,
    gamma_seconds_per_resident_token=8.05e-8,
    kv_blocks=2_800,
)

VARIANTS = (
    VariantSpec(
        name="llama-8b-a100",
        accelerator="A100",
        parameters=_A100,
        cost_per_hour=2.2,
        replicas=2,
        startup_seconds=STARTUP_SECONDS,
        template_hash="7c9d5b8f6d",
    ),
    VariantSpec(
        name="llama-8b-h100",
        accelerator="H100",
        parameters=_H100,
        cost_per_hour=4.0,
        replicas=1,
        startup_seconds=STARTUP_SECONDS,
        template_hash="66f4c9dbb8",
    ),
)

_BEHAVIOR = Behavior(
    up=Direction(
        stabilization_seconds=0.0,
        policies=(Policy(unit=Unit.PODS, value=100, period_seconds=UP_PERIOD_SECONDS),),
    ),
    down=Direction(
        stabilization_seconds=0.0,
        policies=(Policy(unit=Unit.PERCENT, value=50, period_seconds=DOWN_PERIOD_SECONDS),),
    ),
)
"""As our manifests make it for policy headroom: no window of its own, because the policy has one; half of it down a minute."""

AUTOSCALERS = {
    "llama-8b-a100": Autoscaler(minimum=2, maximum=12, behavior=_BEHAVIOR),
    "llama-8b-h100": Autoscaler(minimum=1, maximum=4, behavior=_BEHAVIOR),
}


def profile(seconds: float) -> RateProfile:
    """The load of a run of so many seconds, from its start."""
    stretch = max(seconds / 180.0, 1.0)
    return RateProfile(points=tuple((at * stretch, rate * BASE_RATE) for at, rate in PROFILE))


def rise_at(seconds: float) -> float:
    """When the load begins to rise in a run of so many seconds."""
    return profile(seconds).points[1][0]


def fleet(seed: int) -> Fleet:
    """The fleet before its warm-up."""
    names = np.random.default_rng([seed, 1])
    return Fleet(VARIANTS, names, grace_seconds=60.0, start=-WARM_UP_SECONDS, detail=True)


def workload(rates: RateProfile, seed: int) -> Workload:
    """Its requests: 600 tokens in and 200 out in the mean, from clients who wait a minute."""
    return Workload(
        rates,
        prompt=Lengths(mean_tokens=600, sigma=0.4, most=4000),
        response=Lengths(mean_tokens=200, sigma=0.4, most=1000),
        generator=np.random.default_rng([seed, 2]),
        patience_seconds=60.0,
        start=-WARM_UP_SECONDS,
    )
