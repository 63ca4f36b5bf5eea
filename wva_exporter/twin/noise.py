"""What a scrape says of an engine, a little wrong: levels err each time, and so does what sums of times and tokens grow by."""

from __future__ import annotations

import numpy as np

from wva_exporter.twin.pod_samples import Series

_LEVELS = (Series.RUNNING, Series.WAITING, Series.KV)
_SUMS = (Series.PROMPT_SUM, Series.OUTPUT_SUM, Series.TTFT_SUM, Series.ITL_SUM)

Row = tuple[float, ...]


class Noise:
    """Errors of one pod's scrapes: each number times 1 + ``share`` x a normal deviate, never below 0.

    Requests are whole, so what runs and waits is rounded. Counts of what ended or came are exact.
    """

    def __init__(self, share: float, generator: np.random.Generator) -> None:
        self._share = share
        self._generator = generator
        self._true: dict[Series, float] = dict.fromkeys(_SUMS, 0.0)
        self._told: dict[Series, float] = dict.fromkeys(_SUMS, 0.0)

    def __call__(self, row: Row) -> Row:
        """The row as it is told."""
        told = list(row)
        factors = 1.0 + self._share * self._generator.standard_normal(len(_LEVELS) + len(_SUMS))
        for series, factor in zip((*_LEVELS, *_SUMS), np.maximum(factors, 0.0).tolist(), strict=True):
            if series in _SUMS:
                grown = row[series] - self._true[series]
                before = 0.0 if grown < 0.0 else self._told[series]
                told[series] = before + factor * (row[series] if grown < 0.0 else grown)
                self._true[series], self._told[series] = row[series], told[series]
            elif series is Series.KV:
                told[series] = min(factor * row[series], 1.0)
            else:
                told[series] = float(round(factor * row[series]))
        return tuple(told)
