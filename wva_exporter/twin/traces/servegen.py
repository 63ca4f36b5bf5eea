"""ServeGen: a rate for each window of ten minutes, the law of the gaps within it, and sizes every six hours.

A file is either of one client (``t_seconds,rate_rps,cv,pattern,param1,param2``, published without these names; the pattern is
Gamma or Weibull and its first parameter the shape) or of all (``t_seconds,total_rate_rps``), whose many clients together come
as Poisson does. Sizes are a file of their own: the published one of a client (``servegen_sizes``), or a table of means
(``t_seconds,mean_input_tokens,mean_output_tokens``), around which they are drawn log-normal. Windows without requests are gaps
of the collection, and gaps here too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.traces.refusals import NUMBER, Refusals, number, rows
from wva_exporter.twin.traces.servegen_sizes import SeenSizes, held
from wva_exporter.twin.workloads.lengths import LogNormal
from wva_exporter.twin.workloads.rates import Rate
from wva_exporter.twin.workloads.stream import FloatArray, IntArray, Stream

WINDOW_SECONDS = 600.0
CLIENT = ("t_seconds", "rate_rps", "cv", "pattern", "param1", "param2")
_SETTLED = 50
_LEAST_SHAPE = 0.1
"""Shapes below are of windows with a handful of requests, and would put all of a window into one instant."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """Columns of shape (windows,): start in seconds, rate, shape of the gaps' law, and whether that is Weibull, else gamma."""

    start_seconds: FloatArray
    rps: FloatArray
    shape: FloatArray
    weibull: np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeanSizes:
    """Columns of shape (times,): from when on which mean sizes hold."""

    start_seconds: FloatArray
    prompt_tokens: FloatArray
    output_tokens: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServeGen:
    """Requests drawn window by window, from ``start_seconds`` on, ``speed`` times as fast, the rate times ``scale``.

    ``scale`` keeps the law of the gaps, so that a thousandth of a bursty client is as bursty. ``sigma`` is the standard
    deviation of the logarithm of sizes around their means, which a table of means does not tell.

    Raises:
        InvalidValue: the windows end before the stretch does, or a factor is not positive.
    """

    windows: Windows
    sizes: MeanSizes | SeenSizes
    duration_seconds: float
    scale: float = 1.0
    speed: float = 1.0
    start_seconds: float = 0.0
    sigma: float = 0.8
    most_tokens: int = 1_000_000
    patience_seconds: float = math.inf

    def __post_init__(self) -> None:
        if not (self.scale > 0 and self.speed > 0 and self.sigma >= 0 and self.start_seconds >= 0):
            raise InvalidValue(
                f"scale {self.scale} and speed {self.speed} are positive, sigma {self.sigma} not negative"
            )
        needed = self.start_seconds + self.duration_seconds * self.speed
        end = float(self.windows.start_seconds[-1]) + WINDOW_SECONDS if len(self.windows.start_seconds) else 0.0
        if needed > end:
            raise InvalidValue(f"the windows last {end:.0f} s, and {needed:.0f} s are asked of them")

    @property
    def rate(self) -> Rate:
        """The rate over the fleet's time."""
        starts = (self.windows.start_seconds - self.start_seconds) / self.speed
        return Rate.steps(starts, self.windows.rps * self.scale * self.speed, WINDOW_SECONDS / self.speed)

    def expected(self, before_seconds: float) -> float:
        """How many requests come in the mean, those of so many seconds before time 0 included."""
        first, last = self.start_seconds, self.start_seconds + self.duration_seconds * self.speed
        starts = self.windows.start_seconds
        inside = np.clip(np.minimum(starts + WINDOW_SECONDS, last) - np.maximum(starts, first), 0.0, None)
        before = self.windows.rps[self._first] * self.speed * before_seconds
        return float(inside @ self.windows.rps + before) * self.scale

    def requests(self, generator: np.random.Generator) -> Stream:
        """The requests that arrive within [0, duration)."""
        gaps, prompts, outputs = generator.spawn(3)
        end = self.start_seconds + self.duration_seconds * self.speed
        starts = self.windows.start_seconds
        wanted = np.flatnonzero((starts + WINDOW_SECONDS > self.start_seconds) & (starts < end))
        parts = [self._window(int(row), gaps) for row in wanted]
        recorded = np.concatenate(parts) if parts else np.zeros(0)
        recorded = recorded[(recorded >= self.start_seconds) & (recorded < end)]
        return self._stream((recorded - self.start_seconds) / self.speed, recorded, prompts, outputs)

    def before(self, generator: np.random.Generator, seconds: float) -> Stream:
        """Requests within [-seconds, 0) like those of the first window."""
        gaps, prompts, outputs = generator.spawn(3)
        due, rps = self._due(self._first, seconds, gaps, self.speed)
        times = due / rps - seconds if rps else due
        return self._stream(times, np.full(len(times), self.start_seconds), prompts, outputs)

    @property
    def _first(self) -> int:
        """The window that the stretch begins in."""
        return max(int(np.searchsorted(self.windows.start_seconds, self.start_seconds, side="right")) - 1, 0)

    def _window(self, row: int, generator: np.random.Generator) -> FloatArray:
        """Recorded times of the arrivals of a window."""
        due, rps = self._due(row, WINDOW_SECONDS, generator)
        return due / rps + self.windows.start_seconds[row] if rps else due

    def _due(
        self, row: int, seconds: float, generator: np.random.Generator, speed: float = 1.0
    ) -> tuple[FloatArray, float]:
        """Sums of gaps of mean 1 within so many seconds at the window's rate, and that rate."""
        rps = float(self.windows.rps[row]) * self.scale * speed
        expected = rps * seconds
        if not expected:
            return np.zeros(0), 0.0
        shape, total = max(float(self.windows.shape[row]), _LEAST_SHAPE), np.zeros(0)
        count = math.ceil(1.5 * expected) + 2 * _SETTLED
        gaps = np.zeros(0)
        while not total.size or total[-1] < expected:
            gaps = np.concatenate([gaps, _unit_gaps(shape, count, generator, weibull=bool(self.windows.weibull[row]))])
            total = np.cumsum(gaps) - _SETTLED
        return total[(total > 0) & (total < expected)], rps

    def _stream(
        self, at: FloatArray, recorded: FloatArray, prompts: np.random.Generator, outputs: np.random.Generator
    ) -> Stream:
        sizes = self.sizes
        if isinstance(sizes, SeenSizes):
            drawn = sizes.prompts(recorded, prompts), sizes.outputs(recorded, outputs)
            prompt, output = (np.minimum(tokens, self.most_tokens) for tokens in drawn)
        else:
            prompt = self._around(sizes.prompt_tokens, recorded, prompts, sizes)
            output = self._around(sizes.output_tokens, recorded, outputs, sizes)
        return Stream(
            arrival_seconds=at, prompt_tokens=prompt, output_tokens=output, patience_seconds=self.patience_seconds
        )

    def _around(
        self, means: FloatArray, recorded: FloatArray, generator: np.random.Generator, sizes: MeanSizes
    ) -> IntArray:
        """Sizes around the mean that holds at each recorded time."""
        law = LogNormal(mean_tokens=1.0, sigma=self.sigma, most=self.most_tokens)
        return law.around(means[held(sizes.start_seconds, recorded)], generator)


def read_windows(path: Path) -> Windows:
    """The windows of a file of one client or of all.

    Raises:
        ConfigError: the file cannot be read or is refused; every finding is one line.
    """
    with Refusals(path, WINDOW_SECONDS) as refusals, path.open(encoding="utf-8") as lines:
        top = next(lines, "")
        total = "total_rate_rps" in top
        columns = ("t_seconds", "total_rate_rps") if total else ("t_seconds", "rate_rps", "pattern", "param1")
        unnamed = CLIENT if top[:1].isdigit() else ()
        found: list[tuple[float, float, float, bool]] = []
        for line, values in rows(refusals, chain([top], lines), columns, unnamed):
            at = refusals.time(line, columns[0], number, values[0], NUMBER)
            rps = refusals.field(line, columns[1], number, values[1], NUMBER)
            law, shape = ("Gamma", "1") if total or not rps else (values[2], values[3])
            pattern = refusals.field(line, "pattern", _pattern, law, "Gamma or Weibull")
            size = refusals.field(line, "param1", number, shape, NUMBER)
            if at is not None and rps is not None and pattern is not None and size is not None:
                found.append((at, rps, size, pattern == "Weibull"))
    table = np.array(found, dtype=np.float64).reshape(-1, 4)
    return Windows(start_seconds=table[:, 0], rps=table[:, 1], shape=table[:, 2], weibull=table[:, 3] > 0)


def read_mean_sizes(path: Path) -> MeanSizes:
    """The mean sizes over time of a file.

    Raises:
        ConfigError: the file cannot be read, is refused or holds nothing; every finding is one line.
    """
    columns = ("t_seconds", "mean_input_tokens", "mean_output_tokens")
    found: list[list[float]] = []
    with Refusals(path) as refusals, path.open(encoding="utf-8") as lines:
        for line, values in rows(refusals, lines, columns):
            at = refusals.time(line, columns[0], number, values[0], NUMBER)
            read = [at, *(refusals.field(line, columns[i], number, values[i], NUMBER) for i in (1, 2))]
            found.append([0.0 if value is None else value for value in read])
        if not found:
            refusals.add(1, "there is no line with mean sizes")
    table = np.array(found, dtype=np.float64)
    return MeanSizes(start_seconds=table[:, 0], prompt_tokens=table[:, 1], output_tokens=table[:, 2])


def _pattern(text: str) -> str:
    if text not in {"Gamma", "Weibull"}:
        raise ValueError(text)
    return text


def _unit_gaps(shape: float, count: int, generator: np.random.Generator, *, weibull: bool) -> FloatArray:
    """Gaps of mean 1."""
    if weibull:
        gaps: FloatArray = generator.weibull(shape, count) / math.gamma(1 + 1 / shape)
        return gaps
    return generator.gamma(shape, 1 / shape, count)
