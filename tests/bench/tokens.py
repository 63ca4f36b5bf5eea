"""What the decision of a large fleet by policy `wva-v2` costs: the whole of `plan`, with GPUs for a part of what is wanted."""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np
from fleet_builder import R, V, fleet, snapshot

from bench.measure import Measurement, milliseconds
from wva_exporter.conventions import Signal
from wva_exporter.core.decision import Memory
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import Snapshot

VARIANTS_OF_A_MODEL = 3
REPLICAS = 4
HARDWARE = ("A100", "H100", "L40S")
CAPACITY_TOKENS = (430_000.0, 600_000.0, 180_000.0)
GPUS_FOR_NEED = 1.1
"""Of what runs already: models that grow compete for the tenth that is free."""


def snapshots(models: int, repeats: int, policy: str) -> list[Snapshot]:
    """The same fleet at different loads: each model's own, from idle to overloaded."""
    variants = [
        V(
            name=f"serve-{m}-{h.lower()}",
            model=f"org/model-{m}",
            accelerator=h,
            cost=10.0 + 7.3 * place + 0.01 * (m % 13),
            minimum=1,
            maximum=40,
        )
        for m in range(models)
        for place, h in enumerate(HARDWARE)
    ]
    of = fleet(*variants, policy=policy)
    rng = np.random.default_rng(7)
    return [_at(of, variants, rng, number, models) for number in range(repeats)]


def _at(of: Fleet, variants: list[V], rng: np.random.Generator, number: int, models: int) -> Snapshot:
    load = np.repeat(rng.uniform(0.2, 0.98, models), VARIANTS_OF_A_MODEL)
    replicas = [
        R(
            v=v.name,
            kv=float(load[i]),
            waiting=float(rng.integers(0, 9)) if load[i] > 0.8 else 0.0,
            signals=_signals(rng, i),
        )
        for i, v in enumerate(variants)
        for _ in range(REPLICAS)
    ]
    inventory = {h: int(GPUS_FOR_NEED * models * REPLICAS) for h in HARDWARE}
    return replace(snapshot(of, replicas, time=1000.0 + 15.0 * number, declared=True), inventory=inventory)


def _signals(rng: np.random.Generator, place: int) -> dict[Signal, float | None]:
    return {
        Signal.KV_CAPACITY: CAPACITY_TOKENS[place % VARIANTS_OF_A_MODEL],
        Signal.INPUT_TOKENS: float(rng.uniform(200, 900)),
        Signal.OUTPUT_TOKENS: float(rng.uniform(60, 600)),
        Signal.PREFIX_HIT_RATIO: 0.3,
    }


def plan_ms(policy: str, models: int = 1000, repeats: int = 5) -> float:
    """Milliseconds of one `plan`, the median after a first one."""
    memory: Memory | None = None
    costs = []
    for seen in snapshots(models, repeats + 1, policy):
        kept = memory

        def decide(seen: Snapshot = seen, kept: Memory | None = kept) -> None:
            nonlocal memory
            result, memory = plan(seen, kept, POLICIES, Rules())
            if not result.target.known.all():
                raise RuntimeError("the bench's fleet was not decided: its numbers would mean nothing")

        costs.append(milliseconds(decide))
    return statistics.median(costs[1:])


def measurements() -> list[Measurement]:
    """Both modes."""
    return [
        Measurement(name="v2_plan_1000_ms", value=plan_ms("wva-v2"), unit="ms", budget=300),
        Measurement(name="v2_exact_plan_1000_ms", value=plan_ms("wva-v2/exact"), unit="ms", budget=300),
    ]
