"""The line that says how a number came about."""

from __future__ import annotations

from dataclasses import replace

from publish.plans import CHEAP, plan_of

from wva_exporter.cli.explain import chains
from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Step
from wva_exporter.core.explanation import Bound, Unit
from wva_exporter.errors import Reason


def test_the_chain_goes_from_demand_to_target() -> None:
    """Stages that moved nothing are left out; the reason ends it."""
    plan = plan_of(replace(CHEAP, target=2, reason=Reason.MAX))
    word, none = replace(plan.steps[0], replicas=Column.of([3])), plan.steps[0].reason
    stages = [Step(name=name, replicas=Column.of([n]), reason=none) for name, n in (("brake", 3), ("max", 2))]
    [line] = chains(replace(plan, steps=(word, *stages)))
    assert line == "llm/llama-a100: 19.8 req/s / 7.5 per replica (kv) -> 3 -> max 2 [max]"


def test_a_backlog_and_large_numbers_are_shown_as_they_are() -> None:
    """Tokens in whole numbers, requests that wait beside the demand."""
    plan = plan_of(replace(CHEAP, demand=123456.7, capacity=81234.5, unit=Unit.TOKENS, bound=Bound.UNKNOWN))
    assert plan.explanation is not None
    why = replace(plan.explanation, backlog=Column.of([12.0]))
    [line] = chains(replace(plan, explanation=why))
    assert line == "llm/llama-a100: 123457 tokens and 12 requests to work off / 81234 per replica -> 3 [no_headroom]"


def test_a_policy_that_does_not_reckon_shows_its_word_alone() -> None:
    """And a target that nobody knows is a dash."""
    plan = plan_of(replace(CHEAP, target=None, reason=Reason.COVERAGE))
    [line] = chains(replace(plan, explanation=None))
    assert line == "llm/llama-a100: - [coverage]"
