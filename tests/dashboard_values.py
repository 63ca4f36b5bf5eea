"""What a reader of the demo's dashboards has chosen: everything, and one model or variant where only one can be."""

from __future__ import annotations

import re

from wva_exporter.artefacts.dashboard_queries import Dashboard, everything, variables
from wva_exporter.cli.demo import scenario

CHOSEN = {"model": scenario.MODEL, "variant": scenario.VARIANTS[0].name}


def values_for(dashboard: Dashboard, *, range_seconds: int = 60) -> dict[str, str]:
    """The dashboard's variables, and those that Grafana derives from a time range and a scrape each second."""
    one = [name for name, variable in variables(dashboard).items() if variable.get("includeAll") is False]
    return {
        **everything(dashboard),
        "__rate_interval": f"{4 * scenario.SCRAPE_SECONDS:g}s",
        "__interval": f"{scenario.SCRAPE_SECONDS:g}s",
        "__range": f"{range_seconds}s",
        "__range_s": f"{range_seconds}",
        **{name: re.escape(CHOSEN[name]).replace("\\", "\\\\") for name in one if name in CHOSEN},
    }
