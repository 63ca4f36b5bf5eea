"""Draws each dashboard to docs/images/dashboards: the committed JSON, with what the demo's fleet does in two minutes.

A preview for people who have no Grafana at hand. It is not Grafana: places, titles, units, colours and series are right,
fonts and details are not. Not part of ``make generate``: every run gives other pictures.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from dashboard_values import values_for  # noqa: E402 - the stage is that of the tests
from demo_stage import DemoStage, FleetThread, demo_stage  # noqa: E402
from drawing import Answer, draw  # noqa: E402
from jsonnet_bindings import rendered_fast  # noqa: E402
from real_prometheus import RealPrometheus, find_tool  # noqa: E402

from wva_exporter.artefacts.dashboard_queries import Dashboard, PanelQuery, labelled, panels, queries, substituted  # noqa: E402
from wva_exporter.cli.demo import scenario  # noqa: E402
from wva_exporter.cli.demo.rules import OPTIONS  # noqa: E402
from wva_exporter.cli.demo.world import World  # noqa: E402

FOLDER = ROOT / "docs" / "images" / "dashboards"
SECONDS = 125.0
SETTLING_SECONDS = 20.0


class ScaledFleet(FleetThread):
    """The demo's fleet under its rise and fall of load, followed by its HPAs."""

    def __init__(self) -> None:
        super().__init__(seconds=180.0)
        self.prometheus: RealPrometheus | None = None
        self._next_sync = 0.0

    def act(self, world: World) -> None:
        """Begin once there is a Prometheus, and sync the HPAs."""
        if self.prometheus is None:
            return
        if world.began_at is None:
            world.begin()
        if world.elapsed < self._next_sync:
            return
        self._next_sync += scenario.SYNC_SECONDS
        rows = self.prometheus.query("wva_desired_replicas")
        targets = {row["metric"]["variant_name"]: [float(row["value"][1])] for row in rows}
        for variant in scenario.VARIANTS:
            world.autoscale(variant.name, targets.get(variant.name))


def main() -> int:
    """Run the fleet, ask everything, draw; returns the exit code."""
    prometheus = find_tool("prometheus")
    if prometheus is None:
        print("no Prometheus: type .ci/tools.sh", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    dashboards = rendered_fast({**OPTIONS, "costBudgetPerHour": scenario.COST_BUDGET_PER_HOUR}).dashboards
    fleet = ScaledFleet()
    with tempfile.TemporaryDirectory() as folder, demo_stage(prometheus, Path(folder), fleet) as stage:
        time.sleep(SETTLING_SECONDS)
        begin = time.time()
        fleet.prometheus = stage.prometheus
        time.sleep(SECONDS)
        end = time.time()
        answers = {
            (name, panel["id"]): [asked(stage, query, dashboard, begin, end) for query in queries(panel)]
            for name, dashboard in dashboards.items()
            for panel in panels(dashboard)
        }
    for name, dashboard in dashboards.items():
        picture = FOLDER / f"{Path(name).stem}.png"
        draw(dashboard, {number: answer for (of, number), answer in answers.items() if of == name}, picture)
        print(picture.relative_to(ROOT))
    return 0


def asked(stage: DemoStage, query: PanelQuery, dashboard: Dashboard, begin: float, end: float) -> list[Answer]:
    """The series of one query from beginning to end, or their last values where the panel wants those."""
    values = values_for(dashboard, range_seconds=round(end - begin))
    expression = substituted(query.expression, values)
    if query.instant:
        found = [(row["metric"], [row["value"]]) for row in stage.prometheus.query(expression, time=end)]
    else:
        arguments = {"query": expression, "start": begin, "end": end, "step": 1}
        url = f"{stage.prometheus.url}/api/v1/query_range?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the address is our own
            found = [(row["metric"], row["values"]) for row in json.load(answer)["data"]["result"]]
    return [
        Answer(
            name=labelled(query.legend, labels),
            labels=labels,
            at=[float(at) - begin for at, _ in samples],
            value=[float(value) for _, value in samples],
        )
        for labels, samples in sorted(found, key=lambda row: sorted(row[0].items()))
    ]


if __name__ == "__main__":
    sys.exit(main())
