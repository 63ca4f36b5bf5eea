"""KEDA's part in scaling: what it makes of a trigger's answer, and the step between zero and one replica that an HPA lacks.

A trigger that fails makes its metric fail, and an HPA holds. Once it failed more often than ``failure_threshold`` in a row the
fallback speaks: so many replicas times the trigger's target, which the HPA divides by the target again (keda/pkg/fallback). An
empty answer is a failure only where ``ignores_null`` is off; by default it counts as 0. Every polling interval KEDA itself
looks whether any trigger is above its activation threshold (keda/pkg/scaling/executor): if so and there are no replicas it asks
for the minimum or one, and if none has been for the cooldown and the minimum is 0 it asks for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wva_exporter.errors import InvalidValue


class Failure(StrEnum):
    """Why a trigger has no number."""

    EMPTY = "empty"
    """The query matched nothing."""
    ERROR = "error"
    """It was not answered, or with several series."""


Answer = float | Failure


class Fallback(StrEnum):
    """Which number of replicas a fallback takes."""

    STATIC = "static"
    CURRENT = "currentReplicas"
    CURRENT_IF_HIGHER = "currentReplicasIfHigher"
    CURRENT_IF_LOWER = "currentReplicasIfLower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A metric with ``AverageValue`` ``threshold``."""

    threshold: float
    activation: float = 0.0
    ignores_null: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledObject:
    """``spec`` of a ScaledObject, without its triggers; ``fallback_replicas`` None: no fallback."""

    minimum: int
    maximum: int
    polling_seconds: float = 30.0
    cooldown_seconds: float = 300.0
    fallback_replicas: int | None = None
    fallback: Fallback = Fallback.STATIC
    failure_threshold: int = 3

    def __post_init__(self) -> None:
        if not 0 <= self.minimum <= self.maximum or self.maximum < 1:
            raise InvalidValue(f"need 0 <= minimum <= maximum, at least 1, got {self.minimum} and {self.maximum}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How often in a row each trigger failed when the HPA asked."""

    failures: tuple[int, ...]


def read(trigger: Trigger, answer: Answer) -> float | None:
    """The number that an answer stands for; None: it is an error."""
    if answer is Failure.EMPTY and trigger.ignores_null:
        return 0.0
    return None if isinstance(answer, Failure) else answer


def metrics(
    scaled: ScaledObject, triggers: Sequence[Trigger], answers: Sequence[Answer], health: Health, current: int
) -> tuple[tuple[float | None, ...], Health]:
    """What the HPA is told of each trigger, None for an error, and the failures to remember; ``current`` replicas exist."""
    told, failures = [], []
    for trigger, answer, before in zip(triggers, answers, health.failures, strict=True):
        value = read(trigger, answer)
        failed = 0 if value is not None else before + 1
        if value is None and scaled.fallback_replicas is not None and failed > scaled.failure_threshold:
            value = _fallback(scaled.fallback, scaled.fallback_replicas, current) * trigger.threshold
        told.append(value)
        failures.append(failed)
    return tuple(told), Health(failures=tuple(failures))


def _fallback(kind: Fallback, replicas: int, current: int) -> int:
    match kind:
        case Fallback.STATIC:
            return replicas
        case Fallback.CURRENT:
            return current
        case Fallback.CURRENT_IF_HIGHER:
            return max(current, replicas)
        case Fallback.CURRENT_IF_LOWER:
            return min(current, replicas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """When a trigger was last active, None if none ever was."""

    last_active_at: float | None = None


def activate(
    scaled: ScaledObject,
    triggers: Sequence[Trigger],
    answers: Sequence[Answer],
    activity: Activity,
    *,
    now: float,
    spec_replicas: int,
) -> tuple[int, Activity]:
    """Replicas to ask for after one poll, and what to remember; all but the steps from and to zero is the HPA's.

    An error is no proof of idleness, unless the fallback is to have no replicas at all.
    """
    values = [read(trigger, answer) for trigger, answer in zip(triggers, answers, strict=True)]
    failed = any(value is None for value in values)
    pairs = zip(values, triggers, strict=True)
    if any(value is not None and value > trigger.activation for value, trigger in pairs):
        woken = max(scaled.minimum, 1) if spec_replicas == 0 else spec_replicas
        noticed = spec_replicas == 0 or not failed
        return woken, Activity(last_active_at=now) if noticed else activity
    if failed and scaled.fallback_replicas != 0:
        return spec_replicas, activity
    if scaled.minimum > 0:
        return max(spec_replicas, scaled.minimum), activity
    cooled = activity.last_active_at is None or now - activity.last_active_at > scaled.cooldown_seconds
    return (0 if cooled else spec_replicas), activity
