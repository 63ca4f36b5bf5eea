"""Recorded requests as a load: a stretch of the recording, faster, thinned or multiplied."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.traces.recorded import Recorded
from wva_exporter.twin.workloads.rates import Rate
from wva_exporter.twin.workloads.stream import IntArray, Stream
from wva_exporter.twin.workloads.synthetic import arrivals_of

_BEGINNING_SECONDS = 300.0
_JITTER_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """The recording from ``start_seconds`` on, for ``duration_seconds`` of the fleet's time, ``speed`` times as fast.

    With ``scale`` below 1 each request is kept with that chance; above, each comes ``scale`` times in the mean, the copies up
    to half a minute earlier or later, so that they are not bursts of their own; copies have the shared beginning of the
    original. At 1 every seed gives the same requests. Sizes above ``most_tokens`` are cut to it.

    Raises:
        InvalidValue: the recording ends before the stretch does, or a factor is not positive.
    """

    recording: Recorded
    duration_seconds: float
    scale: float = 1.0
    speed: float = 1.0
    start_seconds: float = 0.0
    most_tokens: int = 1_000_000
    patience_seconds: float = math.inf

    def __post_init__(self) -> None:
        if not (self.scale > 0 and self.speed > 0 and self.most_tokens > 0 and self.start_seconds >= 0):
            raise InvalidValue(
                f"scale {self.scale}, speed {self.speed} and most_tokens {self.most_tokens} are positive"
            )
        needed = self.start_seconds + self.duration_seconds * self.speed
        if needed > self.recording.end_seconds + 1:
            raise InvalidValue(
                f"the recording lasts {self.recording.end_seconds:.0f} s, and {needed:.0f} s are asked of it"
            )

    def expected(self, before_seconds: float) -> float:
        """How many requests come in the mean, those of so many seconds before time 0 included."""
        first, last = self._rows(self.duration_seconds)
        return (last - first) * self.scale + self._beginning()[2] * before_seconds

    def requests(self, generator: np.random.Generator) -> Stream:
        """The requests that arrive within [0, duration)."""
        chances, jitter = generator.spawn(2)
        seconds = (self.recording.seconds - self.start_seconds) / self.speed
        inside = np.flatnonzero((seconds >= 0) & (seconds < self.duration_seconds))
        whole, part = divmod(self.scale, 1.0)
        copies = int(whole) + (chances.random(len(inside)) < part).astype(np.int64)
        rows = np.repeat(inside, copies)
        original = np.diff(rows, prepend=-1) != 0
        moved = np.where(original, 0.0, jitter.uniform(-_JITTER_SECONDS, _JITTER_SECONDS, len(rows)))
        arrivals = np.abs(seconds[rows] + moved)  # mirrored at both ends, so that none is lost
        arrivals = np.minimum(arrivals, np.nextafter(2 * self.duration_seconds - arrivals, 0.0))
        order = np.argsort(arrivals, kind="stable")
        return self._stream(arrivals[order], rows[order])

    def before(self, generator: np.random.Generator, seconds: float) -> Stream:
        """Requests within [-seconds, 0) at the mean rate of the stretch's first five minutes, drawn from theirs."""
        times, choice = generator.spawn(2)
        first, last, rps = self._beginning()
        arrivals = arrivals_of(Rate(knots=((0.0, rps),)), 1.0, -seconds, 0.0, times)
        return self._stream(arrivals, choice.integers(first, max(last, first + 1), len(arrivals)))

    def _rows(self, seconds: float) -> tuple[int, int]:
        """The first request of so many seconds of the fleet's time, and the first after them."""
        start = self.start_seconds
        first, last = np.searchsorted(self.recording.seconds, (start, start + seconds * self.speed))
        return int(first), int(last)

    def _beginning(self) -> tuple[int, int, float]:
        """The rows of the stretch's first five minutes, and their mean rate."""
        seconds = min(_BEGINNING_SECONDS, self.duration_seconds)
        first, last = self._rows(seconds)
        return first, last, (last - first) * self.scale * self.speed / (seconds * self.speed)

    def _stream(self, arrivals: np.ndarray[tuple[int], np.dtype[np.float64]], rows: IntArray) -> Stream:
        trace = self.recording
        prompts = np.minimum(trace.prompt_tokens[rows], self.most_tokens)
        return Stream(
            arrival_seconds=arrivals,
            prompt_tokens=prompts,
            output_tokens=np.minimum(trace.output_tokens[rows], self.most_tokens),
            patience_seconds=self.patience_seconds,
            prefix=trace.prefix[rows],
            prefix_tokens=np.minimum(trace.prefix_tokens[rows], prompts),
        )
