"""What a dashboard asks: its panels with their queries, and those queries with Grafana's variables filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Dashboard = Mapping[str, Any]
"""The classic (v1) JSON of Grafana."""

VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::\w+)?\}|\$([A-Za-z_]\w*)")

BUILT_IN: Mapping[str, str] = {
    "__rate_interval": "1m",
    "__interval": "15s",
    "__range": "6h",
    "__range_s": "21600",
}
"""Values for what Grafana derives from the time range, as good as any where nothing is asked of a server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelQuery:
    """One query of a panel. ``legend`` has Grafana's ``{{label}}``; ``ref`` tells it from its neighbours."""

    ref: str
    expression: str
    legend: str
    instant: bool


def panels(dashboard: Dashboard) -> Iterator[Dashboard]:
    """Every panel that shows something, in reading order; headings of rows are left out."""
    yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def queries(panel: Dashboard) -> Iterator[PanelQuery]:
    """What the panel asks."""
    for target in panel.get("targets", ()):
        yield PanelQuery(
            ref=target.get("refId", ""),
            expression=target.get("expr", ""),
            legend=target.get("legendFormat", ""),
            instant=bool(target.get("instant")),
        )


def variables(dashboard: Dashboard) -> Mapping[str, Dashboard]:
    """The dashboard's variables by name."""
    return {variable["name"]: variable for variable in dashboard["templating"]["list"]}


def everything(dashboard: Dashboard) -> dict[str, str]:
    """A value for each variable that lets everything through, and for those that Grafana derives."""
    return {**BUILT_IN, **{name: variable.get("allValue", ".+") for name, variable in variables(dashboard).items()}}


def substituted(text: str, values: Mapping[str, str]) -> str:
    """The text with variables replaced; one that is not in ``values`` stays, and the text is no PromQL then."""
    return VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), text)


def labelled(legend: str, labels: Mapping[str, str]) -> str:
    """A legend for one series, as Grafana writes it."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), legend)
