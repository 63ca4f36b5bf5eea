"""The one place where PromQL is written: the engine tables rendered as queries, one a signal for the whole fleet.

Every reading becomes a vector with one row a replica, that is one for each set of ``REPLICA_LABELS`` (and of the rank label
where ranks stay apart). Older names and further engines are branches of one ``or`` in the tables' order::

    label_replace(<current name> or on (<replica>) <older name>, "engine_type", "vllm", "", "") or label_replace(...)

so that a replica that exposes two names of one thing counts once, by the name preferred.

The queries mean the same to Prometheus 2.42, 3.x and VictoriaMetrics: they use no function that one of them lacks, and where
the two lines of Prometheus differ, at the edges of a range, ``_coverage`` says how both agree. Windowed readings outlive
their replica by up to their window: who answers now is what ``Signal.AGE`` says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wva_exporter.conventions import REPLICA_SIGNALS, Signal
from wva_exporter.engines import kubernetes, router
from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.table import Engine, Gauge, LabelProduct, Mean, Over, Ranks, Rate, Reading, Share, Window
from wva_exporter.errors import InvalidValue

TARGET_LABELS = ("namespace", "pod", "instance", "job", "llm_d_ai_variant")
"""What tells scrape targets apart."""

REPLICA_LABELS = ("namespace", "model_name", "pod", "instance", "job", "llm_d_ai_variant")
"""What tells replicas apart: a target and the model that it serves."""

TAG = "engine_type"
"""The label that says which engine a row is of; of rows about targets, which of the two below."""

UP_NOW = "up_now"
"""Tag of a target's ``up``."""

UP_SEEN = "up"
"""Tag of a target that had an ``up``, whatever it said, within the hold time."""

_MILLISECOND = 0.001
"""The grain of Prometheus' time, in seconds."""

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySettings:
    """How far back queries look and what they are confined to.

    ``matchers`` are equality matchers put on every selector. ``namespaces`` confines what is read of kube-state-metrics,
    which speaks of the whole cluster; empty: all workloads, and the pods of namespaces that have engines or are the default
    of engines whose series name none.

    Raises:
        InvalidValue: a time that is not positive, a label name that Prometheus would refuse, text that is no Unicode.
    """

    short_window_seconds: float
    long_window_seconds: float
    scrape_interval_seconds: float
    hold_seconds: float
    matchers: Mapping[str, str] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
    default_namespace: str = "default"

    def __post_init__(self) -> None:
        for name in ("short_window_seconds", "long_window_seconds", "scrape_interval_seconds", "hold_seconds"):
            if not _MILLISECOND <= getattr(self, name) < math.inf:
                raise InvalidValue(f"{name} must be at least a millisecond, got {getattr(self, name)}")
        for label in self.matchers:
            if not _LABEL_NAME.fullmatch(label) or label == "__name__":
                raise InvalidValue(f"{label!r} is no label name to match on")
        for text in (*self.matchers.values(), *self.namespaces, self.default_namespace):
            quoted(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question to Prometheus and the signal that its rows answer.

    ``split`` names rows that answer another signal: by the name of their metric, or, where they have none, by their tag.
    """

    signal: Signal
    promql: str
    split: Mapping[str, Signal] = field(default_factory=dict)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Every signal that it answers, also when it answers nothing."""
        return tuple(dict.fromkeys((self.signal, *self.split.values())))


def queries(settings: QuerySettings, engines: Sequence[Engine] = ENGINES) -> tuple[Query, ...]:
    """The questions of one cycle; their number does not depend on the size of the fleet."""
    replicas = (
        Query(signal=signal, promql=promql)
        for signal in REPLICA_SIGNALS
        if (promql := _replica_signal(signal, settings, engines))
    )
    return (
        *replicas,
        _targets(settings, engines),
        _workloads(settings),
        _pods(settings, engines),
        Query(signal=Signal.ROUTER_QUEUE, promql=_router_queue(settings)),
    )


# Text


def quoted(text: str) -> str:
    """A PromQL string that means exactly this text. Every value that enters a query passes here.

    Raises:
        InvalidValue: half of a surrogate pair, which no UTF-8 can carry.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(f"{text!r} is not valid Unicode text") from error
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\x{ord(match[0]):02x}", escaped) + '"'


def any_text(texts: Sequence[str]) -> str:
    """A quoted regular expression that matches exactly these texts; RE2 takes an escaped mark for itself, as Python does."""
    return quoted("|".join(re.escape(text) for text in texts))


def duration(seconds: float) -> str:
    """A PromQL duration, whole seconds or milliseconds: 2.42 knows no fractions."""
    milliseconds = max(round(seconds * 1000), 1)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def _selector(name: str, settings: QuerySettings, window_seconds: float | None = None) -> str:
    matchers = ",".join(f"{label}={quoted(value)}" for label, value in settings.matchers.items())
    selector = f"{name}{{{matchers}}}" if matchers else name
    return selector if window_seconds is None else f"{selector}[{duration(window_seconds)}]"


def _any_of(names: Sequence[str], settings: QuerySettings, *more: str) -> str:
    matchers = (f"{label}={quoted(value)}" for label, value in settings.matchers.items())
    return "{" + ",".join((f"__name__=~{any_text(names)}", *matchers, *more)) + "}"


def _by(labels: Sequence[str]) -> str:
    return f"({', '.join(labels)})"


def _tagged(promql: str, tag: str) -> str:
    return f'label_replace({promql}, "{TAG}", {quoted(tag)}, "", "")'


def _first_of(branches: Sequence[str], labels: Sequence[str] = REPLICA_LABELS) -> str:
    """The first branch that has a row of a replica speaks for it."""
    return f" or on {_by(labels)} ".join(branches)


# Signals of replicas


def _replica_signal(signal: Signal, settings: QuerySettings, engines: Sequence[Engine]) -> str:
    def of(engine: Engine) -> str | None:
        if signal is Signal.AGE:
            return _age(engine, settings)
        if signal is Signal.COVERAGE:
            return _coverage(engine, settings)
        return _reading(reading, engine, settings) if (reading := engine.readings.get(signal)) else None

    return " or ".join(_tagged(promql, engine.name) for engine in engines if (promql := of(engine)))


def _reading(reading: Reading, engine: Engine, settings: QuerySettings) -> str:
    match reading:
        case Gauge():
            return _first_of([_gauge(name, reading, engine, settings) for name in reading.names])
        case Rate():
            return _first_of([_rate(name, reading.window, settings) for name in reading.names])
        case Mean():
            pairs = [(f"{name}_sum", f"{name}_count") for name in reading.names]
            return _first_of([_ratio(pair, reading.window, settings) for pair in pairs])
        case Share():
            return _first_of([_ratio(pair, reading.window, settings) for pair in reading.names])
        case LabelProduct():
            labels = (*TARGET_LABELS, engine.rank_label, *reading.labels)
            each = [f"max by {_by(labels)} ({_selector(name, settings)})" for name in reading.names]
            return _first_of(each, TARGET_LABELS)


def _gauge(name: str, gauge: Gauge, engine: Engine, settings: QuerySettings) -> str:
    selector = _selector(name, settings, None if gauge.over is Over.NOW else _seconds(gauge.window, settings))
    level = {
        Over.NOW: selector,
        Over.PEAK: f"max_over_time({selector})",
        Over.MEAN: f"avg_over_time({selector})",
    }[gauge.over]
    if gauge.ranks is Ranks.EACH:
        return f"max by {_by((*REPLICA_LABELS, engine.rank_label))} ({level})"
    return f"{'sum' if gauge.ranks is Ranks.SUM else 'max'} by {_by(REPLICA_LABELS)} ({level})"


def _rate(name: str, window: Window, settings: QuerySettings) -> str:
    return f"sum by {_by(REPLICA_LABELS)} (rate({_selector(name, settings, _seconds(window, settings))}))"


def _ratio(pair: tuple[str, str], window: Window, settings: QuerySettings) -> str:
    """Absent where nothing was counted: 0/0 is no number, and least of all 0."""
    over, under = (_rate(name, window, settings) for name in pair)
    return f"{over} / ({under} > 0)"


def _age(engine: Engine, settings: QuerySettings) -> str:
    """Seconds since the newest sample, of the rank that is furthest behind.

    ``timestamp()`` must stand directly on a selector: of any other expression it is the time of evaluation.
    """
    newest = [f"min by {_by(REPLICA_LABELS)} (timestamp({_selector(name, settings)}))" for name in engine.presence]
    return f"time() - ({_first_of(newest)})"


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
    seconds = max(scrapes * settings.scrape_interval_seconds - _MILLISECOND, _MILLISECOND)
    counts = [
        f"min by {_by(REPLICA_LABELS)} (count_over_time({_selector(name, settings, seconds)}))"
        for name in engine.presence
    ]
    return f"({_first_of(counts)}) / {scrapes}"


def _seconds(window: Window, settings: QuerySettings) -> float:
    return settings.short_window_seconds if window is Window.SHORT else settings.long_window_seconds


def _names(reading: Reading) -> tuple[str, ...]:
    if isinstance(reading, Mean):
        return tuple(f"{name}{part}" for name in reading.names for part in ("_sum", "_count"))
    if isinstance(reading, Share):
        return tuple(name for pair in reading.names for name in pair)
    return reading.names


# Surroundings


def _seen(settings: QuerySettings, engines: Sequence[Engine]) -> str:
    """Engines with a sample within the hold time, with every label that they have."""
    names = dict.fromkeys(name for engine in engines for name in engine.presence)
    return " or ".join(f"present_over_time({_selector(name, settings, settings.hold_seconds)})" for name in names)


def _targets(settings: QuerySettings, engines: Sequence[Engine]) -> Query:
    """``up`` of the jobs that run engines, now and within the hold time, and the engines of that time."""

    def of(samples: str) -> str:
        return f"max by {_by(TARGET_LABELS)} ({samples} and on (job, namespace) ({_seen(settings, engines)}))"

    up_seen = f"present_over_time({_selector('up', settings, settings.hold_seconds)})"
    rows = [_tagged(of(_selector("up", settings)), UP_NOW), _tagged(of(up_seen), UP_SEEN)]
    rows += [_tagged(f"max by {_by(REPLICA_LABELS)} ({_seen(settings, [engine])})", engine.name) for engine in engines]
    return Query(signal=Signal.SEEN, promql=" or ".join(rows), split={UP_NOW: Signal.UP})


def _kube(names: Sequence[str], settings: QuerySettings, *more: str) -> str:
    """Series of kube-state-metrics under their own labels, whether or not the scrape honours labels."""
    if settings.namespaces:
        wanted = any_text(settings.namespaces)
        renamed = _any_of(names, settings, *more, f"exported_namespace=~{wanted}")
        own = _any_of(names, settings, *more, 'exported_namespace=""', f"namespace=~{wanted}")
        series = f"({renamed} or {own})"
    else:
        series = _any_of(names, settings, *more)
    for label in kubernetes.TAKEN_LABELS:
        series = f'label_replace({series}, "{label}", "$1", "exported_{label}", "(.+)")'
    return series


def _split(signals: Sequence[Signal]) -> dict[str, Signal]:
    return {name: signal for signal in signals for name in kubernetes.NAMES[signal]}


def _workloads(settings: QuerySettings) -> Query:
    split = _split((Signal.WORKLOADS, Signal.SCALERS))
    return Query(signal=Signal.WORKLOADS, promql=_kube(tuple(split), settings), split=split)


def _pods(settings: QuerySettings, engines: Sequence[Engine]) -> Query:
    """Pods and replica sets of the namespaces in which engines are or lately were, not those of the whole cluster.

    All pods of such a namespace, so that one that is not listed is known to be gone.
    """
    split = _split((Signal.PODS, Signal.OWNERS))
    pods = _kube(tuple(split), settings, 'condition=~"|true"')  # empty on every series but readiness
    if not settings.namespaces:
        default = f'label_replace(vector(1), "namespace", {quoted(settings.default_namespace)}, "", "")'
        pods += f" and on (namespace) ({_seen(settings, engines)} or {default})"
    return Query(signal=Signal.PODS, promql=pods, split=split)


def _router_queue(settings: QuerySettings) -> str:
    sums = [f"sum by {_by(router.QUEUE_LABELS)} ({_selector(name, settings)})" for name in router.QUEUE_SIZE]
    return _first_of(sums, router.QUEUE_LABELS)


# For people who check


def interval_query(settings: QuerySettings, engines: Sequence[Engine] = ENGINES) -> str:
    """Seconds between two scrapes of each replica over twenty of them, of those that were there all the while."""
    span = 20 * settings.scrape_interval_seconds
    measured = [
        f"{span:g} / min by {_by(REPLICA_LABELS)} (count_over_time({_selector(name, settings, span)})"
        f" and {_selector(name, settings)} offset {duration(span)})"
        for engine in engines
        for name in engine.presence
    ]
    return _first_of(measured)


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
