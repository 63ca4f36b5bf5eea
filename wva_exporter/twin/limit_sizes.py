"""How many replicas a load needs, as a fluid: work arrives, replicas take it away, nothing is random.

The work of a request with i prompt and o output tokens is the time that a replica's share of it takes: it computes i + o tokens
and stays for o iterations, each of which reads what is resident and is shared by the n requests of the batch:

    w = alpha o / n + beta (i + o) + gamma o (i + o/2)    [replica seconds]

with the largest batch n that batch limit, KV cache and promised time between tokens leave. Where prefill and decode have
replicas of their own, the first have beta i of it and the others the rest. This is only where a search begins: waiting, chance
and start-up are for runs of the twin to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import grey_closing, uniform_filter1d

from wva_exporter.core.columns import FloatArray
from wva_exporter.twin.limits import Levels
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.scenario import Scenario, ScenarioVariant
from wva_exporter.twin.workloads.stream import Stream

ITL_MARGIN = 0.95
"""Share of the promised time between tokens that a full batch may take."""

_LEAST_WORK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How levels are made of a load.

    The load is a mean over ``window_seconds``, replicas are filled to ``1 / reserve`` of what they can, dips shorter than
    ``bridge_seconds`` are bridged.
    """

    reserve: float = 1.0
    window_seconds: float = 60.0
    bridge_seconds: float = 300.0


def full_batch(engine: EngineParameters, prompt_tokens: float, output_tokens: float, itl_seconds: float) -> float:
    """The largest batch: n m + m sqrt(n)/2 of memory fit, and an iteration takes at most the promised time.

    m = i + o/2 is what a request holds in the mean, the root its spread.
    """
    held = prompt_tokens + output_tokens / 2.0
    root = (np.sqrt(0.25 + 4.0 * engine.kv_capacity_tokens / held) - 0.5) / 2.0
    computed = engine.beta_seconds_per_token * (prompt_tokens + output_tokens) / output_tokens
    each = computed + engine.gamma_seconds_per_resident_token * held
    fast = (ITL_MARGIN * itl_seconds - engine.alpha_seconds) / each
    return max(min(float(engine.max_sequences), float(root * root), fast), 1.0)


def work_seconds(engine: EngineParameters, role: str, requests: Stream, itl_seconds: float) -> FloatArray:
    """Replica seconds of each request on a replica of this role: shape (requests,)."""
    prompt, output = requests.prompt_tokens.astype(np.float64), requests.output_tokens.astype(np.float64)
    computed = prompt if requests.prefix_tokens is None else prompt - requests.prefix_tokens
    batch = full_batch(engine, float(prompt.mean()), float(output.mean()), itl_seconds)
    prefill = engine.beta_seconds_per_token * computed
    decode = (
        engine.alpha_seconds * output / batch
        + engine.beta_seconds_per_token * output
        + engine.gamma_seconds_per_resident_token * output * (prompt + output / 2.0)
    )
    return np.asarray((role != "decode") * prefill + (role != "prefill") * decode)


def demand(scenario: Scenario, streams: Sequence[Stream], bin_seconds: float) -> FloatArray:
    """Replicas, in parts, that each variant alone would need for the load of its role: shape (variants, bins).

    The mean over the streams, from the begin of the warm-up to the end.
    """
    edges = np.arange(-scenario.warm_seconds, scenario.duration_seconds + bin_seconds, bin_seconds)
    rows = []
    for variant in scenario.variants:
        spec = variant.spec
        binned = [
            np.histogram(
                stream.arrival_seconds,
                edges,
                weights=work_seconds(spec.parameters, spec.role, stream, scenario.promise.itl_seconds),
            )[0]
            for stream in streams
        ]
        rows.append(np.mean(binned, axis=0) / bin_seconds)
    return np.asarray(rows)


def levels(scenario: Scenario, needs: FloatArray, bin_seconds: float, shape: Shape) -> Levels:
    """Whole replicas of each variant that carry the load: the cheapest for the work first, each role by itself."""
    bins: int = needs.shape[1]

    def width(seconds: float) -> int:
        return min(max(round(seconds / bin_seconds), 1), bins)

    smooth = np.maximum(uniform_filter1d(needs, width(shape.window_seconds), axis=1, mode="nearest"), _LEAST_WORK)
    bridged = grey_closing(smooth, size=(1, width(shape.bridge_seconds)), mode="nearest") * shape.reserve
    counts = np.zeros(needs.shape, dtype=np.int64)
    for role in sorted({variant.spec.role for variant in scenario.variants}):
        mine = [place for place, variant in enumerate(scenario.variants) if variant.spec.role == role]
        counts[mine] = _filled([scenario.variants[place] for place in mine], bridged[mine])
    starts = [place * bin_seconds - scenario.warm_seconds for place in range(bins)]
    return Levels(starts=tuple(starts), replicas=tuple(tuple(map(int, row)) for row in counts.T)).merged()


def _filled(variants: Sequence[ScenarioVariant], needs: FloatArray) -> FloatArray:
    """Replicas of each variant, shape as ``needs``: all have their minimum, the cheapest takes what it can of the rest."""
    counts = np.repeat([[float(variant.minimum)] for variant in variants], needs.shape[1], axis=1)
    price = [v.spec.cost_per_hour * float(need.mean()) for v, need in zip(variants, needs, strict=True)]
    open_share = 1.0 - (counts / needs).sum(axis=0)
    for place in np.argsort(price, kind="stable"):
        room = variants[place].maximum - counts[place]
        more = np.clip(np.ceil(open_share * needs[place] - 1e-9), 0.0, room)
        counts[place] += more
        open_share -= more / needs[place]
    return counts
