"""Rows of one signal to one number a pod: how instances and ranks of a pod merge."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, FloatArray, IntArray, floats, integers
from wva_exporter.core.snapshot import LARGEST_READING
from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.table import LabelProduct
from wva_exporter.sources.samples import Answer, Labels

_CAPACITY = {engine.name: engine.readings.get(Signal.KV_CAPACITY) for engine in ENGINES}
"""How each engine tells its capacity: in labels, or as the value itself."""

_RANKS = {engine.name: engine.data_ranks for engine in ENGINES}

_SUMMED = frozenset({Signal.WAITING, Signal.RUNNING, Signal.ARRIVED, Signal.REQUEST_RATE, Signal.GENERATION_TOKEN_RATE})
_MOST_DIGITS = 12
"""A label with more is no number of blocks; Python would refuse to convert it."""

_KINDS = 1024
"""Different caches of engines whose size is remembered."""

_LARGEST = frozenset({Signal.KV_PEAK, Signal.WAITING_PEAK, Signal.AGE})
_SMALLEST = frozenset({Signal.COVERAGE})
_RATIOS = frozenset({Signal.KV_PEAK, Signal.KV, Signal.PREFIX_HIT_RATIO})
_WORKED_OUT = frozenset({Signal.KV_CAPACITY, Signal.POWER})
"""Signals whose value is not simply what a row says."""


LISTS = 8
"""Different lists of series that the answers of a cycle may have; more are worked out again."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """The row of each series' pod: shape (series,), -1 for one that is nobody's.

    ``everybody``: none is. ``once``: no pod has two of them, and so nothing is to be merged.
    """

    pod: IntArray
    everybody: bool
    once: bool

    @classmethod
    def of(cls, pod: Sequence[int]) -> Placed:
        """Of these rows."""
        known = [row for row in pod if row >= 0]
        return cls(pod=integers(pod), everybody=len(known) == len(pod), once=len(set(known)) == len(known))


class Places:
    """The row of a pod by the labels of its series: each combination is worked out once, and so is each list of labels.

    Most answers list the same series in the same order, and a source that remembers labels gives the very same objects. A pod
    that two jobs scrape has a row in one of them, or its requests and its memory would count twice.
    """

    def __init__(
        self, row: Mapping[tuple[str, str], int], job: Mapping[tuple[str, str], str], default_namespace: str
    ) -> None:
        self._row = row
        self._job = job
        self._default = default_namespace
        self._place: dict[tuple[str, str, str, str], int] = {}
        self._lists: deque[tuple[Sequence[Labels], Placed]] = deque(maxlen=LISTS)

    def of(self, labels: Sequence[Labels]) -> Placed:
        """Where each of these series stands."""
        for listed, placed in self._lists:
            if labels == listed:
                return placed
        placed = Placed.of([self._of(each.namespace, each.pod, each.instance, each.job) for each in labels])
        self._lists.appendleft((labels, placed))
        return placed

    def _of(self, namespace: str, pod: str, instance: str, job: str) -> int:
        key = (namespace, pod, instance, job)
        place = self._place.get(key)
        if place is None:
            owner = (namespace or self._default, pod or instance)
            place = self._row.get(owner, -1) if job == self._job.get(owner, job) else -1
            self._place[key] = place
        return place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The usable rows of one answer: the pod each belongs to, its value and its labels; shape (rows,).

    ``once`` says that no pod has two.
    """

    pod: IntArray
    value: FloatArray
    labels: Sequence[Labels]
    once: bool = True

    @classmethod
    def of(cls, answer: Answer | None, places: Places) -> Rows:
        """Rows of known pods; a failed or absent answer has none."""
        if answer is None or answer.failure is not None or not len(answer):
            return cls(pod=integers([]), value=floats([]), labels=())
        placed = places.of(answer.labels)
        rows = cls(pod=placed.pod, value=answer.value, labels=answer.labels, once=placed.once)
        return rows if placed.everybody else rows.where(placed.pod >= 0)

    def where(self, kept: BoolArray) -> Rows:
        """Some of the rows."""
        labels = tuple(row for row, stays in zip(self.labels, kept.tolist(), strict=True) if stays)
        return Rows(pod=self.pod[kept], value=self.value[kept], labels=labels, once=self.once)

    def each(self, pods: int) -> FloatArray:
        """The value of each pod, where none has two: shape (pods,), NaN without one."""
        value = np.full(pods, np.nan)
        value[self.pod] = self.value
        return value


def merge(signal: Signal, rows: Rows, capacity: Rows, pods: int) -> FloatArray:
    """One number a pod: shape (pods,), NaN or infinite where there is no row or its value cannot be.

    Load and memory add up over ranks, danger is that of the worst, use is a mean weighted by the memory of each rank, and
    what is left (mean sizes and times) is a plain mean. A ratio outside [0, 1] or a negative number is not believed.
    """
    match signal:
        case Signal.KV_CAPACITY:
            tokens = replace(rows, value=_capacity_tokens(rows))
            return tokens.each(pods) if rows.once else _total(tokens.pod, tokens.value, pods)
        case Signal.KV:
            return _weighted(rows, capacity, pods)
        case Signal.POWER:
            return _power(rows, pods)
        case _:
            return _plain(signal, _plausible(signal, rows), pods)


def is_taken_as_told(signal: Signal, placed: Placed) -> bool:
    """Whether each of these rows is its pod's number: somebody's, not to be merged, and nothing is to be worked out."""
    return placed.once and placed.everybody and signal not in _WORKED_OUT


def most(signal: Signal) -> float:
    """The largest number that an engine can mean."""
    return 1.0 if signal in _RATIOS else LARGEST_READING


def _plain(signal: Signal, rows: Rows, pods: int) -> FloatArray:
    """What needs nothing but the values."""
    if rows.once:
        return rows.each(pods)
    if signal in _SUMMED:
        return _total(rows.pod, rows.value, pods)
    if signal in _LARGEST:
        return _extreme(rows, pods, np.maximum, -np.inf)
    if signal in _SMALLEST:
        return _extreme(rows, pods, np.minimum, np.inf)
    return _mean(rows.pod, rows.value, np.ones(len(rows.value)), pods)


def _plausible(signal: Signal, rows: Rows) -> Rows:
    """Without rows that no engine can mean."""
    good = rows.value >= 0.0
    if signal in _RATIOS:
        good &= rows.value <= 1.0
    return rows if np.count_nonzero(good) == len(good) else rows.where(good)


def _capacity_tokens(rows: Rows) -> FloatArray:
    """Tokens that each rank's KV cache can hold; NaN where a row does not say it."""
    return floats([_tokens(row, value) for row, value in zip(rows.labels, rows.value.tolist(), strict=True)])


def _tokens(row: Labels, value: float) -> float:
    """The value itself, or, where the engine's labels say it, usable blocks x block size."""
    reading = _CAPACITY.get(row.engine_type)
    if reading is None:
        return float("nan")
    if not isinstance(reading, LabelProduct):
        return value if value >= 0.0 else float("nan")
    blocks, block_size = reading.labels
    return _usable(getattr(row, blocks), getattr(row, block_size), reading.reserved)


@lru_cache(maxsize=_KINDS)
def _usable(blocks: str, block_size: str, reserved: int) -> float:
    """Tokens that all but the reserved ones of so many blocks hold."""
    if not (blocks.isdecimal() and block_size.isdecimal() and max(len(blocks), len(block_size)) <= _MOST_DIGITS):
        return float("nan")
    return float(max(int(blocks) - reserved, 0) * int(block_size))


def _power(rows: Rows, pods: int) -> FloatArray:
    """Watts of each pod's GPUs, each once; unknown for a pod that has but an instance of one."""
    gpus: dict[tuple[int, str], float] = {}
    for pod, value, labels in zip(rows.pod.tolist(), rows.value.tolist(), rows.labels, strict=True):
        gpu = (pod, labels.gpu_uuid)
        gpus[gpu] = float("nan") if labels.gpu_instance or value < 0.0 else max(gpus.get(gpu, 0.0), value)
    return _total(integers([pod for pod, _ in gpus]), floats(list(gpus.values())), pods)


def _total(pod: IntArray, value: FloatArray, pods: int) -> FloatArray:
    """Sum over a pod's rows; unknown where any of them is."""
    good = np.isfinite(value)
    present = np.bincount(pod, minlength=pods)
    finite = np.bincount(pod[good], minlength=pods)
    total = np.bincount(pod[good], weights=value[good], minlength=pods)
    return np.where((present > 0) & (finite == present), total, np.nan)


def _mean(pod: IntArray, value: FloatArray, weight: FloatArray, pods: int) -> FloatArray:
    total = np.bincount(pod, weights=value * weight, minlength=pods)
    weights = np.bincount(pod, weights=weight, minlength=pods)
    return np.asarray(np.divide(total, weights, out=np.full(pods, np.nan), where=weights > 0))


def _extreme(rows: Rows, pods: int, pick: np.ufunc, start: float) -> FloatArray:
    found = np.full(pods, start)
    pick.at(found, rows.pod, rows.value)
    return found


def _weighted(rows: Rows, capacity: Rows, pods: int) -> FloatArray:
    """Share of the memory in use over a pod's ranks, weighted by the memory of each; alike where it is not known."""
    rows = _plausible(Signal.KV, rows)
    if rows.once:  # one rank a pod: its share is the pod's, whatever its memory
        return rows.each(pods)
    tokens = {
        (pod, _rank(labels)): value
        for pod, labels, value in zip(
            capacity.pod.tolist(), capacity.labels, _capacity_tokens(capacity).tolist(), strict=True
        )
        if value > 0
    }
    if not tokens:
        return _mean(rows.pod, rows.value, np.ones(len(rows.value)), pods)
    weight = floats(
        [tokens.get((pod, _rank(labels)), np.nan) for pod, labels in zip(rows.pod.tolist(), rows.labels, strict=True)]
    )
    lacking = np.bincount(rows.pod[~np.isfinite(weight)], minlength=pods) > 0
    return _mean(rows.pod, rows.value, np.where(lacking[rows.pod], 1.0, weight), pods)


def _rank(labels: Labels) -> tuple[str, ...]:
    """What tells a pod's engines apart: the port they listen on and their rank."""
    return labels.instance, *(getattr(labels, label) for label in _RANKS.get(labels.engine_type, ()))
