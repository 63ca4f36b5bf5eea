"""What the throughput analyzer is shown of a fleet in one cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.errors import InvalidValue

LARGEST = 1e12
SMALLEST = 1e-12
"""Rates, times and lengths beyond these are mistakes: the first are unknown, what is smaller than the second is 0."""


def plausible(column: Column) -> Column:
    """A column without numbers that no fleet shows, so that products and ratios of them stay numbers."""
    size = np.abs(column.value)
    return Column.of(np.where(size < SMALLEST, 0.0, column.value), column.known & (size <= LARGEST))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """One row a replica: shape (replicas,). ``stale`` ones count as capacity and teach nothing.

    ``kv_usage`` is the share of the KV cache in use, ``itl_seconds`` the mean time between tokens, ``ttft_seconds`` the mean
    time to the first one, tokens are means per request, ``prefix_hit_ratio`` the share of input tokens that were cached,
    ``max_sequences`` what the engine runs at once. Rates are per second: ``arrivals`` that a router sent here, ``completions``
    that the engine finished, ``generated_tokens``.
    """

    variant: IntArray
    stale: BoolArray
    kv_usage: Column
    kv_capacity_tokens: Column
    itl_seconds: Column
    ttft_seconds: Column
    input_tokens: Column
    output_tokens: Column
    prefix_hit_ratio: Column
    max_sequences: Column
    arrivals: Column
    completions: Column
    generated_tokens: Column

    def __post_init__(self) -> None:
        rows = self.variant.shape
        for name in self.__slots__:
            value = getattr(self, name)
            shape = value.value.shape if isinstance(value, Column) else value.shape
            if shape != rows:
                raise InvalidValue(f"{name} has shape {shape}, variant {rows}")
            if isinstance(value, Column):
                object.__setattr__(self, name, plausible(value))

    def __len__(self) -> int:
        return len(self.variant)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """Replicas, the variants they belong to, shape (variants,), and what a router says of each model, shape (models,).

    ``pending`` replicas exist and cannot serve yet; ``configured`` variants exist though none of their replicas be seen;
    ``arrivals`` are requests per second and ``router_queue`` requests that wait before any engine, both unknown where no router
    is read. ``time`` is in seconds.

    Raises:
        InvalidValue: a replica's variant or a variant's model is out of range, or lengths differ.
    """

    time: float
    replicas: Readings
    model: IntArray
    role: IntArray
    pending: FloatArray
    configured: BoolArray
    arrivals: Column
    router_queue: Column

    def __post_init__(self) -> None:
        variants, models = len(self.model), len(self.arrivals)
        if not len(self.role) == len(self.pending) == len(self.configured) == variants:
            raise InvalidValue(f"{variants} models, {len(self.role)} roles, {len(self.pending)} pending")
        if len(self.router_queue) != models:
            raise InvalidValue(f"{models} arrivals, {len(self.router_queue)} router queues")
        for name in ("arrivals", "router_queue"):
            object.__setattr__(self, name, plausible(getattr(self, name)))
        _inside(self.replicas.variant, variants, "variant")
        _inside(self.model, models, "model")

    def __len__(self) -> int:
        return len(self.model)

    def by_variant(self, values: FloatArray) -> FloatArray:
        """Sum of a number of each replica over the replicas of each variant, in their order."""
        return np.asarray(np.bincount(self.replicas.variant, weights=values, minlength=len(self)), dtype=np.float64)

    def by_model(self, values: FloatArray) -> FloatArray:
        """Sum of a number of each variant over the variants of each model, in their order."""
        return np.asarray(np.bincount(self.model, weights=values, minlength=len(self.arrivals)), dtype=np.float64)


def _inside(index: IntArray, count: int, what: str) -> None:
    if index.size and not (index.min() >= 0 and index.max() < count):
        raise InvalidValue(f"{what} outside [0, {count})")
