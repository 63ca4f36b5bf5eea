"""What the exporter says about itself, and what it leaves unsaid until it knows."""

from __future__ import annotations

import pytest
from prometheus_client import generate_latest

from wva_exporter.conventions import ERROR_KINDS, OF_EXPORTER, Kind, Signal
from wva_exporter.errors import QueryFailure
from wva_exporter.publish.selfmetrics import SelfMetrics


def everything_said() -> SelfMetrics:
    """After a start, a cycle and a reload."""
    metrics = SelfMetrics()
    metrics.build_info(version="1.2.3", revision="abc")
    metrics.config(policy="wva-v1", currency="USD", interval_seconds=15, kv_spare=0.1, queue_spare=3)
    metrics.reload(ok=True, time=1e9)
    metrics.query(Signal.KV, 0.02, None)
    metrics.source_up("prometheus", up=True)
    metrics.skew(-0.5)
    metrics.models(2)
    metrics.last_cycle(1.8e9)
    metrics.cycle_finished("success", 0.2)
    return metrics


def value(metrics: SelfMetrics, name: str, **labels: str) -> float | None:
    """One sample, None where it is absent."""
    return metrics.registry.get_sample_value(name, labels)


def test_numbers_that_are_not_known_are_absent() -> None:
    """A skew of 0, no models, a last cycle in 1970: none of them is true before the first cycle."""
    page = generate_latest(SelfMetrics().registry).decode()
    for metric in OF_EXPORTER:
        if metric.kind is Kind.GAUGE:
            assert metric.name not in page


def test_known_errors_and_outcomes_start_at_zero() -> None:
    """An increase can only be seen from something."""
    metrics = SelfMetrics()
    for component, error_type in ERROR_KINDS:
        assert value(metrics, "wva_errors_total", component=component, error_type=error_type) == 0
    for status in ("success", "error"):
        assert value(metrics, "wva_optimization_duration_seconds_count", status=status) == 0


def test_a_failed_query_counts_by_its_reason_and_shows_the_others_at_zero() -> None:
    """Only signals that are asked for have series."""
    metrics = SelfMetrics()
    metrics.query(Signal.KV, 0.02, None, warnings=2)
    metrics.query(Signal.KV, 5.0, QueryFailure.TIMEOUT)
    errors = "wva_metrics_collection_errors_total"
    assert value(metrics, errors, query_type="kv_cache", reason="timeout") == 1
    assert value(metrics, errors, query_type="kv_cache", reason="parse_error") == 0
    assert value(metrics, errors, query_type="running", reason="timeout") is None
    assert value(metrics, "wva_metrics_collection_duration_seconds_count", query_type="kv_cache") == 2
    assert value(metrics, "wva_metrics_collection_warnings_total", query_type="kv_cache") == 2


def test_a_refused_reload_keeps_the_time_of_the_last_good_one() -> None:
    """And is counted as an error of the configuration."""
    metrics = SelfMetrics()
    metrics.reload(ok=True, time=100.0)
    metrics.reload(ok=False, time=200.0)
    assert value(metrics, "wva_config_last_reload_successful") == 0
    assert value(metrics, "wva_config_last_reload_success_timestamp_seconds") == 100
    assert value(metrics, "wva_errors_total", component="config", error_type="reload") == 1


def test_the_configuration_in_force_is_one_series() -> None:
    """The former one goes when another is loaded."""
    metrics = everything_said()
    metrics.config(policy="headroom", currency="EUR", interval_seconds=30, kv_spare=0.2, queue_spare=1)
    assert value(metrics, "wva_config_info", analyzer_name="headroom", currency="EUR") == 1
    assert value(metrics, "wva_config_info", analyzer_name="wva-v1", currency="USD") is None
    assert value(metrics, "wva_config_optimization_interval_seconds") == 30


def test_a_budget_that_is_no_longer_configured_is_no_longer_published() -> None:
    """An alert that compares the cost with a budget of the past would be wrong, one with 0 would fire for ever."""
    metrics = SelfMetrics()

    def configure(budget: float | None) -> float | None:
        metrics.config(
            policy="wva-v1",
            currency="USD",
            interval_seconds=15,
            kv_spare=0.1,
            queue_spare=3,
            cost_budget_per_hour=budget,
        )
        return value(metrics, "wva_config_cost_budget_per_hour")

    assert [configure(budget) for budget in (None, 40.0, 0.0, None, 50.0)] == [None, 40, 0, None, 50]


def test_what_is_said_is_published() -> None:
    """One value of each method."""
    metrics = everything_said()
    assert value(metrics, "wva_source_up", source="prometheus") == 1
    assert value(metrics, "wva_clock_skew_seconds") == -0.5
    assert value(metrics, "wva_models_processed") == 2
    assert value(metrics, "wva_last_cycle_timestamp_seconds") == 1.8e9
    assert value(metrics, "wva_optimization_duration_seconds_sum", status="success") == pytest.approx(0.2)


def test_two_exporters_in_one_process_do_not_meet() -> None:
    """Each has its own registry, as tests and the demo need."""
    first, second = SelfMetrics(), SelfMetrics()
    first.models(3)
    assert value(second, "wva_models_processed") is None


def test_no_series_tells_when_a_counter_was_made() -> None:
    """The library's ``_created`` series would double the page's counters."""
    page = generate_latest(everything_said().registry).decode()
    assert "_created" not in page
    assert "process_cpu_seconds_total" in page
    assert "python_gc_collections_total" in page
