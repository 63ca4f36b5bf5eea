"""What the exporter says about itself: ordinary instruments in a registry of their own, with methods in the loop's words.

Label sets that are known in advance start at 0, so that the first error is an increase; numbers that are not known yet are
absent, so that nobody reads a clock skew of 0 before there was an answer.
"""

from __future__ import annotations

import platform

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from wva_exporter import conventions as names
from wva_exporter.conventions import Metric, Signal
from wva_exporter.errors import QueryFailure

CYCLE_BUCKETS_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
QUERY_BUCKETS_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Those of WVA, so that its dashboards read ours."""

SUCCESS, ERROR = "success", "error"


class SelfMetrics:
    """The series of ``conventions.OF_EXPORTER`` with those of the process, the interpreter and its garbage collector."""

    def __init__(self) -> None:
        # A ``_created`` series beside each counter is of no use to Prometheus 2.42 and is off in most exporters; the
        # library knows no narrower switch.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry(
            auto_describe=True
        )  # for ``name[]``: the library describes only its own instruments
        self._cycle = self._histogram(names.OPTIMIZATION_DURATION, CYCLE_BUCKETS_SECONDS)
        for status in (SUCCESS, ERROR):
            self._cycle.labels(status)
        self._errors = self._counter(names.ERRORS)
        for component, error_type in names.ERROR_KINDS:
            self._errors.labels(component, error_type)
        self._query = self._histogram(names.COLLECTION_DURATION, QUERY_BUCKETS_SECONDS)
        self._query_errors = self._counter(names.COLLECTION_ERRORS)
        self._query_warnings = self._counter(names.COLLECTION_WARNINGS)
        self._asked: set[Signal] = set()
        self._gauges: dict[str, Gauge] = {}
        prometheus_client.ProcessCollector(registry=self.registry)
        prometheus_client.PlatformCollector(registry=self.registry)
        prometheus_client.GCCollector(registry=self.registry)

    def cycle_finished(self, status: str, seconds: float) -> None:
        """A cycle ended: ``success`` or ``error``."""
        self._cycle.labels(status).observe(seconds)

    def query(self, signal: Signal, seconds: float, failure: QueryFailure | None, warnings: int = 0) -> None:
        """A query was answered, or failed; ``warnings`` is how many its source attached."""
        if signal not in self._asked:
            self._asked.add(signal)
            for reason in QueryFailure:
                self._query_errors.labels(signal, reason)
        self._query.labels(signal).observe(seconds)
        self._query_warnings.labels(signal).inc(warnings)
        if failure is not None:
            self._query_errors.labels(signal, failure).inc()

    def error(self, component: str, error_type: str) -> None:
        """Something went wrong; the pair should be one of ``conventions.ERROR_KINDS``."""
        self._errors.labels(component, error_type).inc()

    def source_up(self, name: str, up: bool) -> None:  # noqa: FBT001 - reads as the series does
        """Whether the data source answered in the last cycle."""
        self._gauge(names.SOURCE_UP).labels(name).set(float(up))

    def last_cycle(self, time: float) -> None:
        """When the last cycle ended: seconds since the epoch, by the data source's clock."""
        self._gauge(names.LAST_CYCLE).set(time)

    def skew(self, seconds: float) -> None:
        """The data source's clock minus ours."""
        self._gauge(names.CLOCK_SKEW).set(seconds)

    def models(self, count: int) -> None:
        """How many models the last cycle handled."""
        self._gauge(names.MODELS_PROCESSED).set(count)

    def reload(self, ok: bool, time: float) -> None:  # noqa: FBT001 - reads as the series does
        """A configuration was accepted or refused at ``time``, seconds since the epoch by our clock."""
        self._gauge(names.CONFIG_RELOAD_OK).set(float(ok))
        if ok:
            self._gauge(names.CONFIG_RELOAD_TIME).set(time)
        else:
            self.error("config", "reload")

    def config(
        self,
        *,
        policy: str,
        currency: str,
        interval_seconds: float,
        kv_spare: float,
        queue_spare: float,
        cost_budget_per_hour: float | None = None,
    ) -> None:
        """The global settings that are in force now; no budget is no series, and not one of 0."""
        info = self._gauge(names.CONFIG_INFO)
        info.clear()
        info.labels(policy, currency).set(1)
        self._gauge(names.CONFIG_INTERVAL).set(interval_seconds)
        self._gauge(names.CONFIG_KV_SPARE).set(kv_spare)
        self._gauge(names.CONFIG_QUEUE_SPARE).set(queue_spare)
        if cost_budget_per_hour is not None:
            self._gauge(names.CONFIG_COST_BUDGET).set(cost_budget_per_hour)
        elif (former := self._gauges.pop(names.CONFIG_COST_BUDGET.name, None)) is not None:
            self.registry.unregister(former)

    def build_info(self, *, version: str, revision: str) -> None:
        """What is running."""
        self._gauge(names.BUILD_INFO).labels(version, revision, platform.python_version()).set(1)

    def _gauge(self, metric: Metric) -> Gauge:
        """The gauge of this name, on the page from the first time that it is used."""
        if metric.name not in self._gauges:
            self._gauges[metric.name] = Gauge(metric.name, metric.help, metric.labels, registry=self.registry)
        return self._gauges[metric.name]

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _histogram(self, metric: Metric, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(metric.name, metric.help, metric.labels, buckets=buckets, registry=self.registry)
