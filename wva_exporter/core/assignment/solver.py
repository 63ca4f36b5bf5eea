"""Inferno's solver: the least value for each server while there is enough, else priority by priority, dearest regret first."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

from wva_exporter.core.assignment.best_effort import Leftover, share_out
from wva_exporter.core.assignment.problem import NOTHING, BestEffort, Problem, Solution
from wva_exporter.core.columns import IntArray
from wva_exporter.errors import InvalidValue

LAST_CHANCE = float(np.finfo(np.float32).max)
"""The regret of a server that has no other candidate left."""


def solve(problem: Problem, best_effort: BestEffort = BestEffort.NONE, *, delayed: bool = False) -> Solution:
    """As Inferno does: ``unlimited`` where there are no limits, else ``greedy``."""
    return unlimited(problem) if problem.capacity is None else greedy(problem, best_effort, delayed=delayed)


def unlimited(problem: Problem) -> Solution:
    """Each server's candidate of least value; the first accelerator of equals."""
    candidates = problem.candidates
    rows = np.arange(len(problem))
    if candidates.possible.shape[1] == 0:
        return Solution.of(problem, np.full(len(problem), NOTHING), np.zeros(len(problem), dtype=np.int64))
    first = problem.order[:, 0]
    choice = np.where(candidates.possible[rows, first], first, NOTHING)
    return Solution.of(problem, choice, np.where(choice != NOTHING, candidates.replicas[rows, first], 0))


def greedy(problem: Problem, best_effort: BestEffort = BestEffort.NONE, *, delayed: bool = False) -> Solution:
    """One server at a time: by priority, then by what its next candidate would cost more, then by value, then by place.

    A server whose candidate does not fit goes on to its next one and waits for its new turn. ``delayed`` leaves best effort
    until every priority had its turn; otherwise each priority's leftovers are helped before the next priority is looked at.
    A candidate of no replicas is passed over in silence, as in the original: such a server gets nothing.

    O(S A log S) with S servers and A accelerators.
    """
    if problem.capacity is None:
        raise InvalidValue("greedy needs capacities; without them take unlimited")
    work = _Work(problem=problem, available=problem.capacity.tolist())
    queue = work.queue()
    unserved: list[Leftover] = []
    while queue:
        priority = queue[0][0]
        while queue and queue[0][0] == priority:
            server = heapq.heappop(queue)[-1]
            if not work.place(server):
                _requeue(work, queue, unserved, server)
        if not delayed:
            share_out(unserved, work.available, best_effort, work.give)
            unserved = []
    share_out(unserved, work.available, best_effort, work.give)
    return Solution.of(problem, work.choice, work.replicas)


_Entry = tuple[int, float, float, int]
"""Priority, negative regret, negative value, server: the heap's least goes first."""


@dataclass(slots=True, kw_only=True)
class _Work:
    """A greedy pass as it goes; plain lists, because each step looks at one candidate."""

    problem: Problem
    available: list[int]
    choice: IntArray = field(init=False)
    replicas: IntArray = field(init=False)
    order: list[list[int]] = field(init=False)
    values: list[list[float]] = field(init=False)
    place_in_order: list[int] = field(init=False)

    def __post_init__(self) -> None:
        problem, candidates = self.problem, self.problem.candidates
        servers = len(problem)
        self.choice = np.full(servers, NOTHING)
        self.replicas = np.zeros(servers, dtype=np.int64)
        counts = candidates.possible.sum(axis=1).tolist()
        order = problem.order
        self.order = [row[:n] for row, n in zip(order.tolist(), counts, strict=True)]
        values = np.take_along_axis(candidates.value, order, axis=1).tolist()
        self.values = [row[:n] for row, n in zip(values, counts, strict=True)]
        self.place_in_order = [0] * servers

    def queue(self) -> list[_Entry]:
        """Every server that has a candidate."""
        entries = [self.entry(server) for server, order in enumerate(self.order) if order]
        heapq.heapify(entries)
        return entries

    def entry(self, server: int) -> _Entry:
        """Its turn with the candidate it stands at."""
        place, values = self.place_in_order[server], self.values[server]
        regret = values[place + 1] - values[place] if place + 1 < len(values) else LAST_CHANCE
        return int(self.problem.priority[server]), -regret, -values[place], server

    def place(self, server: int) -> bool:
        """Give a server its present candidate; False if it does not fit."""
        problem = self.problem
        accelerator = self.order[server][self.place_in_order[server]]
        if problem.candidates.idle[server, accelerator]:
            return True
        wanted = int(problem.candidates.replicas[server, accelerator])
        pool = int(problem.pool[accelerator])
        needed = wanted * int(problem.units[server, accelerator])
        if self.available[pool] < needed:
            return False
        self.available[pool] -= needed
        self.give(server, accelerator, wanted)
        return True

    def give(self, server: int, accelerator: int, replicas: int) -> None:
        """Note what a server got; the pool is the caller's."""
        self.choice[server], self.replicas[server] = accelerator, replicas

    def leftover(self, server: int) -> Leftover:
        """A server that could not be served, with all it would take, best first."""
        problem = self.problem
        options = tuple(
            (a, int(problem.pool[a]), int(problem.units[server, a]), int(problem.candidates.replicas[server, a]))
            for a in self.order[server]
            if not problem.candidates.idle[server, a] and problem.units[server, a] > 0
        )
        return Leftover(server=server, priority=int(problem.priority[server]), options=options)


def _requeue(work: _Work, queue: list[_Entry], unserved: list[Leftover], server: int) -> None:
    """On to the next candidate, or to those who could not be served."""
    work.place_in_order[server] += 1
    if work.place_in_order[server] < len(work.order[server]):
        heapq.heappush(queue, work.entry(server))
    else:
        unserved.append(work.leftover(server))
