"""Histograms as an engine keeps them: counts below fixed bounds, a sum, many equal observations at once."""

from __future__ import annotations

from bisect import bisect_left

SECONDS_TO_FIRST_TOKEN = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
)  # fmt: skip
SECONDS_BETWEEN_TOKENS = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
)  # fmt: skip
SECONDS_OF_REQUEST = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0,
    960.0, 1920.0, 7680.0,
)  # fmt: skip
TOKENS_OF_ITERATION = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
PREEMPTIONS_OF_REQUEST = (1, 2, 3, 4, 5, 10, 20)
COMPLETIONS_OF_REQUEST = (1, 2, 5, 10, 20)


def tokens_up_to(max_tokens: int) -> tuple[int, ...]:
    """Bounds 1, 2, 5, 10, ... of what a request may count in tokens, as vLLM builds them from its longest context."""
    bounds: list[int] = []
    decade = 1
    while decade <= max_tokens:
        bounds += [step * decade for step in (1, 2, 5) if step * decade <= max_tokens]
        decade *= 10
    return tuple(bounds)


class Tally:
    """The sum and the number of observations without their distribution: enough for whoever reads means."""

    __slots__ = ("count", "sum")

    def __init__(self) -> None:
        self.sum = 0.0
        self.count = 0

    def observe(self, value: float, times: int = 1) -> None:
        """Count ``value`` so many times."""
        self.sum += value * times
        self.count += times

    def observe_ramp(self, first: float, step: float, steps: int, times: int) -> None:
        """Count ``first``, ``first + step``, ..., so many steps and each of them ``times`` times; ``step`` is not negative."""
        self.sum += times * steps * (first + step * (steps - 1) / 2)
        self.count += times * steps


class Histogram(Tally):
    """Observations by upper bound; the last count is of what exceeds every bound. All zero from the start."""

    __slots__ = ("bounds", "counts")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        super().__init__()
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)

    def observe(self, value: float, times: int = 1) -> None:
        """Count ``value``; a bound belongs to its own bucket."""
        self.counts[bisect_left(self.bounds, value)] += times
        super().observe(value, times)

    def observe_ramp(self, first: float, step: float, steps: int, times: int) -> None:
        """Count a ramp, each of its values in its own bucket."""
        place = bisect_left(self.bounds, first)
        if place != bisect_left(self.bounds, first + step * (steps - 1)):
            for index in range(steps):
                self.observe(first + step * index, times)
            return
        self.counts[place] += steps * times
        super().observe_ramp(first, step, steps, times)

    def cumulative(self) -> list[tuple[str, float]]:
        """Pairs of ``le`` and the observations not above it, in the form of the exposition format."""
        running, pairs = 0, []
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            running += count
            pairs.append(("+Inf" if bound == float("inf") else repr(float(bound)), float(running)))
        return pairs
