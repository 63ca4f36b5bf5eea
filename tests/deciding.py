"""Cycles in a row, and what came of them, in the words of a test."""

from __future__ import annotations

from wva_exporter.core.decision import Plan
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.errors import Reason

RULES = Rules()


def decide(*views: Snapshot, rules: Rules = RULES) -> Plan:
    """The last plan of consecutive cycles."""
    result, memory = None, None
    for view in views:
        result, memory = plan(view, memory, POLICIES, rules)
    assert result is not None
    return result


def targets(result: Plan) -> dict[str, float | None]:
    """Targets by variant name."""
    return dict(zip(result.fleet.variants.name, result.target.listed(), strict=True))


def why(result: Plan) -> dict[str, Reason]:
    """Reasons by variant name."""
    return dict(zip(result.fleet.variants.name, result.reasons, strict=True))
