"""Every panel of every dashboard, asked of a real Prometheus that watches the demo's fleet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_values import values_for
from demo_stage import DemoStage, demo_stage
from jsonnet_bindings import rendered_fast

from wva_exporter.artefacts.dashboard_queries import panels, queries, substituted
from wva_exporter.cli.demo.rules import OPTIONS

pytestmark = pytest.mark.timeout(120)

PATIENCE_SECONDS = 60.0

OPTIONAL = {
    ("wva-overview.json", "GPUs of nodes and of pods"): "kube_node_status_allocatable: the demo has no nodes",
    (
        "wva-variant.json",
        "Pods without a node",
    ): "kube_pod_status_unschedulable is there only while a pod finds no node",
    ("wva-variant.json", "GPU utilisation"): "DCGM_FI_DEV_GPU_UTIL: the demo has no GPU",
}
"""Panels that may be empty, with the source that they lack."""


@pytest.fixture(scope="module")
def stage(prometheus_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStage]:
    """The demo's fleet with Prometheus, rules and exporter."""
    with demo_stage(prometheus_bin, tmp_path_factory.mktemp("stage")) as running:
        yield running


def empty(stage: DemoStage) -> list[str]:
    """Queries without an answer, of panels that must have one."""
    return [
        f"{name}: {panel['title']}: {query.legend}"
        for name, dashboard in rendered_fast(OPTIONS).dashboards.items()
        for panel in panels(dashboard)
        if (name, panel["title"]) not in OPTIONAL
        for query in queries(panel)
        if not stage.prometheus.query(substituted(query.expression, values_for(dashboard)))
    ]


def test_every_query_of_every_panel_has_data(stage: DemoStage) -> None:
    """Not one line or column waits for a series that does not exist, but for the few of optional sources."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while (missing := empty(stage)) and time.monotonic() < give_up:
        time.sleep(0.5)
    assert missing == []


def test_what_may_be_empty_is_there_and_few() -> None:
    """The list names panels that exist, and at most four."""
    titles = {
        (name, panel["title"])
        for name, dashboard in rendered_fast(OPTIONS).dashboards.items()
        for panel in panels(dashboard)
    }
    assert OPTIONAL.keys() <= titles
    assert len(OPTIONAL) <= 4


def test_optional_panels_are_answered_without_error(stage: DemoStage) -> None:
    """Their queries are right, there is only nothing to answer."""
    for name, title in OPTIONAL:
        dashboard = rendered_fast(OPTIONS).dashboards[name]
        [panel] = [panel for panel in panels(dashboard) if panel["title"] == title]
        for query in queries(panel):
            assert stage.prometheus.query(substituted(query.expression, values_for(dashboard))) == []


def test_a_stat_without_a_choice_of_its_own_shows_one_number(stage: DemoStage) -> None:
    """Each query of a single number answers one row, with one model and one variant chosen as the dashboard opens."""
    several = [
        f"{name}: {panel['title']}"
        for name, dashboard in rendered_fast(OPTIONS).dashboards.items()
        for panel in panels(dashboard)
        if panel["type"] == "stat"
        for query in queries(panel)
        if len(stage.prometheus.query(substituted(query.expression, values_for(dashboard)))) != 1
    ]
    assert several == []
