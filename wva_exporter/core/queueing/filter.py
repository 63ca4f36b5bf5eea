"""WVA's own way to learn a replica's parameters: an extended Kalman filter over (alpha, beta, gamma) of the model ABG.

One observation a step, the mean TTFT and ITL of a replica at a known rate; the state does not move by itself:

    x- = clip(x)            P- = P + Q        y = z - h(x-)    S = H P- H' + R    K = P- H' S^-1
    x = clip(x- + K y)      P = (I - K H) P-

with h(x) = (wait + prefill, ITL) and H by central differences. A step whose normalised innovation y' S^-1 y is too large is
rejected and leaves state and covariance as they were. Kept for those who come from WVA: it learns slowly, and rejects a distant
truth for ever; ``estimation`` is what we use unless ``kalman_learning`` is asked for. Source: llm-inferno ``kalman-filter``
v0.1.1 as the autoscaler of August 2026 calls it. Where the original dies, at a rate that the parameters cannot carry, this one
says so and keeps what it has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.system import ServiceModel, System
from wva_exporter.errors import InvalidValue

DEFAULT_STATE_SECONDS = (5e-3, 5e-5, 5e-8)
"""Alpha, beta, gamma of a replica that was never observed."""

PARAMETERS = 3
CHANGE_RATIO = 0.05
"""Standard deviation of the process noise, as a share of the state."""

ERROR_RATIO = 0.05 / 1.96
"""Standard deviation of the measurement noise, as a share of the first observation: 5 % at 95 % confidence."""

MOST_NIS = 7.378
"""97.5 % of innovations of a filter that is right are below: chi-square with two degrees of freedom."""

BOUND_FACTOR = 100.0
DIFFERENCE_RATIO = 0.01
DIFFERENCE_AT_ZERO_SECONDS = 1e-5
QUEUE_PER_BATCH = 10

LEAST, MOST = 1e-9, 1e6
"""Between them lies every rate, length, batch and time of a replica; beyond is a mistake, not an observation."""


class Outcome(IntEnum):
    """What became of a step."""

    UPDATED = 0
    REJECTED = 1
    """The observation is too far from what the state predicts."""
    OVERLOADED = 2
    """More is offered than the state, or one close to it, can carry: nothing is learned from it."""
    UNUSABLE = 3
    """The observation is not made of positive finite numbers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observations:
    """One replica's means each: shape (rows,). Rates are requests per second, lengths tokens per request."""

    rate_rps: FloatArray
    in_tokens: FloatArray
    out_tokens: FloatArray
    max_batch: IntArray
    ttft_seconds: FloatArray
    itl_seconds: FloatArray

    @property
    def usable(self) -> BoolArray:
        """Rows of positive numbers that a replica could show; a comparison with NaN is false."""
        rates = (self.rate_rps, self.in_tokens, self.out_tokens, self.max_batch)
        rows = np.stack([*rates, self.ttft_seconds, self.itl_seconds])
        return np.asarray(np.all((rows > LEAST) & (rows < MOST), axis=0))

    @property
    def measured(self) -> FloatArray:
        """TTFT and ITL in seconds: shape (rows, 2); 1 where the row is not usable."""
        times = np.stack([self.ttft_seconds, self.itl_seconds], axis=1)
        return np.where(self.usable[:, np.newaxis], times, 1.0)

    def take(self, rows: IntArray) -> Observations:
        """Some rows."""
        return Observations(
            rate_rps=self.rate_rps[rows],
            in_tokens=self.in_tokens[rows],
            out_tokens=self.out_tokens[rows],
            max_batch=self.max_batch[rows],
            ttft_seconds=self.ttft_seconds[rows],
            itl_seconds=self.itl_seconds[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filter:
    """Filters side by side: states and their bounds, seconds, shape (rows, 3), covariances (rows, 3, 3), noise (rows, 2)."""

    state: FloatArray
    covariance: FloatArray
    process: FloatArray
    measurement: FloatArray
    lowest: FloatArray
    highest: FloatArray

    @classmethod
    def of(
        cls, state: FloatArray, first: Observations, *, around: FloatArray, covariance: Column | None = None
    ) -> Filter:
        """Filters that start at ``state`` and stay within a factor of 100 of ``around``.

        Args:
            state: seconds, shape (rows, 3), positive.
            first: the observations whose size sets the measurement noise.
            around: seconds, broadcasts to (rows, 3).
            covariance: what was learned before, shape (rows, 3, 3); the process noise where unknown.

        Raises:
            InvalidValue: a state is not positive and finite, or shapes differ.
        """
        if state.shape != (len(first.rate_rps), PARAMETERS):
            raise InvalidValue(f"states have shape {state.shape} for {len(first.rate_rps)} observations")
        if not (np.all(np.isfinite(state)) and np.all(state > 0.0)):
            raise InvalidValue("alpha, beta and gamma are positive")
        process = (CHANGE_RATIO * state) ** 2
        initial = process[:, :, np.newaxis] * np.eye(PARAMETERS)
        centre = np.broadcast_to(around, state.shape)
        return cls(
            state=state,
            covariance=initial if covariance is None else covariance.otherwise(initial),
            process=process,
            measurement=(ERROR_RATIO * first.measured) ** 2,
            lowest=centre / BOUND_FACTOR,
            highest=centre * BOUND_FACTOR,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """What a step saw: outcome (rows,), innovation in seconds (rows, 2), its covariance (rows, 2, 2) and NIS (rows,).

    The last three are unknown unless the outcome is UPDATED or REJECTED.
    """

    outcome: IntArray
    innovation: Column
    spread: Column
    nis: Column


def guess(seen: Observations) -> Column:
    """First parameters from one observation, seconds, shape (rows, 3); unknown where they would not be positive.

    Nine tenths of an ITL are taken for the base, alpha; what TTFT exceeds it by, per token, for beta + gamma; and gamma for
    what ITL exceeds both by, spread over the context: rough, usually 10 to 100 times too much for gamma.
    """
    usable = seen.usable
    prompt = np.where(usable, seen.in_tokens, 1.0)
    ttft, itl = seen.measured.T
    alpha = 0.9 * itl
    both = (ttft - alpha) / prompt
    context = prompt + (np.where(usable, seen.out_tokens, 1.0) + 1.0) / 2.0 - 1.0
    gamma = np.divide(itl - alpha - both, context, out=np.zeros(len(prompt)), where=context > 0.0)
    state = np.stack([alpha, both - gamma, gamma], axis=1)
    positive = usable & (both >= 0.0) & np.all(state > 0.0, axis=1)
    return Column.of(state, np.repeat(positive[:, np.newaxis], PARAMETERS, axis=1))


def step(filters: Filter, seen: Observations) -> tuple[Filter, Step]:
    """One observation for each filter; those whose outcome is not UPDATED are left as they were."""
    prior = np.clip(filters.state, filters.lowest, filters.highest)
    spread_prior = filters.covariance + filters.process[:, :, np.newaxis] * np.eye(PARAMETERS)
    expected, slopes, usable, carried = _expected(prior, seen)
    fine = usable & carried

    innovation = np.where(fine[:, np.newaxis], seen.measured - expected, 0.0)
    across = slopes @ spread_prior
    spread = across @ slopes.transpose(0, 2, 1) + filters.measurement[:, :, np.newaxis] * np.eye(2)
    spread = np.where(fine[:, np.newaxis, np.newaxis], spread, np.eye(2))
    gain = np.linalg.solve(spread, across).transpose(0, 2, 1)
    weighed = np.linalg.solve(spread, innovation[:, :, np.newaxis])[:, :, 0]
    nis = np.sum(innovation * weighed, axis=1)
    posterior = np.clip(prior + (gain @ innovation[:, :, np.newaxis])[:, :, 0], filters.lowest, filters.highest)
    narrowed = (np.eye(PARAMETERS) - gain @ slopes) @ spread_prior

    accepted = fine & np.all(posterior > 0.0, axis=1) & (nis < MOST_NIS)
    outcome = np.select(
        [~usable, ~carried, accepted], [Outcome.UNUSABLE, Outcome.OVERLOADED, Outcome.UPDATED], Outcome.REJECTED
    )
    moved = replace(
        filters,
        state=np.where(accepted[:, np.newaxis], posterior, filters.state),
        covariance=np.where(
            accepted[:, np.newaxis, np.newaxis], (narrowed + narrowed.transpose(0, 2, 1)) / 2.0, filters.covariance
        ),
    )
    told = Step(
        outcome=outcome,
        innovation=Column.of(innovation, np.repeat(fine[:, np.newaxis], 2, axis=1)),
        spread=Column.of(spread, np.broadcast_to(fine[:, np.newaxis, np.newaxis], spread.shape)),
        nis=Column.of(nis, fine),
    )
    return moved, told


def _expected(state: FloatArray, seen: Observations) -> tuple[FloatArray, FloatArray, BoolArray, BoolArray]:
    """h(x) and its derivatives (rows, 2, 3), where they can be told, and where every state that they took carries the rate.

    Seven analyses in one: the state itself, and each parameter a little more and a little less.
    """
    width = np.where(state > 0.0, DIFFERENCE_RATIO * np.abs(state), DIFFERENCE_AT_ZERO_SECONDS)
    offsets = width[np.newaxis] * np.eye(PARAMETERS)[:, np.newaxis, :]
    states = np.concatenate([state[np.newaxis], state + offsets, state - offsets])
    usable = seen.usable
    batch = np.where(usable, seen.max_batch, 1)
    system = System.where_possible(
        ServiceModel.ABG,
        usable,
        alpha_seconds=states[..., 0],
        beta_seconds=states[..., 1],
        gamma_seconds=states[..., 2],
        in_tokens=np.where(usable, seen.in_tokens, 1.0),
        out_tokens=np.maximum(np.where(usable, seen.out_tokens, 1.0), 1.0),
        max_batch=batch,
        max_queue=QUEUE_PER_BATCH * batch,
    )
    found = analyze(system, np.where(usable, seen.rate_rps, 0.0))
    times = np.stack([found.wait_seconds + found.prefill_seconds, found.itl_seconds], axis=-1)
    above, below = times[1 : PARAMETERS + 1], times[PARAMETERS + 1 :]
    slopes = (above - below).transpose(1, 2, 0) / (2.0 * width[:, np.newaxis, :])
    return times[0], slopes, usable & np.all(found.known, axis=0), ~np.any(found.overloaded, axis=0)
