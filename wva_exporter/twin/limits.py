"""What is possible: replicas that should be ready at each time, and when they must be asked for.

Two limits frame every policy. The *oracle* knows the load that comes and asks one start-up ahead, so that replicas are ready in
time. The *reactive limit* knows as much about sizes, but nothing before it happened: it asks for all replicas one scrape
after the load changed, up and down.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from wva_exporter.errors import InvalidValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Replicas of each variant from each time on, a row a time; the first row holds from ever.

    Raises:
        InvalidValue: times do not rise, or a row is missing or has another length.
    """

    starts: tuple[float, ...]
    replicas: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if not self.starts or list(self.starts) != sorted(set(self.starts)):
            raise InvalidValue("levels begin at rising times, and at least one")
        if len(self.replicas) != len(self.starts) or len({len(row) for row in self.replicas}) != 1:
            raise InvalidValue("levels have a row of one length for each time")

    def at(self, seconds: float) -> tuple[int, ...]:
        """The row that holds at a time."""
        return self.replicas[max(bisect_right(self.starts, seconds) - 1, 0)]

    def most(self, begin: float, end: float) -> tuple[int, ...]:
        """The greatest number of each variant that holds somewhere within [begin, end]."""
        first = max(bisect_right(self.starts, begin) - 1, 0)
        last = max(bisect_right(self.starts, end), first + 1)
        return tuple(max(column) for column in zip(*self.replicas[first:last], strict=True))

    def merged(self) -> Levels:
        """The same without times at which nothing changes."""
        keep = [i for i in range(len(self.starts)) if i == 0 or self.replicas[i] != self.replicas[i - 1]]
        return Levels(starts=tuple(self.starts[i] for i in keep), replicas=tuple(self.replicas[i] for i in keep))


def ahead(wanted: Levels, startup_seconds: Sequence[float]) -> Levels:
    """When to ask so that each replica is ready when it is wanted, and none leaves that would have to start again.

    A replica asked for at t is ready at t + start-up, so at t as many are asked for as are wanted anywhere within the start-up
    that begins then.
    """
    leads = {start - lead for start in wanted.starts[1:] for lead in startup_seconds}
    times = sorted({*wanted.starts, *(at for at in leads if at > wanted.starts[0])})
    rows = [tuple(wanted.most(at, at + lead)[place] for place, lead in enumerate(startup_seconds)) for at in times]
    return Levels(starts=tuple(times), replicas=tuple(rows)).merged()


def behind(wanted: Levels, before: Sequence[int], delay_seconds: float) -> Levels:
    """The same asked for so much later; until then there is what was there before."""
    starts = (wanted.starts[0], *(start + delay_seconds for start in wanted.starts))
    return Levels(starts=starts, replicas=(tuple(before), *wanted.replicas)).merged()


def boosted(wanted: Levels, before: Sequence[int], most: Sequence[int], *, factor: float, seconds: float) -> Levels:
    """With more replicas for some seconds from each rise on, the first row against ``before`` included; ``most`` bounds them.

    Of the boosts that are in force at a time the greatest counts.
    """
    rises: list[tuple[float, tuple[int, ...]]] = []
    last = tuple(before)
    for start, row in zip(wanted.starts, wanted.replicas, strict=True):
        raised = [math.ceil(factor * now) if now > was else 0 for now, was in zip(row, last, strict=True)]
        if any(raised):
            rises.append((start, tuple(map(min, raised, most))))
        last = row
    times = sorted({*wanted.starts, *(start + seconds for start, _ in rises)})
    rows = []
    for at in times:
        active = [raised for start, raised in rises if start <= at < start + seconds]
        rows.append(tuple(max(column) for column in zip(wanted.at(at), *active, strict=True)))
    return Levels(starts=tuple(times), replicas=tuple(rows)).merged()
