"""Which replica takes a request."""

from __future__ import annotations

from collections.abc import Iterable

from wva_exporter.twin.replica import Phase, Replica


def least_loaded(replicas: Iterable[Replica]) -> Replica | None:
    """The ready replica whose KV cache is wanted least, the oldest of equals; None while none is ready.

    Demand relative to capacity, so that replicas of different hardware fill alike.
    """
    ready = [replica for replica in replicas if replica.phase is Phase.READY]
    return min(ready, key=lambda replica: (replica.demand_ratio, replica.index), default=None)
