"""The batch limit to set on each variant's engines, from what was learned of them: a recommendation, part of no decision.

A limit is recommended where the model promises a latency, and where what a replica carries within it is known well enough:
the deviations of alpha, beta and gamma, one after the other, must move that capacity by no more than ``KNOWN_RATIO`` together.
"""

from __future__ import annotations

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.fleet import Promises
from wva_exporter.core.queueing.batch_limit import recommend
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.learning import Learning
from wva_exporter.core.queueing.observations import Observations
from wva_exporter.core.queueing.sizing import Targets, size
from wva_exporter.core.queueing.system import ServiceModel, System

KNOWN_RATIO = 0.25
"""Relative deviation of the capacity beyond which nothing is recommended."""

LARGEST_LIMIT = 1024
"""No engine's default is larger; where one was told more, that is the largest tried."""

_BLOCK = 256
"""Rows at once: all states of their batches are in memory together."""

QUEUE_PER_BATCH = 10
"""Requests that may wait for each place of the batch, as the original has it: only an overload would notice."""


def recommended_limit(learning: Learning, told: IntArray, promised: Promises) -> Column:
    """A small batch limit of each variant that keeps 99 % of the rate at which promises hold: shape (variants,).

    The smallest of those at which one iteration of a full batch just meets a promise, or more (``batch_limit``).

    Unknown where nothing is promised, where the engine or its requests are not known well enough, and where the promise is
    missed by a single request already. KV memory caps what is tried.

    Args:
        learning: beliefs, and the points of the last ten minutes: their mean request, and the newest KV capacity.
        told: the batch limit of each variant's engines: shape (variants,).
        promised: what each variant's model promises: shape (variants,).
    """
    largest = np.maximum(told, LARGEST_LIMIT)
    belief, points = learning.latest.belief, learning.points
    system = _system(belief, points.seen, largest).capped_by_memory(_newest(points.arguments))
    asked = system.known & (promised.ttft_seconds.known | promised.itl_seconds.known)
    rows, value = np.flatnonzero(asked), np.full(len(belief), np.nan)
    for start in range(0, len(rows), _BLOCK):
        some = rows[start : start + _BLOCK]
        value[some] = _limits(system.take(some), _targets(promised, some), belief.spread[some])
    return Column.of(value)


def _limits(system: System, targets: Targets, spread: FloatArray) -> FloatArray:
    """The limit of each row, NaN where none is recommended."""
    limit = np.full(len(spread), np.nan)
    sure = np.flatnonzero(_capacity_spread(system, targets, spread) <= KNOWN_RATIO)
    if sure.size:
        limit[sure] = recommend(system.take(sure), targets.take(sure)).recommended.otherwise(np.nan)
    return limit


def _system(belief: Belief, seen: Observations, largest: IntArray) -> System:
    alpha, beta, gamma = belief.mean_seconds.T
    weight = np.where(seen.usable, seen.rate_rps.otherwise(0.0), 0.0)
    weight = np.where(weight.sum(axis=1, keepdims=True) > 0.0, weight, seen.usable)

    def mean(column: Column) -> FloatArray:
        over = weight.sum(axis=1)
        total = (weight * column.value).sum(axis=1)
        result: FloatArray = np.divide(total, over, out=np.zeros(len(over)), where=over > 0.0)
        return result

    return System.where_possible(
        ServiceModel.CHUNK,
        known=belief.known & seen.usable.any(axis=1),
        alpha_seconds=alpha,
        beta_seconds=beta,
        gamma_seconds=gamma,
        in_tokens=mean(seen.in_tokens),
        out_tokens=mean(seen.out_tokens),
        hit_ratio=mean(seen.hit_ratio),
        max_batch=largest,
        max_queue=QUEUE_PER_BATCH * largest,
        max_tokens=seen.max_tokens,
    )


def _newest(column: Column) -> FloatArray:
    """The last known number of each row; NaN where there is none: shape (rows,)."""
    rows, points = column.value.shape
    if points == 0:
        return np.full(rows, np.nan)
    last = points - 1 - np.argmax(column.known[:, ::-1], axis=1)
    return np.where(column.known.any(axis=1), column.value[np.arange(rows), last], np.nan)


def _targets(promised: Promises, rows: IntArray) -> Targets:
    return Targets(
        ttft_seconds=promised.ttft_seconds.take(rows),
        itl_seconds=promised.itl_seconds.take(rows),
        tokens_per_second=Column.unknown(len(rows)),
        percentile=promised.percentile.take(rows),
    )


def _capacity_spread(system: System, targets: Targets, spread: FloatArray) -> FloatArray:
    """Standard deviation of the logarithm of the capacity, to first order; infinite where the targets cannot be met.

    One-sided differences, a deviation upwards each: slower engines are the ones that break a promise.
    """
    base = size(system, targets)
    total = np.where(base.feasible, 0.0, np.inf)
    for place, name in enumerate(("alpha_seconds", "beta_seconds", "gamma_seconds")):
        slower = size(system.scaled(name, 1.0 + spread[:, place]), targets)
        total += _log_ratio(base.throughput_rps, slower.throughput_rps, base.feasible) ** 2
    return np.sqrt(total)


def _log_ratio(base: FloatArray, other: FloatArray, feasible: BoolArray) -> FloatArray:
    """log(base / other); infinite where the other can carry nothing."""
    fine = feasible & (other > 0.0)
    ratio = np.divide(base, other, out=np.ones_like(base), where=fine)
    return np.where(fine, np.log(ratio), np.where(feasible, np.inf, 0.0))
