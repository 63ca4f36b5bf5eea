"""Requests that arrive at random: a rate that changes over time, and sizes of prompts and answers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class RateProfile:
    """Requests per second over time: straight lines between points of (seconds, rate), level before and after them."""

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        times = [at for at, _ in self.points]
        if not times or times != sorted(set(times)) or min(rate for _, rate in self.points) < 0:
            raise InvalidValue("a rate profile needs points of rising times and rates that are not negative")

    def at(self, seconds: float) -> float:
        """The rate at a time."""
        return float(np.interp(seconds, [at for at, _ in self.points], [rate for _, rate in self.points]))

    def later(self, seconds: float) -> RateProfile:
        """The same rates so many seconds later."""
        return RateProfile(points=tuple((at + seconds, rate) for at, rate in self.points))

    @property
    def peak(self) -> float:
        """The highest rate."""
        return max(rate for _, rate in self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Sizes in tokens, log-normal: their mean, the standard deviation of their logarithm, and the bounds they are cut to."""

    mean_tokens: float
    sigma: float
    least: int = 1
    most: int

    def draw(self, generator: np.random.Generator) -> int:
        """One size; ``mean = exp(mu + sigma^2 / 2)`` before the cut."""
        mu = math.log(self.mean_tokens) - self.sigma**2 / 2
        return min(max(round(generator.lognormal(mu, self.sigma)), self.least), self.most)


class Workload:
    """A Poisson stream of requests with a changing rate, by thinning: draw at the peak rate, keep with rate / peak.

    Arrivals after ``start`` depend on the generator alone, not on how the time is cut into calls of ``until``. The profile may
    be exchanged for one of the same peak.
    """

    __slots__ = ("_generator", "_next_at", "patience_seconds", "profile", "prompt", "response")

    def __init__(
        self,
        profile: RateProfile,
        *,
        prompt: Lengths,
        response: Lengths,
        generator: np.random.Generator,
        patience_seconds: float = math.inf,
        start: float = 0.0,
    ) -> None:
        self.profile = profile
        self.prompt = prompt
        self.response = response
        self.patience_seconds = patience_seconds
        self._generator = generator
        self._next_at = start + self._gap()

    def until(self, seconds: float) -> Iterator[Request]:
        """The requests that arrive by ``seconds`` and were not handed out yet, in order."""
        while self._next_at <= seconds:
            at = self._next_at
            self._next_at += self._gap()
            if self._generator.random() * self.profile.peak < self.profile.at(at):
                yield Request(
                    arrival_seconds=at,
                    prompt_tokens=self.prompt.draw(self._generator),
                    output_tokens=self.response.draw(self._generator),
                    patience_seconds=self.patience_seconds,
                )

    def _gap(self) -> float:
        return float(self._generator.exponential(1.0 / self.profile.peak)) if self.profile.peak > 0 else math.inf
