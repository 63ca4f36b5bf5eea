"""Sizes of prompts and answers, many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.workloads.stream import FloatArray, IntArray


class Sizes(Protocol):
    """A law that token counts follow."""

    def sample(self, generator: np.random.Generator, count: int) -> IntArray:
        """So many sizes in tokens, each at least 1: shape (count,)."""
        ...

    @property
    def mean(self) -> float:
        """The mean in tokens, before sizes are cut to their bounds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """Always the same size."""

    tokens: int

    def sample(self, generator: np.random.Generator, count: int) -> IntArray:
        """The size, so many times."""
        del generator
        return np.full(count, self.tokens)

    @property
    def mean(self) -> float:
        """The size."""
        return float(self.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundedNormal:
    """Normal, rounded, and put on the nearer bound where it falls outside: what the load generator guidellm draws."""

    mean_tokens: float
    deviation_tokens: float
    least: int
    most: int

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most or self.deviation_tokens < 0:
            raise InvalidValue(f"sizes need 1 <= least <= most, and no negative deviation: {self}")

    def sample(self, generator: np.random.Generator, count: int) -> IntArray:
        """So many sizes within the bounds."""
        drawn = np.rint(generator.normal(self.mean_tokens, self.deviation_tokens, count))
        return np.clip(drawn, self.least, self.most).astype(np.int64)

    @property
    def mean(self) -> float:
        """The mean before sizes are put on the bounds."""
        return self.mean_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormal:
    """Log-normal with this mean and this standard deviation of the logarithm, rounded and cut to the bounds."""

    mean_tokens: float
    sigma: float
    least: int = 1
    most: int

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most or self.mean_tokens <= 0 or self.sigma < 0:
            raise InvalidValue(f"sizes need 1 <= least <= most, a mean, and no negative sigma: {self}")

    def sample(self, generator: np.random.Generator, count: int) -> IntArray:
        """So many sizes; ``mean = exp(mu + sigma^2 / 2)`` before the cut."""
        return self.around(np.full(count, self.mean_tokens), generator)

    def around(self, mean_tokens: FloatArray, generator: np.random.Generator) -> IntArray:
        """A size around each of these means, which stand in for the law's own: shape of the means."""
        mu = np.log(np.maximum(mean_tokens, 1e-9)) - self.sigma**2 / 2
        drawn = np.rint(generator.lognormal(mu, self.sigma))
        return np.clip(drawn, self.least, self.most).astype(np.int64)

    @property
    def mean(self) -> float:
        """The mean before the cut."""
        return self.mean_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Empirical:
    """Sizes that were seen, each as often as its weight says."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.tokens or min(self.tokens) < 1 or len(self.tokens) != len(self.weights):
            raise InvalidValue(f"{len(self.tokens)} sizes, each at least 1, need as many weights: {len(self.weights)}")
        if min(self.weights) < 0 or sum(self.weights) <= 0:
            raise InvalidValue("weights are not negative, and one is positive")

    def sample(self, generator: np.random.Generator, count: int) -> IntArray:
        """So many of the sizes, drawn with replacement."""
        return generator.choice(np.array(self.tokens), count, p=self._shares()).astype(np.int64)

    @property
    def mean(self) -> float:
        """The weighted mean."""
        return float(np.dot(self.tokens, self._shares()))

    def _shares(self) -> FloatArray:
        shares: FloatArray = np.array(self.weights, dtype=np.float64) / sum(self.weights)
        return shares
