"""A Plan as metric families: which series exist, with which labels, and when one must be absent.

A series that is not known is not there: no value is ever made up for it, because an autoscaler would act on it. The label
sets of a variant are made once and shared by the series that carry them, which the encoder relies on for its speed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from wva_exporter import conventions as names
from wva_exporter.conventions import Input, Label
from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Plan
from wva_exporter.core.explanation import Bound, Unit
from wva_exporter.core.fleet import Fleet, Origin, Role
from wva_exporter.core.queueing.law import PARAMETERS
from wva_exporter.errors import Reason
from wva_exporter.publish.scalings import Scalings

UNRESOLVED = "unresolved"
"""What upstream writes for an accelerator that nobody named."""

TARGET_STEP = "target"
"""The last step of every decision: what is published."""

_UNITS = tuple(unit.name.lower() for unit in Unit)
_BOUNDS = tuple(bound.name.lower() for bound in Bound)

SCALE_UP, SCALE_DOWN = "scale-up", "scale-down"

VARIANT, NAMESPACE, MODEL, ACCELERATOR = (
    str(label) for label in (Label.VARIANT, Label.NAMESPACE, Label.MODEL, Label.ACCELERATOR)
)

Labels = dict[str, str]


def families(plan: Plan, *, shadow: bool, scalings: Scalings) -> list[Metric]:
    """Every family that a Plan publishes, also those without a sample, in the order of ``conventions``.

    At most 22 series a variant beside those of the steps of its decision, of which there are two and one for each stage that
    moved it; seven more where parameters are learned, and 10 a model.
    ``shadow`` renames what an actuator reads (``conventions.shadow_name``);
    ``scalings`` must be those after this plan.
    """
    labels = _LabelSets.of(plan.fleet)
    return [
        *_actuated(plan, labels, shadow=shadow),
        *_fullness(plan, labels),
        *_costs(plan, labels, shadow=shadow),
        *_explanations(plan, labels, shadow=shadow),
        *_reasoning(plan, labels),
        _scaling(plan, labels, scalings),
        *_learned(plan, labels),
        *_inputs(plan),
    ]


@dataclass(frozen=True, slots=True)
class _LabelSets:
    """The label sets of each variant that several series share."""

    name: list[Labels]  # variant_name, namespace
    actuated: list[Labels]  # and accelerator_type
    model: list[Labels]  # variant_name, namespace, model_name
    hardware: list[Labels]  # and accelerator_type

    @classmethod
    def of(cls, fleet: Fleet) -> _LabelSets:
        variants, models = fleet.variants, fleet.models.name
        name = [{VARIANT: n, NAMESPACE: s} for n, s in zip(variants.name, variants.namespace, strict=True)]
        accelerator = [{ACCELERATOR: a or UNRESOLVED} for a in variants.accelerator]
        model = [{**n, MODEL: models[m]} for n, m in zip(name, variants.model.tolist(), strict=True)]
        return cls(
            name=name,
            actuated=[n | a for n, a in zip(name, accelerator, strict=True)],
            model=model,
            hardware=[m | a for m, a in zip(model, accelerator, strict=True)],
        )


def _family(
    metric: names.Metric, rows: Iterable[tuple[Labels, float]], *, shadow: bool = False, suffix: str = ""
) -> Metric:
    name = names.shadow_name(metric.name) if shadow else metric.name
    family = Metric(name, metric.help, metric.kind)
    family.samples = [Sample(name + suffix, labels, value) for labels, value in rows]
    return family


def _known(labels: Sequence[Labels], column: Column) -> list[tuple[Labels, float]]:
    """The rows whose number is known."""
    rows = zip(labels, column.value.tolist(), column.known.tolist(), strict=True)
    return [(label, value) for label, value, known in rows if known]


def _every(labels: Sequence[Labels], values: NDArray[np.generic]) -> list[tuple[Labels, float]]:
    return list(zip(labels, values.astype(np.float64).tolist(), strict=True))


def _actuated(plan: Plan, labels: _LabelSets, *, shadow: bool) -> list[Metric]:
    current = plan.current.value
    ratio = np.where(current > 0, plan.target.value / np.where(current > 0, current, 1.0), plan.target.value)
    return [
        _family(names.DESIRED_REPLICAS, _known(labels.actuated, plan.target), shadow=shadow),
        _family(names.CURRENT_REPLICAS, _known(labels.actuated, plan.current), shadow=shadow),
        _family(
            names.DESIRED_RATIO,
            _known(labels.actuated, Column.of(ratio, plan.target.known & plan.current.known)),
            shadow=shadow,
        ),
        _family(names.EXPECTED_REPLICAS, _known(labels.actuated, plan.expected.where(plan.target.known))),
    ]


def _fullness(plan: Plan, labels: _LabelSets) -> list[Metric]:
    gauges, model = plan.gauges, plan.fleet.variants.model.tolist()

    def with_unit(units: tuple[str, ...]) -> list[Labels]:
        return [{**label, str(Label.UNIT): units[m]} for label, m in zip(labels.model, model, strict=True)]

    return [
        _family(names.SATURATION_UTILIZATION, _known(labels.hardware, gauges.utilization)),
        _family(names.REQUIRED_CAPACITY, _known(with_unit(gauges.required_unit), gauges.required)),
        _family(names.SPARE_CAPACITY, _known(with_unit(gauges.spare_unit), gauges.spare)),
        _family(names.KV_TOKENS_USED, _known(labels.model, gauges.kv_tokens_used)),
        _family(names.KV_TOKENS_CAPACITY, _known(labels.model, gauges.kv_tokens_capacity)),
        _family(names.SATURATION_METRICS_UP, _every(labels.name, plan.fresh)),
    ]


def _costs(plan: Plan, labels: _LabelSets, *, shadow: bool) -> list[Metric]:
    return [
        _family(names.COST, _known(labels.hardware, plan.cost)),
        _family(names.CURRENT_COST, _known(labels.hardware, plan.current_cost), shadow=shadow),
        _family(names.COST_PER_REPLICA, _known(labels.hardware, plan.fleet.variants.cost)),
    ]


def _explanations(plan: Plan, labels: _LabelSets, *, shadow: bool) -> list[Metric]:
    variants = plan.fleet.variants
    held = [
        ({**label, str(Label.REASON): reason if reason.holds else Reason.NONE}, float(reason.holds))
        for label, reason in zip(labels.name, plan.reasons, strict=True)
    ]
    roles, origins = variants.role.tolist(), variants.origin.tolist()
    info = [
        ({**label, "role": Role(role).name.lower(), "source": source_of(Origin(origin))}, 1.0)
        for label, role, origin in zip(labels.hardware, roles, origins, strict=True)
    ]
    return [
        _family(names.DECISION_HOLD, held),
        _family(names.DESIRED_WITHDRAWN, _every(labels.name, plan.withdrawn), shadow=shadow),
        _family(names.VARIANT_RANK, _every(labels.name, plan.fleet.rank)),
        _family(names.VARIANT_INFO, info),
    ]


def _reasoning(plan: Plan, labels: _LabelSets) -> list[Metric]:
    """What the policy reckoned with, where it does, and the way from its word to the target."""
    demand: list[tuple[Labels, float]] = []
    capacity: list[tuple[Labels, float]] = []
    if (why := plan.explanation) is not None:
        units = [{**m, str(Label.UNIT): _UNITS[unit]} for m, unit in zip(labels.model, why.unit.tolist(), strict=True)]
        bounds = [{**u, str(Label.BOUND): _BOUNDS[bound]} for u, bound in zip(units, why.bound.tolist(), strict=True)]
        demand, capacity = _known(units, why.demand), _known(bounds, why.capacity)
    steps: list[tuple[Labels, float]] = []
    for step, shown in zip(plan.steps, plan.moved, strict=True):
        rows = np.flatnonzero((shown | (step is plan.steps[0])) & step.replicas.known)
        steps += _step_rows(labels, step.name, rows.tolist(), step.replicas)
    steps += _step_rows(labels, TARGET_STEP, np.flatnonzero(plan.target.known).tolist(), plan.target)
    return [
        _family(names.DEMAND, demand),
        _family(names.REPLICA_CAPACITY, capacity),
        _family(names.DECISION_STEP_REPLICAS, steps),
    ]


def _step_rows(labels: _LabelSets, step: str, rows: list[int], replicas: Column) -> list[tuple[Labels, float]]:
    values = replicas.value.tolist()
    return [({**labels.name[row], str(Label.STEP): step}, values[row]) for row in rows]


def source_of(origin: Origin) -> str:
    """How a variant became known, as a label: every guess is called one."""
    return "guessed" if origin.guessed else origin.name.lower()


def _scaling(plan: Plan, labels: _LabelSets, scalings: Scalings) -> Metric:
    policies = plan.fleet.models.policy
    rows: list[tuple[Labels, float]] = []
    columns = (scalings.rises.tolist(), scalings.falls.tolist(), plan.fleet.variants.model.tolist())
    for label, rises, falls, model in zip(labels.name, *columns, strict=True):
        rows.append(({**label, "direction": SCALE_UP, str(Label.REASON): policies[model]}, float(rises)))
        rows.append(({**label, "direction": SCALE_DOWN, str(Label.REASON): policies[model]}, float(falls)))
    return _family(names.REPLICA_SCALING, rows, suffix="_total")


def _learned(plan: Plan, labels: _LabelSets) -> list[Metric]:
    """Parameters, their deviations, the last new beginning and the batch limit that follows, where something was learned."""
    means: list[tuple[Labels, float]] = []
    deviations: list[tuple[Labels, float]] = []
    began: list[tuple[Labels, float]] = []
    if plan.learned is not None:
        belief = plan.learned.belief
        columns = (belief.mean_seconds.tolist(), belief.stddev_seconds.tolist(), belief.known.tolist())
        for label, mean, stddev, known in zip(labels.model, *columns, strict=True):
            if known:
                sets = [{**label, str(Label.PARAMETER): name} for name in PARAMETERS]
                means += zip(sets, mean, strict=True)
                deviations += zip(sets, stddev, strict=True)
        began = _known(labels.model, plan.learned.began_at)
    advised = [] if plan.recommended_limit is None else _known(labels.model, plan.recommended_limit)
    return [
        _family(names.MODEL_PARAMETER, means),
        _family(names.MODEL_PARAMETER_STDDEV, deviations),
        _family(names.MODEL_PARAMETER_RESET, began),
        _family(names.RECOMMENDED_MAX_NUM_SEQS, advised),
    ]


def _inputs(plan: Plan) -> list[Metric]:
    models, inputs = plan.fleet.models, plan.inputs
    labels = [
        {NAMESPACE: namespace, MODEL: name, str(Label.SIGNAL): str(signal)}
        for namespace, name in zip(models.namespace, models.name, strict=True)
        for signal in Input
    ]
    age = Column.of(inputs.age_seconds.value.ravel(), inputs.age_seconds.known.ravel())
    return [
        _family(names.INPUT_AGE, _known(labels, age)),
        _family(names.INPUT_MISSING, _every(labels, inputs.missing.ravel())),
    ]
