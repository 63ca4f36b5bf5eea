"""The vocabulary of the engine tables.

A table says, for each signal, which series of an engine carry it and how samples become one number a replica. It is data:
``engines.promql`` renders it as queries for a Prometheus, ``sources.scrape`` computes the same from scrapes of its own.

Names stand in the order of preference: an engine exposes the first that it has, an older version a later one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wva_exporter.conventions import Signal


class Window(StrEnum):
    """How far back a reading looks; the seconds come from the settings."""

    SHORT = "short"
    """max(``window_floor``, 4 scrapes): levels and rates."""

    LONG = "long"
    """max(300 s, 4 scrapes), scaled with ``window_floor``: mean sizes, which need many requests."""


class Over(StrEnum):
    """What becomes of a gauge's samples within its window."""

    NOW = "now"
    PEAK = "peak"
    MEAN = "mean"


class Ranks(StrEnum):
    """What becomes of the ranks of one pod: each is an engine of its own (data parallel)."""

    SUM = "sum"
    MAX = "max"
    EACH = "each"
    """Not merged: a row a rank, merged by ``sources.assemble`` with a weight that no query can compute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A level that is exposed as it is."""

    names: tuple[str, ...]
    over: Over
    ranks: Ranks
    window: Window = Window.SHORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The increase per second of a counter, summed over its ranks and over any label it has of its own."""

    names: tuple[str, ...]
    window: Window = Window.SHORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """The mean of what a histogram observed: increase of ``_sum`` over increase of ``_count``; absent without observations."""

    names: tuple[str, ...]
    window: Window = Window.LONG


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The increase of one counter over that of another, as pairs in order of preference."""

    names: tuple[tuple[str, str], ...]
    window: Window = Window.LONG


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelProduct:
    """The product of label values of an info series, which PromQL cannot compute: rows keep the labels, one a rank."""

    names: tuple[str, ...]
    labels: tuple[str, str]


Reading = Gauge | Rate | Mean | Share | LabelProduct


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One inference engine: its name, the label that numbers its ranks, and where each signal is.

    ``presence`` names gauges of which every running engine exposes at least one: who has it is a replica, and its samples'
    times are the replica's age.
    """

    name: str
    rank_label: str
    presence: tuple[str, ...]
    readings: Mapping[Signal, Reading]
