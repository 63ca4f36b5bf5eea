"""Every rule, by a real Prometheus on the demo's fleet: recording rules have data, alerts evaluate, nobody is woken."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo_stage import DemoStage, demo_stage
from jsonnet_bindings import rendered_fast

from wva_exporter.cli.demo import scenario
from wva_exporter.cli.demo.rules import OPTIONS

pytestmark = pytest.mark.timeout(120)

VARIANTS = {variant.name for variant in scenario.VARIANTS}
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def stage(prometheus_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStage]:
    """The demo's fleet with Prometheus, rules and exporter."""
    with demo_stage(prometheus_bin, tmp_path_factory.mktemp("stage")) as running:
        yield running


def evaluated(stage: DemoStage) -> list[dict[str, Any]]:
    """Every rule as Prometheus reports it."""
    with urllib.request.urlopen(f"{stage.prometheus.url}/api/v1/rules", timeout=10) as answer:
        groups = json.load(answer)["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def records() -> list[str]:
    """The names of all recording rules."""
    return list(dict.fromkeys(rule["record"] for group in rendered_fast(OPTIONS).recording for rule in group["rules"]))


def without_data(stage: DemoStage) -> list[str]:
    """Recording rules that recorded nothing."""
    return [name for name in records() if not stage.prometheus.query(name)]


def test_every_recording_rule_has_data(stage: DemoStage) -> None:
    """None of them waits for a series that does not exist."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while (missing := without_data(stage)) and time.monotonic() < give_up:
        time.sleep(0.5)
    assert missing == []


def test_every_rule_evaluates_without_error(stage: DemoStage) -> None:
    """No join is ambiguous, no expression is refused."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while any(rule["health"] == "unknown" for rule in evaluated(stage)) and time.monotonic() < give_up:
        time.sleep(0.2)
    assert [(rule["name"], rule.get("lastError")) for rule in evaluated(stage) if rule["health"] != "ok"] == []
    assert len(evaluated(stage)) > 100


def test_the_rules_see_the_fleet_that_the_exporter_sees(stage: DemoStage) -> None:
    """Replicas, roles, counts and costs by rule are those that the exporter publishes."""
    for agreed in (
        "count(variant:wva_replicas_live:count == on (namespace, variant_name) wva_current_replicas)",
        "count(variant:wva_current_replicas:kube == on (namespace, variant_name) wva_current_replicas)",
        "count(variant:wva_kv_cache_usage:max > 0)",
        "sum(abs(wva:current_cost:sum - on () sum(wva_current_cost)) < bool 1e-9) * 2",
    ):
        assert stage.prometheus.wait_for(f"{agreed} == {len(VARIANTS)}")


def test_the_safe_count_is_the_exporters_word(stage: DemoStage) -> None:
    """One series a variant, and the fallback, which decides the same way, agrees once both have settled."""
    assert stage.prometheus.wait_for("count(wva:desired_replicas:fallback == wva:desired_replicas:safe) == 2")
    safe = stage.prometheus.query("wva:desired_replicas:safe")
    assert sorted(row["metric"]["variant_name"] for row in safe) == sorted(VARIANTS)


def test_nobody_is_woken(stage: DemoStage) -> None:
    """A fleet in order fires no alert."""
    assert stage.prometheus.query('ALERTS{alertstate="firing"}') == []
