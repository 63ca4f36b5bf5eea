"""A Plan as plain values: what ``/api/v1/plan`` and ``wva-exporter plan`` show of every variant. Unknown is ``null``."""

from __future__ import annotations

from collections.abc import Iterator

from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Plan, Step
from wva_exporter.core.explanation import Bound, Unit
from wva_exporter.core.fleet import Origin, Role
from wva_exporter.core.snapshot import REASONS
from wva_exporter.publish.exposition import source_of

Row = dict[str, object]


def document(plan: Plan) -> dict[str, object]:
    """The whole Plan: ``time`` in seconds since the epoch by the data source's clock, and one row a variant."""
    return {"time": plan.time, "variants": rows(plan)}


def rows(plan: Plan) -> list[Row]:
    """One row a variant, in the order of the fleet.

    ``target``, ``current`` and ``expected`` are replicas; ``cost`` and ``current_cost`` are per hour; ``utilization`` is a
    ratio, ``required`` and ``spare`` are in the unit beside them. ``explanation`` is what the policy reckoned with, null where
    it does not reason so; ``steps`` is the way from its word to the target, ``binding`` the last step that moved it.
    """
    variants, models, gauges = plan.fleet.variants, plan.fleet.models, plan.gauges
    model = variants.model.tolist()
    columns: dict[str, list[object] | tuple[object, ...]] = {
        "namespace": variants.namespace,
        "name": variants.name,
        "model": [models.name[m] for m in model],
        "accelerator": variants.accelerator,
        "role": [Role(role).name.lower() for role in variants.role.tolist()],
        "source": [source_of(Origin(origin)) for origin in variants.origin.tolist()],
        "policy": [models.policy[m] for m in model],
        "target": _replicas(plan.target),
        "current": _replicas(plan.current),
        "expected": _replicas(plan.expected),
        "reason": [reason.value for reason in plan.reasons],
        "hold": [reason.holds for reason in plan.reasons],
        "withdrawn": plan.withdrawn.tolist(),
        "fresh": plan.fresh.tolist(),
        "cost": list(plan.cost.listed()),
        "current_cost": list(plan.current_cost.listed()),
        "utilization": list(gauges.utilization.listed()),
        "required": list(gauges.required.listed()),
        "required_unit": [gauges.required_unit[m] for m in model],
        "spare": list(gauges.spare.listed()),
        "spare_unit": [gauges.spare_unit[m] for m in model],
        "explanation": _explanations(plan),
        "steps": list(_steps(plan)),
        "binding": [plan.steps[step].name for step in plan.binding.tolist()],
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _explanations(plan: Plan) -> list[object]:
    """Demand and what it makes, in ``unit``; ``wanted`` and ``kept`` are replicas, ``backlog`` requests, ``doubt`` a share."""
    why = plan.explanation
    if why is None:
        return [None] * len(plan.fleet)
    columns = (why.demand, why.capacity, why.backlog, why.wanted, why.kept, why.doubt)
    units, bounds = [Unit(unit) for unit in why.unit.tolist()], [Bound(bound) for bound in why.bound.tolist()]
    names = ("unit", "bound", "demand", "capacity", "backlog", "wanted", "kept", "doubt")
    values = zip(units, bounds, *(column.listed() for column in columns), strict=True)
    return [
        None if unit is Unit.NONE else dict(zip(names, (unit.name.lower(), bound.name.lower(), *rest), strict=True))
        for unit, bound, *rest in values
    ]


def _replicas(column: Column) -> list[object]:
    """Whole numbers, as a number of replicas is."""
    return [None if value is None else int(value) for value in column.listed()]


def _steps(plan: Plan) -> Iterator[list[Row]]:
    """The stages of each variant's decision."""
    columns = [_step(step) for step in plan.steps]
    for variant in range(len(plan.fleet)):
        yield [stage[variant] for stage in columns]


def _step(step: Step) -> list[Row]:
    replicas = zip(_replicas(step.replicas), step.reason.tolist(), strict=True)
    return [{"name": step.name, "replicas": number, "reason": REASONS[code].value} for number, code in replicas]
