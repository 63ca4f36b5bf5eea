"""Who arrived, by flow balance: what came into an engine is what left it plus what is inside.

``Signal.ARRIVED`` is that sum as of one scrape of one pod, so the difference between two scrapes is exactly what came in
between, also while everybody waits and nobody finishes: completions alone lag by the time a request takes, and in an overload
for ever. Pods are scraped at moments of their own; a group's step is as long as the mean of its pods' steps.

A pod that is silent, or not sure of its sum, is none to which nobody came: it is taken to have got as much as each of the
others, unless that would be more than the group had before. Then its share went to the others, who counted it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.core.columns import Column, FloatArray, IntArray, floats
from wva_exporter.core.headroom.groups import Groups
from wva_exporter.core.headroom.sums import Steps, Sums, stepped
from wva_exporter.core.snapshot import Snapshot

_SHORTEST_SECONDS = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrivals:
    """Steps of the last minutes, the newest last, and the sums that the next step begins with.

    ``time`` is when each step ended, shape (steps,), seconds; ``seconds`` its length and ``count`` the requests that arrived in
    it, shape (steps, groups), length 0 where a group was not seen.
    """

    time: FloatArray
    seconds: FloatArray
    count: FloatArray
    sums: Sums

    @classmethod
    def none(cls, groups: int) -> Arrivals:
        """Nobody was seen yet."""
        nothing = np.zeros((0, groups))
        return cls(time=floats([]), seconds=nothing, count=nothing, sums=Sums.none())

    def take(self, row: IntArray) -> Arrivals:
        """For groups whose i-th stood at ``row[i]`` before, -1 if it is new."""
        inside = row >= 0
        if self.seconds.shape[1] == 0:
            return Arrivals.none(len(row))
        at = np.maximum(row, 0)
        return replace(
            self, seconds=np.where(inside, self.seconds[:, at], 0.0), count=np.where(inside, self.count[:, at], 0.0)
        )

    def between(self, since: FloatArray, until: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Seconds seen and requests that came in the steps that ended in each (since, until]: shape (spans, groups) each."""
        first, last = (self.time.searchsorted(ends, side="right") for ends in (since, until))
        seconds, count = np.zeros((2, len(self.time) + 1, self.count.shape[1]))
        np.cumsum(self.seconds, axis=0, out=seconds[1:])
        np.cumsum(self.count, axis=0, out=count[1:])
        return seconds[last] - seconds[first], count[last] - count[first]

    def binned(self, seconds: float) -> FloatArray:
        """Requests that came in consecutive bins of so many seconds, the newest last: shape (bins, groups)."""
        if not len(self.time):
            return self.count
        place = np.floor((self.time - self.time[0]) / seconds + 1e-9).astype(np.int64)
        bins = np.zeros((int(place[-1]) + 1, self.count.shape[1]))
        np.add.at(bins, place, self.count)
        return bins[:-1]  # the newest is not full


def observe(
    past: Arrivals, snapshot: Snapshot, groups: Groups, *, keep_seconds: float, scrape_seconds: float
) -> Arrivals:
    """The steps with the one that this cycle closes; those older than ``keep_seconds`` are forgotten.

    A pod that has just begun is taken to have done so one scrape ago.
    """
    steps, sums = stepped(past.sums, snapshot, keep_seconds=keep_seconds, scrape_seconds=scrape_seconds)
    variant = snapshot.replicas.variant
    length = groups.total(steps.seconds, variant) / np.maximum(groups.total(steps.counted, variant), 1.0)
    kept = (past.time > snapshot.time - keep_seconds) & (past.time < snapshot.time)  # clocks are set back
    seconds, count = past.seconds[kept], past.count[kept]
    least = _of_everybody(steps, groups, variant, length=length, usual=_rate(count.sum(axis=0), seconds.sum(axis=0)))
    came = np.maximum(groups.total(steps.count, variant), least)
    return Arrivals(
        time=np.concatenate([past.time[kept], [snapshot.time]]),
        seconds=np.concatenate([seconds, [length]]),
        count=np.concatenate([count, [np.where(length > _SHORTEST_SECONDS, came, 0.0)]]),
        sums=sums,
    )


def _of_everybody(steps: Steps, groups: Groups, variant: IntArray, *, length: FloatArray, usual: Column) -> FloatArray:
    """Requests that came if those who are missed got as much as those who are sure: shape (groups,), 0 where none is missed.

    No more than came at the ``usual`` rate, where that is known; and just that where nobody is sure.
    """
    if not np.count_nonzero(steps.missed):
        return np.zeros(len(groups))
    sure = steps.counted & ~steps.missed
    telling, missed = groups.total(sure, variant), groups.total(steps.missed, variant)
    each = _rate(groups.total(steps.count * sure, variant), groups.total(steps.seconds * sure, variant))
    rate = np.minimum(np.where(each.known, each.value * (telling + missed), np.inf), usual.otherwise(np.inf))
    return np.where((missed > 0.0) & (each.known | usual.known), rate, 0.0) * length


def _rate(count: FloatArray, seconds: FloatArray) -> Column:
    """Requests per second, unknown where nobody looked."""
    return Column.of(np.divide(count, seconds, out=np.zeros(len(count)), where=seconds > 0.0), seconds > 0.0)
