"""What latency a model is held to where nobody configured one: WVA infers it from what its replicas can do.

With the mean time of an iteration held at k times its base, alpha / (1 - rho) = k alpha, a replica would be at rho = 1 - 1/k of
its capacity, and a request of i and o tokens would see::

    TTFT = k alpha + (beta + gamma) i        ITL = k alpha + beta + gamma (i + (o + 1)/2)

That is the intention; sizing adds the work of the batch to both, so that k = 3 binds at a third of the capacity and with k = 2
no rate at all meets the target.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray

DEFAULT_MULTIPLIER = 3.0
OBSERVED_RATIO = 1.5
MOST_TTFT_SECONDS = 10.0
MOST_ITL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slo:
    """Targets of each model in seconds: shape (models,), unknown where there are none and none can be inferred."""

    ttft_seconds: Column
    itl_seconds: Column

    @property
    def known(self) -> BoolArray:
        """Which models have both."""
        return self.ttft_seconds.known & self.itl_seconds.known

    def otherwise(self, other: Slo) -> Slo:
        """This one, both targets together, and the other where it is not known."""
        return Slo(
            ttft_seconds=_otherwise(self.ttft_seconds, other.ttft_seconds, self.known),
            itl_seconds=_otherwise(self.itl_seconds, other.itl_seconds, self.known),
        )


def inferred(parameters: Column, model: IntArray, in_tokens: Column, out_tokens: Column, multiplier: FloatArray) -> Slo:
    """From learned parameters: the slowest of a model's variants sets the target.

    Args:
        parameters: alpha, beta, gamma in seconds, shape (variants, 3).
        model: of each variant.
        in_tokens: means of each model's requests, shape (models,).
        out_tokens: the same.
        multiplier: k of each model; 1 and less count as 3.
    """
    models = len(in_tokens)
    alpha, beta, gamma = parameters.value.T
    known = parameters.known.all(axis=1) & np.all(parameters.value > 0.0, axis=1)
    known &= (in_tokens.known & out_tokens.known)[model]
    k = np.where(multiplier > 1.0, multiplier, DEFAULT_MULTIPLIER)[model]
    prompt, answer = in_tokens.value[model], out_tokens.value[model]
    ttft = k * alpha + (beta + gamma) * prompt
    itl = k * alpha + beta + gamma * (prompt + (answer + 1.0) / 2.0)
    return Slo(ttft_seconds=_largest(ttft, known, model, models), itl_seconds=_largest(itl, known, model, models))


def from_observed(ttft_seconds: Column, itl_seconds: Column) -> Slo:
    """Half as much again as what is seen, within 10 s and 500 ms: shape (models,)."""
    return Slo(
        ttft_seconds=_stretched(ttft_seconds, MOST_TTFT_SECONDS), itl_seconds=_stretched(itl_seconds, MOST_ITL_SECONDS)
    )


def _stretched(seen: Column, most: float) -> Column:
    return Column.of(np.minimum(OBSERVED_RATIO * seen.value, most), seen.known & (seen.value > 0.0))


def _largest(values: FloatArray, known: BoolArray, model: IntArray, models: int) -> Column:
    best = np.full(models, -np.inf)
    np.maximum.at(best, model[known], values[known])
    return Column.of(best)


def _otherwise(first: Column, second: Column, which: BoolArray) -> Column:
    return Column.of(np.where(which, first.value, second.value), np.where(which, first.known, second.known))
