"""How near the twin comes to engines that somebody measured: the same load, and the times that both show.

Each point is played on one engine until its batch is as large as it becomes, and then for as long as it takes to see many
requests; sizes are those of the point's mean. Points do not say how their requests were spaced: with ``even`` they come at
equal distances, as load generators can send them, otherwise at random (Poisson). The TTFT depends on it near saturation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.evidence.measured import Measured
from wva_exporter.twin.engine import Engine
from wva_exporter.twin.meter import Meter
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.requests import Request

_WARM_UP_LIVES = 1.5
"""Times a request's life before anybody is counted: the batch is full after one."""

_LEAST_SECONDS = 120.0
_LEAST_REQUESTS = 3000
_LIVES = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fidelity:
    """Predicted over measured minus one, of each point: shape (points,)."""

    ttft: FloatArray
    itl: FloatArray

    @property
    def errors(self) -> tuple[float, float]:
        """Mean absolute relative errors of TTFT and of ITL."""
        return float(np.abs(self.ttft).mean()), float(np.abs(self.itl).mean())


def fidelity(points: Measured, parameters: EngineParameters, *, even: bool = True, seed: int = 1) -> Fidelity:
    """Play every point.

    Args:
        points: what was measured.
        parameters: the engine; ``max_model_tokens`` must allow the longest of the points' requests.
        even: whether requests come at even distances, or at random.
        seed: of the arrivals, where they are random.
    """
    seen = points.seen
    rates, prompts, outputs, ttft, itl = (
        column.value[0]
        for column in (seen.rate_rps, seen.in_tokens, seen.out_tokens, seen.ttft_seconds, seen.itl_seconds)
    )
    generator = np.random.default_rng(seed)
    played = np.array(
        [
            _played(
                parameters,
                rate,
                round(prompt),
                round(output),
                life_seconds=gap * output,
                even=even,
                generator=generator,
            )
            for rate, prompt, output, gap in zip(
                rates.tolist(), prompts.tolist(), outputs.tolist(), itl.tolist(), strict=True
            )
        ]
    )
    return Fidelity(ttft=played[:, 0] / ttft - 1.0, itl=played[:, 1] / itl - 1.0)


def _played(
    parameters: EngineParameters,
    rate: float,
    prompt: int,
    output: int,
    *,
    life_seconds: float,
    even: bool,
    generator: np.random.Generator,
) -> tuple[float, float]:
    """Mean TTFT and mean ITL, in seconds, of the requests that came after the warm-up."""
    warm_up = _WARM_UP_LIVES * life_seconds
    end = warm_up + min(max(_LEAST_SECONDS, _LIVES * life_seconds), max(_LEAST_REQUESTS / rate, life_seconds))
    count = int(rate * end) + 1
    gaps = np.full(count, 1.0 / rate) if even else generator.exponential(1.0 / rate, count)
    engine = Engine(parameters, meter=Meter())
    for at in np.cumsum(gaps).tolist():
        engine.advance(at)
        engine.submit(Request(arrival_seconds=at, prompt_tokens=prompt, output_tokens=output), at)
    engine.advance(2.0 * end + 10.0 * life_seconds)
    late = [each for each in engine.take_outcomes() if each.request.arrival_seconds >= warm_up]
    ttft = np.mean([each.ttft_seconds for each in late if each.ttft_seconds is not None])
    itl = np.mean([each.itl_seconds for each in late if each.itl_seconds is not None])
    return float(ttft), float(itl)
