"""The samples that a Prometheus keeps of one pod: what each of its last scrapes brought."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.twin.engine import Engine


class Series(IntEnum):
    """The numbers of a scrape, by their place in a row: levels first, then counters since the engine began."""

    RUNNING = 0
    WAITING = 1
    KV = 2
    ENDED = 3
    GENERATED = 4
    PROMPT_SUM = 5
    PROMPT_COUNT = 6
    OUTPUT_SUM = 7
    OUTPUT_COUNT = 8
    TTFT_SUM = 9
    TTFT_COUNT = 10
    ITL_SUM = 11
    ITL_COUNT = 12
    HITS = 13
    QUERIES = 14


LEVELS = 3
"""How many of the series are levels."""

_ROOM = 8
"""Room in the tables, in times of what is kept."""

_ENDED, _GENERATED = int(Series.ENDED), int(Series.GENERATED)


def scrape(engine: Engine) -> tuple[float, ...]:
    """What an engine that has lived until now says of itself: a number a series."""
    meter = engine.meter
    finished = float(meter.finished)
    return (
        float(engine.running),
        float(engine.waiting),
        engine.kv_usage_ratio,
        finished + meter.aborted,
        float(meter.generation_tokens),
        meter.prompt_of_request.sum,
        finished,
        meter.output_of_request.sum,
        finished,
        meter.first_token.sum,
        float(meter.first_token.count),
        meter.between_tokens.sum,
        float(meter.between_tokens.count),
        float(meter.prefix_hits),
        float(meter.prefix_queries),
    )


class PodSamples:
    """The newest ``keep`` scrapes of a pod, the newest last; times before there were any are minus infinity.

    Counters go on where an engine began anew in the same pod, as ``increase`` would count them. The tables behind have room
    for more scrapes than are kept, so that these have to be moved to their beginning only now and then.
    """

    __slots__ = ("_before", "_end", "_keep", "_raw", "_restarted", "_times", "_values", "fresh", "pod", "variant")

    def __init__(self, pod: str, variant: str, keep: int) -> None:
        self.pod = pod
        self.variant = variant
        self.fresh = False
        """Whether its series go on, so that it has a present value."""
        self._keep = self._end = keep
        self._times: FloatArray = np.full(_ROOM * keep, -np.inf)
        self._values: FloatArray = np.zeros((_ROOM * keep, len(Series)))
        self._raw: tuple[float, ...] = (0.0,) * len(Series)
        self._before: tuple[float, ...] = (0.0,) * len(Series)
        self._restarted = False

    @property
    def times(self) -> FloatArray:
        """When each was: shape (keep,)."""
        return self._times[self._end - self._keep : self._end]

    @property
    def values(self) -> FloatArray:
        """What each brought: shape (keep, series)."""
        return self._values[self._end - self._keep : self._end]

    @property
    def newest_at(self) -> float:
        """When the newest was."""
        return float(self._times[self._end - 1])

    def add(self, at: float, row: tuple[float, ...]) -> None:
        """Take one scrape in."""
        if row[_ENDED] < self._raw[_ENDED] or row[_GENERATED] < self._raw[_GENERATED]:
            counted = zip(self._before[LEVELS:], self._raw[LEVELS:], strict=True)
            self._before = (0.0,) * LEVELS + tuple(before + raw for before, raw in counted)
            self._restarted = True
        self._raw = row
        if self._end == len(self._times):
            self._times[: self._keep] = self.times
            self._values[: self._keep] = self.values
            self._end = self._keep
        self._times[self._end] = at
        self._values[self._end] = row
        if self._restarted:
            self._values[self._end] += self._before
        self._end += 1
        self.fresh = True

    @property
    def newest(self) -> tuple[float, ...]:
        """The row of the last scrape."""
        return self._raw
