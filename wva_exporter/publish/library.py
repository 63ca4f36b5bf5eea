"""Families as exposition text, as prometheus-client writes it."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

_END = b"# EOF\n"


class Fixed(Collector):
    """A collector of families that are already there."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Sequence[Metric]:
        """The families."""
        return self._families

    describe = collect


def written(families: Collector, *, openmetrics: bool = False) -> bytes:
    """Prometheus text 0.0.4, or OpenMetrics 1.0.0, which ends with ``# EOF``."""
    text: bytes = generate_openmetrics(families) if openmetrics else generate_latest(families)  # type: ignore[no-untyped-call]
    return text


def without_end(text: bytes) -> bytes:
    """OpenMetrics that can be continued."""
    return text.removesuffix(_END)
