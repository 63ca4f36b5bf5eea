"""A page in the exposition format, put together series by series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric

from wva_exporter.twin.histogram import Histogram

Rows = Iterable[tuple[Mapping[str, str], float]]
"""Values by their own labels, beside those of the page."""


class Page:
    """Families in the order in which they were added. Every series has the page's labels and, if given, its own.

    ``created`` is the time in seconds since the epoch at which counters and histograms began, as the Python client exposes it.
    """

    def __init__(self, labels: Mapping[str, str], created: float | None = None) -> None:
        self._labels = dict(labels)
        self._created = created
        self._families: list[Metric] = []

    def gauge(self, name: str, text: str, value: float | Rows) -> None:
        """A level, or several by their labels."""
        family = GaugeMetricFamily(name, text)
        for labels, number in _rows(value):
            family.add_sample(name, {**self._labels, **labels}, number)
        self._families.append(family)

    def counter(self, name: str, text: str, value: float | Rows) -> None:
        """A counter; ``name`` without ``_total``."""
        family = CounterMetricFamily(name, text)
        for labels, number in _rows(value):
            own = {**self._labels, **labels}
            family.add_sample(f"{name}_total", own, number)
            self._began(family, own)
        self._families.append(family)

    def histogram(self, name: str, text: str, histogram: Histogram, labels: Mapping[str, str] | None = None) -> None:
        """A histogram with all its buckets."""
        own = {**self._labels, **(labels or {})}
        family = HistogramMetricFamily(name, text)
        for bound, count in histogram.cumulative():
            family.add_sample(f"{name}_bucket", {**own, "le": bound}, count)
        family.add_sample(f"{name}_count", own, histogram.count)
        family.add_sample(f"{name}_sum", own, histogram.sum)
        self._began(family, own)
        self._families.append(family)

    def summary(self, name: str, text: str, count: float, total: float, labels: Mapping[str, str]) -> None:
        """A summary without quantiles."""
        own = {**self._labels, **labels}
        family = SummaryMetricFamily(name, text)
        family.add_sample(f"{name}_count", own, count)
        family.add_sample(f"{name}_sum", own, total)
        self._began(family, own)
        self._families.append(family)

    def collect(self) -> list[Metric]:
        """The families, as a registry asks for them."""
        return self._families

    def text(self) -> bytes:
        """The page."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def _began(self, family: Metric, labels: Mapping[str, str]) -> None:
        if self._created is not None:
            family.add_sample(f"{family.name}_created", dict(labels), self._created)


def _rows(value: float | Rows) -> Rows:
    return [({}, value)] if isinstance(value, int | float) else value
