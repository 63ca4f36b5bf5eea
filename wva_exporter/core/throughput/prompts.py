"""How many input tokens a second a prefill replica takes in: the supply that a model of decoding says nothing about.

An engine computes prompts by sharing its steps among those present, which makes it a processor-sharing queue: with S the time
that a mean prompt takes alone and lambda prompts a second, the mean time to the first token is S / (1 - lambda S) whatever the
law of prompt lengths. Both are measured, hence S = TTFT / (1 + lambda TTFT), at any load and without a fit; under overload,
where TTFT grows without bound, S tends to 1 / lambda: what goes through is what it carries.
"""

from __future__ import annotations

import numpy as np

from wva_exporter.core.columns import Column, FloatArray
from wva_exporter.core.throughput.itl import SATURATED_USAGE
from wva_exporter.core.throughput.shape import of_prompts
from wva_exporter.core.throughput.view import View


def prompt_seconds(view: View) -> Column:
    """S of each variant, the mean over its replicas weighted by their prompts: shape (variants,)."""
    replicas = view.replicas
    rate, ttft = replicas.completions, replicas.ttft_seconds
    usable = of_prompts(replicas) & rate.known & ttft.known & (rate.value > 0.0) & (ttft.value > 0.0)
    weight = np.where(usable, rate.value, 0.0)
    alone = ttft.value / (1.0 + np.where(usable, rate.value, 0.0) * np.where(usable, ttft.value, 0.0))
    total = view.by_variant(weight)
    over = view.by_variant(weight * alone)
    return Column.of(np.divide(over, total, out=np.zeros(len(view)), where=total > 0.0), total > 0.0)


def prompt_supply(seconds: Column, input_tokens: FloatArray) -> Column:
    """Input tokens per second of one replica at the share of use at which it is full: shape (variants,)."""
    rate = np.divide(SATURATED_USAGE, seconds.value, out=np.zeros(len(seconds)), where=seconds.known)
    return Column.of(rate * input_tokens, seconds.known & (input_tokens > 0.0))


def prompt_queue_demand(queue: FloatArray, seconds: FloatArray, input_tokens: FloatArray, drain: float) -> FloatArray:
    """Input tokens per second that clear a queue within ``drain`` times the TTFT of a full replica, S / (1 - 0.85)."""
    full = seconds / (1.0 - SATURATED_USAGE)
    return np.divide(queue * input_tokens, drain * full, out=np.zeros_like(queue), where=full > 0.0)
