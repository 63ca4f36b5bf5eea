"""What the token analyzers are given and what they answer: the vocabulary of both modes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray
from wva_exporter.core.engine_arguments import EngineArguments
from wva_exporter.core.fleet import Role
from wva_exporter.core.tokens.footprint import QueueTokens
from wva_exporter.core.tokens.totals import Totals, Units, totals
from wva_exporter.errors import InvalidValue


class Provenance(IntEnum):
    """Where a capacity comes from."""

    NO_DATA = 0
    STORED = 1
    OBSERVED = 2
    HISTORY = 3
    DERIVED = 4
    MEMORY = 5

    @property
    def label(self) -> str:
        """As WVA writes it."""
        return ("no-data", "P0-store", "P1-obs", "P2-hist", "P3-k2", "P4-k1")[self]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instances:
    """Engines that answer: one row each, shape (instances,).

    ``kv`` is the share of the KV cache in use, ``tokens`` what is resident in it, ``total`` what it can hold (0: nobody says);
    ``queue`` waiting requests; ``inputs`` and ``outputs`` mean tokens a request, ``hit_ratio`` the share of the prompt that is
    cached already; 0 where unknown.

    Raises:
        InvalidValue: shapes differ, or a number is negative or not finite.
    """

    variant: IntArray
    kv: FloatArray
    tokens: FloatArray
    total: FloatArray
    queue: FloatArray
    inputs: FloatArray
    outputs: FloatArray
    hit_ratio: FloatArray

    def __post_init__(self) -> None:
        for name in ("kv", "tokens", "total", "queue", "inputs", "outputs", "hit_ratio"):
            column: FloatArray = getattr(self, name)
            if column.shape != self.variant.shape:
                raise InvalidValue(f"{name} has shape {column.shape} for {self.variant.shape} instances")
            if not (np.all(np.isfinite(column)) and np.all(column >= 0.0)):
                raise InvalidValue(f"{name} of an instance is finite and not negative")

    def __len__(self) -> int:
        return len(self.variant)

    def where(self, mask: BoolArray) -> Instances:
        """Only these rows."""
        return Instances(
            variant=self.variant[mask],
            kv=self.kv[mask],
            tokens=self.tokens[mask],
            total=self.total[mask],
            queue=self.queue[mask],
            inputs=self.inputs[mask],
            outputs=self.outputs[mask],
            hit_ratio=self.hit_ratio[mask],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stand:
    """The variants before the decision: shape (variants,), except ``model_name`` and the thresholds, (models,).

    ``current`` and ``pending`` are pods. ``arguments`` are the engines' own, None where nobody knows them.
    """

    model: IntArray
    role: IntArray
    current: FloatArray
    pending: FloatArray
    gpus: IntArray
    accelerator: tuple[str, ...]
    arguments: tuple[EngineArguments | None, ...]
    model_name: tuple[str, ...]
    kv_threshold: FloatArray
    queue_threshold: FloatArray

    def __len__(self) -> int:
        return len(self.model)

    @property
    def ready(self) -> FloatArray:
        """Pods that can serve."""
        return np.maximum(self.current - self.pending, 0.0)

    @property
    def group(self) -> IntArray:
        """One number for each model and role."""
        return self.model * len(Role) + self.role


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Averages:
    """Of a model's requests, unweighted over its engines: shape (models,), 0 where nothing is known."""

    inputs: FloatArray
    outputs: FloatArray
    hit_ratio: FloatArray

    @classmethod
    def of(cls, instances: Instances, stand: Stand) -> Averages:
        """Over the engines that know one of the two."""
        models = len(stand.model_name)
        telling = (instances.inputs > 0) | (instances.outputs > 0)
        model = stand.model[instances.variant[telling]]
        count = np.bincount(model, minlength=models)

        def mean(column: FloatArray) -> FloatArray:
            total = np.bincount(model, weights=column[telling], minlength=models)
            return np.divide(total, count, out=np.zeros(models), where=count > 0)

        return cls(inputs=mean(instances.inputs), outputs=mean(instances.outputs), hit_ratio=mean(instances.hit_ratio))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenAnalysis:
    """What each variant can carry and carries: shape (variants,), tokens.

    ``capacity`` is that of one unit, 0 where nobody knows it; ``count`` and ``pending`` are units: engines in WVA's own
    reckoning, pods in the corrected one. ``provenance`` holds codes of ``Provenance``.
    """

    capacity: FloatArray
    count: FloatArray
    pending: FloatArray
    demand: FloatArray
    provenance: IntArray
    averages: Averages

    @property
    def full(self) -> BoolArray:
        """Variants that are asked for all that they can carry, or more."""
        return (self.capacity > 0) & (self.demand >= self.count * self.capacity)

    def of_models(self, stand: Stand, queue: QueueTokens) -> Totals:
        """Sums over each model, and what its router holds."""
        found = self._totals(stand.model, len(stand.model_name))
        return Totals(supply=found.supply, anticipated=found.anticipated, demand=found.demand + queue.total)

    def _totals(self, group: IntArray, groups: int) -> Totals:
        units = Units(count=self.count, pending=self.pending, capacity=self.capacity, demand=self.demand)
        return totals(units, group, groups)

    def of_roles(self, stand: Stand, queue: QueueTokens) -> Totals:
        """Sums over each role of each model, shape (models x roles,); what a router holds goes to roles that own variants."""
        groups = len(stand.model_name) * len(Role)
        found = self._totals(stand.group, groups)
        owned = np.bincount(stand.group, minlength=groups) > 0
        waiting = np.stack([queue.of_role(role) for role in Role], axis=1).reshape(-1)
        return Totals(
            supply=found.supply,
            anticipated=found.anticipated,
            demand=found.demand + np.where(owned, waiting, 0.0),
        )


def disaggregated(stand: Stand) -> BoolArray:
    """Models of which some variant serves only a part of each request: shape (models,)."""
    return np.asarray(np.bincount(stand.model[stand.role != Role.BOTH], minlength=len(stand.model_name)) > 0)
