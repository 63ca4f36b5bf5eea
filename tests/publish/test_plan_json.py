"""A Plan as JSON: everything that explains a decision, null where nothing is known."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
from publish.plans import CHEAP, GUESSED, plan_of

from wva_exporter.core.columns import Column, integers
from wva_exporter.core.decision import Step
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
        "steps": [{"name": "policy", "replicas": 3, "reason": "no_headroom"}],
    }


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


def test_a_document_says_when_it_was_decided() -> None:
    """By the data source's clock."""
    assert document(plan_of(CHEAP, time=1.5e9))["time"] == 1.5e9
