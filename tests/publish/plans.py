"""Plans to publish, built from the types of core; every test names only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.conventions import Input
from wva_exporter.core.columns import Column, flags, floats, integers
from wva_exporter.core.decision import Gauges, Plan, Step
from wva_exporter.core.explanation import Bound, Explanation, Unit
from wva_exporter.core.fleet import Fleet, Models, Origin, Promises, Role, Thresholds, Variants
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.learning import Learned
from wva_exporter.core.snapshot import REASON_CODE, Inputs
from wva_exporter.errors import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class V:
    """One variant of a Plan, with everything known unless a test says otherwise."""

    name: str = "llama-a100"
    namespace: str = "llm"
    model: str = "meta-llama/Llama-3.1-8B"
    accelerator: str = "A100"
    role: Role = Role.BOTH
    origin: Origin = Origin.CONFIGURED
    cost: float | None = 40.0
    target: float | None = 3
    current: float | None = 2
    expected: float | None = 3
    reason: Reason = Reason.NO_HEADROOM
    withdrawn: bool = False
    fresh: bool = True
    utilization: float | None = 0.75
    required: float | None = 1
    spare: float | None = 0.05
    kv_tokens_used: float | None = 900
    kv_tokens_capacity: float | None = 1248
    demand: float | None = 19.8
    capacity: float | None = 7.5
    unit: Unit = Unit.REQUESTS_PER_SECOND
    bound: Bound = Bound.KV


CHEAP = V()
DEAR = V(name="llama-h100", accelerator="H100", cost=90.0, target=1, current=1, reason=Reason.STEADY)
GUESSED = V(name="qwen", model="Qwen/Qwen3", accelerator="", cost=None, origin=Origin.STEM, role=Role.PREFILL)


def fleet_of(variants: Sequence[V], policy: str = "wva-v1") -> Fleet:
    """The fleet of these variants; a model for each pair of namespace and model name."""
    models = list(dict.fromkeys((v.namespace, v.model) for v in variants))
    return Fleet(
        models=Models(
            namespace=tuple(namespace for namespace, _ in models),
            name=tuple(name for _, name in models),
            policy=(policy,) * len(models),
            thresholds=Thresholds.default(len(models)),
            priority=np.ones(len(models)),
            zero_retention_seconds=Column.unknown(len(models)),
            slo=Promises.none(len(models)),
        ),
        variants=Variants(
            namespace=tuple(v.namespace for v in variants),
            name=tuple(v.name for v in variants),
            accelerator=tuple(v.accelerator for v in variants),
            model=integers([models.index((v.namespace, v.model)) for v in variants]),
            role=integers([v.role for v in variants]),
            cost=Column.from_optional(v.cost for v in variants),
            gpus_per_replica=integers([1] * len(variants)),
            minimum=integers([1] * len(variants)),
            maximum=Column.unknown(len(variants)),
            paused=flags([False] * len(variants)),
            fixed=Column.unknown(len(variants)),
            origin=integers([v.origin for v in variants]),
        ),
    )


def plan_of(*variants: V, policy: str = "wva-v1", fleet: Fleet | None = None, time: float = 1.8e9) -> Plan:
    """The Plan of these variants; by default of a cheap, a dear and a guessed one."""
    chosen = variants or (CHEAP, DEAR, GUESSED)
    fleet = fleet or fleet_of(chosen, policy)
    models = len(fleet.models)

    def column(name: str) -> Column:
        return Column.from_optional(getattr(v, name) for v in chosen)

    ages = np.tile(np.arange(len(Input), dtype=float), (models, 1))
    missing = np.zeros((models, len(Input)), dtype=bool)
    for model, cost in zip(fleet.variants.model.tolist(), fleet.variants.cost.known.tolist(), strict=True):
        missing[model, tuple(Input).index(Input.COST)] |= not cost
    target, reasons = column("target"), integers([REASON_CODE[v.reason] for v in chosen])
    return Plan(
        time=time,
        fleet=fleet,
        target=target,
        current=column("current"),
        expected=column("expected"),
        reason=reasons,
        withdrawn=flags([v.withdrawn for v in chosen]),
        fresh=flags([v.fresh for v in chosen]),
        gauges=Gauges(
            utilization=column("utilization"),
            required=column("required"),
            spare=column("spare"),
            required_unit=("binary",) * models,
            spare_unit=("",) * models,
            kv_tokens_used=column("kv_tokens_used"),
            kv_tokens_capacity=column("kv_tokens_capacity"),
        ),
        inputs=Inputs(age_seconds=Column.of(floats(ages), ~missing), missing=flags(missing)),
        steps=(Step(name="policy", replicas=target, reason=reasons),),
        explanation=reckoned(chosen),
        learned=Learned(
            belief=Belief.of([[7e-3, 2e-5, 5e-8]] * len(chosen), [[1e-4, 1e-6, 1e-8]] * len(chosen)),
            began_at=Column.of([1.7e9] * len(chosen)),
        ),
        recommended_limit=Column.of([128.0] * len(chosen)),
    )


def reckoned(variants: Sequence[V]) -> Explanation:
    """How their policy came to its word."""
    rows, demand = len(variants), Column.from_optional(v.demand for v in variants)
    return Explanation(
        demand=demand,
        capacity=Column.from_optional(v.capacity for v in variants),
        backlog=Column.of([0.0] * rows),
        wanted=demand,
        kept=demand,
        doubt=Column.of([0.1] * rows),
        unit=integers([v.unit for v in variants]),
        bound=integers([v.bound for v in variants]),
    )


def big_plan(variants: int, seed: int = 0) -> Plan:
    """A fleet of pairs of variants, as large as asked for; another seed gives other numbers."""
    rng = np.random.default_rng(seed)
    made = [
        replace(
            DEAR if row % 2 else CHEAP,
            name=f"variant-{row:05d}",
            namespace=f"team-{row % 20}",
            model=f"org/model-{row % 20}-{row // 40}",
            target=float(rng.integers(1, 40)),
            utilization=float(rng.random()),
            spare=float(rng.random()),
        )
        for row in range(variants)
    ]
    return plan_of(*made)
