"""Requests that wait for an engine, and when their clients lose patience."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush

from wva_exporter.twin.sequence import Sequence


class WaitingQueue:
    """First come, first served; whoever leaves is taken out of the count at once and out of the line when it comes up."""

    __slots__ = ("_deadlines", "_line", "_order", "count")

    def __init__(self) -> None:
        self.count = 0
        self._line: deque[Sequence] = deque()
        self._deadlines: list[tuple[float, int, Sequence]] = []
        self._order = 0

    def __iter__(self) -> Iterator[Sequence]:
        """Those who wait, first to last."""
        return (sequence for sequence in self._line if not sequence.left)

    def push(self, sequence: Sequence) -> None:
        """At the end; its client's patience counts until its first token."""
        self._line.append(sequence)
        self.count += 1
        deadline = sequence.request.deadline_seconds
        if deadline < math.inf:
            self._order += 1
            heappush(self._deadlines, (deadline, self._order, sequence))

    def push_front(self, sequence: Sequence) -> None:
        """At the head: it ran before."""
        self._line.appendleft(sequence)
        self.count += 1

    def head(self) -> Sequence:
        """Who comes next; somebody waits."""
        while self._line[0].left:
            self._line.popleft()
        return self._line[0]

    def pop(self) -> None:
        """The head is admitted."""
        self._line.popleft()
        self.count -= 1

    def leave(self, sequence: Sequence) -> None:
        """Somebody who waits goes."""
        sequence.left = True
        self.count -= 1

    def seen(self, clock: float) -> int:
        """How many were there at a time: all but the newest."""
        unseen = 0
        for sequence in reversed(self._line):
            if sequence.queued_at <= clock:
                break
            unseen += not sequence.left
        return self.count - unseen

    def next_deadline(self) -> float:
        """When the first client without a token leaves, of those who wait or whose prompt is being computed."""
        deadlines = self._deadlines
        while deadlines:
            deadline, _, sequence = deadlines[0]
            if sequence.first_token_at is None and not sequence.left:
                return deadline
            heappop(deadlines)
        return math.inf

    def overdue(self, clock: float) -> Iterator[Sequence]:
        """Those whose clients have left, in that order; each is to be taken out before the next is asked for."""
        while self.next_deadline() < clock:
            yield heappop(self._deadlines)[2]

    def clear(self) -> None:
        """Nobody waits."""
        self._line.clear()
        self._deadlines.clear()
        self.count = 0
