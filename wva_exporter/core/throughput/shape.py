"""The shape of the work: mean input and output tokens and prefix hits, what a request holds of the KV cache, and its drift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray
from wva_exporter.core.throughput.view import Readings

DRIFT_RATIO = 0.20
"""A change of input or output length beyond this makes old observations those of other work."""

MIN_TOKENS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """Means per request of each variant: shape (variants,); 0 where ``known`` is False."""

    known: BoolArray
    input_tokens: FloatArray
    output_tokens: FloatArray
    prefix_hit_ratio: FloatArray

    @classmethod
    def unknown(cls, variants: int) -> Shape:
        """Nothing was seen."""
        zero = np.zeros(variants)
        return cls(
            known=np.zeros(variants, dtype=np.bool_), input_tokens=zero, output_tokens=zero, prefix_hit_ratio=zero
        )

    @property
    def kv_tokens(self) -> FloatArray:
        """What a request holds of the KV cache for itself, on average over its life: uncached input + half of its output."""
        return self.input_tokens * (1.0 - self.prefix_hit_ratio) + self.output_tokens / 2.0

    def where(self, mask: BoolArray, other: Shape) -> Shape:
        """This shape where ``mask`` is true, the other elsewhere."""
        return Shape(
            known=np.where(mask, self.known, other.known),
            input_tokens=np.where(mask, self.input_tokens, other.input_tokens),
            output_tokens=np.where(mask, self.output_tokens, other.output_tokens),
            prefix_hit_ratio=np.where(mask, self.prefix_hit_ratio, other.prefix_hit_ratio),
        )

    def drifted(self, since: Shape) -> BoolArray:
        """Which variants' lengths moved by more than ``DRIFT_RATIO`` of what they were; exactly that is no drift."""
        both = self.known & since.known
        return both & (_moved(self.input_tokens, since.input_tokens) | _moved(self.output_tokens, since.output_tokens))


def _moved(now: FloatArray, then: FloatArray) -> BoolArray:
    change = np.divide(np.abs(now - then), then, out=np.zeros_like(now), where=then > 0.0)
    return np.asarray(change > DRIFT_RATIO)


def healthy(replicas: Readings) -> BoolArray:
    """Which replicas say something to learn from: shape (replicas,)."""
    return np.asarray(
        ~replicas.stale
        & _above(replicas.kv_capacity_tokens, 0.0)
        & replicas.kv_usage.known
        & (replicas.kv_usage.value >= 0.0)
        & (replicas.kv_usage.value <= 1.0)
        & _above(replicas.itl_seconds, 0.0)
        & _above(replicas.input_tokens, MIN_TOKENS)
        & _above(replicas.output_tokens, MIN_TOKENS)
    )


def of_prompts(replicas: Readings) -> BoolArray:
    """Which replicas say something of prefill alone, where nothing is decoded and no time between tokens is measured."""
    return np.asarray(~replicas.stale & _above(replicas.input_tokens, MIN_TOKENS))


def observed(replicas: Readings, counted: BoolArray, variants: int) -> Shape:
    """Mean shape over the counted replicas, weighted by the requests that each finished; unweighted if none did."""
    where = replicas.variant[counted]
    weight = np.where(replicas.completions.known, np.maximum(replicas.completions.value, 0.0), 0.0)[counted]
    total = np.bincount(where, weights=weight, minlength=variants)
    weight = np.where(total[where] > 0.0, weight, 1.0)
    total = np.bincount(where, weights=weight, minlength=variants)

    def mean(values: FloatArray) -> FloatArray:
        over = np.bincount(where, weights=weight * values[counted], minlength=variants)
        return np.divide(over, total, out=np.zeros(variants), where=total > 0.0)

    return Shape(
        known=total > 0.0,
        input_tokens=mean(replicas.input_tokens.value),
        output_tokens=mean(replicas.output_tokens.value),
        prefix_hit_ratio=np.clip(mean(replicas.prefix_hit_ratio.value), 0.0, 1.0),
    )


def _above(column: Column, least: float) -> BoolArray:
    return np.asarray(column.known & (column.value > least))
