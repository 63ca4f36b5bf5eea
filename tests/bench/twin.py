"""What a fleet's life costs: an hour of twenty replicas, alone and with a policy, and a day at one request a second.

The hour is at twenty requests a second. Of the day two weeks are to take three minutes at most.
"""

from __future__ import annotations

from dataclasses import replace

from bench.measure import Measurement, milliseconds
from wva_exporter.core.policies import POLICIES
from wva_exporter.twin.closed_loop import run
from wva_exporter.twin.contenders import CONTENDERS
from wva_exporter.twin.fleet import VariantSpec
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.scenario import Promise, Scenario, ScenarioVariant
from wva_exporter.twin.workloads.lengths import Fixed, LogNormal
from wva_exporter.twin.workloads.rates import Rate
from wva_exporter.twin.workloads.synthetic import Synthetic

RATE_RPS = 20.0
REPLICAS = 20
PROMPT_TOKENS = 512
OUTPUT_TOKENS = 256
HOUR_SECONDS = 3600.0
DAY_SECONDS = 24 * HOUR_SECONDS
POLICY = "headroom" if "headroom" in POLICIES else "wva-v2"
ENGINE = EngineParameters(
    alpha_seconds=6.7e-3,
    beta_seconds_per_token=2.08e-5,
    gamma_seconds_per_resident_token=4.9e-8,
    kv_blocks=27_000,
)
"""A measured engine: Llama 3.1 8B."""


def an_hour() -> Scenario:
    """A level load on a fleet that is larger than it needs to be and must stay so: all twenty replicas serve all the time."""
    spec = _replicas(REPLICAS, ENGINE)
    return Scenario(
        name="hour",
        title="An hour",
        summary="level",
        model_name="org/model",
        promise=Promise(ttft_seconds=1.0, itl_seconds=0.05),
        variants=(ScenarioVariant(spec=spec, minimum=REPLICAS, maximum=REPLICAS + 10),),
        duration_seconds=HOUR_SECONDS,
        workload=Synthetic(
            rate=Rate.legs([(HOUR_SECONDS, RATE_RPS, False)]),
            prompt=Fixed(tokens=PROMPT_TOKENS),
            output=Fixed(tokens=OUTPUT_TOKENS),
            duration_seconds=HOUR_SECONDS,
        ),
    )


def a_day() -> Scenario:
    """A tide of one request a second in the mean, a decision every 15 s: one to three replicas that hold eight each."""
    spec = _replicas(1, replace(ENGINE, max_sequences=8))
    return Scenario(
        name="day",
        title="A day",
        summary="a tide",
        model_name="org/model",
        promise=Promise(ttft_seconds=2.0, itl_seconds=0.05),
        variants=(ScenarioVariant(spec=spec, minimum=1, maximum=10),),
        duration_seconds=DAY_SECONDS,
        cycle_seconds=15.0,
        workload=Synthetic(
            rate=Rate.sine(mean_rps=1.0, swing_rps=0.8, period_seconds=DAY_SECONDS, seconds=DAY_SECONDS),
            prompt=LogNormal(mean_tokens=PROMPT_TOKENS, sigma=0.8, most=8000),
            output=LogNormal(mean_tokens=OUTPUT_TOKENS, sigma=0.7, most=4000),
            duration_seconds=DAY_SECONDS,
        ),
    )


def _replicas(count: int, engine: EngineParameters) -> VariantSpec:
    return VariantSpec(
        name="serve", accelerator="H100", parameters=engine, cost_per_hour=4.0, replicas=count, startup_seconds=65.0
    )


def _fleet_alone(scenario: Scenario) -> None:
    fleet = scenario.fleet(1)
    requests = scenario.requests(1)
    fleet.serve(requests, HOUR_SECONDS)
    assert len(fleet.take_outcomes()) > 0.99 * len(requests)


def measurements() -> list[Measurement]:
    """The budgets of each."""
    scenario = an_hour()
    alone = milliseconds(lambda: _fleet_alone(scenario)) / 1000.0
    with_policy = milliseconds(lambda: run(scenario, CONTENDERS[POLICY], 1)) / 1000.0
    day = milliseconds(lambda: run(a_day(), CONTENDERS[POLICY], 1)) / 1000.0
    return [
        Measurement(name="twin_hour_alone_s", value=alone, unit="s", budget=3),
        Measurement(name="twin_hour_s", value=with_policy, unit="s", budget=5),
        Measurement(name="twin_day_s", value=day, unit="s", budget=12.8),
    ]
