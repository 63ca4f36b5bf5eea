"""Small scenarios for the tests of the arena."""

from __future__ import annotations

from dataclasses import replace

from wva_exporter.twin.fleet import VariantSpec
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.scenario import Promise, Scenario, ScenarioVariant
from wva_exporter.twin.workloads.lengths import LogNormal
from wva_exporter.twin.workloads.rates import Rate
from wva_exporter.twin.workloads.synthetic import Synthetic

ENGINE = EngineParameters(
    alpha_seconds=6.7e-3,
    beta_seconds_per_token=2.08e-5,
    gamma_seconds_per_resident_token=4.9e-8,
    kv_blocks=600,
    max_model_tokens=16_384,
)
"""Carries about two of the requests below a second."""


def variant(name: str = "h100", *, most: int = 6, **changes: object) -> ScenarioVariant:
    """A variant of small replicas, one to begin with."""
    spec = VariantSpec(
        name=name, accelerator="H100", parameters=ENGINE, cost_per_hour=2.5, replicas=1, startup_seconds=40.0
    )
    return ScenarioVariant(spec=replace(spec, **changes), minimum=1, maximum=most)


def scenario(*variants: ScenarioVariant, seconds: float = 300.0, **changes: object) -> Scenario:
    """One request a second, then five from a third of the time to two."""
    rate = Rate.legs([(seconds / 3, 1.0, False), (seconds / 3, 5.0, False), (seconds / 3, 1.0, False)])
    load = Synthetic(
        rate=rate,
        duration_seconds=seconds,
        prompt=LogNormal(mean_tokens=800, sigma=0.5, most=4000),
        output=LogNormal(mean_tokens=600, sigma=0.4, most=2000),
        patience_seconds=30.0,
    )
    whole = Scenario(
        name="small",
        title="Small",
        summary="Five times the load for a while.",
        model_name="m",
        promise=Promise(ttft_seconds=2.0, itl_seconds=0.05),
        variants=variants or (variant(),),
        duration_seconds=seconds,
        workload=load,
    )
    return replace(whole, **changes)
