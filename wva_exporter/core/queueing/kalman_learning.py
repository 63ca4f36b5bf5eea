"""Learning with WVA's Kalman filter, one step a point, in the place of ``learning.learn``.

A variant's filter starts from what was believed of it last: the state is the mean, and the covariance has the squares of the
deviations on its diagonal and nothing beside it, because means and deviations are all that is published. A restart that reads
the page of the last cycle so goes on as if there had been none. What was never believed starts from the guess, else from the
filter's own guess at the first point (``tuning``). Only an accepted step changes or begins a belief.

As in the original, parameters are those of the law ABG, prefix hits do not count, every step of a variant is worth the same
however much time passed before it, and neither drift nor other arguments of an engine make it begin anew.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wva_exporter.core.columns import Column, IntArray
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.filter import (
    BOUND_FACTOR,
    DEFAULT_STATE_SECONDS,
    PARAMETERS,
    Observations,
    Outcome,
)
from wva_exporter.core.queueing.learning import WINDOW_SECONDS, Learning
from wva_exporter.core.queueing.points import Points
from wva_exporter.core.queueing.tuning import Learned, tune
from wva_exporter.errors import InvalidValue

MOST_SPREAD = 10.0
"""Deviations of a start are at most so many times its mean, or the default, which says as much as more would."""

LEAST_SECONDS = 1e-4
"""No engine answers faster. Against such a time a wide belief leaves a matrix without inverse, and all variants a step less."""


def kalman_learn(past: Learning, new: Points, guess: Belief) -> tuple[Learning, IntArray]:
    """One cycle: the filter of each variant takes its newest point, which is also kept for whoever needs the last ten minutes.

    Args:
        past: what the cycle before left, in the rows of this fleet, as ``shown`` on this cycle's page.
        new: this cycle's point of each variant; one without rate, lengths, TTFT or ITL is no observation for a filter.
        guess: what is believed of variants without history.

    Returns:
        What this cycle leaves, and the ``Outcome`` of each variant's step: shape (variants,).

    Raises:
        InvalidValue: the rows are not those of ``past``, or ``new`` is not exactly one point.
    """
    if len(past) != new.shape[0] or len(guess) != len(past) or new.shape[1] != 1:
        raise InvalidValue(f"{len(past)} variants, new points of shape {new.shape}, {len(guess)} guesses")
    before = past.latest.belief
    tuned, outcome = tune(_started(before.otherwise(guess)), np.arange(len(past)), _observed(new))
    belief = _believed(tuned).where(outcome == Outcome.UPDATED).otherwise(before)
    points = past.points.joined(new).since(float(new.time[-1]) - WINDOW_SECONDS)
    return replace(past, points=points, latest=replace(past.latest, belief=belief)), outcome


def _started(belief: Belief) -> Learned:
    """Filters as a belief leaves them: nothing is remembered of how parameters go together."""
    known = np.repeat(belief.known[:, np.newaxis], PARAMETERS, axis=1)
    usual = np.array(DEFAULT_STATE_SECONDS)
    mean = np.clip(belief.mean_seconds, usual / BOUND_FACTOR, usual * BOUND_FACTOR)
    deviation = np.minimum(belief.stddev_seconds, MOST_SPREAD * np.maximum(mean, usual))
    square = deviation[:, :, np.newaxis] ** 2 * np.eye(PARAMETERS)
    return Learned(
        parameters=Column.of(mean, known),
        covariance=Column.of(square, np.broadcast_to(belief.known[:, np.newaxis, np.newaxis], square.shape)),
        nis=Column.unknown(len(belief)),
    )


def _believed(tuned: Learned) -> Belief:
    """State and deviations; a variance that rounding left at 0 or below makes no belief."""
    variance = np.diagonal(tuned.covariance.value, axis1=1, axis2=2)
    return Belief.of(tuned.parameters.value, np.sqrt(np.maximum(variance, 0.0)))


def _observed(new: Points) -> Observations:
    """The one point of each row, NaN where a number is unknown: the filter calls such a row unusable."""
    seen = new.seen

    def of(column: Column) -> np.ndarray:
        return column.otherwise(np.nan)[:, 0]

    return Observations(
        rate_rps=of(seen.rate_rps),
        in_tokens=of(seen.in_tokens),
        out_tokens=of(seen.out_tokens),
        max_batch=seen.max_batch,
        ttft_seconds=of(seen.ttft_seconds.within(LEAST_SECONDS, np.inf)),
        itl_seconds=of(seen.itl_seconds.within(LEAST_SECONDS, np.inf)),
    )
