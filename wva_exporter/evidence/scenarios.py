"""Engines drawn at random, and what forty observations of each would say: from the exact chain, or from the twin.

Drawn as in the experiments that the original tuner was judged by: alpha 3 to 28 ms, beta 0.005 to 0.1 ms a token, gamma 3e-6 to
3e-4 ms a token read (log-uniform), 64 to 2,064 prompt and 32 to 832 output tokens, batches up to 256; loads within a band of
the largest rate. Every TTFT, ITL and running batch gets 3 % of noise of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from wva_exporter.core.columns import Column, FloatArray
from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.observations import Observations
from wva_exporter.core.queueing.system import ServiceModel, System
from wva_exporter.twin.engine import Engine
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.workload import Lengths, RateProfile, Workload

MODEL = ServiceModel.CHUNK
POINTS = 40
SECONDS_APART = 15.0
INTERVALS_SEEN = 4
"""Each point is the mean of the last minute, as live queries look back."""

NOISE = 0.03
MAX_BATCH = 256
_QUEUE = 10 * MAX_BATCH
_PERIOD_SECONDS = 300.0
_WARM_UP_SECONDS = 60.0
_ROOMY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Engines and their work: shape (scenarios,); ``parameters`` (scenarios, 3) in seconds."""

    parameters: FloatArray
    in_tokens: FloatArray
    out_tokens: FloatArray

    def system(self, parameters: FloatArray) -> System:
        """These engines with other parameters, such as learned ones."""
        return System.of(
            model=MODEL,
            alpha_seconds=parameters[:, 0],
            beta_seconds=parameters[:, 1],
            gamma_seconds=parameters[:, 2],
            in_tokens=self.in_tokens,
            out_tokens=self.out_tokens,
            max_batch=MAX_BATCH,
            max_queue=_QUEUE,
        )

    def capacity(self, parameters: FloatArray) -> FloatArray:
        """The largest rate of requests per second that each carries."""
        return analyze(self.system(parameters), 0.0).max_rate_rps


def draw(count: int, generator: np.random.Generator) -> Drawn:
    """So many engines."""

    def between(low: float, high: float) -> FloatArray:
        return np.exp(generator.uniform(np.log(low), np.log(high), count))

    return Drawn(
        parameters=np.stack([between(3e-3, 28e-3), between(5e-6, 1e-4), between(3e-9, 3e-7)], axis=1),
        in_tokens=np.round(64.0 + generator.uniform(0.0, 2000.0, count)),
        out_tokens=np.round(32.0 + generator.uniform(0.0, 800.0, count)),
    )


def from_chain(drawn: Drawn, band: tuple[float, float], generator: np.random.Generator) -> Observations:
    """What the exact chain gives in the long run at loads drawn from the band, with noise."""
    count = len(drawn.in_tokens)
    rate = drawn.capacity(drawn.parameters)[:, None] * generator.uniform(*band, (count, POINTS))
    system = drawn.system(drawn.parameters)
    wide = System(**{f.name: np.repeat(getattr(system, f.name)[:, None], POINTS, axis=1) for f in fields(System)})
    says = analyze(wide, rate)
    return _noisy(drawn, says.throughput_rps, says.in_service, says.ttft_seconds, says.itl_seconds, generator)


def from_twin(drawn: Drawn, band: tuple[float, float], generator: np.random.Generator) -> Observations:
    """What simulated engines show of the last minute, every 15 s, while the load goes up and down, with noise."""
    peak = drawn.capacity(drawn.parameters)
    seen = np.stack([_simulated(drawn, row, peak[row] * np.array(band), generator) for row in range(len(peak))], axis=1)
    return _noisy(drawn, *seen, generator)


def _noisy(drawn: Drawn, *columns: FloatArray | np.random.Generator) -> Observations:
    rate, running, ttft, itl, generator = columns
    assert isinstance(generator, np.random.Generator)
    assert isinstance(rate, np.ndarray)

    def noisy(values: object) -> Column:
        return Column.of(np.asarray(values) * (1.0 + NOISE * generator.standard_normal(rate.shape)))

    return Observations.of(
        np.full(len(rate), MAX_BATCH),
        rate_rps=Column.of(rate),
        running=noisy(running),
        in_tokens=Column.of(np.repeat(drawn.in_tokens[:, None], POINTS, axis=1)),
        out_tokens=Column.of(np.repeat(drawn.out_tokens[:, None], POINTS, axis=1)),
        ttft_seconds=noisy(ttft),
        itl_seconds=noisy(itl),
    )


def _simulated(drawn: Drawn, row: int, rates: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Rate, running batch, TTFT and ITL of each interval: shape (4, points)."""
    alpha, beta, gamma = drawn.parameters[row].tolist()
    engine = Engine(
        EngineParameters(
            alpha_seconds=alpha,
            beta_seconds_per_token=beta,
            gamma_seconds_per_resident_token=gamma,
            kv_blocks=_ROOMY,
            max_sequences=MAX_BATCH,
            max_model_tokens=_ROOMY,
        )
    )
    looks = POINTS + INTERVALS_SEEN
    end = _WARM_UP_SECONDS + looks * SECONDS_APART
    prompt, output = int(drawn.in_tokens[row]), int(drawn.out_tokens[row])
    work = Workload(
        _up_and_down(rates, end, float(generator.uniform(0.0, _PERIOD_SECONDS))),
        prompt=Lengths(mean_tokens=prompt, sigma=0.0, most=prompt),
        response=Lengths(mean_tokens=output, sigma=0.0, most=output),
        generator=generator,
    )
    counts = np.empty((looks, 5))
    for place in range(looks):
        at = _WARM_UP_SECONDS + place * SECONDS_APART
        for request in work.until(at):
            engine.advance(request.arrival_seconds)
            engine.submit(request, request.arrival_seconds)
        engine.advance(at)
        meter = engine.meter
        first, between = meter.first_token, meter.between_tokens
        counts[place] = (meter.generation_tokens, first.sum, first.count, between.sum, between.count)
    tokens, first_sum, firsts, between_sum, betweens = (counts[INTERVALS_SEEN:] - counts[:-INTERVALS_SEEN]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        ttft, itl = first_sum / firsts, between_sum / betweens
    rate = tokens / (INTERVALS_SEEN * SECONDS_APART * output)
    return np.stack([rate, rate * (ttft + (output - 1) * itl), ttft, itl])


def _up_and_down(rates: FloatArray, end: float, phase: float) -> RateProfile:
    """Straight lines between the lower and the upper rate, five minutes for both ways."""
    points: list[tuple[float, float]] = []
    half, at, place = _PERIOD_SECONDS / 2, -phase, 0
    while not points or at - half < end:
        points.append((at, float(rates[place % 2])))
        at, place = at + half, place + 1
    return RateProfile(points=tuple(points))
