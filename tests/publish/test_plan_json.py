"""A Plan as JSON: everything that explains a decision, null where nothing is known."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
from publish.plans import CHEAP, GUESSED, plan_of

from wva_exporter.core.columns import Column, integers
from wva_exporter.core.decision import Step
from wva_exporter.core.explanation import Unit
from wva_exporter.core.snapshot import REASON_CODE
from wva_exporter.errors import Reason
from wva_exporter.publish.plan_json import document, rows


def test_a_row_explains_its_decision() -> None:
    """Every figure that a table or a person needs, with its unit beside it."""
    assert rows(plan_of(CHEAP))[0] == {
        "namespace": "llm",
        "name": "llama-a100",
        "model": "meta-llama/Llama-3.1-8B",
        "accelerator": "A100",
        "role": "both",
        "source": "configured",
        "policy": "wva-v1",
        "target": 3,
        "current": 2,
        "expected": 3,
        "reason": "no_headroom",
        "hold": False,
        "withdrawn": False,
        "fresh": True,
        "cost": 120.0,
        "current_cost": 80.0,
        "utilization": 0.75,
        "required": 1.0,
        "required_unit": "binary",
        "spare": 0.05,
        "spare_unit": "",
        "explanation": {
            "unit": "requests_per_second",
            "bound": "kv",
            "demand": 19.8,
            "capacity": 7.5,
            "backlog": 0.0,
            "wanted": 19.8,
            "kept": 19.8,
            "doubt": 0.1,
        },
        "steps": [{"name": "policy", "replicas": 3, "reason": "no_headroom"}],
        "binding": "policy",
    }


def test_a_policy_that_does_not_reckon_explains_nothing() -> None:
    """Null where the unit says so, and where nobody reckons at all."""
    plan = plan_of(replace(CHEAP, unit=Unit.NONE), GUESSED)
    assert [row["explanation"] is None for row in rows(plan)] == [True, False]
    assert rows(replace(plan, explanation=None))[1]["explanation"] is None


def test_the_unknown_is_null() -> None:
    """Not 0, and not left out."""
    plan = plan_of(replace(GUESSED, target=None, current=None, utilization=None, reason=Reason.NO_DECISION_YET))
    [row] = json.loads(msgspec.json.encode(document(plan)))["variants"]
    assert [row[name] for name in ("target", "current", "utilization", "cost")] == [None] * 4
    assert row["hold"] is True
    assert row["steps"][0]["replicas"] is None


def test_steps_are_those_of_the_variant_in_their_order() -> None:
    """From the policy's word to the published target."""
    plan = plan_of(CHEAP, GUESSED)
    codes = integers([REASON_CODE[Reason.NONE], REASON_CODE[Reason.MAX]])
    capped = Step(name="bounds", replicas=Column.of([3, 1]), reason=codes)
    steps = rows(replace(plan, steps=(*plan.steps, capped)))[1]["steps"]
    assert steps == [
        {"name": "policy", "replicas": 3, "reason": "no_headroom"},
        {"name": "bounds", "replicas": 1, "reason": "max"},
    ]


def test_the_binding_step_is_the_last_that_moved_the_target() -> None:
    """A stage that let it pass binds nothing."""
    plan = plan_of(CHEAP, GUESSED)
    none = integers([REASON_CODE[Reason.NONE]] * 2)
    brake = Step(name="brake", replicas=Column.of([3, 4]), reason=none)
    capped = Step(name="max", replicas=Column.of([3, 2]), reason=none)
    passed = Step(name="min", replicas=Column.of([3, 2]), reason=none)
    made = replace(plan, steps=(*plan.steps, brake, capped, passed))
    assert [row["binding"] for row in rows(made)] == ["policy", "max"]


def test_a_document_says_when_it_was_decided() -> None:
    """By the data source's clock."""
    assert document(plan_of(CHEAP, time=1.5e9))["time"] == 1.5e9
