"""The same function over many values, on all cores."""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

_GIVEN_UP: list[Event] = []
"""In a worker: what is set once a job has failed, so that the rest is not begun."""


@dataclass(frozen=True, slots=True)
class _Placed(Generic[Job, Result]):
    """A function that says which value its result belongs to; it travels to other processes, as a closure could not.

    An error is a result too, with the traceback of where it was raised as a note.
    """

    function: Callable[[Job], Result]

    def __call__(self, placed: tuple[int, Job]) -> tuple[int, list[Result], Exception | None]:
        place, job = placed
        if _GIVEN_UP[0].is_set():
            return place, [], None
        try:
            return place, [self.function(job)], None
        except Exception as error:  # noqa: BLE001 - whoever waits for the result raises it
            error.add_note(traceback.format_exc())
            return place, [], error


def spread(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int, done: Callable[[], object] = lambda: None
) -> list[Result]:
    """Results in the order of the jobs; ``done`` is called after each, in whatever order they end.

    One worker is this process. The others are fresh ones, which do not inherit threads; Ctrl-C ends them with this one. What a
    job raises is raised here, once those that are under way have ended.
    """
    results: dict[int, Result] = {}
    placed = list(enumerate(jobs))
    count = min(workers, len(jobs))
    alone = ((place, function(job)) for place, job in placed)
    for place, result in alone if count <= 1 else _together(function, placed, count):
        results[place] = result
        done()
    return [results[place] for place in range(len(jobs))]


def _together(
    function: Callable[[Job], Result], jobs: list[tuple[int, Job]], workers: int
) -> Iterator[tuple[int, Result]]:
    """Results as they come.

    Workers end by themselves: one that is killed while it hands over a result keeps the lock of all, and the pool hangs.
    """
    context = multiprocessing.get_context("spawn")
    given_up, failed = context.Event(), list[Exception]()
    with context.Pool(workers, _begin, (given_up,)) as pool:
        for place, result, error in pool.imap_unordered(_Placed(function), jobs):
            yield from ((place, each) for each in result)
            if error is not None:
                failed.append(error)
                given_up.set()
        pool.close()
        pool.join()
    if failed:
        raise failed[0]


def _begin(given_up: Event) -> None:
    """Ctrl-C is for the parent, which then ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _GIVEN_UP.append(given_up)
