"""What the other capacity models cost: the throughput analyzer, the filter and both solvers on a thousand rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.measure import Measurement, median_milliseconds
from wva_exporter.core.assignment.optimum import optimum
from wva_exporter.core.assignment.problem import Candidates, Problem
from wva_exporter.core.assignment.solver import greedy
from wva_exporter.core.columns import Column
from wva_exporter.core.fleet import Role
from wva_exporter.core.queueing.filter import DEFAULT_STATE_SECONDS, Observations
from wva_exporter.core.queueing.tuning import Learned, tune
from wva_exporter.core.throughput.analyze import analyze
from wva_exporter.core.throughput.memory import Memory
from wva_exporter.core.throughput.view import Readings, View

VARIANTS = 1000
PER_VARIANT = 4


def measurements() -> Iterator[Measurement]:
    """For information: the issue sets no budget for these."""
    yield Measurement(name="throughput_1000_ms", value=_throughput(), unit="ms")
    yield Measurement(name="filter_1000_ms", value=_filter(), unit="ms")
    solved = [problem(VARIANTS, 8, 3000, seed) for seed in range(3)]
    yield Measurement(
        name="solve_greedy_8000_ms", value=median_milliseconds([lambda p=p: greedy(p) for p in solved]), unit="ms"
    )
    small = [problem(100, 4, 200, seed) for seed in range(3)]
    yield Measurement(
        name="solve_optimum_400_ms", value=median_milliseconds([lambda p=p: optimum(p) for p in small]), unit="ms"
    )


def _throughput() -> float:
    """One cycle of 1,000 variants of four replicas, their windows full."""
    rng = np.random.default_rng(1)
    memory = Memory.empty(VARIANTS)
    for cycle in range(20):
        _, memory = analyze(_view(rng, 15.0 * cycle), memory)
    views = [_view(rng, 300.0 + 15.0 * i) for i in range(5)]
    return median_milliseconds([lambda v=v: analyze(v, memory) for v in views])


def _view(rng: np.random.Generator, time: float) -> View:
    rows = VARIANTS * PER_VARIANT
    usage = rng.uniform(0.1, 0.9, rows)

    def every(value: float) -> Column:
        return Column.of(np.full(rows, value))

    return View(
        time=time,
        replicas=Readings(
            variant=np.repeat(np.arange(VARIANTS), PER_VARIANT),
            stale=np.zeros(rows, dtype=np.bool_),
            kv_usage=Column.of(usage),
            kv_capacity_tokens=every(400_000.0),
            itl_seconds=Column.of((0.07 * usage + 0.006) * rng.uniform(0.97, 1.03, rows)),
            ttft_seconds=every(0.2),
            input_tokens=Column.of(rng.uniform(950.0, 1050.0, rows)),
            output_tokens=Column.of(rng.uniform(190.0, 210.0, rows)),
            prefix_hit_ratio=every(0.2),
            max_sequences=every(256.0),
            arrivals=every(2.0),
            completions=every(2.0),
            generated_tokens=Column.unknown(rows),
        ),
        model=np.arange(VARIANTS) // 3,
        role=np.full(VARIANTS, Role.BOTH),
        pending=np.zeros(VARIANTS),
        configured=np.ones(VARIANTS, dtype=np.bool_),
        arrivals=Column.unknown(-(-VARIANTS // 3)),
        router_queue=Column.unknown(-(-VARIANTS // 3)),
    )


def _filter() -> float:
    """One observation for each of 1,000 filters."""
    rng = np.random.default_rng(2)
    learned = Learned(
        parameters=Column.of(np.tile(DEFAULT_STATE_SECONDS, (VARIANTS, 1))),
        covariance=Column.unknown((VARIANTS, 3, 3)),
        nis=Column.unknown(VARIANTS),
    )
    seen = [
        Observations(
            rate_rps=rng.uniform(1.0, 20.0, VARIANTS),
            in_tokens=np.full(VARIANTS, 512.0),
            out_tokens=np.full(VARIANTS, 128.0),
            max_batch=np.full(VARIANTS, 256),
            ttft_seconds=rng.uniform(0.03, 0.05, VARIANTS),
            itl_seconds=rng.uniform(0.006, 0.008, VARIANTS),
        )
        for _ in range(3)
    ]
    return median_milliseconds([lambda s=s: tune(learned, np.arange(VARIANTS), s) for s in seen])


def problem(servers: int, kinds: int, units: int, seed: int) -> Problem:
    """Servers of four priorities on accelerators of about equal worth, in pools of two kinds each; too few units for all."""
    rng = np.random.default_rng(seed)
    shape = (servers, kinds)
    rate = rng.uniform(1.0, 10.0, (1, kinds)) * rng.uniform(0.5, 2.0, shape)
    demand = rng.uniform(1.0, 30.0, servers)
    replicas = np.ceil(demand[:, np.newaxis] / rate).astype(np.int64)
    cost = replicas * rate[0] * rng.uniform(5.0, 15.0, kinds)
    zero = np.zeros(shape)
    return Problem(
        candidates=Candidates(
            possible=rng.random(shape) < 0.9,
            idle=np.zeros(shape, dtype=np.bool_),
            replicas=replicas,
            max_batch=replicas,
            cost=cost,
            value=1.1 * cost,
            rate=rate,
            itl_seconds=zero,
            ttft_seconds=zero,
            utilization=zero,
        ),
        priority=rng.choice([1, 2, 5, 100], servers),
        demand=demand,
        units=np.ones(shape, dtype=np.int64),
        pool=np.arange(kinds) // 2,
        capacity=np.full(kinds // 2, units // (kinds // 2)),
    )
