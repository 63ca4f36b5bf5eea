"""Engines that follow the law, and what a window of measurements says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import Column, FloatArray
from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.observations import LIMITS, Observations
from wva_exporter.core.queueing.points import Points
from wva_exporter.core.queueing.system import ServiceModel, System

START = 1_700_000_400.0
"""A boundary of ten minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One engine: milliseconds, tokens a request, batch limit."""

    alpha_ms: float = 6.7
    beta_ms: float = 0.021
    gamma_ms: float = 5e-5
    in_tokens: float = 1024.0
    out_tokens: float = 256.0
    max_batch: int = 256
    model: ServiceModel = ServiceModel.CHUNK

    @property
    def seconds(self) -> FloatArray:
        """alpha, beta, gamma."""
        return np.array([self.alpha_ms, self.beta_ms, self.gamma_ms]) / 1000.0

    def system(self, seconds: FloatArray) -> System:
        """This engine with these parameters."""
        return System.of(
            model=self.model,
            alpha_seconds=seconds[0],
            beta_seconds=seconds[1],
            gamma_seconds=seconds[2],
            in_tokens=self.in_tokens,
            out_tokens=self.out_tokens,
            max_batch=self.max_batch,
            max_queue=10 * self.max_batch,
        )

    def capacity(self, seconds: FloatArray | None = None) -> float:
        """Requests per second at most."""
        return float(analyze(self.system(self.seconds if seconds is None else seconds), 0.0).max_rate_rps)


def window(law: Law, loads: FloatArray, *, noise: float = 0.0, seed: int = 1) -> Observations:
    """What is measured of one replica at these shares of its capacity, in one row."""
    rng = np.random.default_rng(seed)
    one = law.system(law.seconds)
    says = analyze(one, law.capacity() * np.asarray(loads))

    def column(values: FloatArray) -> Column:
        return Column.of((values * (1.0 + noise * rng.standard_normal(values.shape)))[None, :])

    tokens = np.ones((1, len(loads)))
    return Observations.of(
        np.array([law.max_batch]),
        rate_rps=Column.of(says.throughput_rps[None, :]),
        running=column(says.in_service),
        waiting=Column.of(says.in_queue[None, :]),
        in_tokens=Column.of(law.in_tokens * tokens),
        out_tokens=Column.of(law.out_tokens * tokens),
        ttft_seconds=column(says.ttft_seconds),
        itl_seconds=column(says.itl_seconds),
    )


def spread_loads(points: int = 40, low: float = 0.2, high: float = 0.8, seed: int = 3) -> FloatArray:
    """Loads all over a band."""
    return np.random.default_rng(seed).uniform(low, high, points)


def changed(seen: Observations, **columns: Column) -> Observations:
    """The same window with some columns replaced."""
    names = set(Observations.__dataclass_fields__) - set(LIMITS)
    return Observations.of(seen.max_batch, seen.max_tokens, **{name: getattr(seen, name) for name in names} | columns)


def point(seen: Observations, place: int, *, arguments: float | None = None, time: float = 0.0) -> Points:
    """One point of a window, as a cycle brings it."""
    names = set(Observations.__dataclass_fields__) - set(LIMITS)

    def part(column: Column) -> Column:
        return Column(value=column.value[:, [place]], known=column.known[:, [place]])

    rows = len(seen.max_batch)
    told = np.full((rows, 1), np.nan if arguments is None else arguments)
    return Points(
        time=np.array([time]),
        seen=Observations(
            max_batch=seen.max_batch, max_tokens=seen.max_tokens, **{name: part(getattr(seen, name)) for name in names}
        ),
        arguments=Column.of(told),
    )
