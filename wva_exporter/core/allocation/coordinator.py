"""Sharing one quota of GPUs between pools of pods by their queues: the most replicas that each may have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPool:
    """Pods that a router spreads requests over: its queue (None: nobody knows), its least replicas, the GPUs of one."""

    name: str
    queue: float | None
    minimum: int = 1
    gpus: int = 1


def share(quota: int, pools: Sequence[PodPool]) -> dict[str, int] | None:
    """The most replicas of each pool, None where the quota does not even hold the least ones: then nothing changes.

    Least replicas first, the rest by queue, or evenly where nobody queues; what is left over goes to the longest queue, of
    equals the first. A queue that nobody knows counts as empty. A pod counts with its GPUs: the original counts each as one.
    """
    least = {pool.name: max(1, pool.minimum) for pool in pools}
    rest = quota - sum(least[pool.name] * pool.gpus for pool in pools)
    if quota <= 0 or rest < 0:
        return None
    queues = {pool.name: pool.queue or 0.0 for pool in pools}
    whole = sum(queues.values())
    weight = {name: queue / whole if whole > 0 else 1.0 / len(pools) for name, queue in queues.items()}
    most = dict(least)
    left = rest
    for pool in pools:
        more = math.floor(rest * weight[pool.name]) // pool.gpus
        most[pool.name] += more
        left -= more * pool.gpus
    for pool in sorted(pools, key=lambda each: -weight[each.name]):
        more = left // pool.gpus
        most[pool.name] += more
        left -= more * pool.gpus
    return most
