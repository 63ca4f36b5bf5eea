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

    Counters go on where an engine began anew in the same pod, as ``increase`` would count them: ``values`` has shape
    (keep, series), ``times`` (keep,).
    """

    __slots__ = ("_before", "_raw", "fresh", "pod", "times", "values", "variant")

    def __init__(self, pod: str, variant: str, keep: int) -> None:
        self.pod = pod
        self.variant = variant
        self.times: FloatArray = np.full(keep, -np.inf)
        self.values: FloatArray = np.zeros((keep, len(Series)))
        self.fresh = False
        """Whether its series go on, so that it has a present value."""
        self._raw: tuple[float, ...] = (0.0,) * len(Series)
        self._before: tuple[float, ...] = (0.0,) * len(Series)

    def add(self, at: float, row: tuple[float, ...]) -> None:
        """Take one scrape in."""
        if row[Series.ENDED] < self._raw[Series.ENDED] or row[Series.GENERATED] < self._raw[Series.GENERATED]:
            counted = zip(self._before[LEVELS:], self._raw[LEVELS:], strict=True)
            self._before = (0.0,) * LEVELS + tuple(before + raw for before, raw in counted)
        self._raw = row
        self.times[:-1] = self.times[1:]
        self.values[:-1] = self.values[1:]
        self.times[-1] = at
        self.values[-1] = row
        if any(self._before):
            self.values[-1] += self._before
        self.fresh = True

    @property
    def newest(self) -> tuple[float, ...]:
        """The row of the last scrape."""
        return self._raw
