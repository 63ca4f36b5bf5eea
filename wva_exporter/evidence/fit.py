"""Service parameters from measured points: one fit for all workloads, one for each, and how well each predicts.

A prediction uses the rate and the tokens of a point and nothing that was measured there: the queueing core is asked for TTFT
and ITL under that rate. A workload that a fit has not seen is predicted by the fit to all others (leave one out), which is
what a new workload will meet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import FloatArray, IntArray
from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.estimation import Estimate, fit
from wva_exporter.core.queueing.observations import Observations
from wva_exporter.core.queueing.system import ServiceModel, System
from wva_exporter.evidence.measured import Measured

QUEUE_PER_BATCH = 10
"""Requests that may wait for each place of the batch: only an overload would notice."""

SHAPE_SPREAD = 0.35
"""How far the parameters of one workload may lie from those of all: the rest of the law is the same engine's."""

WORST_ERROR = 0.5
"""A law that misses most points by more does not describe what was measured, whatever its parameters."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """Predictions in seconds of every point, shape (points,), by each kind of fit, and the estimates behind them.

    ``whole`` has one row, ``shapes`` one a workload.
    """

    points: Measured
    whole: Estimate
    shapes: Estimate
    by_whole: tuple[FloatArray, FloatArray]
    by_shape: tuple[FloatArray, FloatArray]
    by_others: tuple[FloatArray, FloatArray] | None
    """TTFT and ITL each; ``by_others`` is None with a single workload."""

    @property
    def useful(self) -> bool:
        """Whether the one fit is near most points: of half of them TTFT, and ITL, are missed by no more than a half."""
        seen, (ttft, itl) = self.points.seen, self.by_whole
        missed = (ttft / seen.ttft_seconds.value[0], itl / seen.itl_seconds.value[0])
        return all(float(np.median(np.abs(share - 1.0))) <= WORST_ERROR for share in missed)

    def errors(self, predicted: tuple[FloatArray, FloatArray]) -> tuple[float, float]:
        """Mean absolute relative error of TTFT and of ITL."""
        seen = self.points.seen
        ttft, itl = seen.ttft_seconds.value[0], seen.itl_seconds.value[0]
        return float(np.mean(np.abs(predicted[0] / ttft - 1.0))), float(np.mean(np.abs(predicted[1] / itl - 1.0)))


def fit_points(points: Measured, guess: Belief, model: ServiceModel = ServiceModel.CHUNK) -> Fitted:
    """Fit all points, all but each workload, and each workload; ``guess`` has one row."""
    count = len(points.names)
    own = points.workload[None, :] == np.arange(count)[:, None]
    whole = fit(points.seen, guess, model)
    rows = np.zeros(count, dtype=np.int64)
    every = points.seen.take(rows)
    around = whole.belief.take(rows).widened(1.0, SHAPE_SPREAD)
    shapes = fit(every.where(own), around, model)
    others = fit(every.where(~own), guess.take(rows), model) if count > 1 else None
    all_points = np.zeros(len(points), dtype=np.int64)
    return Fitted(
        points=points,
        whole=whole,
        shapes=shapes,
        by_whole=predicted(points.seen, whole, all_points, model),
        by_shape=predicted(points.seen, shapes, points.workload, model),
        by_others=None if others is None else predicted(points.seen, others, points.workload, model),
    )


def predicted(seen: Observations, found: Estimate, row: IntArray, model: ServiceModel) -> tuple[FloatArray, FloatArray]:
    """TTFT and ITL of each point by the estimate in ``row``, from its rate and tokens alone: shape (points,)."""
    alpha, beta, gamma = found.belief.mean_seconds[row].T
    limit = int(seen.max_batch[0])
    system = System.of(
        model=model,
        alpha_seconds=alpha,
        beta_seconds=beta,
        gamma_seconds=gamma,
        in_tokens=seen.in_tokens.value[0],
        out_tokens=seen.out_tokens.value[0],
        hit_ratio=seen.hit_ratio.value[0],
        max_batch=limit,
        max_queue=QUEUE_PER_BATCH * limit,
    )
    says = analyze(system, seen.rate_rps.value[0])
    more = (found.first_token_steps[row] - 1.0) * says.itl_seconds
    return says.ttft_seconds + more, says.itl_seconds
