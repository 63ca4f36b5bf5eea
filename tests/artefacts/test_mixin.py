"""The mixin renders alike whatever jsonnet, and refuses what it does not know."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonnet_bindings import evaluate, rendered_fast

from wva_exporter.artefacts.mixin import Mixin, defaults, folder, render
from wva_exporter.artefacts.mixin_files import ALERTS, RECORDING, dashboard_files, rule_files
from wva_exporter.artefacts.names_libsonnet import names_libsonnet
from wva_exporter.conventions import SAFE_DESIRED_REPLICAS, Signal
from wva_exporter.engines import router
from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.libsonnet import engines_libsonnet
from wva_exporter.engines.promql import series_of
from wva_exporter.engines.table import Engine
from wva_exporter.errors import ConfigError

ROOT = Path(__file__).parents[2]
ODD = {
    "scrapeIntervalSeconds": 2.5,
    "thresholds": {"kvCache": 0.123456, "queue": 1000000},
    "slo": {"itlSeconds": 0.025, "objective": 0.999},
    "costBudgetPerHour": 1234567,
    "alertLabels": {"team": 'größer "so"'},
}


def texts(mixin: Mixin) -> dict[str, str]:
    """Every file of it."""
    return rule_files(mixin) | dashboard_files(mixin)


def test_every_jsonnet_gives_the_same_bytes() -> None:
    """C++ and Rust spell numbers and order fields their own way; what is written does not show it."""
    assert texts(render(ODD)) == texts(render(ODD, evaluate=evaluate))


def test_the_committed_files_are_those_that_it_renders() -> None:
    """``make generate`` was not forgotten."""
    files = rule_files(rendered_fast())
    for name in (RECORDING, ALERTS):
        assert (ROOT / "rules" / name).read_text() == files[name]
        for form, options in (("honor-labels", {}), ("exported-namespace", {"honorLabels": False})):
            path = ROOT / "charts" / "wva-exporter" / "files" / "rules" / form / name
            assert path.read_text() == rule_files(rendered_fast(options))[name]
    assert (folder() / "lib" / "names.libsonnet").read_text() == names_libsonnet()
    assert (folder() / "lib" / "engines.libsonnet").read_text() == engines_libsonnet()


RULED = (
    Signal.KV_PEAK,
    Signal.WAITING_PEAK,
    Signal.WAITING,
    Signal.RUNNING,
    Signal.REQUEST_RATE,
    Signal.GENERATION_TOKEN_RATE,
)
"""Signals of which every name is read by a rule as it stands in the tables."""


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_rules_read_of_every_engine_what_the_exporter_reads(engine: Engine) -> None:
    """No engine is left to the exporter alone: its levels, counters and histograms are in the recording rules."""
    names = {name for rule in rendered_fast().rules for name in re.findall(r"[a-zA-Z_:][\w:]*", rule["expr"])}
    wanted = {name for signal in RULED for name in series_of(signal, (engine,))} | set(engine.presence)
    for signal in (Signal.TTFT, Signal.ITL):
        wanted |= {
            name.removesuffix("_sum") + "_bucket" for name in series_of(signal, (engine,)) if name.endswith("_sum")
        }
    assert wanted <= names


def test_rules_read_every_name_of_the_routers_queue() -> None:
    """Routers were renamed twice."""
    [queue] = [rule["expr"] for rule in rendered_fast().rules if rule.get("record") == "model:wva_router_queue:sum"]
    assert all(f"({name})" in queue for name in router.QUEUE_SIZE)


def test_the_safe_count_is_recorded_under_the_name_that_scalers_read() -> None:
    """The manifests and the rules agree."""
    assert SAFE_DESIRED_REPLICAS in {rule.get("record") for rule in rendered_fast().rules}


def test_an_option_changes_what_it_says_and_nothing_else() -> None:
    """One threshold of four; the others keep their values."""
    changed = rendered_fast({"thresholds": {"kvCache": 0.7}})
    records = {rule["record"]: rule["expr"] for group in changed.recording for rule in group["rules"]}
    assert ">= bool 0.7)" in records["replica:wva_saturated:bool"]
    assert ">= bool 5)" in records["replica:wva_saturated:bool"]


def test_windows_follow_the_scrape_interval() -> None:
    """Four scrapes at least, as in the exporter."""
    records = {
        r["record"]: r["expr"] for g in rendered_fast({"scrapeIntervalSeconds": 30}).recording for r in g["rules"]
    }
    assert "[2m]" in records["replica:wva_kv_cache_usage:max"]


def test_severities_and_labels_of_alerts_can_be_changed() -> None:
    """A team routes alerts its own way."""
    mixin = rendered_fast({"severities": {"WVAFlapping": "info"}, "alertLabels": {"team": "llm"}})
    alerts = {rule["alert"]: rule["labels"] for group in mixin.alerts for rule in group["rules"]}
    assert alerts["WVAFlapping"] == {"severity": "info", "team": "llm"}
    assert alerts["WVAExporterDown"] == {"severity": "critical", "team": "llm"}


def test_several_clusters_stay_apart_everywhere() -> None:
    """Every aggregation and match keeps the cluster's label."""
    for rule in rendered_fast({"showMultiCluster": True, "clusterLabel": "site"}).rules:
        for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", rule["expr"]):
            assert labels.startswith("site") or not labels, rule


def test_native_histograms_are_read_without_buckets() -> None:
    """An engine scraped with native histograms has no ``le``."""
    native = [rule for rule in rendered_fast({"histogram": "native"}).rules if "ttft" in rule.get("record", "")]
    assert native
    assert not any("_bucket" in rule["expr"] for rule in native)
    assert any("histogram_fraction(0, 1," in rule["expr"] for rule in native)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            {"scrapeInterval": 15},
            "mixin option scrapeInterval: there is none of this name; did you mean scrapeIntervalSeconds?",
        ),
        ({"thresholds": {"kvcache": 0.7}}, "mixin option thresholds.kvcache: there is none of this name; did you mean"),
        ({"scrapeIntervalSeconds": "15s"}, "mixin option scrapeIntervalSeconds: must be a number, not text"),
        ({"honorLabels": 1}, "mixin option honorLabels: must be true or false, not a number"),
        ({"thresholds": 0.8}, "mixin option thresholds: must be a mapping, not a number"),
        ({"costBudgetPerHour": "much"}, "mixin option costBudgetPerHour: must be a positive number, not 'much'"),
        ({"costBudgetPerHour": float("nan")}, "mixin option costBudgetPerHour: must be a positive number, not nan"),
        ({"scrapeIntervalSeconds": 0}, "mixin option scrapeIntervalSeconds: must be a positive number, not 0"),
        ({"holdSeconds": float("inf")}, "mixin option holdSeconds: must be a positive number, not inf"),
        ({"slo": {"objective": 95}}, "mixin option slo.objective: must be between 0 and 1, not 95"),
        ({"compat": "strict"}, "mixin option compat: must be corrected or exact, not 'strict'"),
        ({"severities": {"WVAFlapping": 1}}, "mixin option severities: must be a mapping of names to text"),
        ({"severities": {"WVAFlapping": "page"}}, "mixin option severities: must be a mapping of alerts to critical,"),
        (
            {"severities": {"WVAFlaping": "info"}},
            "mixin option severities.WVAFlaping: there is no alert of this name; did you mean WVAFlapping?",
        ),
        ({"alertLabels": {"a team": "x"}}, "mixin option alertLabels: must be a mapping of label names to text"),
        ({"clusterLabel": "a b"}, "mixin option clusterLabel: must be the name of a label, not 'a b'"),
        ({"engineSelector": 'job="x'}, "mixin option engineSelector: must be matchers in PromQL"),
        ({"engineSelector": 'job="x"} or y{z="a"'}, "mixin option engineSelector: must be matchers in PromQL"),
        ({"dashboardTags": ["a", 1]}, "mixin option dashboardTags: must be a list of text"),
        ({"runbookURLPattern": ""}, "mixin option runbookURLPattern: must be an address"),
        ({"longWindowSeconds": 20}, "mixin option longWindowSeconds: must be at least 4 scrapes of 15 s, not 20"),
    ],
)
def test_an_option_that_is_wrong_is_named(options: dict[str, object], complaint: str) -> None:
    """One line that says which and what is allowed."""
    with pytest.raises(ConfigError) as error:
        render(options, evaluate=evaluate)
    assert str(error.value).startswith(complaint)
    assert len(str(error.value).splitlines()) == 1


def test_all_wrong_options_are_named_at_once() -> None:
    """Nobody corrects one to hear of the next."""
    with pytest.raises(ConfigError) as error:
        render({"a": 1, "b": 2, "slo": {"c": 3}}, evaluate=evaluate)
    assert len(error.value.findings) == 3


def test_every_option_is_explained_where_it_is_set() -> None:
    """``config.libsonnet`` is what an operator reads."""
    text = (folder() / "config.libsonnet").read_text()
    assert all(re.search(rf"^\s+{name}:", text, re.MULTILINE) for name in defaults())
