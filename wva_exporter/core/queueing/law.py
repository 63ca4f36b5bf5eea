"""What the service law predicts of an operating point, and how each prediction moves with the parameters.

With the batch B of a point given, the lines of ``service.py`` are linear in alpha, beta and gamma, so their coefficients follow
from the tokens alone and are computed once a fit. As in ``station.py``, a request meets B others and itself:

    S    = tau(min(B + 1, N))            seconds in service
    ITL  = (S - prefill(B)) / o
    TTFT = wait + prefill(B) + m ITL     m = 1 in ``station.py``; a nuisance parameter of the fit

and by Little's law B = X S, whatever the law of arrivals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.core.queueing.observations import Observations
from wva_exporter.core.queueing.service import chunks_needed, lines_of
from wva_exporter.core.queueing.system import ServiceModel, System

PARAMETERS = ("alpha", "beta", "gamma")
"""What is learned of the service time, in this order along an axis of 3: seconds, per token, per token read."""

_UNITS = np.eye(len(PARAMETERS))[:, :, np.newaxis, np.newaxis]
"""Each parameter alone: shape (parameters, 3, 1, 1)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coefficients:
    """The lines of each point per unit of each parameter: shape (3, rows, points); ``out_tokens`` has (rows, points)."""

    service_base: FloatArray
    service_slope: FloatArray
    prefill_base: FloatArray
    prefill_slope: FloatArray
    out_tokens: FloatArray
    max_batch: FloatArray

    @classmethod
    def of(cls, seen: Observations, model: ServiceModel) -> Coefficients:
        """From the tokens of each point; where they are unknown those of a request of one token, which nobody weighs."""
        usable = seen.usable
        prompt = np.where(usable, seen.in_tokens.value, 1.0)
        out = np.where(usable, seen.out_tokens.value, 1.0)
        limit = np.broadcast_to(seen.max_batch[:, None].astype(np.float64), prompt.shape)
        system = System.of(
            model=np.full(prompt.shape, model),
            alpha_seconds=1.0,
            beta_seconds=1.0,
            gamma_seconds=1.0,
            in_tokens=prompt,
            out_tokens=out,
            hit_ratio=np.where(usable, seen.hit_ratio.value, 0.0),
            max_batch=limit,
            max_queue=0.0,
            max_tokens=np.broadcast_to(seen.max_tokens[:, None], prompt.shape),
        )
        chunks = chunks_needed(system, np.clip(np.round(_batch(seen)), 1.0, limit))
        units = lines_of(  # one parameter is 1 and the others are 0, in turn
            model=system.model,
            alpha=_UNITS[0],
            beta=_UNITS[1],
            gamma=_UNITS[2],
            delta=system.delta_seconds,
            prompt=system.in_tokens,
            computed=system.computed_tokens,
            out=system.out_tokens,
            chunks=chunks,
        )
        return cls(
            service_base=units.service_base,
            service_slope=units.service_slope,
            prefill_base=units.prefill_base,
            prefill_slope=units.prefill_slope,
            out_tokens=out,
            max_batch=limit,
        )


def _batch(seen: Observations) -> FloatArray:
    """The batch as it was measured: the gauge, else by Little's law from rate and latencies, else 1."""
    latency = seen.ttft_seconds.otherwise(0.0) + seen.out_tokens.otherwise(1.0) * seen.itl_seconds.otherwise(0.0)
    little = seen.rate_rps.otherwise(0.0) * latency
    guess = seen.running.otherwise(np.where(little > 0.0, little, 1.0))
    return np.clip(guess, 1e-3, seen.max_batch[:, None])


measured_batch = _batch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """Seconds of each point, shape (rows, points), and their slopes by parameter, (3, rows, points), and by the batch."""

    service: FloatArray
    itl: FloatArray
    first: FloatArray
    """TTFT without the wait."""
    service_by: FloatArray
    itl_by: FloatArray
    first_by: FloatArray
    service_by_batch: FloatArray
    itl_by_batch: FloatArray
    first_by_batch: FloatArray


def predict(law: Coefficients, parameters: FloatArray, steps: FloatArray, batch: FloatArray) -> Prediction:
    """What the law says at these batches.

    Args:
        law: the coefficients of the points.
        parameters: alpha, beta, gamma in seconds: shape (rows, 3).
        steps: m, decode steps before the first token: shape (rows,).
        batch: B of each point: shape (rows, points).
    """
    served = np.minimum(batch + 1.0, law.max_batch)
    open_ = (batch + 1.0 < law.max_batch).astype(np.float64)
    service_by = law.service_base + law.service_slope * served
    prefill_by = law.prefill_base + law.prefill_slope * batch
    itl_by = (service_by - prefill_by) / law.out_tokens
    m = steps[:, None]
    first_by = prefill_by + m * itl_by

    def at(by: FloatArray) -> FloatArray:
        result: FloatArray = np.einsum("rp,prk->rk", parameters, by)
        return np.maximum(result, 1e-12)

    service_slope = at(law.service_slope) * open_
    prefill_slope = at(law.prefill_slope)
    itl_slope = (service_slope - prefill_slope) / law.out_tokens
    return Prediction(
        service=at(service_by),
        itl=at(itl_by),
        first=at(first_by),
        service_by=service_by,
        itl_by=itl_by,
        first_by=first_by,
        service_by_batch=service_slope,
        itl_by_batch=itl_slope,
        first_by_batch=prefill_slope + m * itl_slope,
    )
