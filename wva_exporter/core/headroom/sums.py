"""What each pod says came to it since it was last seen, and whether that is the whole truth.

A sum that falls is an engine that began anew, or a page that was wrong for a scrape or two: only what follows tells them apart.
So the highest sum is remembered for as long as the longest window. Until a pod has passed it again what it says counts, but it
is not sure; and whoever comes back to it never fell, and brings what is above it and no more. A sum that falls by no more than
was inside lost requests that its engine does not count as ended.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, Column, FloatArray, floats
from wva_exporter.core.snapshot import Snapshot

_YOUNG = 0.9
"""Coverage below which a pod that was never seen before has just begun, so that all it ever had came since."""

_MOST_TURNS = 2.0
"""Who finished more than so many times what is inside of it has a past, and not only a first scrape."""

_RESET = 0.5
"""A sum that fell below this share began anew."""

_MOST_RPS = 1e5
"""No engine's server takes more: a broken counter, which is not believed."""

Pods = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """The last sum of each pod, what of it was ``inside`` still, and when it was sampled: shape (replicas,), seconds.

    ``highest`` is what it fell from at ``highest_at``, unknown for those that did not fall or have passed it since.
    """

    pods: Pods
    arrived: Column
    inside: FloatArray
    sampled_at: FloatArray
    highest: Column
    highest_at: FloatArray

    @classmethod
    def none(cls, pods: Pods = ()) -> Sums:
        """Nobody was seen yet."""
        size = len(pods)
        return cls(
            pods=pods,
            arrived=Column.unknown(size),
            inside=np.zeros(size),
            sampled_at=np.zeros(size),
            highest=Column.unknown(size),
            highest_at=np.zeros(size),
        )

    def of(self, pods: Pods) -> Sums:
        """The same of these pods; those that were not there are not known."""
        if pods == self.pods:
            return self
        if not len(self.pods):
            return Sums.none(pods)
        place = {pod: row for row, pod in enumerate(self.pods)}
        row = np.array([place.get(pod, -1) for pod in pods], dtype=np.int64)
        inside, at = row >= 0, np.maximum(row, 0)
        return Sums(
            pods=pods,
            arrived=self.arrived.take(row),
            inside=np.where(inside, self.inside[at], 0.0),
            sampled_at=np.where(inside, self.sampled_at[at], 0.0),
            highest=self.highest.take(row),
            highest_at=np.where(inside, self.highest_at[at], 0.0),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """What came to each pod and in how many seconds, 0 where nobody knows: shape (replicas,).

    ``counted`` are pods of which it is known; the ``missed`` are not sure of it, or are silent and had a past.
    """

    count: FloatArray
    seconds: FloatArray
    counted: BoolArray
    missed: BoolArray


def stepped(past: Sums, snapshot: Snapshot, *, keep_seconds: float, scrape_seconds: float) -> tuple[Steps, Sums]:
    """What came since the last samples, and the sums to compare the next ones with.

    Args:
        past: the sums before.
        snapshot: what is seen.
        keep_seconds: how long a sum that was fallen from is remembered.
        scrape_seconds: how long ago a pod that has just begun is taken to have done so.
    """
    replicas = snapshot.replicas
    before = past.of(_names(snapshot))
    value, age, inside = replicas[Signal.ARRIVED], replicas[Signal.AGE], _inside(snapshot)
    sampled = snapshot.time - age.value
    early = value.value <= _MOST_TURNS * np.maximum(inside, 1.0)  # not full of a past that only we have not seen
    known = value.known & age.known & replicas.live
    fresh = known & ~before.arrived.known & _young(snapshot) & early & bool(past.pods)
    since = np.where(fresh, sampled - scrape_seconds, before.sampled_at)
    least = np.where(fresh, 0.0, before.arrived.value)
    highest = before.highest.where(snapshot.time - before.highest_at <= keep_seconds)
    falls = bool((highest.known | (known & (value.value < least))).any())  # some pod did, now or lately: hardly ever
    if falls:
        back = highest.known & (value.value >= highest.value) & ~fresh
        since = np.where(back, before.highest_at, since)
        least = np.where(back, highest.value, least)
        anew = value.value < _RESET * least
        least = np.where(anew, np.where(early, 0.0, value.value), least)
    count, seconds = np.maximum(value.value - least, 0.0), sampled - since

    had = before.arrived.known | fresh
    known &= ~had | (count <= _MOST_RPS * np.maximum(seconds, scrape_seconds))
    counted = known & had & (seconds >= 0.0)  # who was not scraped since is of the mean, with nothing in no time
    unsure, highest_at = np.zeros(len(replicas), dtype=np.bool_), before.highest_at
    if falls:
        unsure, highest, highest_at = _fallen(before, highest, value.value, known, anew)
    steps = Steps(
        count=np.where(counted, count, 0.0),
        seconds=np.where(counted, seconds, 0.0),
        counted=counted,
        missed=before.arrived.known & (~known | unsure),
    )
    return steps, Sums(
        pods=before.pods,
        arrived=Column.of(np.where(known, value.value, before.arrived.value), known | before.arrived.known),
        inside=np.where(known, inside, before.inside),
        sampled_at=np.where(known, sampled, before.sampled_at),
        highest=highest,
        highest_at=highest_at,
    )


def _fallen(
    before: Sums, highest: Column, value: FloatArray, known: BoolArray, anew: BoolArray
) -> tuple[BoolArray, Column, FloatArray]:
    """Pods that are not sure of their sum, and what they fell from, and when: shape (replicas,)."""
    lost = before.arrived.value - value
    fell = known & before.arrived.known & (anew | (lost > before.inside)) & (lost > 0.0)
    top = fell & ~(highest.known & (highest.value >= before.arrived.value))
    passed = known & highest.known & (value >= highest.value)
    highest = Column.of(np.where(top, before.arrived.value, highest.value), (highest.known & ~passed) | top)
    unsure = fell | (highest.known & (value < _RESET * highest.value))
    return unsure, highest, np.where(top, before.sampled_at, before.highest_at)


def _names(snapshot: Snapshot) -> Pods:
    """Namespace and name of each replica."""
    namespaces, replicas = snapshot.fleet.variants.namespace, snapshot.replicas
    return tuple(zip([namespaces[v] for v in replicas.variant.tolist()], replicas.pod, strict=True))


def _inside(snapshot: Snapshot) -> FloatArray:
    """Requests that run or wait in each replica: shape (replicas,)."""
    replicas = snapshot.replicas
    return floats(replicas[Signal.RUNNING].value + replicas[Signal.WAITING].value)


def _young(snapshot: Snapshot) -> BoolArray:
    """Pods that were not scraped for a whole window yet."""
    coverage = snapshot.replicas[Signal.COVERAGE]
    return np.asarray(coverage.known & (coverage.value < _YOUNG))
