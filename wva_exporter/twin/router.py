"""Which replica takes a request, and who waits until one does."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.replica import Replica
from wva_exporter.twin.requests import Request

_INDEX = attrgetter("index")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSettings:
    """How a router chooses and whether it holds requests back.

    The score of a replica is ``kv_weight`` times its demand on the KV cache (tokens resident and to be computed, over its
    capacity) plus ``queue_weight`` times its queue per place; the least takes the request. With ``holds`` a request stays at
    the router while every replica is saturated, and a new replica takes from that queue; without, an engine gets it at once
    and keeps it. A replica is saturated when its places are taken or its KV demand is at ``saturated_kv_ratio``. ``max_queue``
    bounds what the router holds, None: nothing does; beyond it requests are refused.

    Raises:
        InvalidValue: a weight, the ratio or the bound is negative.
    """

    kv_weight: float = 1.0
    queue_weight: float = 1.0
    holds: bool = False
    max_queue: int | None = None
    saturated_kv_ratio: float = 0.8

    def __post_init__(self) -> None:
        if min(self.kv_weight, self.queue_weight, self.saturated_kv_ratio, self.max_queue or 0) < 0:
            raise InvalidValue(f"weights, ratio and queue of a router are not negative: {self}")


class Lane:
    """The ready replicas that take a request at one stage of its life, oldest first, and the requests that wait for them."""

    __slots__ = ("held", "ready", "settings")

    def __init__(self, settings: RouterSettings) -> None:
        self.settings = settings
        self.ready: list[Replica] = []
        self.held: deque[Request] = deque()

    @property
    def is_full(self) -> bool:
        """Whether no more may be held."""
        limit = self.settings.max_queue
        return limit is not None and len(self.held) >= limit

    def join(self, replica: Replica) -> None:
        """A replica takes requests from now on."""
        insort(self.ready, replica, key=_INDEX)

    def leave(self, replica: Replica) -> None:
        """It takes no more."""
        if replica in self.ready:
            self.ready.remove(replica)

    def choose(self, now: float) -> Replica | None:
        """The replica with the least load, the oldest of equals; None while none is ready, or is to be given more."""
        ready = [each for each in self.ready if not each.saturated] if self.settings.holds else self.ready
        best, least = None, 0.0
        for replica in ready:
            load = replica.load + replica.load_growth * now
            if best is None or load < least:
                best, least = replica, load
        return best

    def overdue(self, now: float) -> Iterator[Request]:
        """Take out those whose clients have left."""
        if any(request.deadline_seconds < now for request in self.held):
            every = list(self.held)
            self.held.clear()
            for request in every:
                if request.deadline_seconds < now:
                    yield request
                else:
                    self.held.append(request)
