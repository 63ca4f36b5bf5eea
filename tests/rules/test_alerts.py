"""Every alert fires on the series of its case, with the text that an operator then reads, and stays silent on the twin."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from alert_cases import CASES, AlertCase
from jsonnet_bindings import rendered_fast
from promtool import run

from wva_exporter.artefacts.mixin_files import groups_yaml


def alerts_of(options: Mapping[str, object]) -> list[dict[str, Any]]:
    """Every alert with these options."""
    return [dict(rule) for group in rendered_fast(options).alerts for rule in group["rules"]]


def document(case: AlertCase, inputs: Mapping[str, str], rules: Path, query: dict[str, Any]) -> dict[str, Any]:
    """A promtool test with these inputs."""
    step = f"{case.step_minutes}m"
    listed = [{"series": name, "values": values} for name, values in inputs.items()]
    return {
        "rule_files": [str(rules)],
        "evaluation_interval": step,
        "tests": [{"interval": step, "input_series": listed, **query}],
    }


def said(promtool: Path, case: AlertCase, inputs: Mapping[str, str], folder: Path) -> str:
    """What promtool says of a test that expects no alert."""
    rules = folder / "alerts.yaml"
    rules.write_text(groups_yaml(rendered_fast(case.options).alerts))
    expected = {"eval_time": f"{case.minutes}m", "alertname": case.alert, "exp_alerts": []}
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(document(case, inputs, rules, {"alert_rule_test": [expected]})))
    return run(promtool, "test", "rules", path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_fires_and_says_what_is_wrong(case: AlertCase, promtool_bin: Path, tmp_path: Path) -> None:
    """Exactly one alert with the labels that route it and a description that names the culprit."""
    output = said(promtool_bin, case, case.fires, tmp_path)
    got = output.partition("got:")[2]
    assert got.count("Labels:") == 1, output
    [rule] = [rule for rule in alerts_of(case.options) if rule["alert"] == case.alert]
    labels = {"alertname": case.alert, "severity": rule["labels"]["severity"], **case.labels}
    assert dict(re.findall(r'(\w+)="([^"]*)"', got.partition("Annotations:")[0])) == labels
    annotations = got.partition("Annotations:")[2]
    assert case.says in annotations
    assert json.dumps(rule["annotations"]["summary"]) in annotations
    assert "<no value>" not in annotations


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_its_twin_stays_silent(case: AlertCase, promtool_bin: Path, tmp_path: Path) -> None:
    """One small change, and nobody is woken."""
    assert case.quiet != dict(case.fires)
    assert not said(promtool_bin, case, case.quiet, tmp_path)


def test_every_alert_has_a_case() -> None:
    """An alert that nobody saw fire is not an alert."""
    assert {case.alert for case in CASES} == {rule["alert"] for rule in alerts_of({"costBudgetPerHour": 1})}
