"""What was seen of a fleet in one cycle: replicas, their signals, the counts of each variant and the state of the inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from wva_exporter.conventions import REPLICA_SIGNALS, Input, Signal
from wva_exporter.core.columns import BoolArray, Column, IntArray, flags
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.errors import InvalidValue, Reason

_ROW = {signal: i for i, signal in enumerate(REPLICA_SIGNALS)}

REASONS = tuple(Reason)
"""Reasons by their code in integer arrays."""

REASON_CODE = {reason: code for code, reason in enumerate(REASONS)}


LARGEST_READING = 1e12
"""No replica holds, serves or waits for more of anything: what is reported beyond is a fault and no measurement."""


class Presence(IntEnum):
    """Whether a replica answers. One that is gone is not in the snapshot at all."""

    LIVE = 0
    SILENT = 1
    """It exists and does not answer: its load is unknown, not zero."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replicas:
    """One row a replica (a pod, or a group of pods that serves as one): shape (replicas,).

    ``signals`` has one row a signal, in the order of ``REPLICA_SIGNALS``: shape (signals, replicas); units are those of
    ``conventions.Signal``. The ranks of a data-parallel pod are already merged into its row.
    """

    pod: tuple[str, ...]
    variant: IntArray
    presence: IntArray
    signals: Column
    live: BoolArray = field(init=False)
    """Which replicas answer."""

    _column: dict[Signal, Column] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "live", flags(self.presence == Presence.LIVE))
        rows = len(self.pod)
        if self.variant.shape != (rows,) or self.presence.shape != (rows,):
            raise InvalidValue(f"{rows} pods, {self.variant.shape} variants, {self.presence.shape} presences")
        if self.signals.value.shape != (len(REPLICA_SIGNALS), rows):
            raise InvalidValue(f"signals have shape {self.signals.value.shape} for {rows} pods")

    def __len__(self) -> int:
        return len(self.pod)

    def __getitem__(self, signal: Signal) -> Column:
        """The column of one signal: shape (replicas,); made once and kept."""
        column = self._column.get(signal)
        if column is None:
            column = self._column[signal] = self.signals.row(_ROW[signal])
        return column

    def rows(self, signals: Sequence[Signal]) -> Column:
        """The columns of several signals: shape (signals, replicas)."""
        return self.signals.rows([_ROW[signal] for signal in signals])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counts:
    """How many replicas each variant has: shape (variants,), unknown where nobody says.

    ``spec`` is what its workload asks for, ``current`` what exists, ``ready`` what is not on its way any more. From
    kube-state-metrics where it has them (``declared``), else from the engines' own series: then ``spec`` is unknown, and
    ``current`` and ``ready`` are those that were seen to serve, also the ones that do not answer now. ``disputed`` marks
    declared counts that cannot be right: more replicas answer, or two sources say different things.
    """

    spec: Column
    current: Column
    ready: Column
    declared: BoolArray
    disputed: BoolArray

    @property
    def pending(self) -> Column:
        """Replicas that exist, or are asked for, and cannot serve yet."""
        asked = np.maximum(self.current.value, self.spec.value)
        return Column.of(np.maximum(asked - self.ready.value, 0.0), self.current.known & self.ready.known)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inputs:
    """The state of what decisions stand on, per model and required input: shape (models, inputs), in the order of ``Input``.

    ``age_seconds`` is the age of the oldest sample used; ``missing`` says that the input cannot be used at all.
    """

    age_seconds: Column
    missing: BoolArray

    def of(self, name: Input) -> BoolArray:
        """Which models lack this input."""
        return self.missing[:, tuple(Input).index(name)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """One cycle's view. ``time`` is the data source's own clock, in seconds since the epoch.

    ``trouble`` is a code of ``REASONS`` per model, shape (models,): why its inputs cannot carry a decision, ``NONE`` if they
    can. ``router_queue`` is the number of requests that wait in a router before any engine, per model; ``offered`` and
    ``refused`` are the requests per second that arrive there and that leave it unserved. ``inventory`` is how many GPUs of
    each accelerator type there are in all, in use or not; a type that nobody counts is not in it. ``covered`` says per
    model that the samples fill the windows that decisions use, so that a low value is low load and not a gap.
    ``service`` is what is believed of the engines' service times, learned before this cycle or guessed; None: nobody said.
    ``partial`` marks an answer that its source itself called incomplete.
    """

    time: float
    fleet: Fleet
    replicas: Replicas
    counts: Counts
    inputs: Inputs
    trouble: IntArray
    covered: BoolArray
    router_queue: Column
    offered: Column
    refused: Column
    service: Belief | None = None
    inventory: Mapping[str, int] = field(default_factory=dict)
    partial: bool = False
