"""What replicas were seen to hold while they queued: WVA's memory of capacities, by kind of replica and length of answers.

Only the ``exact`` mode has it: tokens that are resident in a queueing moment are not what a replica can hold, and a queue that
comes from slow prefill would pin the capacity at a small share of the memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from wva_exporter.core.columns import FloatArray, IntArray

WINDOW = 10
"""Samples that are kept of each key."""

BUCKETS = ("short", "medium", "long")
BOUNDS_TOKENS = (100.0, 500.0)
"""Mean answers below the first are short, below the second medium."""

Key = tuple[str, str, int, str]
"""Model, accelerator, GPUs of a replica, bucket; without a namespace, as in the original."""

History = Mapping[Key, tuple[float, ...]]
"""The last samples of each key, oldest first."""

EMPTY: History = MappingProxyType({})


def bucket_of(outputs: FloatArray) -> IntArray:
    """The place in ``BUCKETS`` of each mean answer."""
    return np.searchsorted(np.array(BOUNDS_TOKENS), outputs, side="right")


def kept(samples: Iterable[float], window: int = WINDOW) -> tuple[float, ...]:
    """The newest of them."""
    return tuple(samples)[-window:]


def mean(samples: tuple[float, ...]) -> float:
    """Their mean, summed from the oldest on; 0 of none."""
    return sum(samples) / len(samples) if samples else 0.0
