"""Faults of dashboards: the rules of Grafana's dashboard-linter for Prometheus, and what makes a panel readable by night.

Its rules about ``job`` and ``instance`` are left out, with the reasons in ``mixins/wva-mixin/.lint``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta

import promql_parser as tree

from wva_exporter.artefacts.dashboard_queries import (
    VARIABLE,
    Dashboard,
    everything,
    panels,
    queries,
    substituted,
    variables,
)
from wva_exporter.artefacts.lint_rules import LEVELS, PUBLISHED
from wva_exporter.artefacts.promql_tree import Node, children, parse, series_of, walk

SCHEMA_VERSION = 36
"""The first classic schema in which a data source is an object, as all of Grafana 9 to 13 read it."""

UNITS = frozenset({"short", "none", "s", "percentunit", "percent", "reqps", "ops", "bytes", "decbytes", "cps"})
_CURRENCY = re.compile(r"currency[A-Z]{3}")
_COLUMNS = 24
_ON_TIME_RANGE_CHANGE = 2
_RATES = frozenset({"rate", "irate", "increase"})
_INTERVAL_SECONDS = 4_321
"""A length that nobody writes: a range of it came from ``$__rate_interval``."""

_HOURS = re.compile(r"\[\d+h\]")
"""A range that a title names, such as errors in an hour, does not follow the zoom."""


def lint_dashboards(dashboards: Mapping[str, Dashboard], recorded: AbstractSet[str]) -> list[str]:
    """A sentence for each fault of the dashboards by file name; ``recorded`` are the series of recording rules."""
    return [
        f"{name}: {fault}" for name, dashboard in dashboards.items() for fault in _faults(name, dashboard, recorded)
    ]


def _faults(name: str, dashboard: Dashboard, recorded: AbstractSet[str]) -> Iterator[str]:
    for check in (_frame, _data_source, _variables, _grid):
        yield from check(dashboard)
    if dashboard["uid"] != hashlib.md5(name.encode(), usedforsecurity=False).hexdigest():
        yield "has a uid that is not the md5 of its file name: links to it break"
    values = {**everything(dashboard), "__rate_interval": f"{_INTERVAL_SECONDS}s"}
    for panel in panels(dashboard):
        faults = [fault for panel_check in PANEL_CHECKS for fault in panel_check(panel)]
        faults += _query_faults(panel, values, recorded)
        yield from (f"panel {panel['title']!r} {fault}" for fault in dict.fromkeys(faults))


def _frame(dashboard: Dashboard) -> Iterator[str]:
    if dashboard["schemaVersion"] < SCHEMA_VERSION:
        yield f"has schema {dashboard['schemaVersion']}, older than {SCHEMA_VERSION}"
    if dashboard["editable"]:
        yield "can be edited: changes would be lost with the next release"
    if not dashboard.get("description"):
        yield "has no description"


def _data_source(dashboard: Dashboard) -> Iterator[str]:
    """One variable that chooses it."""
    sources = [variable for variable in variables(dashboard).values() if variable["type"] == "datasource"]
    if [(source["name"], source["label"], source["query"]) for source in sources] != [
        ("datasource", "Data Source", "prometheus")
    ]:
        yield "has not exactly one data source variable `datasource`, called Data Source"


def _variables(dashboard: Dashboard) -> Iterator[str]:
    """Lists are read again when the time range changes, come from PromQL, and use variables that stand before them."""
    known = dict.fromkeys(("datasource",), ".+")
    for name, variable in variables(dashboard).items():
        if variable["type"] != "query":
            continue
        if variable["refresh"] != _ON_TIME_RANGE_CHANGE:
            yield f"variable {name} is not read again when the time range changes"
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", substituted(variable["query"]["query"], known))
        if found is None or not _is_promql(found[1]):
            yield f"variable {name} is no label_values of a selector, or uses a variable that stands behind it"
        known[name] = ".+"


def _is_promql(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return not VARIABLE.search(text)


def _grid(dashboard: Dashboard) -> Iterator[str]:
    """Panels stand beside each other, within the width, and are told apart."""
    taken: dict[tuple[int, int], str] = {}
    numbers = [panel["id"] for panel in dashboard["panels"]]
    if len(numbers) != len(set(numbers)):
        yield "gives two panels one id"
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        if place["x"] + place["w"] > _COLUMNS:
            yield f"panel {panel['title']!r} is wider than the page"
        cells = [
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        covered = {taken[cell] for cell in cells if cell in taken}
        yield from (f"panel {panel['title']!r} covers {other!r}" for other in sorted(covered))
        taken |= dict.fromkeys(cells, panel["title"])


def _title_and_description(panel: Dashboard) -> Iterator[str]:
    if not panel["title"]:
        yield "has no title"
    if not panel.get("description", "").endswith("."):
        yield "has no description that is a sentence"


def _unit(panel: Dashboard) -> Iterator[str]:
    unit = panel["fieldConfig"]["defaults"].get("unit", "")
    if unit not in UNITS and not _CURRENCY.fullmatch(unit):
        yield f"has the unit {unit!r}, which Grafana does not know"


def _panel_data_source(panel: Dashboard) -> Iterator[str]:
    for where in (panel, *panel.get("targets", ())):
        if where.get("datasource") != {"type": "prometheus", "uid": "${datasource}"}:
            yield "does not use the data source that the reader chose"


def _has_queries(panel: Dashboard) -> Iterator[str]:
    asked = [query.ref for query in queries(panel)]
    if not asked or len(asked) != len(set(asked)):
        yield "asks nothing, or two queries have one name"


def _legend(panel: Dashboard) -> Iterator[str]:
    """Every line can be told from the others."""
    legends = [query.legend for query in queries(panel)]
    if not all(legends) or len(legends) != len(set(legends)):
        yield "has queries without a legend, or with the same"


PANEL_CHECKS: tuple[Callable[[Dashboard], Iterator[str]], ...] = (
    _title_and_description,
    _unit,
    _panel_data_source,
    _has_queries,
    _legend,
)


def _query_faults(panel: Dashboard, values: Mapping[str, str], recorded: AbstractSet[str]) -> Iterator[str]:
    for query in queries(panel):
        expression = substituted(query.expression, values)
        try:
            node = parse(expression)
        except ValueError as error:
            yield f"query {query.ref} is not PromQL: {error}"
            continue
        if VARIABLE.search(expression):
            yield f"query {query.ref} uses a variable that is not there"
        faults = (*_rate_faults(node, query.expression), *_counter_faults(node), *_name_faults(node, recorded))
        yield from (f"query {query.ref} {fault}" for fault in faults)


def _rate_faults(node: Node, written: str) -> Iterator[str]:
    """A rate follows the zoom and the scrape interval, or says in its title over how many hours it is."""
    for call in walk(node):
        if not isinstance(call, tree.Call) or call.func.name not in _RATES:
            continue
        for argument in call.args:
            follows = isinstance(argument, tree.MatrixSelector) and argument.range == timedelta(
                seconds=_INTERVAL_SECONDS
            )
            if not follows and not _HOURS.search(written):
                yield f"has a {call.func.name} over another range than $__rate_interval"


def _counter_faults(node: Node, *, rated: bool = False) -> Iterator[str]:
    """A counter alone says how long ago the process started; only its growth means something."""
    if isinstance(node, tree.VectorSelector) and (node.name or "").endswith("_total") and not rated:
        yield f"shows the counter {node.name} itself"
    for child in children(node):
        inside = isinstance(node, tree.Call) and node.func.name in _RATES
        yield from _counter_faults(child, rated=rated or inside)


def _name_faults(node: Node, recorded: AbstractSet[str]) -> Iterator[str]:
    """A name of ours that nothing publishes or records."""
    for name in series_of(node):
        ours = name.partition(":")[0] in LEVELS if ":" in name else name.startswith("wva_")
        if ours and name not in recorded and name not in PUBLISHED:
            yield f"reads {name}, which nothing {'records' if ':' in name else 'publishes'}"
