"""What comes out of a cycle, and what the next one must remember."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.explanation import Explanation
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.queueing.learning import Learned
from wva_exporter.core.snapshot import REASONS, Inputs
from wva_exporter.errors import InvalidValue, Reason


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gauges:
    """How full each variant is, in its policy's own measure: shape (variants,).

    ``utilization`` is a ratio; ``required`` and ``spare`` are in the unit of the variant's model: shape (models,) of names,
    one for each of the two because WVA's percentage analyzer has none for spare. KV figures are tokens.
    """

    utilization: Column
    required: Column
    spare: Column
    required_unit: tuple[str, ...]
    spare_unit: tuple[str, ...]
    kv_tokens_used: Column
    kv_tokens_capacity: Column


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One stage of a decision: the replicas it left each variant with, shape (variants,), and what bound those it moved.

    ``reason`` holds codes of ``REASONS``, ``NONE`` where the stage changed nothing.
    """

    name: str
    replicas: Column
    reason: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """The decision of one cycle for a whole fleet: every array has shape (variants,) unless it says otherwise.

    ``target`` is the number of replicas to publish, unknown where nothing may be published; ``reason`` is a code of
    ``REASONS`` for what bound it; ``withdrawn`` marks targets taken back because data were missing for longer than the hold
    time; ``fresh`` those decided on this cycle's data. ``expected`` is what an HPA will make of the target. ``steps`` is the
    chain from the policy's word to the target. ``learned`` is what is known of the engines' service times, None where nobody
    learns, and ``recommended_limit`` the batch limit that follows from it, unknown where none does; ``explanation`` is why
    policies that reason so want what they want.
    """

    time: float
    fleet: Fleet
    target: Column
    current: Column
    expected: Column
    reason: IntArray
    withdrawn: BoolArray
    fresh: BoolArray
    gauges: Gauges
    inputs: Inputs
    steps: tuple[Step, ...]
    learned: Learned | None = None
    explanation: Explanation | None = None
    recommended_limit: Column | None = None

    def __post_init__(self) -> None:
        rows = (len(self.fleet),)
        for name in ("target", "current", "expected", "reason", "withdrawn", "fresh"):
            shape = getattr(self, name).known.shape if name in _COLUMNS else getattr(self, name).shape
            if shape != rows:
                raise InvalidValue(f"{name} has shape {shape} for {rows[0]} variants")

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The binding reason of each variant."""
        return tuple(REASONS[code] for code in self.reason.tolist())

    @property
    def moved(self) -> BoolArray:
        """Which stages changed a target or whether there is one, the policy's word none: shape (steps, variants)."""
        rows = [np.zeros(len(self.fleet), dtype=np.bool_)]
        for before, after in pairwise(step.replicas for step in self.steps):
            rows.append((before.known != after.known) | (after.known & (before.value != after.value)))
        return np.array(rows)

    @property
    def binding(self) -> IntArray:
        """The last stage that moved each variant, 0 where the policy's word stands: shape (variants,)."""
        moved = self.moved
        last = len(moved) - 1 - moved[::-1].argmax(axis=0)
        return np.where(moved.any(axis=0), last, 0)

    @property
    def cost(self) -> Column:
        """Desired replicas times cost per replica-hour, known where both are."""
        cost = self.fleet.variants.cost
        return Column.of(self.target.value * cost.value, self.target.known & cost.known)

    @property
    def current_cost(self) -> Column:
        """Current replicas times cost per replica-hour, known where both are."""
        cost = self.fleet.variants.cost
        return Column.of(self.current.value * cost.value, self.current.known & cost.known)

    @property
    def objective(self) -> float:
        """What the chosen fleet costs an hour, over the variants whose cost is configured."""
        return float(np.sum(self.cost.value))


_COLUMNS = frozenset({"target", "current", "expected"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memory:
    """What a cycle leaves for the next, in the rows of ``fleet``.

    Of each variant, shape (variants,): ``target`` is the last published target, ``decided_at`` the last time it rested on live
    data (seconds, source's clock, unknown before the first), ``known_count`` the last replica count that somebody vouched for,
    ``short_since`` when fewer replicas than asked for were first seen (as ``core.presumed`` says);
    ``recent`` are the highest targets of the last minute, shape (buckets, variants), as ``core.brake`` keeps them. Of each
    model: ``idle_since`` is when it was first known to be idle without a break, shape (models,), ``load`` the smoothed level
    of its load signals, shape (models, signals). ``policies`` belongs to the policies, by their name.
    """

    fleet: Fleet
    time: float
    target: Column
    decided_at: Column
    known_count: Column
    short_since: Column
    recent: FloatArray
    idle_since: Column
    load: Column
    policies: Mapping[str, object] = field(default_factory=dict)
