"""What one cycle teaches: the shape of the work, and points of latency against usage for the window of each variant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wva_exporter.core.columns import BoolArray, Column
from wva_exporter.core.fleet import Role
from wva_exporter.core.throughput.memory import Memory
from wva_exporter.core.throughput.shape import healthy, observed, of_prompts
from wva_exporter.core.throughput.view import View

LEAST_USAGE = 0.15
MOST_USAGE = 0.85
"""Observations outside teach nothing: an idle engine steps at its base, a full one preempts."""


def counted(view: View, *, exact: bool) -> BoolArray:
    """Replicas whose steps tell of decoding: healthy ones, and not prefill replicas, except in the original."""
    sound = healthy(view.replicas)
    return sound if exact else sound & (view.role != Role.PREFILL)[view.replicas.variant]


def observe(view: View, memory: Memory, *, exact: bool) -> Memory:
    """Memory with today's shape, and windows with today's points.

    A window is emptied when the work has drifted. The original compares with the cycle before, so that lengths that grow by
    15 % a cycle double unnoticed and leave a window of mixed work; we compare with the shape at the window's start.
    """
    variants = len(view)
    replicas, decoding = view.replicas, counted(view, exact=exact)
    prompts = of_prompts(replicas) & (view.role == Role.PREFILL)[replicas.variant]
    now = observed(replicas, decoding if exact else decoding | prompts, variants)
    shape = now.where(now.known, memory.shape)
    drifted = now.drifted(memory.reference)

    samples = memory.samples.without(drifted)
    begins = np.ones(variants, dtype=np.bool_) if exact else samples.count(variants) == 0
    reference = now.where(now.known & (begins | ~memory.reference.known), memory.reference)

    usage = replicas.kv_usage.value
    taken = decoding & (usage >= LEAST_USAGE) & (usage <= MOST_USAGE)
    samples = samples.add(replicas.variant[taken], view.time, usage[taken], replicas.itl_seconds.value[taken])
    present = np.bincount(replicas.variant, minlength=variants) > 0
    return replace(
        memory,
        samples=samples,
        shape=shape,
        reference=reference,
        mismatches=np.where(drifted, 0, memory.mismatches),
        seen_at=Column.of(np.where(present, view.time, memory.seen_at.value), present | memory.seen_at.known),
    )
