"""The same function over many values, on all cores."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Placed(Generic[Job, Result]):
    """A function that says which value its result belongs to; it travels to other processes, as a closure could not."""

    function: Callable[[Job], Result]

    def __call__(self, placed: tuple[int, Job]) -> tuple[int, Result]:
        place, job = placed
        return place, self.function(job)


def spread(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int, done: Callable[[], object] = lambda: None
) -> list[Result]:
    """Results in the order of the jobs; ``done`` is called after each, in whatever order they end.

    One worker is this process. The others are fresh ones, which do not inherit threads; Ctrl-C ends them with this one.
    """
    results: dict[int, Result] = {}
    for place, result in _in_any_order(_Placed(function), list(enumerate(jobs)), min(workers, len(jobs))):
        results[place] = result
        done()
    return [results[place] for place in range(len(jobs))]


def _in_any_order(
    function: _Placed[Job, Result], jobs: list[tuple[int, Job]], workers: int
) -> Iterator[tuple[int, Result]]:
    if workers <= 1:
        yield from map(function, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers, _leave_interrupts) as pool:
        yield from pool.imap_unordered(function, jobs)


def _leave_interrupts() -> None:
    """Ctrl-C is for the parent, which then ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
