"""The linter of rules finds each fault that it is for, and nothing in our own."""

from __future__ import annotations

from typing import Any

import pytest
from jsonnet_bindings import rendered_fast

from wva_exporter.artefacts.label_flow import ANY, LabelSet, labels_of
from wva_exporter.artefacts.lint_rules import lint
from wva_exporter.artefacts.mixin import Mixin
from wva_exporter.artefacts.promql_tree import parse

GOOD_ALERT: dict[str, Any] = {
    "alert": "WVASomething",
    "expr": "max by (variant_name) (wva_desired_withdrawn) == 1",
    "for": "5m",
    "labels": {"severity": "warning"},
    "annotations": {
        "summary": "It is so.",
        "description": "{{ $labels.variant_name }} is.",
        "runbook_url": "https://x/y",
    },
}


def faults(*rules: dict[str, Any]) -> list[str]:
    """What the linter says of these rules, without where."""
    records = tuple(rule for rule in rules if "record" in rule)
    alerts = tuple(rule for rule in rules if "alert" in rule)
    mixin = Mixin(recording=({"name": "g", "rules": records},), alerts=({"name": "a", "rules": alerts},), dashboards={})
    return [fault.partition(": ")[2].partition(": ")[2] for fault in lint(mixin)]


def record(expr: str, name: str = "model:wva_x:sum") -> dict[str, Any]:
    """A recording rule."""
    return {"record": name, "expr": expr}


@pytest.mark.parametrize("options", [{}, {"honorLabels": False}, {"histogram": "native"}, {"compat": "exact"}], ids=str)
def test_our_own_rules_are_without_fault(options: dict[str, object]) -> None:
    """In every variety."""
    assert lint(rendered_fast(options)) == []


@pytest.mark.parametrize(
    ("expr", "fault"),
    [
        ("sum(", "is not PromQL: unclosed left parenthesis"),
        ("sum(rate(x_total[30s]))", "rate over 30 s, which is less than 4 scrapes of 15 s"),
        ("deriv(x[20s])", "deriv over 20 s, which is less than 4 scrapes of 15 s"),
        ("holt_winters(x[5m], 0.5, 0.5)", None),
        ("sum(rate(vllm:num_requests_running[5m]))", "rate of vllm:num_requests_running, which is not a counter"),
        ('x{job=~"plain"}', "x: job is matched by an expression that is plain text"),
        ('x_bucket{le="1"}', 'x_bucket: le="1" is spelled "1.0" by some servers'),
        ("sum by (a) (x) * sum by (b) (y)", "* of sides with different labels (a, b) and no on ()"),
        ("sum by (a) (x) and on (c) y", "and on c, which one side never has"),
        ("sum(x) / sum(y)", "divides by what may be 0, without > 0"),
        ("wva_no_such_series", "reads wva_no_such_series, which nothing publishes"),
        ("model:wva_later:sum", "reads model:wva_later:sum, which nothing above it records"),
        ("sum(wva_desired_replicas)", None),
        ("sum(x) / (sum(y) > 0)", None),
        ("sum by (a) (x) * on (a) group_left (b) y", None),
    ],
)
def test_a_fault_of_an_expression_is_named(expr: str, fault: str | None) -> None:
    """Each by a clause that says what is wrong."""
    found = faults(record(expr), record("sum(x)", "model:wva_later:sum"))
    if fault is not None:
        assert found == [fault]
    elif "holt" not in expr:
        assert found == []
    else:
        assert len(found) == 1


def test_names_of_records_have_a_level_and_an_operation() -> None:
    """So that they are found and never clash."""
    assert faults(record("sum(x)", "model:kv:sum")) == ["is not called level:wva_what:operation"]
    assert faults(record("sum(x)", "wva:desired_replicas:safe")) == []


def test_a_rule_that_is_there_twice_is_found() -> None:
    """Unless a label tells the two apart."""
    assert faults(record("sum(x)"), record("sum(y)")) == ["is there twice"]
    quantiles = [{**record("sum(x)"), "labels": {"quantile": q}} for q in ("0.5", "0.9")]
    assert faults(*quantiles) == []


def test_a_good_alert_is_without_fault() -> None:
    """The one that the next test breaks."""
    assert faults(GOOD_ALERT) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"alert": "DesiredLost"}, "is not called WVASomething"),
        ({"labels": {"severity": "page"}}, "has a severity that is none of critical, warning, info"),
        ({"for": ""}, "fires on one sample: it has no `for` of minutes"),
        ({"annotations": {**GOOD_ALERT["annotations"], "runbook_url": ""}}, "has no runbook_url"),
        (
            {"annotations": {**GOOD_ALERT["annotations"], "summary": "{{ $value }}."}},
            "has a summary that is no static sentence",
        ),
        (
            {"annotations": {**GOOD_ALERT["annotations"], "description": "{{ $labels.namespace }} is."}},
            "speaks of the label namespace, which its rows never have",
        ),
        ({"expr": "max by (variant_name) (wva_desired_withdrawn)"}, "fires on whatever exists: it compares nothing"),
        (
            {"expr": 'label_replace(max by (variant_name) (wva_desired_withdrawn), "a", "b", "", "")'},
            "fires on whatever exists: it compares nothing",
        ),
        (
            {"expr": "max by (variant_name) (wva_desired_withdrawn) == bool 1"},
            "fires on whatever exists: it compares nothing",
        ),
    ],
)
def test_a_fault_of_an_alert_is_named(change: dict[str, Any], fault: str) -> None:
    """What an operator at night would miss."""
    assert faults({**GOOD_ALERT, **change}) == [fault]


@pytest.mark.parametrize(
    ("expr", "labels"),
    [
        ("sum by (a, b) (x)", {"a", "b"}),
        ("sum(x)", set()),
        ("sum by (a) (x) * on (a) group_left (c) y", {"a", "c"}),
        ("sum by (a, b) (x) > on (a) sum by (a) (y)", {"a"}),
        ('label_replace(sum by (a) (x), "d", "$1", "a", "(.+)")', {"a", "d"}),
        ("histogram_quantile(0.9, sum by (a, le) (rate(x_bucket[5m])))", {"a"}),
        ("sum by (a) (x) or sum by (b) (y)", {"a", "b"}),
        ("sum by (a) (x) unless on (a) y", {"a"}),
        ("absent(x == 1)", set()),
        ("2 * sum by (a) (known)", {"a"}),
        ("topk(3, known)", {"k"}),
        ("sum without (k) (known)", set()),
    ],
)
def test_labels_are_followed_through_an_expression(expr: str, labels: set[str]) -> None:
    """As PromQL keeps and drops them."""
    found = labels_of(parse(expr), {"known": LabelSet(names=frozenset({"k"}))})
    assert found == LabelSet(names=frozenset(labels))


def test_labels_of_a_foreign_series_are_not_known() -> None:
    """It may have any."""
    assert labels_of(parse("rate(x_total[5m])"), {}) == ANY
