"""What an HPA makes of a metric of type ``Pods``: an average over pods, with Kubernetes' care for those that say nothing.

The arithmetic is ``calcPlainMetricReplicas`` of kubernetes/pkg/controller/podautoscaler/replica_calculator.go as of 1.32.
Quantities are thousandths and their mean is cut to whole ones. A pod that runs and has no sample yet, as one that loads its
weights, is missing: it counts as idle where the others ask for more, as just at the target where they ask for less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

_MILLI = 1000


def propose_pods(
    values: Mapping[str, float], pods: Sequence[str], *, target: float, current: int, tolerance: float = 0.1
) -> int | None:
    """Replicas that a metric proposes; None where it cannot be read.

    Args:
        values: the newest sample of each pod that has one.
        pods: the target's pods that are not being deleted; samples of others are left out.
        target: the average that is wanted.
        current: replicas that the target asks for now.
        tolerance: how far the ratio may be from 1 without consequence.
    """
    named = frozenset(pods)
    usage = {pod: round(value * _MILLI) for pod, value in values.items() if pod in named}
    if not usage:
        return None
    wanted = round(target * _MILLI)
    missing = [pod for pod in pods if pod not in usage]
    ratio = _ratio(usage, wanted)
    if not missing:
        return current if abs(1.0 - ratio) <= tolerance else math.ceil(ratio * len(usage))
    if ratio != 1.0:
        usage |= dict.fromkeys(missing, wanted if ratio < 1.0 else 0)
    again = _ratio(usage, wanted)
    turned = (ratio < 1.0 < again) or (again < 1.0 < ratio)
    if abs(1.0 - again) <= tolerance or turned:
        return current
    proposed = math.ceil(again * len(usage))
    against = proposed > current if again < 1.0 else proposed < current
    return current if against else proposed


def _ratio(usage: Mapping[str, int], wanted: int) -> float:
    return (sum(usage.values()) // len(usage)) / wanted
