"""What it costs to size a fleet: each variant on each accelerator, both latency targets, replicas and their latency."""

from __future__ import annotations

import numpy as np

from bench.measure import Measurement, median_milliseconds
from wva_exporter.core.queueing.analysis import Analysis, analyze
from wva_exporter.core.queueing.sizing import Targets, at_replicas, replicas_for, size
from wva_exporter.core.queueing.system import ServiceModel, System

VARIANTS, ACCELERATORS = 1_000, 8
QUEUE_PER_BATCH = 10
REPEATS = 5


def fleet(model: ServiceModel, max_batch: int, seed: int) -> tuple[System, Targets]:
    """Variants of all sizes, on accelerators of different speed, with targets that bind on most of them."""
    random = np.random.default_rng(seed)
    speed = np.exp(random.uniform(np.log(0.5), np.log(2.0), (1, ACCELERATORS)))

    def drawn(low: float, high: float) -> np.ndarray:
        return random.uniform(low, high, (VARIANTS, 1))

    if model == ServiceModel.PD:
        parameters = (drawn(5e-3, 25e-3), drawn(2e-5, 2e-4), drawn(5e-3, 3e-2), drawn(1e-7, 2e-6))
    else:
        parameters = (drawn(3e-3, 28e-3), drawn(5e-6, 1e-4), drawn(3e-9, 3e-7), drawn(0.0, 0.0))
    names = ("alpha_seconds", "beta_seconds", "gamma_seconds", "delta_seconds")
    system = System.of(
        model,
        **{name: value * speed for name, value in zip(names, parameters, strict=True)},
        in_tokens=np.round(drawn(64, 2064)),
        out_tokens=np.round(drawn(32, 832)),
        max_batch=max_batch,
        max_queue=QUEUE_PER_BATCH * max_batch,
    )
    shape = (VARIANTS, ACCELERATORS)
    busy = analyze(system, analyze(system, 0.0).max_rate_rps * random.uniform(0.3, 0.95, shape))
    ttft = busy.ttft_seconds * random.uniform(0.9, 1.6, shape)
    itl = busy.itl_seconds * random.uniform(0.9, 1.4, shape)
    return system, Targets.of(ttft, itl)


def sized(system: System, targets: Targets) -> Analysis:
    """Capacity of a replica, replicas for 100 requests per second, and what these would do."""
    capacity = size(system, targets).capacity
    return at_replicas(system, 100.0, replicas_for(100.0, capacity).otherwise(1.0))


def seconds(model: ServiceModel, max_batch: int) -> float:
    """The median over fleets that differ."""
    fleets = [fleet(model, max_batch, seed) for seed in range(REPEATS)]
    sized(*fleets[0])
    return median_milliseconds([lambda each=each: sized(*each) for each in fleets]) / 1000.0


def measurements() -> list[Measurement]:
    """8,000 sizings under each model; the budgets are for the dearest of them, which is CHUNK."""
    found = []
    for max_batch, budget in ((256, 0.25), (64, 0.2)):
        name = f"sizing_8000_{max_batch}"
        found.append(
            Measurement(name=f"{name}_s", value=seconds(ServiceModel.CHUNK, max_batch), unit="s", budget=budget)
        )
        found.append(
            Measurement(name=f"{name}_pd_s", value=seconds(ServiceModel.PD, max_batch), unit="s", budget=budget)
        )
    return found
