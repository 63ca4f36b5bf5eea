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
    """What becomes of those ranks of one pod that are engines of their own; the shards of an engine count once before."""

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
class Balance:
    """Everything that ever came in: a counter of what ended plus gauges of what is inside, all of the same scrape.

    A scrape is stored as a whole, so numbers that are read at one instant belong together, which an increase between two
    readings needs: with a gauge one scrape older than its counter it is wrong by whatever happened in between. ``ended``
    stands in order of preference, every one of ``inside`` is added.
    """

    ended: tuple[str, ...]
    inside: tuple[str, ...]


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
class Product:
    """A level that is the product of two gauges, as pairs in order of preference: a row a rank."""

    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelProduct:
    """The product of label values of an info series, which PromQL cannot compute: rows keep the labels, one a rank.

    ``reserved`` is what the engine keeps for itself of what the first label counts.
    """

    names: tuple[str, ...]
    labels: tuple[str, str]
    reserved: int = 0


Reading = Gauge | Rate | Balance | Mean | Share | Product | LabelProduct


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One inference engine: its name, the labels that number its ranks, and where each signal is.

    ``presence`` names gauges of which every running engine exposes at least one: who has it is a replica, and its samples'
    times are the replica's age. ``data_ranks`` number engines of their own within a pod, whose load and memory add up.
    ``shard_ranks`` number parts of one engine (tensor, pipeline, expert parallel), each of which says the same of the whole:
    the largest counts. ``part_labels`` are those by which gauges are given in parts besides their total, which leaves them
    empty: parts are not read.
    """

    name: str
    presence: tuple[str, ...]
    readings: Mapping[Signal, Reading]
    data_ranks: tuple[str, ...] = ()
    shard_ranks: tuple[str, ...] = ()
    part_labels: tuple[str, ...] = ()

    @property
    def gauges(self) -> frozenset[str]:
        """The names of its gauges, by which presence and levels are read."""
        levels = (reading for reading in self.readings.values() if isinstance(reading, Gauge))
        pairs = (reading for reading in self.readings.values() if isinstance(reading, Product))
        balances = (reading.inside for reading in self.readings.values() if isinstance(reading, Balance))
        return frozenset(self.presence).union(
            *(level.names for level in levels), *(names for pair in pairs for names in pair.names), *balances
        )
