"""From one target's recent scrapes to the rows that a Prometheus would answer: the engine tables, computed by ourselves.

``engines.promql`` renders the same tables as queries; a test holds the two together on recorded scrapes. Grouping labels are
those of the queries, with ``engine_type`` set to the engine's name and rank labels kept where a reading asks for each rank.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import FloatArray
from wva_exporter.engines.promql import REPLICA_LABELS, TAG, TARGET_LABELS
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
from wva_exporter.sources import windows
from wva_exporter.sources.exposition import labels_of
from wva_exporter.sources.samples import Labels
from wva_exporter.sources.series import History, Series

LOOKBACK_SECONDS = 300.0
"""A sample older than this is not a present value, as for Prometheus."""

JITTER = 0.1
"""Share of a scrape interval by which scrapes may come late without counting as missed."""

Rows = dict[Labels, float]
"""The rows of one signal, each labelled as it is answered."""

_Found = dict[tuple[Labels, Labels], float]
"""Rows with, before their own labels, those of their replica."""

Name = TypeVar("Name")


def names_of(engine: Engine) -> Mapping[Signal, frozenset[str]]:
    """The sample names that each signal of an engine is computed from."""
    presence = dict.fromkeys((Signal.AGE, Signal.COVERAGE, Signal.SEEN), frozenset(engine.presence))
    return presence | {signal: _names(reading) for signal, reading in engine.readings.items()}


def _names(reading: Reading) -> frozenset[str]:
    match reading:
        case Mean():
            return frozenset(name + part for name in reading.names for part in ("_sum", "_count"))
        case Share() | Product():
            return frozenset(name for pair in reading.names for name in pair)
        case Balance():
            return frozenset((*reading.ended, *reading.inside))
        case Gauge() | Rate() | LabelProduct():
            return frozenset(reading.names)


def describer(engines: Iterable[Engine], target_labels: Mapping[str, str]) -> Callable[[str], Series]:
    """A function from a series' text to whose number it is; the target's labels win over those that it exposes."""
    engine_of = {
        name: engine for engine in reversed(tuple(engines)) for names in names_of(engine).values() for name in names
    }
    levels = {engine.name: engine.gauges for engine in engine_of.values()}
    lifted = {
        name: reading.labels
        for engine in engine_of.values()
        for reading in engine.readings.values()
        if isinstance(reading, LabelProduct)
        for name in reading.names
    }

    def describe(text: str) -> Series:
        exposed = labels_of(text)
        name = text.partition("{")[0].strip()
        engine = engine_of[name]
        every = {**exposed, **target_labels}
        own = (*engine.data_ranks, *lifted.get(name, ()))
        replica = TARGET_LABELS if name in lifted else REPLICA_LABELS
        return Series(
            name=name,
            identity=tuple(sorted(exposed.items())),
            replica=labelled(every, replica, engine.name),
            rank=labelled(every, (*replica, *own), engine.name),
            shard=tuple(every.get(label, "") for label in engine.shard_ranks),
            whole=name not in levels[engine.name] or not any(every.get(label) for label in engine.part_labels),
        )

    return describe


def labelled(every: Mapping[str, str], wanted: Iterable[str], tag: str) -> Labels:
    """The wanted labels of a series, as far as it has them, under this tag."""
    return Labels(**{name: every[name] for name in wanted if name in every}, **{TAG: tag})


@dataclass(kw_only=True)
class View:
    """A target's history as seen at one time; what several readings need is computed once, and kept beside the fields.

    ``seconds`` are the lengths of the windows, ``interval`` the seconds between two scrapes.
    """

    history: History
    now: float
    seconds: Mapping[Window, float]
    interval: float

    @property
    def newest(self) -> float:
        """When the newest scrape was; long ago if there was none."""
        return float(self.history.times[-1]) if len(self.history.times) else -math.inf

    @cached_property
    def latest(self) -> FloatArray:
        """What the newest scrape brought: shape (series,), NaN where it did not."""
        if self.now - self.newest >= LOOKBACK_SECONDS:
            return np.full(len(self.history.series), np.nan)
        return self.history.values[:, -1]

    @cached_property
    def peaks(self) -> Mapping[Window, FloatArray]:
        """``max_over_time`` by window."""
        return {window: windows.peak(self._values(window)) for window in Window}

    @cached_property
    def means(self) -> Mapping[Window, FloatArray]:
        """``avg_over_time`` by window."""
        return {window: windows.mean(self._values(window)) for window in Window}

    @cached_property
    def rates(self) -> Mapping[Window, FloatArray]:
        """``rate`` by window."""
        return {
            window: windows.rate(
                self.history.times[self._inside(window)],
                self._values(window),
                self.now - self.seconds[window],
                self.now,
            )
            for window in Window
        }

    @cached_property
    def slopes(self) -> FloatArray:
        """``deriv`` over the short window."""
        inside = self._inside(Window.SHORT)
        return windows.slope(self.history.times[inside], self._values(Window.SHORT))

    @cached_property
    def coverage(self) -> FloatArray:
        """Samples that each series has in the short window over those that a full one has, at most 1: shape (series,).

        The newest scrapes are looked at, as many as fit into the window; a scrape counts if it brought the series and is
        not older than the window (and a little: scrapes come a little late). So no gap is always full, whatever the phase
        between scrapes and cycles, and a failed scrape never is.
        """
        times = self.history.times
        window = self.seconds[Window.SHORT]
        full = max(1, math.ceil(window / self.interval - 1e-6))
        newest = slice(max(0, len(times) - full), len(times))
        inside = times[newest] > self.now - window - JITTER * self.interval
        present = ~np.isnan(self.history.values[:, newest]) & inside
        return np.asarray(present.sum(axis=1) / full)

    def _inside(self, window: Window) -> slice:
        times = self.history.times
        return slice(int(np.searchsorted(times, self.now - self.seconds[window], side="right")), len(times))

    def _values(self, window: Window) -> FloatArray:
        return self.history.values[:, self._inside(window)]


def replica_rows(engine: Engine, view: View) -> Iterator[tuple[Signal, Rows]]:
    """The rows of every per-replica signal that one target has, by the engine's table."""
    for signal, reading in engine.readings.items():
        yield signal, _read(reading, view)
    yield Signal.AGE, dict.fromkeys(answering(engine, view), view.now - view.newest)
    yield Signal.COVERAGE, _first(engine.presence, lambda name: _merge(view, name, view.coverage, min))


def answering(engine: Engine, view: View) -> tuple[Labels, ...]:
    """The replicas that the newest scrape shows."""
    return tuple(_first(engine.presence, lambda name: _merge(view, name, view.latest, max)))


def _read(reading: Reading, view: View) -> Rows:  # noqa: PLR0911 - a case a kind
    match reading:
        case Gauge():
            return _gauge(reading, view)
        case Rate():
            return _first(reading.names, lambda name: _sum(view, name, reading.window))
        case Balance():
            return _balance(reading, view)
        case Mean():
            pairs = [(f"{name}_sum", f"{name}_count") for name in reading.names]
            return _first(pairs, lambda pair: _ratio(view, pair, reading.window))
        case Share():
            return _first(reading.names, lambda pair: _ratio(view, pair, reading.window))
        case Product():
            return _first(reading.names, lambda pair: _product(view, pair))
        case LabelProduct():
            return _first(reading.names, lambda name: _merge(view, name, view.latest, max, each=True))


def _gauge(reading: Gauge, view: View) -> Rows:
    column = _gauge_column(reading, view)
    if reading.ranks is Ranks.SUM:
        return _first(reading.names, lambda name: _added(view, name, column))
    each = reading.ranks is Ranks.EACH
    return _first(reading.names, lambda name: _merge(view, name, column, max, each=each))


def _gauge_column(reading: Gauge, view: View) -> FloatArray:
    match reading.over:
        case Over.NOW:
            return view.latest
        case Over.PEAK:
            return view.peaks[reading.window]
        case Over.MEAN:
            return view.means[reading.window]


def _first(names: Iterable[Name], found_under: Callable[[Name], _Found]) -> Rows:
    """The first name under which a replica has a row speaks for it: what ``or on`` is in the queries."""
    rows: Rows = {}
    spoken: set[Labels] = set()
    for name in names:
        found = found_under(name)
        rows.update({labels: value for (replica, labels), value in found.items() if replica not in spoken})
        spoken.update(replica for replica, _ in found)
    return rows


def _merge(
    view: View, name: str, column: FloatArray, combine: Callable[[float, float], float], *, each: bool = False
) -> _Found:
    """A name's series merged to one row a replica, or, with ``each``, a rank."""
    found: _Found = {}
    for row in view.history.rows(name):
        value = float(column[row])
        if not math.isnan(value):
            series = view.history.series[row]
            key = (series.replica, series.rank if each else series.replica)
            found[key] = combine(found[key], value) if key in found else value
    return found


def _added(view: View, name: str, column: FloatArray) -> _Found:
    """A name's series added up to one row a replica, of each rank's shards the largest."""
    ranks: dict[tuple[Labels, Labels], dict[tuple[str, ...], float]] = {}
    for row in view.history.rows(name):
        value = float(column[row])
        if not math.isnan(value):
            series = view.history.series[row]
            shards = ranks.setdefault((series.replica, series.rank), {})
            shards[series.shard] = shards.get(series.shard, 0.0) + value
    found: _Found = {}
    for (replica, _), shards in ranks.items():
        key = (replica, replica)
        found[key] = found.get(key, 0.0) + max(shards.values())
    return found


def _product(view: View, pair: tuple[str, str]) -> _Found:
    one, other = (_merge(view, name, view.latest, max, each=True) for name in pair)
    return {key: value * other[key] for key, value in one.items() if key in other}


def _sum(view: View, name: str, window: Window) -> _Found:
    return _added(view, name, view.rates[window])


def _balance(balance: Balance, view: View) -> Rows:
    """What ended and what is inside, of replicas that tell all of it."""
    found = _first(balance.ended, lambda name: _added(view, name, view.latest))
    for name in balance.inside:
        inside = {labels: value for (_, labels), value in _added(view, name, view.latest).items()}
        found = {labels: value + inside[labels] for labels, value in found.items() if labels in inside}
    return found


def _ratio(view: View, pair: tuple[str, str], window: Window) -> _Found:
    """Rate over rate, where something was counted at all: 0/0 is no number, and least of all 0."""
    over, under = (_sum(view, name, window) for name in pair)
    return {key: over[key] / count for key, count in under.items() if count > 0 and key in over}
