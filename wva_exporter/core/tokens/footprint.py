"""What requests weigh in tokens: those that wait at a replica or at a router, and those that an engine can hold at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import FloatArray, IntArray
from wva_exporter.core.fleet import Role

BYTES_PER_TOKEN = 4.0
"""Of a prompt, where a router knows its bytes only."""

_TOO_MANY = 2.0**63
"""From here on a count does not fit the original's integers, and counts as nothing."""


def waiting_tokens(queue: FloatArray, inputs: FloatArray, outputs: FloatArray, role: IntArray) -> FloatArray:
    """Tokens that waiting requests will hold: ``trunc(q x t)``, t = input for prefill, input + output otherwise.

    All of one shape; what is not finite, not positive or too large to count is 0.
    """
    each = np.where(role == Role.PREFILL, inputs, inputs + outputs)
    with np.errstate(over="ignore", invalid="ignore"):
        total = queue * each
    sound = (queue > 0) & (total > 0) & (total < _TOO_MANY)  # also refuses NaN
    return np.trunc(np.where(sound, total, 0.0))


def derived_tokens(batched: FloatArray, sequences: FloatArray, inputs: FloatArray, outputs: FloatArray) -> FloatArray:
    """Tokens resident in a steady state that the engine's arguments allow: ``trunc(n (I + O/2))``.

    ``n = min(B O / (I + O), S)`` requests run at once: each takes I + O tokens in O iterations of B tokens.
    0 where nothing is known: no B, or no output.
    """
    known = (batched > 0) & (outputs > 0) & (inputs + outputs > 0)
    total = np.where(known, inputs + outputs, 1.0)
    running = np.minimum(batched * outputs / total, sequences)
    return np.trunc(np.where(known, running * (inputs + outputs / 2.0), 0.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QueueTokens:
    """Tokens of the requests that a router holds, per model: shape (models,), by what serves them."""

    inputs: FloatArray
    outputs: FloatArray

    @property
    def total(self) -> FloatArray:
        """Of a whole model."""
        return self.inputs + self.outputs

    def of_role(self, role: Role) -> FloatArray:
        """What one role must hold of them: prefill the prompts, every other role prompts and answers."""
        return self.inputs if role is Role.PREFILL else self.total


def router_tokens(
    size: FloatArray, size_bytes: FloatArray, inputs: FloatArray, outputs: FloatArray, hit_ratio: FloatArray
) -> QueueTokens:
    """``in = max(bytes / 4, n I) (1 - hit)``, ``out = n O`` of a router's queue; all of shape (models,)."""
    prompts = np.maximum(size_bytes / BYTES_PER_TOKEN, size * inputs) * (1.0 - hit_ratio)
    return QueueTokens(inputs=prompts, outputs=size * outputs)
