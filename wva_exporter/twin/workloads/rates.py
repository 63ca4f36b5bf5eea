"""A rate of requests over time, and when the n-th of them is due."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.workloads.stream import FloatArray

_SINE_KNOTS = 240
"""Straight lines a period that a sine is drawn with: within 0.01 % of its swing."""

_DECAY_KNOTS, _DECAYS = 20, 8
"""Straight lines a time constant of an exponential decay, and after how many constants it counts as over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Straight lines between knots (seconds, requests per second); two knots at one time are a step; level outside.

    Raises:
        InvalidValue: no knot, times that fall, or a rate that is negative or not finite.
    """

    knots: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        table = np.array(self.knots, dtype=np.float64).reshape(-1, 2)
        if not len(table) or not np.isfinite(table).all() or np.any(np.diff(table[:, 0]) < 0) or table[:, 1].min() < 0:
            raise InvalidValue("a rate needs knots in the order of their times, with rates that are not negative")

    @classmethod
    def legs(cls, legs: Sequence[tuple[float, float, bool]]) -> Self:
        """One after another: (seconds, rate at its end, whether it gets there on a straight line or jumps there at once)."""
        at, knots = 0.0, list[tuple[float, float]]()
        for seconds, rps, ramps in legs:
            if not ramps or not knots:
                knots.append((at, rps))
            at += seconds
            knots.append((at, rps))
        return cls(knots=tuple(knots))

    @classmethod
    def sine(cls, *, mean_rps: float, swing_rps: float, period_seconds: float, seconds: float) -> Self:
        """``mean - swing cos(2 pi t / period)``, from its lowest point on."""
        at = np.arange(math.ceil(seconds / period_seconds * _SINE_KNOTS) + 1) * period_seconds / _SINE_KNOTS
        return cls.of(at, mean_rps - swing_rps * np.cos(2 * np.pi * at / period_seconds))

    @classmethod
    def flash(cls, *, base_rps: float, peak_rps: float, at_seconds: float, decay_seconds: float) -> Self:
        """A jump from the base to the peak, and an exponential way back."""
        after = np.arange(_DECAY_KNOTS * _DECAYS + 1) * decay_seconds / _DECAY_KNOTS
        falling = base_rps + (peak_rps - base_rps) * np.exp(-after / decay_seconds)
        at = np.concatenate([[0.0, at_seconds], at_seconds + after])
        return cls.of(at, np.concatenate([[base_rps, base_rps], falling]))

    @classmethod
    def steps(cls, starts: FloatArray, rps: FloatArray, width_seconds: float) -> Self:
        """Level from each start for the width: shape (steps,) both."""
        return cls.of(np.stack([starts, starts + width_seconds], axis=1).ravel(), np.repeat(rps, 2))

    @classmethod
    def of(cls, at_seconds: FloatArray, rps: FloatArray) -> Self:
        """From columns of times and rates."""
        return cls(knots=tuple(zip(at_seconds.tolist(), rps.tolist(), strict=True)))

    @property
    def initial_rps(self) -> float:
        """The rate at time 0, after a step there."""
        return self.at(0.0)

    def at(self, seconds: float) -> float:
        """The rate at a time, after a step there."""
        times, rates = self._columns()
        after = int(np.searchsorted(times, seconds, side="right"))
        if after in {0, len(times)}:
            return float(rates[min(after, len(times) - 1)])
        span = times[after] - times[after - 1]
        return float(rates[after - 1] + (rates[after] - rates[after - 1]) * (seconds - times[after - 1]) / span)

    def peak_rps(self, seconds: float) -> float:
        """The highest rate from 0 to before ``seconds``."""
        times, rates = self._columns()
        inside = rates[(times >= 0) & (times < seconds)]
        return max(self.initial_rps, float(inside.max(initial=0.0)))

    def due(self, counts: FloatArray, start: float) -> FloatArray:
        """When so many requests are due after ``start``: the inverse of the area under the rate.

        ``area(t) = r t + s t^2 / 2`` on a line that begins at rate r with slope s, so ``t = 2 c / (r + sqrt(r^2 + 2 s c))`` is
        where it is c. Infinite where the rate ends at 0 and the area is never reached.
        """
        times, rates = self._columns()
        spans = np.diff(times)
        area = np.concatenate([[0.0], np.cumsum(spans * (rates[:-1] + rates[1:]) / 2)])
        wanted = counts + self._area(start, times, rates, area)
        piece = np.clip(np.searchsorted(area, wanted, side="left") - 1, 0, len(spans) - 1)
        first, rest = rates[piece], wanted - area[piece]
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(spans[piece] > 0, (rates[piece + 1] - first) / spans[piece], 0.0)
            after = 2 * rest / (first + np.sqrt(np.maximum(first**2 + 2 * slope * rest, 0.0)))
        found: FloatArray = times[piece] + np.where(np.isnan(after), np.inf, after)
        return found

    def count(self, start: float, end: float) -> float:
        """How many requests are due from ``start`` to ``end``, in the mean."""
        times, rates = self._columns()
        area = np.concatenate([[0.0], np.cumsum(np.diff(times) * (rates[:-1] + rates[1:]) / 2)])
        return self._area(end, times, rates, area) - self._area(start, times, rates, area)

    def _area(self, at: float, times: FloatArray, rates: FloatArray, area: FloatArray) -> float:
        """The area from the first knot to a time; negative before it."""
        after = int(np.searchsorted(times, at, side="right"))
        if after in {0, len(times)}:
            end = 0 if after == 0 else -1
            return float(area[end] + (at - times[end]) * rates[end])
        behind = at - times[after - 1]
        return float(area[after - 1] + behind * (rates[after - 1] + self.at(at)) / 2)

    def _columns(self) -> tuple[FloatArray, FloatArray]:
        """Times and rates of the knots, and of one more on either side, where the rate is level."""
        (first, first_rps), (last, last_rps) = self.knots[0], self.knots[-1]
        table = np.array([(first - 1.0, first_rps), *self.knots, (last + 1.0, last_rps)], dtype=np.float64)
        return table[:, 0], table[:, 1]
