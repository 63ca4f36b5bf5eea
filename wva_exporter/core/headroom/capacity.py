"""What one replica of each variant carries within its model's promise, and what binds it.

The batch n is the largest that keeps every bound, with the service law tau(n) of ``core.queueing.service``:

* memory: n requests hold m = i + o/2 tokens each, and their sum varies: n m + m sqrt(n)/2 <= KV;
* sequences: n <= the engine's limit;
* ITL: decode(n) <= 0.95 of the promise; TTFT: prefill beside n and the first token <= 0.95 of the promise.

A replica that serves n at a time completes n / tau(n) requests a second. As long as arrivals find fewer than n
(``core.headroom. pooled``), both promises hold, for percentiles as well as for means: more than n is what the percentile
leaves out.

Parameters are uncertain; they are taken slower by one deviation of tau(n), because 15 % too optimistic costs answers and 15 %
too pessimistic only money. Where the deviation is beyond use, nothing is known and the tokens of the KV cache must do.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray, integers
from wva_exporter.core.engine_arguments import CHUNK_TOKENS, DEFAULT_SEQUENCES
from wva_exporter.core.fleet import Fleet, Role
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.service import Lines, chunks_needed, lines, lines_of
from wva_exporter.core.queueing.system import ServiceModel, System

SLO_SHARE = 0.95
UNUSABLE_DEVIATION = 0.6
"""With a time that may be twice as long or half, arithmetic on it is a guess."""

MOST_CAUTION = 0.25
"""Nobody pays for more than this much doubt: time is taken e^0.25 longer at most."""

_KV_SPREAD = 0.5
_OTHERS = 1.0 - np.eye(3)[:, :, np.newaxis]
"""Of three parameters one is left out in each row: shape (parameters, rows, 1)."""

_DECODE, _PREFILL = int(Role.DECODE), int(Role.PREFILL)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limits:
    """What a fleet's settings say of each variant, and never changes while it is the same fleet: shape (variants,).

    ``sequences`` are requests that run at once and ``chunk_tokens`` those of an iteration, as the engines were told, else as is
    usual; ``ttft_seconds`` and ``itl_seconds`` are the promises.
    """

    sequences: IntArray
    chunk_tokens: FloatArray
    ttft_seconds: Column
    itl_seconds: Column

    @classmethod
    def of(cls, fleet: Fleet) -> Limits:
        """Of a fleet."""
        told = fleet.variants.arguments or (None,) * len(fleet)
        slo, model = fleet.models.slo, fleet.variants.model
        sequences = [DEFAULT_SEQUENCES if a is None else a.sequences or DEFAULT_SEQUENCES for a in told]
        chunk = [CHUNK_TOKENS if a is None else a.batched_tokens or CHUNK_TOKENS for a in told]
        return cls(
            sequences=np.array(sequences, dtype=np.int64),
            chunk_tokens=np.array(chunk, dtype=np.float64),
            ttft_seconds=slo.ttft_seconds.take(model),
            itl_seconds=slo.itl_seconds.take(model),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """What the capacity of each variant follows from: shape (variants,), or (variants, 3) for the parameters in ``belief``.

    ``kv_tokens`` is unknown where no engine said it; ``sequences`` and ``chunk_tokens`` are the engines' limits,
    ``ttft_seconds`` and ``itl_seconds`` the promises.
    """

    belief: Belief
    in_tokens: FloatArray
    out_tokens: FloatArray
    hit_ratio: FloatArray
    role: IntArray
    kv_tokens: Column
    sequences: IntArray
    chunk_tokens: FloatArray
    ttft_seconds: Column
    itl_seconds: Column

    def table(self) -> FloatArray:
        """All of it as numbers, to see whether it moved: shape (numbers, variants); what is unknown is -1."""
        columns = (self.kv_tokens, self.ttft_seconds, self.itl_seconds)
        others = [
            self.in_tokens,
            self.out_tokens,
            self.hit_ratio,
            self.role,
            self.sequences,
            self.chunk_tokens,
            *(column.otherwise(-1.0) for column in columns),
        ]
        return np.concatenate([self.belief.mean_seconds.T, self.belief.stddev_seconds.T, np.array(others)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Capacity:
    """Of one replica of each variant: shape (variants,); numbers mean nothing where not ``known``.

    ``rate_rps`` are requests per second at the batch ``batch``, ``places`` the batch without memory's margin for variance, in
    which service takes ``base + slope n`` seconds; ``bound`` is an ``explanation.Bound``; ``doubt`` the deviation of log tau.
    ``reachable`` is False where the promise is broken by a single request.
    """

    rate_rps: FloatArray
    batch: FloatArray
    places: FloatArray
    base_seconds: FloatArray
    slope_seconds: FloatArray
    bound: IntArray
    doubt: FloatArray
    reachable: BoolArray
    known: BoolArray

    def otherwise(self, before: Capacity) -> Capacity:
        """What was known before, where nothing is known now: an engine carries no less because we lost sight of its times."""
        lost = before.known & ~self.known
        if not lost.any():
            return self
        return Capacity(
            **{f.name: np.where(lost, getattr(before, f.name), getattr(self, f.name)) for f in fields(self)}
        )


def capacity(terms: Terms) -> Capacity:
    """Of every variant at once."""
    system, held = _system(terms)
    memory = _in_memory(terms.kv_tokens, held)
    sequences = terms.sequences.astype(np.float64)
    ceiling = np.maximum(np.floor(np.minimum(memory, sequences)), 1.0)
    chunks = chunks_needed(system, ceiling)
    times = lines(system, chunks)
    doubt = _doubt(system, chunks, times.service(ceiling), terms.belief.spread, ceiling)
    slower = np.exp(np.minimum(doubt, MOST_CAUTION))  # all times are proportional to the parameters together
    by_itl, by_ttft = _within_promise(system, times, terms, SLO_SHARE / slower)
    every = np.stack([memory, sequences, by_itl, by_ttft])
    batch = np.maximum(np.floor(every.min(axis=0)), 1.0)
    holds = np.floor(terms.kv_tokens.value / np.maximum(held, 1.0))
    places = np.maximum(np.floor(np.minimum(holds, every[1:].min(axis=0))), batch)
    return Capacity(
        rate_rps=batch / (times.service(batch) * slower),
        batch=batch,
        places=places,
        base_seconds=times.service_base * slower,
        slope_seconds=times.service_slope * slower,
        bound=integers(every.argmin(axis=0) + 1),
        doubt=doubt,
        reachable=np.asarray(np.minimum(by_itl, by_ttft) >= 1.0),
        known=np.asarray(system.known & terms.kv_tokens.known & (doubt <= UNUSABLE_DEVIATION)),
    )


def _system(terms: Terms) -> tuple[System, FloatArray]:
    """The replicas as queues, and the tokens that one request holds in the mean: shape (variants,).

    A decode replica is handed the prompt's keys and values: it computes none of it, and holds all of it.
    """
    alpha, beta, gamma = terms.belief.mean_seconds.T
    system = System.where_possible(
        ServiceModel.CHUNK,
        known=terms.belief.known,
        alpha_seconds=alpha,
        beta_seconds=beta,
        gamma_seconds=gamma,
        in_tokens=terms.in_tokens,
        out_tokens=terms.out_tokens,
        hit_ratio=np.where(terms.role == _DECODE, 1.0, terms.hit_ratio),
        max_batch=terms.sequences,
        max_queue=0,
        max_tokens=terms.chunk_tokens,
    )
    return system, terms.in_tokens + terms.out_tokens / 2.0


def _in_memory(kv_tokens: Column, held: FloatArray) -> FloatArray:
    """The largest n with n m + m sqrt(n)/2 <= KV, from the quadratic in sqrt(n); 0 where not even one fits."""
    fits = kv_tokens.value / np.maximum(held, 1.0)
    root = (np.sqrt(_KV_SPREAD**2 + 4.0 * fits) - _KV_SPREAD) / 2.0
    return np.where(fits >= 1.0, np.maximum(root * root, 1.0), 0.0)


def _within_promise(system: System, times: Lines, terms: Terms, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The batches that keep ITL and TTFT within a share of the promise; infinite where nothing is promised."""
    token_base = (times.service_base - times.prefill_base) / system.out_tokens
    token_slope = (times.service_slope - times.prefill_slope) / system.out_tokens
    by_itl = _most(token_base, token_slope, terms.itl_seconds, share)
    by_ttft = _most(times.prefill_base + token_base, times.prefill_slope + token_slope, terms.ttft_seconds, share)
    return (
        np.where(terms.role == _PREFILL, np.inf, by_itl),
        np.where(terms.role == _DECODE, np.inf, by_ttft),
    )


def _most(base: FloatArray, slope: FloatArray, promise: Column, share: FloatArray) -> FloatArray:
    """The largest n with base + slope n <= share x promise."""
    room = promise.value * share - base
    flat = np.where(room >= 0.0, np.inf, 0.0)
    most = np.divide(room, slope, out=flat, where=slope > 0.0)
    return np.where(promise.known, np.maximum(most, 0.0), np.inf)


def _doubt(system: System, chunks: FloatArray, whole: FloatArray, spread: FloatArray, batch: FloatArray) -> FloatArray:
    """Deviation of log tau(n): each parameter's own, weighted by its share of tau, the ``whole``: shape (variants,)."""
    without = lines_of(
        model=system.model,
        alpha=_OTHERS[0] * system.alpha_seconds,
        beta=_OTHERS[1] * system.beta_seconds,
        gamma=_OTHERS[2] * system.gamma_seconds,
        delta=system.delta_seconds,
        prompt=system.in_tokens,
        computed=system.computed_tokens,
        out=system.out_tokens,
        chunks=chunks,
    ).service(batch)
    alpha, beta, gamma = ((whole - without) / whole * spread.T) ** 2
    return np.asarray(np.sqrt(alpha + beta + gamma))
