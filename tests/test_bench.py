"""The benches measure what they say, on fleets that are really decided."""

from __future__ import annotations

import json

import pytest

from bench.canned import shape
from bench.cycle import cycles
from bench.fleet import BEGAN, REPLICAS, bodies
from bench.measure import Measurement
from wva_exporter.conventions import PER_VARIANT, Signal
from wva_exporter.engines.promql import QuerySettings, queries

DEFAULTS = QuerySettings(
    short_window_seconds=60.0, long_window_seconds=300.0, scrape_interval_seconds=15.0, hold_seconds=600.0
)
OTHERS = QuerySettings(
    short_window_seconds=5.0, long_window_seconds=25.0, scrape_interval_seconds=1.5, hold_seconds=40.0
)


def rows(body: bytes) -> list[dict[str, object]]:
    """The series of a body."""
    return list(json.loads(body)["data"]["result"])


def test_every_query_of_a_cycle_has_a_body() -> None:
    """A query that the generator forgot would make the cycle look cheap."""
    assert set(bodies(2, 0, BEGAN)) == {query.signal for query in queries(DEFAULTS)}


def test_a_replica_is_told_of_in_twenty_series() -> None:
    """The fleet is as heavy as the budget says."""
    per_replica = [signal for signal in bodies(2, 0, 0.0) if signal is not Signal.ROUTER_QUEUE]
    read = sum(len(rows(bodies(2, 0, 0.0)[signal])) for signal in per_replica)
    assert read / (2 * REPLICAS) >= 20


def test_inputs_differ_between_repeats() -> None:
    """The same numbers twice would flatter every cache."""
    first, second = (bodies(3, seed, 0.0)[Signal.KV] for seed in (1, 2))
    assert first != second
    assert [row["metric"] for row in rows(first)] == [row["metric"] for row in rows(second)]


def test_requests_keep_coming() -> None:
    """What arrived is a sum that grows from cycle to cycle, or flow balance would have nothing to do."""
    first, second = (bodies(3, seed, BEGAN + 1000.0 + 15.0 * seed)[Signal.ARRIVED] for seed in (1, 2))
    sums = [[float(row["value"][1]) for row in rows(body)] for body in (first, second)]  # type: ignore[index]
    assert all(after > before for before, after in zip(*sums, strict=True))


def test_queries_are_recognised_whatever_the_settings() -> None:
    """Windows change numbers only, and no two queries of a cycle differ by numbers alone."""
    shapes = [shape(query.promql) for query in queries(DEFAULTS)]
    assert shapes == [shape(query.promql) for query in queries(OTHERS)]
    assert len(set(shapes)) == len(shapes)


def test_the_fleet_is_decided_and_published_whole() -> None:
    """By policy headroom with service times that are known: nearly all series that there are, and six learned ones."""
    costs = cycles(6, repeats=2)
    page = costs.board.text().decode().splitlines()
    assert costs.decode_ms > 0 < costs.cycle_ms
    published = {line.partition("{")[0] for line in page if 'variant_name="serve-00003"' in line}
    assert published >= {metric.name for metric in PER_VARIANT if metric.kind == "gauge"}
    own = [line for line in page if 'variant_name="serve-00003"' in line]
    learned = sum(line.startswith("wva_model_parameter") for line in own)
    assert learned == 6
    assert len(own) - learned <= 30
    assert costs.by_time


@pytest.mark.parametrize(("value", "budget", "ok"), [(5.0, 5.0, True), (5.1, 5.0, False), (5.0, None, True)])
def test_a_measurement_is_one_line_of_json(value: float, budget: float | None, *, ok: bool) -> None:
    """Name, value, unit, budget and whether it holds, for machines to read."""
    line = Measurement(name="x_ms", value=value, unit="ms", budget=budget).line
    assert json.loads(line) == {"name": "x_ms", "value": value, "unit": "ms", "budget": budget, "ok": ok}
    assert "\n" not in line
