"""Requests that are drawn: gaps of a given variability, stretched by a rate that changes over time.

With gaps of mean 1 the n-th request is due when the area under the rate is their sum (time rescaling). Exponential gaps give a
Poisson process of that rate, exactly; gamma gaps of a larger coefficient of variation give the bursts that LLM traffic has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.workloads.lengths import Sizes
from wva_exporter.twin.workloads.rates import Rate
from wva_exporter.twin.workloads.stream import FloatArray, Stream

_SETTLED = 200
"""Gaps before the first that counts: a renewal process is looked at in its midst, not at one of its arrivals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthetic:
    """A source of drawn requests from time 0 to ``duration_seconds``.

    ``gap_cv`` is the coefficient of variation of the gaps: 1 is Poisson, more is bursty. Arrivals and sizes come from
    generators of their own, so that a change of the sizes leaves the arrivals where they were. ``earlier_rps`` is the rate
    before time 0, where it is another than the first.

    Raises:
        InvalidValue: a variability or a rate that is negative.
    """

    rate: Rate
    duration_seconds: float
    prompt: Sizes
    output: Sizes
    gap_cv: float = 1.0
    patience_seconds: float = math.inf
    earlier_rps: float | None = None

    def __post_init__(self) -> None:
        if self.gap_cv < 0 or (self.earlier_rps or 0.0) < 0:
            raise InvalidValue(f"gap_cv {self.gap_cv} and earlier_rps {self.earlier_rps} must not be negative")

    def expected(self, before_seconds: float) -> float:
        """How many requests come in the mean, those of so many seconds before time 0 included."""
        return self.rate.count(0.0, self.duration_seconds) + self._earlier_rps * before_seconds

    def requests(self, generator: np.random.Generator) -> Stream:
        """The requests that arrive within [0, duration)."""
        return self._drawn(generator, self.rate, 0.0, self.duration_seconds)

    def before(self, generator: np.random.Generator, seconds: float) -> Stream:
        """The requests that arrive within [-seconds, 0), at the rate before time 0."""
        return self._drawn(generator, Rate(knots=((0.0, self._earlier_rps),)), -seconds, 0.0)

    @property
    def _earlier_rps(self) -> float:
        return self.rate.initial_rps if self.earlier_rps is None else self.earlier_rps

    def _drawn(self, generator: np.random.Generator, rate: Rate, start: float, end: float) -> Stream:
        gaps, prompts, outputs = generator.spawn(3)
        arrivals = arrivals_of(rate, self.gap_cv, start, end, gaps)
        return Stream(
            arrival_seconds=arrivals,
            prompt_tokens=self.prompt.sample(prompts, len(arrivals)),
            output_tokens=self.output.sample(outputs, len(arrivals)),
            patience_seconds=self.patience_seconds,
        )


def arrivals_of(rate: Rate, gap_cv: float, start: float, end: float, generator: np.random.Generator) -> FloatArray:
    """Times of arrival within [start, end), rising."""
    expected = rate.count(start, end)
    due = np.zeros(0)
    count = _SETTLED + math.ceil(expected + 10 * (1 + gap_cv) * math.sqrt(expected + 1))
    gaps = unit_gaps(gap_cv, count, generator)
    while not due.size or due[-1] < expected:
        if due.size:  # a rare draw that fell short
            gaps = np.concatenate([gaps, unit_gaps(gap_cv, count, generator)])
        due = np.cumsum(gaps) - _SETTLED
    times = rate.due(due[(due > 0) & (due < expected)], start)
    return times[times < end]


def unit_gaps(cv: float, count: int, generator: np.random.Generator) -> FloatArray:
    """Gaps of mean 1 and this coefficient of variation: gamma of shape ``1 / cv^2``; all alike for 0."""
    if cv == 0:
        return np.ones(count)
    return generator.gamma(cv**-2, cv**2, count)
