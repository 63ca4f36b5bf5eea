"""A scenario's fleet as policies know it: one model with its promise, its variants with cost, bounds and arguments."""

from __future__ import annotations

import math

import numpy as np

from wva_exporter.core.columns import Column, flags, integers
from wva_exporter.core.engine_arguments import EngineArguments
from wva_exporter.core.fleet import Fleet, Models, Origin, Promises, Role, Thresholds, Variants
from wva_exporter.twin.observe import NAMESPACE
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.scenario import Scenario, ScenarioVariant

PERCENTILE = 0.95
"""The share of requests that a promise is sized for."""

_ROLES = {"both": Role.BOTH, "prefill": Role.PREFILL, "decode": Role.DECODE}


def fleet_rows(scenario: Scenario, policy: str, thresholds: Thresholds | None = None) -> Fleet:
    """The rows of a scenario's model and variants; without ``thresholds`` WVA's defaults."""
    variants = scenario.variants
    return Fleet(
        models=Models(
            namespace=(NAMESPACE,),
            name=(scenario.model_name,),
            policy=(policy,),
            thresholds=thresholds or Thresholds.default(1),
            priority=np.ones(1),
            zero_retention_seconds=Column.unknown(1),
            slo=_promises(scenario),
        ),
        variants=Variants(
            namespace=(NAMESPACE,) * len(variants),
            name=tuple(variant.spec.name for variant in variants),
            accelerator=tuple(variant.spec.accelerator for variant in variants),
            model=integers([0] * len(variants)),
            role=integers([_ROLES[variant.spec.role] for variant in variants]),
            cost=Column.of([variant.spec.cost_per_hour for variant in variants]),
            gpus_per_replica=integers([variant.gpus for variant in variants]),
            minimum=integers([variant.minimum for variant in variants]),
            maximum=Column.of([float(variant.maximum) for variant in variants]),
            paused=flags([False] * len(variants)),
            fixed=Column.unknown(len(variants)),
            origin=integers([Origin.CONFIGURED] * len(variants)),
            arguments=tuple(_arguments(variant) for variant in variants),
        ),
    )


def _promises(scenario: Scenario) -> Promises:
    """The promise; a part that is infinite is none."""
    promise = scenario.promise
    given = math.isfinite(promise.ttft_seconds) or math.isfinite(promise.itl_seconds)
    return Promises(
        ttft_seconds=Column.of([promise.ttft_seconds]),
        itl_seconds=Column.of([promise.itl_seconds]),
        percentile=Column.of([PERCENTILE], [given]),
    )


def _arguments(variant: ScenarioVariant) -> EngineArguments:
    """What the engines' command lines say: vLLM finds the size of its cache itself."""
    engine: EngineParameters = variant.spec.parameters
    return EngineArguments(
        engine="vllm",
        block_tokens=engine.block_size_tokens,
        tensor_parallel=variant.gpus,
        sequences=engine.max_sequences,
        batched_tokens=engine.max_batched_tokens,
        model_tokens=engine.max_model_tokens,
    )
