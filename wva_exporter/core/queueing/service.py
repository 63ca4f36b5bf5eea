"""How long a request is served when n requests are in the batch.

Three laws, each of them linear in n as long as the prompt is cut into a fixed number of chunks c. With i prompt tokens (i' of
them computed, the rest found in the prefix cache), o output tokens and the parameters of a ``System``:

=======  =====================================================  ==========================================================
PD       prefill = gamma + delta i' n (0 without a prompt)      decode = alpha + beta n, o - 1 times (once if i' = 0, o = 1)
ABG      prefill = T(n) + (beta + gamma) i' (0 without prompt)  decode = T(n) + beta + gamma (i + o/2), o times, with
                                                                T(n) = alpha + n (beta (i' + o)/(o + 1) + gamma (i + o/2))
CHUNK    prefill = c bg(n) + w_pre,                             decode = bg(n) + beta + gamma (i + (o + 1)/2), with
         w_pre = (beta + gamma (c + 1)/2) i'                    bg(n) = max(0, alpha + (n - 1) d), d = (w_pre + w_dec)/(c + o),
                                                                w_dec = beta o + gamma o (i + (o + 1)/2)
=======  =====================================================  ==========================================================

The time in service is tau(n) = prefill + steps x decode for PD and ABG, and (c + o)(alpha + n d) for CHUNK, where c is the
least number of chunks with which n requests fit into an iteration's token budget M: (c + o)(M - i'/c)/(i' + o) >= n.

Sources: llm-d workload-variant-autoscaler ``pkg/analyzer`` (PD, ABG) and llm-inferno ``queue-analysis`` (CHUNK).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray
from wva_exporter.core.queueing.system import ServiceModel, System

_PD, _CHUNK = int(ServiceModel.PD), int(ServiceModel.CHUNK)
"""Arrays are compared with plain numbers: with an enum numpy takes five times as long."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lines:
    """The times of a batch of n as straight lines in n: ``base`` + ``slope`` n, in seconds.

    ``service`` is tau, ``prefill`` and ``decode`` its parts; the last two are never less than their ``floor``, which keeps
    CHUNK's background from turning negative in a batch of less than one.
    """

    service_base: FloatArray
    service_slope: FloatArray
    prefill_base: FloatArray
    prefill_slope: FloatArray
    prefill_floor: FloatArray
    decode_base: FloatArray
    decode_slope: FloatArray
    decode_floor: FloatArray

    def service(self, batch: FloatArray | float) -> FloatArray:
        """Seconds that one request spends in service."""
        return self.service_base + self.service_slope * batch

    def prefill(self, batch: FloatArray | float) -> FloatArray:
        """Seconds of a prefill."""
        return np.maximum(self.prefill_base + self.prefill_slope * batch, self.prefill_floor)

    def decode(self, batch: FloatArray | float) -> FloatArray:
        """Seconds of one decode step."""
        return np.maximum(self.decode_base + self.decode_slope * batch, self.decode_floor)

    def take(self, rows: IntArray | BoolArray) -> Lines:
        """Some rows of flat lines."""
        return Lines(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def replaced(self, rows: BoolArray, by: Lines) -> Lines:
        """The same lines with some rows taken from others."""
        whole = {field.name: getattr(self, field.name).copy() for field in fields(self)}
        for name, column in whole.items():
            column[rows] = getattr(by, name)
        return Lines(**whole)


def chunks_needed(system: System, batch: ArrayLike) -> FloatArray:
    """The least number of chunks with which so many requests share an iteration; 1 for PD and ABG.

    (c + o)(M - i'/c) >= n (i' + o) is a quadratic in c: M c^2 + (o M - i' - n (i' + o)) c - i' o >= 0. Its root is rounded up
    and then corrected by the inequality itself, so that a batch that fits exactly is not refused by a rounding error.
    """
    n = np.asarray(batch, dtype=np.float64)
    prompt, out, budget = system.computed_tokens, system.out_tokens, system.max_tokens

    def fits(c: FloatArray) -> BoolArray:
        room = (c + out) * (budget - prompt / c)
        return np.asarray(room >= n * (prompt + out) * (1.0 - 1e-12))

    half = 0.5 * (out * budget - prompt - n * (prompt + out))
    root = np.sqrt(half * half + budget * prompt * out)
    rising = half > 0.0
    positive = np.where(rising, prompt * out / np.where(rising, half + root, 1.0), (root - half) / budget)
    c = np.maximum(np.ceil(positive), 1.0)
    c = np.where(fits(np.maximum(c - 1.0, 1.0)), np.maximum(c - 1.0, 1.0), c)
    c = np.where(fits(c), c, c + 1.0)
    return np.where(system.model == _CHUNK, c, 1.0)


def lines(system: System, chunks: ArrayLike = 1.0) -> Lines:
    """The three times as lines in n, for prompts cut into ``chunks``; shapes broadcast."""
    return lines_of(
        model=system.model,
        alpha=system.alpha_seconds,
        beta=system.beta_seconds,
        gamma=system.gamma_seconds,
        delta=system.delta_seconds,
        prompt=system.in_tokens,
        computed=system.computed_tokens,
        out=system.out_tokens,
        chunks=np.asarray(chunks, dtype=np.float64),
    )


def lines_of(
    *,
    model: IntArray,
    alpha: FloatArray,
    beta: FloatArray,
    gamma: FloatArray,
    delta: FloatArray,
    prompt: FloatArray,
    computed: FloatArray,
    out: FloatArray,
    chunks: FloatArray,
) -> Lines:
    """The lines from plain numbers, in the unit of time of the parameters."""
    is_pd, is_chunk = model == _PD, model == _CHUNK
    chunk = _chunked(alpha=alpha, beta=beta, gamma=gamma, prompt=prompt, computed=computed, out=out, chunks=chunks)
    if is_chunk.all():  # as nearly everywhere: the other laws are not worked out
        return chunk
    has_prompt = computed > 0.0
    steps = np.where(~has_prompt & (out == 1.0), 1.0, out - 1.0)
    pd = (np.where(has_prompt, gamma, 0.0), delta * computed, alpha, beta)

    context = gamma * (prompt + out / 2.0)
    shared = beta * (computed + out) / (out + 1.0) + context
    own = alpha + (beta + gamma) * computed
    abg = (np.where(has_prompt, own, 0.0), np.where(has_prompt, shared, 0.0), alpha + beta + context, shared)

    both = (chunk.prefill_base, chunk.prefill_slope, chunk.decode_base, chunk.decode_slope)
    choose = [np.where(is_pd, p, np.where(is_chunk, c, a)) for p, a, c in zip(pd, abg, both, strict=True)]
    prefill_base, prefill_slope, decode_base, decode_slope = choose
    steps = np.where(is_pd, steps, out)
    return Lines(
        service_base=np.where(is_chunk, chunk.service_base, prefill_base + steps * decode_base),
        service_slope=np.where(is_chunk, chunk.service_slope, prefill_slope + steps * decode_slope),
        prefill_base=prefill_base,
        prefill_slope=prefill_slope,
        prefill_floor=np.where(is_chunk, chunk.prefill_floor, 0.0),
        decode_base=decode_base,
        decode_slope=decode_slope,
        decode_floor=np.where(is_chunk, chunk.decode_floor, 0.0),
    )


def _chunked(
    *,
    alpha: FloatArray,
    beta: FloatArray,
    gamma: FloatArray,
    prompt: FloatArray,
    computed: FloatArray,
    out: FloatArray,
    chunks: FloatArray,
) -> Lines:
    """The lines of CHUNK."""
    work_pre = (beta + gamma * (chunks + 1.0) / 2.0) * computed
    per_token = beta + gamma * (prompt + (out + 1.0) / 2.0)
    each = (work_pre + out * per_token) / (chunks + out)
    return Lines(
        service_base=(chunks + out) * alpha,
        service_slope=(chunks + out) * each,
        prefill_base=chunks * (alpha - each) + work_pre,
        prefill_slope=chunks * each,
        prefill_floor=work_pre,
        decode_base=alpha - each + per_token,
        decode_slope=each,
        decode_floor=per_token,
    )


def service_time(system: System, batch: ArrayLike) -> FloatArray:
    """Seconds in service, tau(n), of a request in a batch of n (may be fractional); shapes broadcast."""
    n = np.asarray(batch, dtype=np.float64)
    return lines(system, chunks_needed(system, n)).service(n)


def prefill_time(system: System, batch: ArrayLike) -> FloatArray:
    """Seconds of a prefill beside a batch of n."""
    n = np.asarray(batch, dtype=np.float64)
    return lines(system, chunks_needed(system, n)).prefill(n)


def decode_time(system: System, batch: ArrayLike) -> FloatArray:
    """Seconds between two output tokens in a batch of n: what ITL is when n does not change."""
    n = np.asarray(batch, dtype=np.float64)
    return lines(system, chunks_needed(system, n)).decode(n)


def token_time(system: System, batch: ArrayLike) -> FloatArray:
    """Seconds between the tokens of a request that stays in a batch of n from its prefill to its end.

    PD: decode(n); for the others what tau(n) leaves for each output token after the prefill, which is how their ITL is told.
    """
    n = np.asarray(batch, dtype=np.float64)
    times = lines(system, chunks_needed(system, n))
    spread = (times.service(n) - times.prefill(n)) / system.out_tokens
    return np.where(system.model == ServiceModel.PD, times.decode(n), spread)


def first_token_time(system: System, others: ArrayLike) -> FloatArray:
    """Seconds to the first token of a request that finds so many others in service, and room beside them.

    PD: the prefill of a batch with itself; the others: a prefill beside them, and a token's time in the batch with itself.
    """
    beside = np.asarray(others, dtype=np.float64)
    chunks = chunks_needed(system, np.maximum(beside, 1.0))
    pd = system.model == ServiceModel.PD
    prefill = lines(system, chunks).prefill(np.where(pd, beside + 1.0, beside))
    return prefill + np.where(pd, 0.0, token_time(system, beside + 1.0))


def iteration_time(system: System, batch: ArrayLike) -> FloatArray:
    """Seconds of one engine iteration with n requests in the batch, the work of all of them counted.

    alpha + n d for CHUNK, T(n) for ABG; PD knows no iteration beside decode's.
    """
    n = np.asarray(batch, dtype=np.float64)
    each = lines(system, chunks_needed(system, n)).decode_slope
    return system.alpha_seconds + n * each


def service_rate(system: System, batch: ArrayLike) -> FloatArray:
    """Requests per second that leave a batch of n: mu(n) = n / tau(n)."""
    return np.asarray(batch, dtype=np.float64) / service_time(system, batch)
