"""Service parameters from windows of measurements: one batched Gauss-Newton over a whole fleet.

Each point has four ties between what was measured and the logarithms of alpha, beta, gamma (``law.py``), of m, the decode
steps before a first token, and of its own batch B, which nobody measures exactly:

    log ITL(B)               against the measured ITL             3 %
    log (wait + TTFT(B))     against the measured TTFT           10 %
    log B                    against the measured running batch   3 %
    log B - log(X S(B))      against 0, Little's law              2 %

TTFT counts for less because the law itself misses it by so much where prompts meet. No tie supposes a law of arrivals. B is
eliminated point by point (Schur complement), which leaves 4 x 4 equations a row. Residuals count as Student's t, so that a bad
scrape weighs little and nothing is ever rejected for good; Levenberg-Marquardt damping, a factor a row, keeps every step
downhill. What the data do not say comes from the belief before them, which is of the same t form: a belief that was sure and
wrong gives way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.law import Coefficients, Prediction, measured_batch, predict
from wva_exporter.core.queueing.observations import Observations
from wva_exporter.core.queueing.system import ServiceModel
from wva_exporter.errors import InvalidValue

FULL_RATIO = 0.9
"""From this share of the batch limit on, TTFT holds waits; it counts only where the queue is known."""

_FREEDOM = 4.0
_STEPS_SPREAD = 0.5
"""m is 1 within a factor of 1.6: engines and clients differ in what happens before the first token."""

_BLOCK = 256
"""Rows that are fitted together: a window of 40 points needs 100 kB while it is, and rows do not see each other."""

_ROUNDS = 60
_SETTLED = 1e-5
_STUCK = 1e6
_REACH = 8.0
"""How far a parameter may move from the belief before, as a logarithm: keeps absurd data from overflowing."""
_IDENTIFIED = 0.5
_EYE = np.eye(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Relative errors of measurements, and how many neighbouring points tell the same story.

    Means over windows that are longer than the distance of two points overlap: ``overlap`` is their ratio, at least 1.
    """

    itl: float = 0.03
    ttft: float = 0.10
    running: float = 0.03
    rate: float = 0.02
    overlap: float = 1.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not 0.0 < getattr(self, name) < np.inf:
                raise InvalidValue(f"{name} is positive and finite, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate:
    """What a window says, together with the belief before it: arrays over rows.

    ``belief`` holds alpha, beta and gamma; ``covariance`` of their logarithms has shape (rows, 3, 3).
    ``first_token_steps`` is m. ``identified``, shape (rows, 3), says that the data at least halved the spread of the belief
    before them: elsewhere the number is still that belief. ``points`` counts the points used; ``misfit`` is the size of the
    residuals beside the expected noise, 1 where the law fits. ``residual_itl`` and ``residual_ttft``, shape (rows, points),
    are log(measured / predicted) at the batch of each point.
    """

    belief: Belief
    covariance: FloatArray
    first_token_steps: FloatArray
    identified: BoolArray
    points: FloatArray
    misfit: FloatArray
    residual_itl: Column
    residual_ttft: Column

    @classmethod
    def joined(cls, parts: Sequence[Estimate]) -> Estimate:
        """The rows of all parts, one under the other."""
        if len(parts) == 1:
            return parts[0]

        def under(name: str) -> FloatArray:
            return np.concatenate([getattr(part, name) for part in parts])

        def column(name: str) -> Column:
            columns = [getattr(part, name) for part in parts]
            return Column(
                value=np.concatenate([each.value for each in columns]),
                known=np.concatenate([each.known for each in columns]),
            )

        return cls(
            belief=Belief.of(
                np.concatenate([part.belief.mean_seconds for part in parts]),
                np.concatenate([part.belief.stddev_seconds for part in parts]),
            ),
            covariance=under("covariance"),
            first_token_steps=under("first_token_steps"),
            identified=np.concatenate([part.identified for part in parts]),
            points=under("points"),
            misfit=under("misfit"),
            residual_itl=column("residual_itl"),
            residual_ttft=column("residual_ttft"),
        )


def fit(
    seen: Observations, prior: Belief, model: ServiceModel = ServiceModel.CHUNK, noise: Noise | None = None
) -> Estimate:
    """Learn the parameters of every row at once.

    A row without a usable point keeps its prior, and a row without a prior starts from ``Belief.anything``; nothing that was
    measured can make this fail.

    Raises:
        InvalidValue: the prior has another number of rows, or PD is asked for, whose four parameters mean something else.
    """
    rows, _ = seen.shape
    if len(prior) != rows:
        raise InvalidValue(f"{rows} rows of observations, {len(prior)} of beliefs")
    if model is ServiceModel.PD:
        raise InvalidValue("only the laws of alpha, beta and gamma are learned")
    prior = prior.otherwise(Belief.anything(rows))
    found = []
    for start in range(0, max(rows, 1), _BLOCK):
        some = np.arange(start, min(start + _BLOCK, rows))
        problem = _Problem.of(seen.take(some), prior.take(some), model, noise or Noise())
        found.append(_estimate(problem, *_descend(problem)))
    return Estimate.joined(found)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Problem:
    """Measured logarithms and 1 / variance of each tie: shape (4, rows, points); the prior's of theta: shape (rows, 4)."""

    law: Coefficients
    wait: FloatArray
    measured: FloatArray
    precision: FloatArray
    start: FloatArray
    center: FloatArray
    spread: FloatArray
    log_batch: FloatArray
    overlap: float

    @classmethod
    def of(cls, seen: Observations, prior: Belief, model: ServiceModel, noise: Noise) -> _Problem:
        used = seen.usable
        full = seen.running.known & (seen.running.value >= FULL_RATIO * seen.max_batch[:, None])
        channels = (
            (seen.itl_seconds, used, noise.itl**2),
            (seen.ttft_seconds, used & ~(full & ~seen.waiting.known), noise.ttft**2),
            (seen.running, used, noise.running**2),
            (seen.rate_rps, used, noise.rate**2),
        )
        precision = np.stack([np.where(column.known & mask, 1.0 / var, 0.0) for column, mask, var in channels])
        measured = np.stack([np.log(np.where(column.known, column.value, 1.0)) for column, _, _ in channels])
        one = np.zeros((len(prior), 1))
        center = np.concatenate([np.log(prior.mean_seconds), one], axis=1)
        spread = np.concatenate([prior.spread, one + _STEPS_SPREAD], axis=1)
        return cls(
            law=Coefficients.of(seen, model),
            wait=seen.waiting_seconds,
            measured=measured,
            precision=precision,
            start=_start(seen, center),
            center=center,
            spread=spread,
            log_batch=np.log(measured_batch(seen)),
            overlap=noise.overlap,
        )

    def take(self, rows: BoolArray) -> _Problem:
        law = self.law
        return _Problem(
            law=Coefficients(
                service_base=law.service_base[:, rows],
                service_slope=law.service_slope[:, rows],
                prefill_base=law.prefill_base[:, rows],
                prefill_slope=law.prefill_slope[:, rows],
                out_tokens=law.out_tokens[rows],
                max_batch=law.max_batch[rows],
            ),
            wait=self.wait[rows],
            measured=self.measured[:, rows],
            precision=self.precision[:, rows],
            start=self.start[rows],
            center=self.center[rows],
            spread=self.spread[rows],
            log_batch=self.log_batch[rows],
            overlap=self.overlap,
        )

    def predict(self, theta: FloatArray, log_batch: FloatArray) -> Prediction:
        """The law at these logarithms."""
        return predict(self.law, np.exp(theta[:, :3]), np.exp(theta[:, 3]), np.exp(log_batch))

    def residuals(self, seen: Prediction, log_batch: FloatArray) -> FloatArray:
        """Predicted less measured: shape (4, rows, points)."""
        return np.stack(
            [
                np.log(seen.itl) - self.measured[0],
                np.log(seen.first + self.wait) - self.measured[1],
                log_batch - self.measured[2],
                log_batch - self.measured[3] - np.log(seen.service),
            ]
        )

    def cost(self, residual: FloatArray, theta: FloatArray) -> FloatArray:
        """What is minimised: the logarithm of t densities of the residuals and of the belief before: shape (rows,)."""
        ties = 0.5 * _FREEDOM * np.log1p(residual**2 * self.precision / _FREEDOM)
        before = 0.5 * _FREEDOM * np.log1p(((theta - self.center) / self.spread) ** 2 / _FREEDOM)
        return np.asarray(ties.sum(axis=(0, 2)) + before.sum(axis=1))

    def prior_weight(self, theta: FloatArray) -> FloatArray:
        """1 / variance of the belief before, less where it is contradicted: shape (rows, 4)."""
        return np.asarray(self.spread**-2 / (1.0 + ((theta - self.center) / self.spread) ** 2 / _FREEDOM))


def _start(seen: Observations, center: FloatArray) -> FloatArray:
    """Where to begin: alpha a little below the least ITL, the rest as believed before."""
    least = np.where(seen.itl_seconds.known, seen.itl_seconds.value, np.inf).min(axis=1, initial=np.inf)
    told = np.isfinite(least)
    start = center.copy()
    alpha = np.where(told, np.log(0.7 * np.where(told, least, 1.0)), center[:, 0])
    start[:, 0] = np.clip(alpha, center[:, 0] - _REACH, center[:, 0] + _REACH)
    return start


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Normal:
    """The normal equations after B is eliminated: of the data alone, shape (rows, 4, 4); and what gives the steps."""

    matrix: FloatArray
    gradient: FloatArray
    cross: FloatArray
    own: FloatArray
    own_gradient: FloatArray

    def step(self, prior: FloatArray, pull: FloatArray, damping: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Steps of theta, shape (rows, 4), and of log B, shape (rows, points)."""
        own = self.own * (1.0 + damping[:, None]) + 1e-9
        reduced = self.matrix - np.einsum("prk,qrk->rpq", self.cross / own, self.cross)
        right = self.gradient - np.einsum("prk,rk->rp", self.cross, self.own_gradient / own) + pull
        whole = reduced + _EYE * prior[:, None, :]
        diagonal = np.einsum("rpp->rp", whole)
        damped = whole + _EYE * (diagonal * damping[:, None] + 1e-12)[:, None, :]
        theta = -np.linalg.solve(damped, right[:, :, None])[:, :, 0]
        theta = np.clip(theta, -1.5, 1.5)
        batch = -(self.own_gradient + np.einsum("prk,rp->rk", self.cross, theta)) / own
        return theta, np.clip(batch, -1.5, 1.5)


def _normal(problem: _Problem, seen: Prediction, residual: FloatArray, theta: FloatArray, batch: FloatArray) -> _Normal:
    weight = problem.precision / (1.0 + residual**2 * problem.precision / _FREEDOM)
    x = np.exp(theta[:, :3]).T[:, :, None]
    share = seen.first / (seen.first + problem.wait)
    zero = np.zeros_like(seen.itl)
    steps = np.exp(theta[:, 3])[:, None] * seen.itl / seen.first * share
    by = np.empty((4, 4, *zero.shape))  # tie, parameter, row, point
    by[0, :3], by[0, 3] = x * seen.itl_by / seen.itl, 0.0
    by[1, :3], by[1, 3] = x * seen.first_by / seen.first * share, steps
    by[2] = 0.0
    by[3, :3], by[3, 3] = -x * seen.service_by / seen.service, 0.0
    by_batch = np.stack(
        [
            seen.itl_by_batch * batch / seen.itl,
            seen.first_by_batch * batch / seen.first * share,
            zero + 1.0,
            1.0 - seen.service_by_batch * batch / seen.service,
        ]
    )
    weighted = weight[:, None] * by
    rows = zero.shape[0]
    left = weighted.transpose(2, 1, 0, 3).reshape(rows, 4, -1)
    right = by.transpose(2, 1, 0, 3).reshape(rows, 4, -1)
    return _Normal(
        matrix=left @ right.transpose(0, 2, 1),
        gradient=np.einsum("cprk,crk->rp", weighted, residual),
        cross=np.einsum("cprk,crk->prk", weighted, by_batch),
        own=(weight * by_batch**2).sum(axis=0),
        own_gradient=(weight * by_batch * residual).sum(axis=0),
    )


def _descend(problem: _Problem) -> tuple[FloatArray, FloatArray]:
    """theta, shape (rows, 4), and log B, (rows, points), of least cost; rows that have settled are left alone."""
    theta, log_batch = problem.start.copy(), problem.log_batch.copy()
    active = np.ones(len(theta), dtype=np.bool_)
    damping = np.full(len(theta), 1e-2)
    part = problem.take(active)
    here = _Place.of(part, theta, log_batch)
    for _ in range(_ROUNDS):
        here, damping[active], settled = _round(part, here, damping[active])
        theta[active], log_batch[active] = here.theta, here.log_batch
        if settled.any():
            active[active] = ~settled
            if not active.any():
                break
            part = problem.take(active)
            here = _Place.of(part, theta[active], log_batch[active])
    return theta, log_batch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Place:
    """Where the rows of a problem stand, and what follows from it."""

    theta: FloatArray
    log_batch: FloatArray
    seen: Prediction
    residual: FloatArray
    cost: FloatArray

    @classmethod
    def of(cls, part: _Problem, theta: FloatArray, log_batch: FloatArray) -> _Place:
        seen = part.predict(theta, log_batch)
        residual = part.residuals(seen, log_batch)
        return cls(theta=theta, log_batch=log_batch, seen=seen, residual=residual, cost=part.cost(residual, theta))


def _round(part: _Problem, here: _Place, damping: FloatArray) -> tuple[_Place, FloatArray, BoolArray]:
    """One step of each row, kept where it goes downhill; the next damping, and which rows have settled."""
    theta, log_batch = here.theta, here.log_batch
    prior = part.prior_weight(theta)
    normal = _normal(part, here.seen, here.residual, theta, np.exp(log_batch))
    step, batch_step = normal.step(prior, prior * (theta - part.center), damping)
    there = _Place.of(
        part,
        np.clip(theta + step, part.center - _REACH, part.center + _REACH),
        np.clip(log_batch + batch_step, -12.0, np.log(part.law.max_batch)),
    )
    better = there.cost <= here.cost
    settled = (better & (here.cost - there.cost < _SETTLED)) | (~better & (damping > _STUCK))
    damping = np.where(better, damping * 0.2, damping * 8.0)
    if better.all():
        return there, damping, settled
    if not better.any():
        return here, damping, settled
    theta = np.where(better[:, None], there.theta, theta)
    log_batch = np.where(better[:, None], there.log_batch, log_batch)
    return _Place.of(part, theta, log_batch), damping, settled


def _estimate(problem: _Problem, theta: FloatArray, log_batch: FloatArray) -> Estimate:
    """Means, spreads and residuals at the minimum."""
    seen = problem.predict(theta, log_batch)
    residual = problem.residuals(seen, log_batch)
    normal = _normal(problem, seen, residual, theta, np.exp(log_batch))
    reduced = normal.matrix - np.einsum("prk,qrk->rpq", normal.cross / (normal.own + 1e-9), normal.cross)
    used = problem.precision > 0.0
    points = used.any(axis=0).sum(axis=1).astype(np.float64)
    weight = problem.precision / (1.0 + residual**2 * problem.precision / _FREEDOM)
    freedom = np.maximum(used.sum(axis=(0, 2)) - points - 4.0, 1.0)
    misfit = np.sqrt((weight * residual**2).sum(axis=(0, 2)) / freedom)
    information = reduced / (problem.overlap * np.maximum(misfit, 1.0) ** 2)[:, None, None]
    covariance = np.linalg.inv(information + np.eye(4) * problem.prior_weight(theta)[:, None, :])[:, :3, :3]
    spread = np.sqrt(np.einsum("rpp->rp", covariance))
    mean = np.exp(theta[:, :3])
    return Estimate(
        belief=Belief.of(mean, mean * spread),
        covariance=covariance,
        first_token_steps=np.exp(theta[:, 3]),
        identified=spread < _IDENTIFIED * problem.spread[:, :3],
        points=points,
        misfit=misfit,
        residual_itl=Column.of(-residual[0], used[0]),
        residual_ttft=Column.of(-residual[1], used[1]),
    )
