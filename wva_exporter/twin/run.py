"""What happened when a contender met a scenario: every request, the fleet over time, and what it cost. Numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wva_exporter.core.columns import FloatArray, IntArray
from wva_exporter.errors import InvalidValue

REVERSAL_SECONDS = 600.0
"""A change of a variant's replicas against its last one, this soon after it, takes back what was only just asked for."""


class Action(NamedTuple):
    """A variant was asked for another number of replicas."""

    at: float
    variant: str
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Requests:
    """The scored requests in order of their arrival, those that failed included: shape (requests,).

    ``ending`` holds codes of ``Ending``. Times are seconds; ``ttft_seconds`` is NaN without a first token, ``itl_seconds``
    (mean time between a request's tokens) NaN unless it was served with two tokens or more.
    """

    arrival_seconds: FloatArray
    ending: NDArray[np.int8]
    ttft_seconds: FloatArray
    itl_seconds: FloatArray
    prompt_tokens: IntArray
    output_tokens: IntArray

    def __post_init__(self) -> None:
        columns = [getattr(self, field.name) for field in fields(self)]
        if len({column.shape for column in columns}) != 1:
            raise InvalidValue(f"columns of shapes {[column.shape for column in columns]}")
        for column in columns:
            column.flags.writeable = False

    def __len__(self) -> int:
        return len(self.arrival_seconds)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timeline:
    """The fleet at the end of every scrape interval from time 0 on; ``seconds`` has shape (samples,).

    ``offered_rps`` is the rate of arrivals over the interval that ends there. Of each variant, shape (samples, variants) in
    the order of ``variants``: replicas that are ready, that exist and are not ready, and that the contender wants, and the
    mean share of the KV cache in use over its ready replicas (NaN without one). Of the fleet: requests that run, that wait in
    engines, and that the router holds.
    """

    variants: tuple[str, ...]
    seconds: FloatArray
    offered_rps: FloatArray
    ready: IntArray
    pending: IntArray
    desired: IntArray
    kv_mean_ratio: FloatArray
    running: IntArray
    waiting: IntArray
    held: IntArray

    def __post_init__(self) -> None:
        shape = (len(self.seconds), len(self.variants))
        for name in ("ready", "pending", "desired", "kv_mean_ratio"):
            if getattr(self, name).shape != shape:
                raise InvalidValue(f"{name} has shape {getattr(self, name).shape}, not {shape}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """One contender in one scenario with the random numbers of one seed. Time 0 is where scoring begins.

    ``replica_seconds`` and ``cost`` are those of each variant within [0, ``duration_seconds``), from the moment a replica is
    asked for until it is gone; ``energy_joules`` is 0 where nobody knows the hardware's power. ``changes`` are those of the
    replicas asked for, within that time. ``deciding_seconds`` is the processor time that the contender took to decide, the only
    number that another run of the same does not repeat.
    """

    scenario: str
    contender: str
    seed: int
    duration_seconds: float
    requests: Requests
    timeline: Timeline
    replica_seconds: Mapping[str, float]
    cost: Mapping[str, float]
    energy_joules: float
    changes: tuple[Action, ...]
    decisions: int
    deciding_seconds: float

    @property
    def actions(self) -> int:
        """How often a variant was asked for another number of replicas."""
        return len(self.changes)

    @property
    def reversals(self) -> int:
        """How many of these went against the variant's change before, within ``REVERSAL_SECONDS`` of it."""
        return reversals(self.changes)


def reversals(changes: Sequence[Action]) -> int:
    """Changes against the one before of the same variant, soon after it."""
    last: dict[str, Action] = {}
    found = 0
    for change in changes:
        before = last.get(change.variant)
        if before is not None and change.at - before.at <= REVERSAL_SECONDS:
            found += (change.after > change.before) != (before.after > before.before)
        last[change.variant] = change
    return found
