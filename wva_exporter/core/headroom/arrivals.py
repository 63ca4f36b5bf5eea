"""Who arrived, by flow balance: what came into an engine is what left it plus what is inside.

``Signal.ARRIVED`` is that sum as of one scrape of one pod, so the difference between two scrapes is exactly what came in
between, also while everybody waits and nobody finishes: completions alone lag by the time a request takes, and in an overload
for ever. Pods are scraped at moments of their own; a group's step is as long as the mean of its pods' steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray, floats
from wva_exporter.core.headroom.groups import Groups
from wva_exporter.core.snapshot import Snapshot

_YOUNG = 0.9
"""Coverage below which a pod that was never seen before has just begun, so that all it ever had came since."""

_MOST_TURNS = 2.0
"""Who finished more than so many times what is inside of it has a past, and not only a first scrape."""

_RESET = 0.5
"""A sum that fell below this share began anew; one that fell less lost requests that its engine does not count as ended."""

_MOST_RPS = 1e6
_SHORTEST_SECONDS = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrivals:
    """Steps of the last minutes, the newest last, and the scrape that the next step begins with.

    ``time`` is when each step ended, shape (steps,), seconds; ``seconds`` its length and ``count`` the requests that arrived in
    it, shape (steps, groups), length 0 where a group was not seen. ``pods``, ``sampled_at`` and ``arrived`` are of replicas.
    """

    time: FloatArray
    seconds: FloatArray
    count: FloatArray
    pods: tuple[tuple[str, str], ...]
    sampled_at: FloatArray
    arrived: Column

    @classmethod
    def none(cls, groups: int) -> Arrivals:
        """Nobody was seen yet."""
        nothing = np.zeros((0, groups))
        return cls(
            time=floats([]),
            seconds=nothing,
            count=nothing,
            pods=(),
            sampled_at=floats([]),
            arrived=Column.unknown(0),
        )

    def take(self, row: IntArray) -> Arrivals:
        """For groups whose i-th stood at ``row[i]`` before, -1 if it is new."""
        inside = row >= 0
        if self.seconds.shape[1] == 0:
            return Arrivals.none(len(row))
        at = np.maximum(row, 0)
        return replace(
            self, seconds=np.where(inside, self.seconds[:, at], 0.0), count=np.where(inside, self.count[:, at], 0.0)
        )

    def within(self, since: float, until: float = np.inf) -> tuple[FloatArray, FloatArray]:
        """Seconds seen and requests that came in the steps that ended in (since, until]: shape (groups,) each."""
        first, last = np.searchsorted(self.time, (since, until), side="right").tolist()
        return self.seconds[first:last].sum(axis=0), self.count[first:last].sum(axis=0)

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
    replicas, namespaces = snapshot.replicas, snapshot.fleet.variants.namespace
    pods = tuple(zip([namespaces[v] for v in replicas.variant.tolist()], replicas.pod, strict=True))
    before, sampled_before = _aligned(past, pods)
    arrived, age = replicas[Signal.ARRIVED], replicas[Signal.AGE]
    known = arrived.known & age.known & replicas.live
    sampled = np.where(known, snapshot.time - age.value, sampled_before)
    fresh = known & ~before.known & _young(snapshot) & bool(past.pods)
    before = Column.of(np.where(fresh, 0.0, before.value), before.known | fresh)
    passed = np.where(fresh, scrape_seconds, sampled - sampled_before)
    count, seconds = _steps(Column.of(arrived.value, known), before, passed)
    group = groups.of_variant[replicas.variant]
    pairs = groups.total(known & before.known, replicas.variant)
    length = np.bincount(group, weights=seconds, minlength=len(groups)) / np.maximum(pairs, 1.0)
    came = np.bincount(group, weights=count, minlength=len(groups))
    came = np.where((length > _SHORTEST_SECONDS) & (came <= _MOST_RPS * length), came, 0.0)
    kept = (past.time > snapshot.time - keep_seconds) & (past.time < snapshot.time)  # clocks are set back
    return Arrivals(
        time=np.append(past.time[kept], snapshot.time),
        seconds=np.vstack([past.seconds[kept], length]),
        count=np.vstack([past.count[kept], came]),
        pods=pods,
        sampled_at=floats(sampled),
        arrived=Column.of(np.where(known, arrived.value, before.value), known | before.known),
    )


def _aligned(past: Arrivals, pods: tuple[tuple[str, str], ...]) -> tuple[Column, FloatArray]:
    """What was known of these pods before: their sum and when it was sampled."""
    if pods == past.pods:
        return past.arrived, past.sampled_at
    place = {pod: row for row, pod in enumerate(past.pods)}
    row = np.array([place.get(pod, -1) for pod in pods], dtype=np.int64)
    if not len(past.pods):
        return Column.unknown(len(pods)), np.zeros(len(pods))
    return past.arrived.take(row), np.where(row >= 0, past.sampled_at[np.maximum(row, 0)], 0.0)


def _young(snapshot: Snapshot) -> BoolArray:
    """Pods that have just begun: not scraped for a whole window yet, and not full of a past that only we have not seen."""
    replicas = snapshot.replicas
    coverage, inside = replicas[Signal.COVERAGE], replicas[Signal.RUNNING].value + replicas[Signal.WAITING].value
    plausible = replicas[Signal.ARRIVED].value <= _MOST_TURNS * np.maximum(inside, 1.0)
    return np.asarray(coverage.known & (coverage.value < _YOUNG) & plausible)


def _steps(now: Column, before: Column, passed: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Requests that came to each pod since its last sample, and the seconds in between: shape (replicas,)."""
    both = now.known & before.known & (passed > 0.0)
    began_anew = now.value < _RESET * before.value
    since = np.where(began_anew, now.value, np.maximum(now.value - before.value, 0.0))
    return np.where(both, since, 0.0), np.where(both, passed, 0.0)
