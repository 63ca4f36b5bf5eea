"""Dashboards as Grafana reads them, and the linter that keeps them readable."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from architecture import ROOT
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as GrafanaDashboard
from jsonnet_bindings import rendered_fast

from wva_exporter.artefacts.dashboard_queries import Dashboard, labelled, panels, queries, substituted, variables
from wva_exporter.artefacts.lint_dashboards import lint_dashboards
from wva_exporter.artefacts.mixin import Mixin
from wva_exporter.artefacts.mixin_files import dashboard_files

OVERVIEW = "wva-overview.json"
FORMS: tuple[dict[str, object], ...] = (
    {},
    {"honorLabels": False},
    {"showMultiCluster": True, "costBudgetPerHour": 250, "exporterReplicas": 2},
    {"wvaSelector": "", "histogram": "native", "datasourceName": "mimir", "currencyUnit": "currencyEUR"},
)


def recorded(mixin: Mixin) -> set[str]:
    """The names of the mixin's recording rules."""
    return {rule["record"] for rule in mixin.rules if "record" in rule}


def faults(change: Callable[[dict[str, Any]], object]) -> list[str]:
    """What the linter says of an overview that was changed."""
    mixin = rendered_fast()
    dashboard = copy.deepcopy(dict(mixin.dashboards[OVERVIEW]))
    change(dashboard)
    return lint_dashboards({OVERVIEW: dashboard}, recorded(mixin))


def panel(dashboard: Dashboard, title: str) -> dict[str, Any]:
    """The first panel of this title."""
    return next(each for each in dashboard["panels"] if each["title"] == title)


def lost(before: object, after: object, path: str = "") -> Iterator[str]:
    """Where the second lacks something of the first."""
    match before, after:
        case dict(), dict():
            for key, value in before.items():
                yield from lost(value, after[key], f"{path}.{key}") if key in after else iter([f"{path}.{key}"])
        case list(), list() if len(before) == len(after):
            for i, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from lost(one, other, f"{path}[{i}]")
        case _ if before != after:
            yield f"{path}: {before!r} became {after!r}"


def test_there_are_five() -> None:
    """One for the fleet, one for each thing in it, one for money, one for the exporter."""
    assert list(rendered_fast().dashboards) == [
        "wva-economics.json",
        "wva-exporter.json",
        "wva-model.json",
        "wva-overview.json",
        "wva-variant.json",
    ]


def test_the_committed_files_are_those_of_any_binding_of_jsonnet() -> None:
    """Made by one binding, compared with another."""
    for form, options in (("honor-labels", {}), ("exported-namespace", {"honorLabels": False})):
        for name, text in dashboard_files(rendered_fast(options)).items():
            assert (ROOT / "charts/wva-exporter/files/dashboards" / form / name).read_text() == text
            assert options or (ROOT / "dashboards" / name).read_text() == text


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_the_linter_finds_nothing_whatever_the_options(options: Mapping[str, object]) -> None:
    """Units, descriptions, legends, PromQL, names, grid."""
    mixin = rendered_fast(options)
    assert lint_dashboards(mixin.dashboards, recorded(mixin)) == []


@pytest.mark.parametrize("name", list(rendered_fast().dashboards))
def test_nothing_is_lost_in_the_models_of_grafana(name: str) -> None:
    """Read into the SDK's classes and written again, every field is still there with its value."""
    register_default_plugins()
    before = json.loads(json.dumps(rendered_fast().dashboards[name]))
    after = json.loads(JSONEncoder(sort_keys=True).encode(GrafanaDashboard.from_json(before)))
    assert list(lost(json.loads(json.dumps(rendered_fast().dashboards[name])), after)) == []


def test_every_query_is_within_what_the_reader_chose() -> None:
    """Each query of the fleet's dashboards has the variables, and with many clusters that of the cluster."""
    for name, dashboard in rendered_fast({"showMultiCluster": True}).dashboards.items():
        for each in panels(dashboard):
            for query in queries(each):
                if not query.expression.startswith("vector("):
                    assert '{cluster=~"$cluster"' in query.expression, f"{name}: {each['title']}"


def test_the_namespace_is_asked_where_the_store_has_it() -> None:
    """Without honorLabels the exporter's own series are cut by ``exported_namespace``, recorded ones by ``namespace``."""
    held = panel(rendered_fast({"honorLabels": False}).dashboards[OVERVIEW], "Held")["targets"][0]["expr"]
    assert 'exported_namespace=~"$namespace"' in held
    assert 'variant:wva_variant_rank:last{namespace=~"$namespace"' in held


def test_a_budget_is_a_line_and_a_colour() -> None:
    """The line is whatever budget is recorded; the colour needs one in the options, else there is none to misread."""
    dashboard = rendered_fast({"costBudgetPerHour": 250}).dashboards[OVERVIEW]
    steps = panel(dashboard, "Cost per hour")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in steps] == [None, 225, 250]
    plain = panel(rendered_fast().dashboards[OVERVIEW], "Cost per hour")
    assert plain["options"]["colorMode"] == "none"
    trend = next(
        each for each in panels(rendered_fast().dashboards[OVERVIEW]) if "budget" in [q.legend for q in queries(each)]
    )
    assert trend["type"] == "timeseries"


def test_the_table_leads_to_the_dashboards_of_its_variants_and_models() -> None:
    """Links carry the uid of the other dashboard and what was clicked."""
    dashboards = rendered_fast().dashboards
    urls = [
        each["value"][0]["url"]
        for override in panel(dashboards[OVERVIEW], "Variants")["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] == "links"
    ]
    for file, url in zip(("wva-variant.json", "wva-model.json"), urls, strict=True):
        assert f"/d/{dashboards[file]['uid']}?" in url
        assert {part.split("=")[0].removeprefix("var-") for part in url.split("&") if part.startswith("var-")} <= set(
            variables(dashboards[file])
        )


def _panel(of: str, /, **fields: object) -> Callable[[dict[str, Any]], None]:
    return lambda dashboard: panel(dashboard, of).update(fields)


def _ask(expression: str) -> Callable[[dict[str, Any]], None]:
    return lambda dashboard: panel(dashboard, "Held")["targets"][0].update(expr=expression)


def _variable(of: str, /, **fields: object) -> Callable[[dict[str, Any]], None]:
    return lambda dashboard: next(v for v in dashboard["templating"]["list"] if v["name"] == of).update(fields)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda dashboard: dashboard.update(editable=True), "can be edited"),
        (lambda dashboard: dashboard.update(schemaVersion=30), "has schema 30"),
        (lambda dashboard: dashboard.update(uid="wva"), "uid that is not the md5"),
        (lambda dashboard: dashboard.update(description=""), "has no description"),
        (_variable("datasource", label="Source"), "data source variable"),
        (_variable("model", refresh=1), "variable model is not read again"),
        (_variable("namespace", query={"query": "label_values(up{a=~'$model'}, b)"}), "uses a variable that stands behind"),
        (_variable("namespace", query={"query": "label_values(up{, b)"}), "variable namespace is no label_values"),
        (_panel("Held", title=""), "has no title"),
        (_panel("Held", description="held"), "has no description that is a sentence"),
        (_panel("Held", datasource={"type": "prometheus", "uid": "x"}), "does not use the data source"),
        (_panel("Held", targets=[]), "asks nothing"),
        (_panel("Held", id=3), "two panels one id"),
        (_panel("Held", gridPos={"x": 0, "y": 1, "w": 3, "h": 4}), "covers 'Last decision'"),
        (_panel("Held", gridPos={"x": 22, "y": 90, "w": 3, "h": 4}), "wider than the page"),
        (lambda d: panel(d, "Held")["fieldConfig"]["defaults"].update(unit="furlong"), "unit 'furlong'"),
        (lambda d: panel(d, "Held")["targets"][0].update(legendFormat=""), "without a legend"),
        (_ask("sum(rate(up[5m])"), "is not PromQL"),
        (_ask("up{a=~'$nothing'}"), "uses a variable that is not there"),
        (_ask("rate(wva_errors_total[5m])"), "another range than $__rate_interval"),
        (_ask("sum(wva_errors_total)"), "shows the counter wva_errors_total itself"),
        (_ask("wva_wanted_replicas"), "wva_wanted_replicas, which nothing publishes"),
        (_ask("variant:wva_wanted:sum"), "variant:wva_wanted:sum, which nothing records"),
    ],
)  # fmt: skip
def test_the_linter_says_what_is_wrong(change: Callable[[dict[str, Any]], None], said: str) -> None:
    """One fault, one sentence that names the panel and what to mend."""
    found = faults(change)
    assert any(said in fault for fault in found), found
    assert len(found) <= 2


def test_variables_are_filled_in_as_grafana_does() -> None:
    """Both spellings; what is not known, such as a group of a regular expression, stays."""
    assert substituted(
        'a{b=~"$c",d=~"${e:regex}"}[$__rate_interval] "$1" $x', {"c": ".+", "e": "f", "__rate_interval": "1m"}
    ) == ('a{b=~".+",d=~"f"}[1m] "$1" $x')
    assert labelled("{{ variant_name }}: {{reason}}{{none}}", {"variant_name": "v", "reason": "r"}) == "v: r"


PAGE = ROOT / "docs" / "dashboards.md"


def test_the_page_shows_every_dashboard() -> None:
    """A preview each, which is there."""
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)\)", PAGE.read_text())
    assert sorted(Path(path).stem + ".json" for path in shown) == list(rendered_fast().dashboards)
    assert all((PAGE.parent / path).is_file() for path in shown)


def test_the_page_speaks_of_panels_that_exist() -> None:
    """Every name in italics is the title of a panel, or of a row."""
    titles = {each["title"] for dashboard in rendered_fast().dashboards.values() for each in dashboard["panels"]}
    said = set(re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", PAGE.read_text().replace("\nof ", " of ")))
    assert said - titles == set()
    assert len(said) > 10


def test_options_on_the_page_are_taken() -> None:
    """They can be copied as they stand."""
    [options] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    mixin = rendered_fast(yaml.safe_load(options))
    assert lint_dashboards(mixin.dashboards, recorded(mixin)) == []
