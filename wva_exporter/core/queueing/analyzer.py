"""WVA's queueing-model analyzer: what each variant carries within its SLO, what each model is asked for, requests per second.

After the autoscaler of August 2026, with its arithmetic of signals put right: supply is what the ready replicas carry, not what
the desired ones would (which makes the required capacity 0 whatever happens); what cannot be told is unknown, not 0; a model
without traffic is held, not an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.queueing.sizing import Targets, size
from wva_exporter.core.queueing.slo import Slo, from_observed, inferred
from wva_exporter.core.queueing.system import ServiceModel, System
from wva_exporter.errors import InvalidValue

DEFAULT_MAX_BATCH = 256
MAX_QUEUE = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traffic:
    """What replicas report: shape (replicas,). Arrivals in requests per second, tokens per request, mean times in seconds."""

    variant: IntArray
    arrivals: Column
    in_tokens: Column
    out_tokens: Column
    ttft_seconds: Column
    itl_seconds: Column

    @property
    def busy(self) -> BoolArray:
        """Replicas that get requests and say what kind."""
        known = self.arrivals.known & self.in_tokens.known & self.out_tokens.known
        return np.asarray(known & (self.arrivals.value > 0.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """Variants, shape (variants,), and models, shape (models,).

    ``parameters`` are alpha, beta and gamma in seconds, shape (variants, 3); ``multiplier`` serves where ``slo`` is unknown.
    """

    model: IntArray
    ready: FloatArray
    pending: FloatArray
    max_batch: Column
    parameters: Column
    slo: Slo
    multiplier: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Capacity of one replica of each variant, shape (variants,), and the sums of each model, shape (models,).

    All are requests per second. Supply is ``ready`` times capacity, ``anticipated`` counts pending replicas too, ``required``
    is what is missing from that, ``spare`` what ready replicas carry beyond demand. ``hold`` marks models whose capacity or
    demand cannot be told.
    """

    slo: Slo
    capacity: Column
    demand: Column
    supply: Column
    anticipated: Column
    required: Column
    spare: Column
    utilization: Column
    hold: BoolArray


def analyze(traffic: Traffic, standing: Standing) -> Found:
    """One cycle for the whole fleet.

    Raises:
        InvalidValue: a replica's variant or a variant's model is out of range.
    """
    variants, models = len(standing.model), len(standing.multiplier)
    _check(traffic.variant, variants, "variant")
    _check(standing.model, models, "model")
    mine = _Means.over(traffic, traffic.variant, variants)
    all_ = _Means.over(traffic, standing.model[traffic.variant], models)
    slo = standing.slo.otherwise(
        inferred(standing.parameters, standing.model, all_.in_tokens, all_.out_tokens, standing.multiplier).otherwise(
            from_observed(all_.ttft_seconds, all_.itl_seconds)
        )
    )
    capacity = _capacity(standing, slo, mine, all_)

    def summed(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(standing.model, weights=values, minlength=models), dtype=np.float64)

    blind = summed(((standing.ready + standing.pending > 0.0) & ~capacity.known).astype(np.float64)) > 0.0
    told = ~blind & (summed(capacity.known.astype(np.float64)) > 0.0)
    supply = Column.of(summed(standing.ready * capacity.value), told)
    anticipated = Column.of(summed((standing.ready + standing.pending) * capacity.value), told)
    demand, both = all_.arrivals, told & all_.arrivals.known
    over = np.divide(demand.value, supply.value, out=np.zeros(models), where=supply.value > 0.0)
    return Found(
        slo=slo,
        capacity=capacity,
        demand=demand,
        supply=supply,
        anticipated=anticipated,
        required=Column.of(np.maximum(demand.value - anticipated.value, 0.0), both),
        spare=Column.of(np.maximum(supply.value - demand.value, 0.0), both),
        utilization=Column.of(over, both & (supply.value > 0.0)),
        hold=~both,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Means:
    """Arrivals of each group, and means over its busy replicas weighted by them."""

    arrivals: Column
    in_tokens: Column
    out_tokens: Column
    ttft_seconds: Column
    itl_seconds: Column

    @classmethod
    def over(cls, traffic: Traffic, group: IntArray, groups: int) -> _Means:
        said = traffic.arrivals.known
        total = _sum(np.where(said, np.maximum(traffic.arrivals.value, 0.0), 0.0), group, groups)
        heard = _sum(said.astype(np.float64), group, groups) > 0.0

        def mean(column: Column) -> Column:
            weight = np.where(traffic.busy & column.known, traffic.arrivals.value, 0.0)
            under = _sum(weight, group, groups)
            over = _sum(weight * column.value, group, groups)
            return Column.of(np.divide(over, under, out=np.zeros(groups), where=under > 0.0), under > 0.0)

        return cls(
            arrivals=Column.of(total, heard),
            in_tokens=mean(traffic.in_tokens),
            out_tokens=mean(traffic.out_tokens),
            ttft_seconds=mean(traffic.ttft_seconds),
            itl_seconds=mean(traffic.itl_seconds),
        )


def _capacity(standing: Standing, slo: Slo, mine: _Means, all_: _Means) -> Column:
    """Of one replica, for the requests its variant gets; a variant that gets none is sized for those of its model."""
    model = standing.model
    prompt = np.where(mine.in_tokens.known, mine.in_tokens.value, all_.in_tokens.value[model])
    answer = np.where(mine.out_tokens.known, mine.out_tokens.value, all_.out_tokens.value[model])
    known = (
        standing.parameters.known.all(axis=1) & slo.known[model] & (all_.in_tokens.known & all_.out_tokens.known)[model]
    )
    alpha, beta, gamma = standing.parameters.value.T
    system = System.where_possible(
        ServiceModel.ABG,
        known,
        alpha_seconds=alpha,
        beta_seconds=beta,
        gamma_seconds=gamma,
        in_tokens=prompt,
        out_tokens=answer,
        max_batch=standing.max_batch.otherwise(DEFAULT_MAX_BATCH),
        max_queue=MAX_QUEUE,
    )
    targets = Targets(
        ttft_seconds=slo.ttft_seconds.take(model),
        itl_seconds=slo.itl_seconds.take(model),
        tokens_per_second=Column.unknown(len(model)),
        percentile=Column.unknown(len(model)),
    )
    return size(system, targets).capacity


def _sum(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    return np.asarray(np.bincount(group, weights=values, minlength=groups), dtype=np.float64)


def _check(index: IntArray, count: int, what: str) -> None:
    if index.size and not (index.min() >= 0 and index.max() < count):
        raise InvalidValue(f"{what} outside [0, {count})")
