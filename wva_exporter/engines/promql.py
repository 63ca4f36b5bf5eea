"""The one place where PromQL is written: the engine tables rendered as queries, one a signal for the whole fleet.

Every reading becomes a vector with one row a replica, that is one for each set of ``REPLICA_LABELS`` (and of the rank labels
where ranks stay apart). Older names and further engines are branches of one ``or`` in the tables' order::

    label_replace(<current name> or on (<replica>) <older name>, "engine_type", "vllm", "", "") or label_replace(...)

so that a replica that exposes two names of one thing counts once, by the name preferred. Ranks that are shards of one engine
are merged first, by their largest.

The queries mean the same to Prometheus 2.42, 3.x and VictoriaMetrics: they use no function that one of them lacks, and where
the two lines of Prometheus differ, at the edges of a range, ``_coverage`` says how both agree. Windowed readings outlive
their replica by up to their window: who answers now is what ``Signal.AGE`` says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from wva_exporter.conventions import REPLICA_SIGNALS, Signal
from wva_exporter.engines import beside
from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.language import (
    MILLISECOND,
    REPLICA_LABELS,
    TAG,
    TARGET_LABELS,
    UP_NOW,
    UP_SEEN,
    Query,
    QuerySettings,
    any_text,
    by,
    duration,
    first_of,
    quoted,
    selector,
    tagged,
)
from wva_exporter.engines.table import (
    Balance,
    Engine,
    Gauge,
    LabelProduct,
    Mean,
    Over,
    Product,
    Ranks,
    Rate,
    Reading,
    Share,
    Window,
)

__all__ = [
    "REPLICA_LABELS",
    "TAG",
    "TARGET_LABELS",
    "UP_NOW",
    "UP_SEEN",
    "Query",
    "QuerySettings",
    "any_text",
    "duration",
    "interval_query",
    "queries",
    "quoted",
    "series_of",
]


def queries(settings: QuerySettings, engines: Sequence[Engine] = ENGINES) -> tuple[Query, ...]:
    """The questions of one cycle; their number does not depend on the size of the fleet."""
    replicas = (
        Query(signal=signal, promql=promql)
        for signal in REPLICA_SIGNALS
        if (promql := _replica_signal(signal, settings, engines))
    )
    return (
        *replicas,
        beside.targets(settings, engines),
        beside.workloads(settings),
        beside.pods(settings, engines),
        beside.requests(settings),
    )


# Signals of replicas


def _replica_signal(signal: Signal, settings: QuerySettings, engines: Sequence[Engine]) -> str:
    def of(engine: Engine) -> str | None:
        if signal is Signal.AGE:
            return _age(engine, settings)
        if signal is Signal.COVERAGE:
            return _coverage(engine, settings)
        return _reading(reading, engine, settings) if (reading := engine.readings.get(signal)) else None

    return " or ".join(tagged(promql, engine.name) for engine in engines if (promql := of(engine)))


def _reading(reading: Reading, engine: Engine, settings: QuerySettings) -> str:  # noqa: PLR0911 - a case a kind
    match reading:
        case Gauge():
            return first_of([_gauge(name, reading, engine, settings) for name in reading.names])
        case Rate():
            return first_of([_rate(name, reading.window, engine, settings) for name in reading.names])
        case Balance():
            return _balance(reading, engine, settings)
        case Mean():
            pairs = [(f"{name}_sum", f"{name}_count") for name in reading.names]
            return first_of([_ratio(pair, reading.window, engine, settings) for pair in pairs])
        case Share():
            return first_of([_ratio(pair, reading.window, engine, settings) for pair in reading.names])
        case Product():
            ranks = by((*REPLICA_LABELS, *engine.data_ranks))
            level = [[f"max by {ranks} ({_level(name, engine, settings)})" for name in pair] for pair in reading.names]
            return first_of([" * ".join(pair) for pair in level])
        case LabelProduct():
            labels = (*TARGET_LABELS, *engine.data_ranks, *reading.labels)
            each = [f"max by {by(labels)} ({selector(name, settings)})" for name in reading.names]
            return first_of(each, TARGET_LABELS)


def _gauge(name: str, gauge: Gauge, engine: Engine, settings: QuerySettings) -> str:
    series = _level(name, engine, settings, None if gauge.over is Over.NOW else _seconds(gauge.window, settings))
    level = {
        Over.NOW: series,
        Over.PEAK: f"max_over_time({series})",
        Over.MEAN: f"avg_over_time({series})",
    }[gauge.over]
    match gauge.ranks:
        case Ranks.EACH:
            return f"max by {by((*REPLICA_LABELS, *engine.data_ranks))} ({level})"
        case Ranks.MAX:
            return f"max by {by(REPLICA_LABELS)} ({level})"
        case Ranks.SUM:
            return _sum(level, engine)


def _level(name: str, engine: Engine, settings: QuerySettings, window_seconds: float | None = None) -> str:
    return selector(name, settings, window_seconds, empty=engine.part_labels)


def _sum(series: str, engine: Engine) -> str:
    """The sum of a replica's series, that of the largest shard where an engine has several."""
    if engine.shard_ranks:
        rank = (*REPLICA_LABELS, *engine.data_ranks)
        series = f"max by {by(rank)} (sum by {by((*rank, *engine.shard_ranks))} ({series}))"
    return f"sum by {by(REPLICA_LABELS)} ({series})"


def _rate(name: str, window: Window, engine: Engine, settings: QuerySettings) -> str:
    return _sum(f"rate({selector(name, settings, _seconds(window, settings))})", engine)


def _balance(balance: Balance, engine: Engine, settings: QuerySettings) -> str:
    """One evaluation sees one scrape of each target, so what is added up here belongs together."""
    ended = first_of([_sum(selector(name, settings), engine) for name in balance.ended])
    inside = " + ".join(_sum(_level(name, engine, settings), engine) for name in balance.inside)
    return f"({ended}) + {inside}"


def _ratio(pair: tuple[str, str], window: Window, engine: Engine, settings: QuerySettings) -> str:
    """Absent where nothing was counted: 0/0 is no number, and least of all 0."""
    over, under = (_rate(name, window, engine, settings) for name in pair)
    return f"{over} / ({under} > 0)"


def _age(engine: Engine, settings: QuerySettings) -> str:
    """Seconds since the newest sample, of the rank that is furthest behind.

    ``timestamp()`` must stand directly on a selector: of any other expression it is the time of evaluation.
    """
    newest = [f"min by {by(REPLICA_LABELS)} (timestamp({_level(name, engine, settings)}))" for name in engine.presence]
    return f"time() - ({first_of(newest)})"


def _coverage(engine: Engine, settings: QuerySettings) -> str:
    """Samples in the window over those that belong there, of the rank that has fewest: 1 without a gap, 3/4 with one in 4.

    With ``n`` scrapes to a window, ``n = ceil(window / scrape)``, a window of ``n`` scrapes holds ``n`` samples, or ``n + 1``
    on Prometheus 2.x when both edges, which belong to it there, fall on samples: then one could be missing unseen. So the
    window is a millisecond shorter. 3.x, whose windows lack their left edge, then sees ``n - 1`` in one of all the
    milliseconds between two scrapes, and a decrease waits for the next cycle. More than 1: targets are scraped faster than
    ``scrape_interval_seconds`` says.
    """
    window = settings.short_window_seconds
    scrapes = max(math.ceil(window / settings.scrape_interval_seconds - 1e-6), 1)
    seconds = max(scrapes * settings.scrape_interval_seconds - MILLISECOND, MILLISECOND)
    counts = [
        f"min by {by(REPLICA_LABELS)} (count_over_time({_level(name, engine, settings, seconds)}))"
        for name in engine.presence
    ]
    return f"({first_of(counts)}) / {scrapes}"


def _seconds(window: Window, settings: QuerySettings) -> float:
    return settings.short_window_seconds if window is Window.SHORT else settings.long_window_seconds


def _names(reading: Reading) -> tuple[str, ...]:
    if isinstance(reading, Mean):
        return tuple(f"{name}{part}" for name in reading.names for part in ("_sum", "_count"))
    if isinstance(reading, Share | Product):
        return tuple(name for pair in reading.names for name in pair)
    if isinstance(reading, Balance):
        return (*reading.ended, *reading.inside)
    return reading.names


# For people who check


def interval_query(settings: QuerySettings, engines: Sequence[Engine] = ENGINES) -> str:
    """Seconds between two scrapes of each replica over twenty of them, of those that were there all the while."""
    span = 20 * settings.scrape_interval_seconds
    measured = [
        f"{span:g} / min by {by(REPLICA_LABELS)} (count_over_time({_level(name, engine, settings, span)})"
        f" and {_level(name, engine, settings)} offset {duration(span)})"
        for engine in engines
        for name in engine.presence
    ]
    return first_of(measured)


def series_of(signal: Signal, engines: Sequence[Engine] = ENGINES) -> tuple[str, ...]:
    """The names under which a signal of a replica is looked for, those of ``KV`` and the like in order of preference."""
    return tuple(
        dict.fromkeys(
            name
            for engine in engines
            if (reading := engine.readings.get(signal)) is not None
            for name in _names(reading)
        )
    )
