"""Requests as somebody recorded them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wva_exporter.twin.workloads.stream import NO_PREFIX, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recorded:
    """Columns of shape (requests,), in the order of arrival; ``seconds`` count from the first one.

    ``prefix`` is the number of the shared beginning of a prompt, ``NO_PREFIX`` where there is none, ``prefix_tokens`` its size.
    """

    seconds: FloatArray
    prompt_tokens: IntArray
    output_tokens: IntArray
    prefix: IntArray
    prefix_tokens: IntArray

    @property
    def end_seconds(self) -> float:
        """The last arrival; 0 without any."""
        return float(self.seconds[-1]) if len(self.seconds) else 0.0


def recorded(
    seconds: Sequence[float], prompts: Sequence[int], outputs: Sequence[int], shared: Sequence[tuple[int, int]] = ()
) -> Recorded:
    """Columns from lists, sorted by time; ``shared`` is (prefix, tokens of it) a request, or empty.

    Requests without an answer are left out: they failed, and nobody knows what they would have been.
    """
    at, prompt, output = np.array(seconds), np.array(prompts, dtype=np.int64), np.array(outputs, dtype=np.int64)
    prefixes = np.array(shared or [(NO_PREFIX, 0)] * len(at), dtype=np.int64).reshape(-1, 2)
    answered = np.flatnonzero((output > 0) & (prompt > 0))
    order = answered[np.argsort(at[answered], kind="stable")]
    first = at[order[0]] if len(order) else 0.0
    return Recorded(
        seconds=at[order] - first,
        prompt_tokens=prompt[order],
        output_tokens=output[order],
        prefix=prefixes[order, 0],
        prefix_tokens=np.minimum(prefixes[order, 1], prompt[order]),
    )
