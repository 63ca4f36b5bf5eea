"""Small scenarios in the words of a test: a fleet of 8B engines and a load in steps."""

from __future__ import annotations

import math

from wva_exporter.twin.fleet import VariantSpec
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.router import RouterSettings
from wva_exporter.twin.scenario import Promise, Scenario, ScenarioVariant
from wva_exporter.twin.workloads.lengths import LogNormal, Sizes
from wva_exporter.twin.workloads.rates import Rate
from wva_exporter.twin.workloads.synthetic import Synthetic

ENGINE = EngineParameters(
    alpha_seconds=0.0067,
    beta_seconds_per_token=2.08e-5,
    gamma_seconds_per_resident_token=4.9e-8,
    kv_blocks=1_025,
)
"""An 8B model on an H100 with a cache for 16,384 tokens."""


def variant(
    name: str = "h100",
    *,
    replicas: int = 1,
    least: int = 1,
    most: int = 10,
    startup: float = 60.0,
    cost: float = 2.0,
    engine: EngineParameters = ENGINE,
) -> ScenarioVariant:
    """A variant of the fleet."""
    spec = VariantSpec(
        name=name,
        accelerator=name.upper(),
        parameters=engine,
        cost_per_hour=cost,
        replicas=replicas,
        startup_seconds=startup,
    )
    return ScenarioVariant(spec=spec, minimum=least, maximum=most)


def steps(
    *legs: tuple[float, float],
    variants: tuple[ScenarioVariant, ...] | None = None,
    scrape: float = 15.0,
    warm: float = 0.0,
    patience: float = math.inf,
    prompt: Sizes | None = None,
    output: Sizes | None = None,
    router: RouterSettings | None = None,
) -> Scenario:
    """Requests at so many a second for so long, leg after leg."""
    duration = sum(seconds for _, seconds in legs)
    return Scenario(
        name="steps",
        title="Steps",
        summary="A load in steps.",
        model_name="llama-8b",
        promise=Promise(ttft_seconds=2.0, itl_seconds=0.05),
        variants=variants or (variant(),),
        duration_seconds=duration,
        workload=Synthetic(
            rate=Rate.legs([(seconds, rps, False) for rps, seconds in legs]),
            duration_seconds=duration,
            prompt=prompt or LogNormal(mean_tokens=512, sigma=0.3, most=4000),
            output=output or LogNormal(mean_tokens=256, sigma=0.3, most=2000),
            patience_seconds=patience,
        ),
        scrape_seconds=scrape,
        warm_seconds=warm,
        router=router or RouterSettings(),
    )
