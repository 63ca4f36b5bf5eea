"""The HorizontalPodAutoscaler of Kubernetes: its arithmetic, step by step.

With one external metric of ``AverageValue`` a sync asks for ``ceil(value / average)`` replicas unless
``|value / (average x replicas) - 1|`` is within the tolerance, then takes the most careful recommendation of each stabilisation
window, then bounds the step by policies and by min and max (kubernetes/pkg/controller/podautoscaler, as of 1.32; later versions
also hold at a ratio of exactly 1.1, which floats put just above the tolerance here). A metric that cannot be read changes
nothing and leaves no recommendation behind. Of several metrics the one that asks for most counts; while one of them cannot be
read the others may only raise (``computeReplicasForMetrics``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wva_exporter.errors import InvalidValue

LONGEST_PERIOD_SECONDS = 1800.0
"""Kubernetes allows no longer period of a policy, so older changes are forgotten."""


class Unit(StrEnum):
    """What the value of a policy counts."""

    PODS = "Pods"
    PERCENT = "Percent"


class Select(StrEnum):
    """Which policy counts: the one that allows most, the one that allows least, or none."""

    MAX = "Max"
    MIN = "Min"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """At most ``value`` pods, or percent of the pods at the start of the period, within ``period_seconds``."""

    unit: Unit
    value: int
    period_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """How far and how fast one may go in a direction."""

    stabilization_seconds: float
    policies: tuple[Policy, ...]
    select: Select = Select.MAX

    def __post_init__(self) -> None:
        if not self.policies:
            raise InvalidValue("a direction needs a policy; Select.DISABLED forbids it")


DEFAULT_UP = Direction(
    stabilization_seconds=0.0,
    policies=(
        Policy(unit=Unit.PODS, value=4, period_seconds=15.0),
        Policy(unit=Unit.PERCENT, value=100, period_seconds=15.0),
    ),
)
DEFAULT_DOWN = Direction(
    stabilization_seconds=300.0, policies=(Policy(unit=Unit.PERCENT, value=100, period_seconds=15.0),)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behavior:
    """``spec.behavior``: a direction that is not given has Kubernetes' defaults."""

    up: Direction = DEFAULT_UP
    down: Direction = DEFAULT_DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """``spec`` of an HPA. Without ``behavior`` a step up ends at max(2 x replicas, 4), one down waits 300 s."""

    minimum: int = 1
    maximum: int
    average_value: float = 1.0
    tolerance: float = 0.1
    behavior: Behavior | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.minimum <= self.maximum or self.maximum < 1 or not self.average_value > 0:
            raise InvalidValue(f"need 0 <= minimum <= maximum and a positive average, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What a sync asked for before any window or bound."""

    at: float
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Replicas added (positive) or removed by a sync."""

    at: float
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a sync leaves to the next; empty before the first."""

    recommendations: tuple[Recommendation, ...] = ()
    changes: tuple[Change, ...] = ()


def sync(
    scaler: Autoscaler,
    memory: Memory,
    *,
    now: float,
    spec_replicas: int,
    status_replicas: int,
    values: Sequence[float] | None,
) -> tuple[int, Memory]:
    """Replicas to ask for by one external metric, and the memory for the next sync.

    Args:
        scaler: the HPA.
        memory: what the last sync returned.
        now: time of this sync, in seconds.
        spec_replicas: what the target asks for now.
        status_replicas: what it has.
        values: the series of the metric, which are added up; None or none of them: it cannot be read.
    """
    proposal = propose(scaler, status_replicas, values) if values else None
    return follow(scaler, memory, now=now, spec_replicas=spec_replicas, proposals=[proposal])


def follow(
    scaler: Autoscaler, memory: Memory, *, now: float, spec_replicas: int, proposals: Sequence[int | None]
) -> tuple[int, Memory]:
    """Replicas to ask for by what each metric proposes, None for one that cannot be read, and the memory for the next sync."""
    if spec_replicas == 0 and scaler.minimum > 0:
        return 0, memory  # autoscaling is off for a target that somebody parked
    recommendations = memory.recommendations or (Recommendation(at=now, replicas=spec_replicas),)
    memory = Memory(recommendations=recommendations, changes=memory.changes)
    proposed = _largest(proposals, spec_replicas)
    if not scaler.minimum <= spec_replicas <= scaler.maximum:
        wanted = min(max(spec_replicas, scaler.minimum), scaler.maximum)
    elif proposed is None:
        return spec_replicas, memory
    else:
        stable = _stabilize(scaler, memory, now, spec_replicas, proposed)
        wanted = _bound(scaler, memory, now, spec_replicas, stable)
        memory = _remember(scaler, memory, now, proposed)
    if wanted == spec_replicas:
        return wanted, memory
    recent = tuple(change for change in memory.changes if change.at > now - LONGEST_PERIOD_SECONDS)
    changes = (*recent, Change(at=now, replicas=wanted - spec_replicas))
    return wanted, Memory(recommendations=memory.recommendations, changes=changes)


def _largest(proposals: Sequence[int | None], spec_replicas: int) -> int | None:
    """What the metrics together ask for; None where they say nothing, or less while one of them is silent."""
    read = [proposal for proposal in proposals if proposal is not None]
    if not read or (len(read) < len(proposals) and max(read) < spec_replicas):
        return None
    return max(read)


def propose(scaler: Autoscaler, status_replicas: int, values: Sequence[float]) -> int:
    """The recommendation of the metric alone, in thousandths as Kubernetes counts quantities."""
    usage = sum(round(value * 1000) for value in values)
    average = round(scaler.average_value * 1000)
    if status_replicas and abs(1.0 - usage / (average * status_replicas)) <= scaler.tolerance:
        return status_replicas
    return math.ceil(usage / average)


def _stabilize(scaler: Autoscaler, memory: Memory, now: float, current: int, proposed: int) -> int:
    """The least recommendation of the window of the way up, the greatest of the way down, nearest to what there is."""
    up, down = _windows(scaler)
    if scaler.behavior is None:
        return max([proposed, *(r.replicas for r in memory.recommendations if r.at >= now - down)])
    ceiling = min([proposed, *(r.replicas for r in memory.recommendations if r.at > now - up)])
    floor = max([proposed, *(r.replicas for r in memory.recommendations if r.at > now - down)])
    return min(max(current, ceiling), floor)


def _bound(scaler: Autoscaler, memory: Memory, now: float, current: int, stable: int) -> int:
    """The step that policies, minimum and maximum leave."""
    if scaler.behavior is None:
        return min(max(stable, scaler.minimum), scaler.maximum, max(2 * current, 4))
    if stable > current:
        highest = max(_limit(scaler.behavior.up, memory, now, current, sign=1), current)
        return min(stable, scaler.maximum, highest)
    if stable < current:
        lowest = min(_limit(scaler.behavior.down, memory, now, current, sign=-1), current)
        return max(stable, scaler.minimum, lowest)
    return stable


def _limit(direction: Direction, memory: Memory, now: float, current: int, *, sign: int) -> int:
    """How far the policies of a direction let go from where their periods started; parts of a pod count in favour."""
    if direction.select is Select.DISABLED:
        return current
    limits = []
    for policy in direction.policies:
        start = current - sum(c.replicas for c in memory.changes if c.at > now - policy.period_seconds)
        if policy.unit is Unit.PODS:
            limits.append(start + sign * policy.value)
        else:
            share = start * (1 + sign * policy.value / 100)
            limits.append(math.ceil(share) if sign > 0 else math.trunc(share))
    widest = (direction.select is Select.MAX) == (sign > 0)
    return max(limits) if widest else min(limits)


def _windows(scaler: Autoscaler) -> tuple[float, float]:
    if scaler.behavior is None:
        return 0.0, DEFAULT_DOWN.stabilization_seconds
    return scaler.behavior.up.stabilization_seconds, scaler.behavior.down.stabilization_seconds


def _remember(scaler: Autoscaler, memory: Memory, now: float, proposed: int) -> Memory:
    oldest = now - max(_windows(scaler))
    kept = tuple(r for r in memory.recommendations if r.at >= oldest)
    return Memory(recommendations=(*kept, Recommendation(at=now, replicas=proposed)), changes=memory.changes)
