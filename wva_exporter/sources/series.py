"""What a target said in its last scrapes: one row a series, one column a scrape.

The memory of a target is bounded by the window, by ``MAX_SERIES`` and by the length of a line, whatever the target exposes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.errors import WvaError
from wva_exporter.sources.samples import Labels

MAX_SERIES = 10_000
"""Series of engine tables that one target may have; a pod of 16 ranks has 320."""

_SLACK = 32
"""Columns beyond those needed: the rest is moved to the front once in so many scrapes."""


class TooManySeries(WvaError):  # noqa: N818 - reads as what it is
    """A target exposes more series of ours than any engine does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Whose number it is.

    ``identity`` is every label it came with: two texts of one identity are one series. ``replica`` are the labels that all
    series of a replica share; ``rank`` adds those that number its ranks and those that an info series is read for; ``shard``
    are the numbers of the parts of one rank. ``whole`` is False for a part of a total that has a series of its own.
    """

    name: str
    identity: tuple[tuple[str, str], ...]
    replica: Labels
    rank: Labels
    shard: tuple[str, ...] = ()
    whole: bool = True


class History:
    """The recent samples of one target, by series and scrape."""

    def __init__(self, *, scrapes: int, describe: Callable[[str], Series]) -> None:
        self._keep = scrapes
        self._describe = describe
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.series: list[Series] = []
        self._by_text: dict[str, int] = {}
        self._by_identity: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        self._rows_of_name: dict[str, list[int]] = {}
        self._used = 0
        self._times = np.zeros(self._keep + _SLACK)
        self._values = np.full((16, self._keep + _SLACK), np.nan)

    @property
    def times(self) -> FloatArray:
        """When each scrape was, failed ones included: shape (scrapes,), increasing."""
        return self._times[: self._used]

    @property
    def values(self) -> FloatArray:
        """Shape (series, scrapes); NaN where a scrape did not bring the series."""
        return self._values[: len(self.series), : self._used]

    def rows(self, name: str) -> list[int]:
        """The rows of a sample name, without those that are parts of another."""
        return self._rows_of_name.get(name, [])

    def append(self, time: float, samples: Mapping[str, float]) -> None:
        """Add one scrape; none of ``samples`` is how a failed one looks, and every series ends with it.

        A clock that went backwards empties the history: its windows are not comparable any more.

        Raises:
            TooManySeries: there are more than any engine has.
            BadPage: the labels of a new series do not parse. Either way it is as if the scrape had not been added.
        """
        if self._used and time <= self._times[self._used - 1]:
            self.clear()
        if self._used == len(self._times):
            self._drop_old()
        rows = [self._by_text.get(text, -1) for text in samples]
        if -1 in rows:
            rows = [self._row(text) if row < 0 else row for text, row in zip(samples, rows, strict=True)]
        rows.reverse()  # of a series that came twice, in two spellings, the first counts: it is written last
        self._values[rows, self._used] = list(samples.values())[::-1]
        self._times[self._used] = time
        self._used += 1

    def _row(self, text: str) -> int:
        if len(self._by_text) >= MAX_SERIES:
            raise TooManySeries(f"more than {MAX_SERIES} series of engine metrics")
        series = self._describe(text)
        key = (series.name, series.identity)
        row = self._by_identity.get(key)
        if row is None:
            row = self._by_identity[key] = len(self.series)
            self.series.append(series)
            if series.whole:
                self._rows_of_name.setdefault(series.name, []).append(row)
            if row == len(self._values):
                self._values = np.concatenate([self._values, np.full_like(self._values, np.nan)])
        self._by_text[text] = row
        return row

    def _drop_old(self) -> None:
        """Move the scrapes that are still needed to the front and drop the series that none of them brought."""
        needed = slice(self._used - self._keep + 1, self._used)
        times, values = self._times[needed].copy(), self.values[:, needed].copy()
        alive = np.asarray(~np.isnan(values).all(axis=1))
        new_row = np.cumsum(alive) - 1
        series, texts = self.series, self._by_text
        self.clear()
        self.series = [s for s, keep in zip(series, alive, strict=True) if keep]
        self._by_text = {text: int(new_row[row]) for text, row in texts.items() if alive[row]}
        for row, kept in enumerate(self.series):
            self._by_identity[kept.name, kept.identity] = row
            if kept.whole:
                self._rows_of_name.setdefault(kept.name, []).append(row)
        self._values = np.full((max(16, len(self.series)), len(self._times)), np.nan)
        self._values[: len(self.series), : len(times)] = values[alive]
        self._times[: len(times)] = times
        self._used = len(times)
