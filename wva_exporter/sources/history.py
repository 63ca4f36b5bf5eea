"""What a Prometheus remembers: the operating points of engines over a range of time.

Read through prometheus-api-client, an extra, because nobody waits for it: the live path has its own client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import Column, FloatArray
from wva_exporter.core.queueing.observations import Observations
from wva_exporter.core.queueing.points import throughput
from wva_exporter.engines.promql import REPLICA_LABELS, QuerySettings, queries
from wva_exporter.errors import ConfigError, SourceError

_COLUMNS = {
    Signal.WAITING: "waiting",
    Signal.INPUT_TOKENS: "in_tokens",
    Signal.OUTPUT_TOKENS: "out_tokens",
    Signal.TTFT: "ttft_seconds",
    Signal.ITL: "itl_seconds",
    Signal.PREFIX_HIT_RATIO: "hit_ratio",
}
_READ = (*_COLUMNS, Signal.RUNNING, Signal.GENERATION_TOKEN_RATE, Signal.REQUEST_RATE)

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Whom to ask, what for, from when to when (seconds since the epoch) and how often."""

    url: str
    model: str
    start: float
    end: float
    step_seconds: float

    def __post_init__(self) -> None:
        if not (self.step_seconds > 0.0 and self.start + self.step_seconds <= self.end):
            raise ConfigError(["the range must hold at least one step"])


def observations(asked: Range, settings: QuerySettings, max_batch: int) -> Observations:
    """One row a replica of the model, one point an instant. Where the answer has a gap, the point is unknown.

    Raises:
        SourceError: the Prometheus does not answer.
        ConfigError: it has no series of the model in that range, or the extra is not installed.
    """
    client = _client(asked.url)
    instants = np.arange(asked.start, asked.end + asked.step_seconds / 2, asked.step_seconds)
    wanted = {query.signal: query.promql for query in queries(settings) if query.signal in _READ}
    found = {signal: _series(client, promql, asked) for signal, promql in wanted.items()}
    keys = sorted({key for rows in found.values() for key in rows})
    if not keys:
        raise ConfigError([f"{asked.url} has no series of {asked.model} in this range"])
    table = {signal: _column(rows, keys, instants, asked.step_seconds) for signal, rows in found.items()}
    return _observed(table, (len(keys), len(instants)), max_batch)


def _observed(table: Mapping[Signal, Column], shape: tuple[int, int], max_batch: int) -> Observations:
    """Rate and batch as a live cycle computes them (``points.throughput``), the rest as it was measured."""

    def of(signal: Signal) -> Column:
        return table.get(signal, Column.unknown(shape))

    rate, running = throughput(
        tokens=of(Signal.GENERATION_TOKEN_RATE),
        out=of(Signal.OUTPUT_TOKENS),
        ttft=of(Signal.TTFT),
        itl=of(Signal.ITL),
        waiting=of(Signal.WAITING),
        finished=of(Signal.REQUEST_RATE),
        gauge=of(Signal.RUNNING),
    )
    columns = {name: of(signal) for signal, name in _COLUMNS.items()}
    return Observations.of(np.full(shape[0], max_batch), None, rate_rps=rate, running=running, **columns)


def _client(url: str) -> Any:
    try:
        from prometheus_api_client import PrometheusConnect  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError(["reading a range needs prometheus-api-client: pip install 'wva-exporter[replay]'"]) from None
    return PrometheusConnect(url=url, disable_ssl=False, timeout=60, retry=0)


def _series(client: Any, promql: str, asked: Range) -> dict[Key, FloatArray]:
    """(time, value) pairs of each replica of the model: shape (samples, 2)."""
    start, end = (datetime.fromtimestamp(at, UTC) for at in (asked.start, asked.end))
    try:
        answer = client.custom_query_range(promql, start, end, f"{asked.step_seconds:g}s")
    except Exception as error:  # noqa: BLE001 - requests, JSON and the client's own have no common base
        raise SourceError(f"{asked.url} does not answer: {error}") from None
    found: dict[Key, FloatArray] = {}
    for row in answer:
        labels = row["metric"]
        if labels.get("model_name", "") == asked.model:
            key = tuple(labels.get(name, "") for name in REPLICA_LABELS)
            found[key] = np.array([[float(at), float(value)] for at, value in row["values"]])
    return found


def _column(rows: Mapping[Key, FloatArray], keys: list[Key], instants: FloatArray, step: float) -> Column:
    values = np.full((len(keys), len(instants)), np.nan)
    for place, key in enumerate(keys):
        if key in rows:
            at = np.rint((rows[key][:, 0] - instants[0]) / step).astype(np.int64)
            inside = (at >= 0) & (at < len(instants))
            values[place, at[inside]] = rows[key][inside, 1]
    return Column.of(values)
