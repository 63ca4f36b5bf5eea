"""Which series a Plan publishes, with which labels and values, and which must be absent."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from deciding import RULES
from fleet_builder import R as Replica
from fleet_builder import V as FleetVariant
from fleet_builder import fleet, snapshot
from prometheus_client.metrics_core import Metric
from publish.plans import CHEAP, DEAR, GUESSED, plan_of

from wva_exporter.conventions import PER_LEARNED, PER_MODEL, PER_VARIANT
from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Plan, Step
from wva_exporter.core.explanation import Bound, Unit
from wva_exporter.core.fleet import Origin, Role
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES
from wva_exporter.errors import Reason
from wva_exporter.publish.exposition import families
from wva_exporter.publish.scalings import Scalings


def published(plan: Plan, *, shadow: bool = False) -> list[Metric]:
    """The families of a first Plan."""
    return families(plan, shadow=shadow, scalings=Scalings.none().after(plan))


def series(plan: Plan, name: str, *, shadow: bool = False) -> dict[str, float]:
    """Values of one series by variant name."""
    samples = [s for family in published(plan, shadow=shadow) for s in family.samples if s.name == name]
    values = {s.labels["variant_name"]: s.value for s in samples}
    assert len(values) == len(samples), "one series a variant"
    return values


def labels(plan: Plan, name: str) -> list[dict[str, str]]:
    """Label sets of one series, in order."""
    return [s.labels for family in published(plan) for s in family.samples if s.name == name]


def test_the_three_series_of_an_actuator_carry_upstreams_labels() -> None:
    """HPAs written for WVA select by variant_name and namespace, dashboards by accelerator_type."""
    plan = plan_of(CHEAP)
    for name in ("wva_desired_replicas", "wva_current_replicas", "wva_desired_ratio"):
        assert labels(plan, name) == [{"variant_name": "llama-a100", "namespace": "llm", "accelerator_type": "A100"}]
    assert series(plan, "wva_desired_replicas") == {"llama-a100": 3}
    assert series(plan, "wva_current_replicas") == {"llama-a100": 2}
    assert series(plan, "wva_desired_ratio") == {"llama-a100": 1.5}


def test_an_unknown_target_publishes_nothing_that_follows_from_it() -> None:
    """No target, ratio, expectation or cost is made up; what is measured stays."""
    plan = plan_of(replace(CHEAP, target=None, expected=4, reason=Reason.NO_DECISION_YET))
    for name in ("wva_desired_replicas", "wva_desired_ratio", "wva_expected_replicas", "wva_cost"):
        assert series(plan, name) == {}
    assert series(plan, "wva_current_replicas") == {"llama-a100": 2}
    assert series(plan, "wva_current_cost") == {"llama-a100": 80}
    assert series(plan, "wva_cost_per_replica") == {"llama-a100": 40}


def test_an_unknown_count_publishes_neither_current_nor_ratio() -> None:
    """Unknown is not 0, and a ratio to it is nothing."""
    plan = plan_of(replace(CHEAP, current=None))
    for name in ("wva_current_replicas", "wva_desired_ratio", "wva_current_cost"):
        assert series(plan, name) == {}
    assert series(plan, "wva_desired_replicas") == {"llama-a100": 3}


def test_the_ratio_without_replicas_is_the_target() -> None:
    """Upstream's rule for a variant at zero."""
    assert series(plan_of(replace(CHEAP, current=0, target=2)), "wva_desired_ratio") == {"llama-a100": 2}


def test_a_zero_that_was_decided_is_published() -> None:
    """Zero is a decision like any other."""
    plan = plan_of(replace(CHEAP, current=1, target=0))
    assert series(plan, "wva_desired_replicas") == {"llama-a100": 0}
    assert series(plan, "wva_desired_ratio") == {"llama-a100": 0}


def test_cost_is_published_only_where_it_is_configured() -> None:
    """The default of 10 ranks a variant and is nobody's money."""
    plan = plan_of(CHEAP, GUESSED)
    assert series(plan, "wva_cost") == {"llama-a100": 120}
    assert series(plan, "wva_cost_per_replica") == {"llama-a100": 40}
    missing = {s["model_name"]: s for s in labels(plan, "wva_input_missing") if s["signal"] == "cost"}
    assert set(missing) == {"meta-llama/Llama-3.1-8B", "Qwen/Qwen3"}


def test_the_published_costs_add_up_to_the_objective() -> None:
    """What is published is what was minimised."""
    plan = plan_of(CHEAP, DEAR, GUESSED, replace(DEAR, name="idle", target=None))
    assert sum(series(plan, "wva_cost").values()) == pytest.approx(plan.objective)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_variant_has_exactly_one_hold_series(reason: Reason) -> None:
    """It says the reason with 1 while the target is an echo, and none with 0 otherwise."""
    plan = plan_of(replace(CHEAP, reason=reason), DEAR)
    held = labels(plan, "wva_decision_hold")[0]
    assert held == {
        "variant_name": "llama-a100",
        "namespace": "llm",
        "reason": reason.value if reason.holds else "none",
    }
    assert series(plan, "wva_decision_hold") == {"llama-a100": float(reason.holds), "llama-h100": 0}


def test_withdrawal_and_freshness_are_said_of_every_variant() -> None:
    """Absence alone cannot be told from a scrape that failed, so withdrawal is a series."""
    plan = plan_of(replace(CHEAP, target=None, withdrawn=True, fresh=False, reason=Reason.WITHDRAWN), DEAR)
    assert series(plan, "wva_desired_withdrawn") == {"llama-a100": 1, "llama-h100": 0}
    assert series(plan, "wva_saturation_metrics_up") == {"llama-a100": 0, "llama-h100": 1}


def test_rank_orders_the_variants_of_a_model_by_cost_then_name() -> None:
    """A variant without a cost ranks as 10, upstream's default; each model starts at 0."""
    plan = plan_of(CHEAP, DEAR, replace(CHEAP, name="b", cost=None), replace(CHEAP, name="a", cost=10.0), GUESSED)
    assert series(plan, "wva_variant_rank") == {"a": 0, "b": 1, "llama-a100": 2, "llama-h100": 3, "qwen": 0}


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        (Origin.CONFIGURED, "configured"),
        (Origin.MANIFEST, "manifest"),
        (Origin.LABEL, "label"),
        (Origin.OWNER, "owner"),
        (Origin.STEM, "guessed"),
        (Origin.JOB, "guessed"),
    ],
)
def test_every_guess_is_called_one(origin: Origin, source: str) -> None:
    """A guessed variant is published and marked."""
    [info] = labels(plan_of(replace(CHEAP, origin=origin, role=Role.DECODE)), "wva_variant_info")
    assert (info["source"], info["role"]) == (source, "decode")


def test_hardware_that_nobody_named_is_unresolved() -> None:
    """Upstream's placeholder, so that its selectors match."""
    assert labels(plan_of(GUESSED), "wva_desired_replicas")[0]["accelerator_type"] == "unresolved"


def test_capacities_carry_the_unit_of_their_policy() -> None:
    """Upstream's percentage analyzer calls the need binary and gives what is free no unit."""
    plan = plan_of(CHEAP)
    assert labels(plan, "wva_required_capacity")[0]["unit"] == "binary"
    assert labels(plan, "wva_spare_capacity")[0]["unit"] == ""


def test_unknown_gauges_are_absent() -> None:
    """No replica answered, so nothing is said about how full they are."""
    empty = replace(CHEAP, utilization=None, required=None, spare=None, kv_tokens_used=None, kv_tokens_capacity=None)
    for name in ("saturation_utilization", "required_capacity", "spare_capacity", "kv_cache_tokens_used"):
        assert series(plan_of(empty), f"wva_{name}") == {}


def test_every_model_says_of_every_input_whether_it_is_missing() -> None:
    """The age is absent where nothing was received; the other is a plain 0 or 1."""
    plan = plan_of(CHEAP, GUESSED)
    assert len(labels(plan, "wva_input_missing")) == 10
    ages = labels(plan, "wva_input_age_seconds")
    assert {"namespace": "llm", "model_name": "Qwen/Qwen3", "signal": "cost"} not in ages
    assert len(ages) == 9


def test_shadow_mode_renames_what_actuates_and_nothing_else() -> None:
    """An HPA of the WVA beside it must find none of our targets."""
    plain = {family.name for family in published(plan_of())}
    shadow = {family.name for family in published(plan_of(), shadow=True)}
    assert plain - shadow == {
        "wva_desired_replicas",
        "wva_current_replicas",
        "wva_desired_ratio",
        "wva_current_cost",
        "wva_desired_withdrawn",
    }
    assert all(name.startswith(("wva_shadow_desired_", "wva_shadow_current_")) for name in shadow - plain)
    assert series(plan_of(CHEAP), "wva_shadow_desired_replicas", shadow=True) == {"llama-a100": 3}


def test_a_variant_has_a_bounded_number_of_series() -> None:
    """The size of the page is a promise: 22 with everything known, two steps at rest, seven more of what was learned."""
    samples = [s for family in published(plan_of()) for s in family.samples]
    counted = Counter(s.name for s in samples if s.labels.get("variant_name") == "llama-a100")
    learned = sum(count for name, count in counted.items() if name.startswith("wva_model_parameter"))
    steps = counted["wva_decision_step_replicas"]
    assert (counted.total() - learned - steps, steps, learned) == (22, 2, 7)


def test_no_decision_has_more_than_twelve_steps() -> None:
    """Each stage of a decision is one series at most, whatever it does."""
    made, _ = plan(snapshot(fleet(FleetVariant(name="v", maximum=2)), [Replica(v="v")]), None, POLICIES, RULES)
    assert len(made.steps) + 1 <= 12


def stepped(*after: tuple[str, float | None]) -> Plan:
    """A Plan of one variant whose policy said 3, with these stages after it."""
    base = plan_of(CHEAP)
    stages = [
        Step(name=name, replicas=Column.from_optional([replicas]), reason=base.reason) for name, replicas in after
    ]
    return replace(base, steps=(*base.steps, *stages), target=Column.from_optional([after[-1][1]]))


def test_steps_are_the_policys_word_what_moved_it_and_the_target() -> None:
    """A stage that changed nothing is no series."""
    made = stepped(("data", 3), ("growth", 8), ("brake", 8), ("max", 6))
    samples = [s for family in published(made) for s in family.samples if s.name == "wva_decision_step_replicas"]
    assert [(s.labels["step"], s.value) for s in samples] == [("policy", 3), ("growth", 8), ("max", 6), ("target", 6)]


def test_a_target_that_was_withheld_leaves_the_policys_word_alone() -> None:
    """What is unknown is absent, among steps too."""
    made = stepped(("start", None))
    assert [label["step"] for label in labels(made, "wva_decision_step_replicas")] == ["policy"]


def test_demand_and_capacity_are_published_in_their_unit() -> None:
    """With what bounds a replica; absent where the policy does not reckon so."""
    plan = plan_of(CHEAP, replace(DEAR, demand=None, capacity=None, unit=Unit.NONE, bound=Bound.UNKNOWN))
    [demand], [capacity] = labels(plan, "wva_demand"), labels(plan, "wva_replica_capacity")
    assert demand["unit"] == capacity["unit"] == "requests_per_second"
    assert capacity["bound"] == "kv"
    assert series(plan, "wva_demand") == {"llama-a100": 19.8}
    assert series(plan, "wva_replica_capacity") == {"llama-a100": 7.5}
    assert labels(replace(plan, explanation=None), "wva_demand") == []


def test_a_batch_limit_is_published_where_one_is_recommended() -> None:
    """A variant without a recommendation has no series, and a plan that nobody learned for has none at all."""
    plan = plan_of()
    limits = [96.0] + [np.nan] * (len(plan.fleet) - 1)
    some = replace(plan, recommended_limit=Column.of(limits))
    assert series(some, "wva_recommended_max_num_seqs") == {plan.fleet.variants.name[0]: 96.0}
    assert series(replace(plan, recommended_limit=None), "wva_recommended_max_num_seqs") == {}


def test_families_are_those_of_the_conventions_with_their_labels() -> None:
    """Name, type, help line and label names of every series come from one place."""
    metrics = (*PER_VARIANT, *PER_LEARNED, *PER_MODEL)
    made = published(plan_of())
    assert [(f.name, f.type, f.documentation) for f in made] == [(m.name, m.kind, m.help) for m in metrics]
    for family, metric in zip(made, metrics, strict=True):
        assert all(sorted(s.labels) == sorted(metric.labels) for s in family.samples)
