"""Tokens per second that a replica makes when it is full, and that replicas are seen to make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray
from wva_exporter.core.throughput.itl import SATURATED_USAGE, Line
from wva_exporter.core.throughput.shape import Shape
from wva_exporter.core.throughput.view import View

MIN_OUTPUT_TOKENS = 20.0
"""Shorter answers leave too little trace in the KV cache to tell a token rate from it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Supply:
    """Of each variant: replicas with KV capacity, their mean tokens per second and ITL in seconds when full: (variants,)."""

    replicas: FloatArray
    per_replica: Column
    full_itl_seconds: FloatArray


def supply(view: View, line: Line, shape: Shape, *, capped: bool) -> Supply:
    """What replicas carry: with N = 0.85 KV / KV-per-request requests at once, N / ITL(k) tokens per second.

    ``capped`` holds N to the number of sequences that the engine runs at once, where that is known: a share of KV cache that
    no batch can fill is no capacity. The step then takes what it takes at the share which that batch fills.
    """
    replicas, variant = view.replicas, view.replicas.variant
    room = replicas.kv_capacity_tokens
    request = shape.kv_tokens[variant]
    there = room.known & (room.value > 0.0)
    usable = there & line.known[variant] & shape.known[variant] & (request > 0.0)
    capacity = np.where(usable, room.value, 1.0)
    request = np.where(usable, request, 1.0)

    at_once = SATURATED_USAGE * capacity / request
    usage = np.full(len(replicas), SATURATED_USAGE)
    if capped:
        limited = replicas.max_sequences.known & (replicas.max_sequences.value >= 1.0)
        at_once = np.where(limited, np.minimum(at_once, replicas.max_sequences.value), at_once)
        usage = at_once * request / capacity
    step = line.at(usage, variant)
    step = np.where(usable & (step > 0.0), step, line.at(SATURATED_USAGE, variant))
    usable = usable & (step > 0.0)

    count = view.by_variant(there.astype(np.float64))
    rate = view.by_variant(np.divide(at_once, step, out=np.zeros(len(replicas)), where=usable))
    told = view.by_variant(usable.astype(np.float64))
    seconds = view.by_variant(np.where(usable, step, 0.0))
    known = (told > 0.0) & (rate > 0.0)
    return Supply(
        replicas=count,
        per_replica=Column.of(np.divide(rate, told, out=np.zeros(len(view)), where=known), known),
        full_itl_seconds=np.divide(seconds, told, out=np.zeros(len(view)), where=known),
    )


def predicted(view: View, line: Line, shape: Shape) -> Column:
    """Tokens per second that each replica makes now by its share of KV cache in use: (k KV / KV-per-request) / ITL(k)."""
    replicas, variant = view.replicas, view.replicas.variant
    request = shape.kv_tokens[variant]
    step = line.at(replicas.kv_usage.value, variant)
    busy = replicas.kv_usage.known & (replicas.kv_usage.value > 0.0) & (replicas.kv_usage.value <= 1.0)
    room = replicas.kv_capacity_tokens.known & (replicas.kv_capacity_tokens.value > 0.0)
    known = busy & room & line.known[variant] & shape.known[variant] & (request > 0.0) & (step > 0.0)
    held = replicas.kv_usage.value * replicas.kv_capacity_tokens.value
    seconds = np.where(known, request * step, 1.0)
    return Column.of(held / seconds, known)


def seen_demand(view: View, line: Line, shape: Shape, *, exact: bool) -> Column:
    """Output tokens per second asked of each variant, as its own replicas tell: shape (variants,).

    What a router sent them; without a router, what they finished and what their KV caches hold: the original takes the
    second only where nothing finished, though a rate of completions falls behind the load exactly when there is too much.
    """
    replicas = view.replicas
    routed = view.by_variant(_asked(replicas.arrivals, replicas.output_tokens))
    done = view.by_variant(_asked(replicas.completions, replicas.output_tokens))
    guess = predicted(view, line, shape)
    long_enough = shape.output_tokens > MIN_OUTPUT_TOKENS
    held = np.where(long_enough, view.by_variant(guess.value), 0.0)
    told = (
        view.by_variant((replicas.arrivals.known | replicas.completions.known | guess.known).astype(np.float64)) > 0.0
    )
    without = np.where(done > 0.0, done, held) if exact else np.maximum(done, held)
    return Column.of(np.where(routed > 0.0, routed, without), told)


def disagrees(
    view: View, line: Line, shape: Shape, counted: BoolArray, *, least_usage: float, most: float
) -> BoolArray:
    """Which variants have a replica whose measured token rate is further than ``most`` from the predicted one."""
    replicas = view.replicas
    guess, measured = predicted(view, line, shape), replicas.generated_tokens
    usable = counted & guess.known & measured.known & (measured.value > 0.0) & (replicas.kv_usage.value >= least_usage)
    off = np.abs(guess.value - measured.value) > most * measured.value
    return view.by_variant((usable & off).astype(np.float64)) > 0.0


def _asked(rate: Column, tokens: Column) -> FloatArray:
    return np.where(rate.known & tokens.known, np.maximum(rate.value, 0.0) * np.maximum(tokens.value, 0.0), 0.0)
