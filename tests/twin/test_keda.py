"""KEDA to the letter: what is null and what is an error, when the fallback speaks, and the step from and to zero."""

import pytest

from wva_exporter.twin.keda import (
    Activity,
    Answer,
    Failure,
    Fallback,
    Health,
    ScaledObject,
    Trigger,
    activate,
    metrics,
    read,
)

TRIGGER = Trigger(threshold=2.0)
CAREFUL = Trigger(threshold=2.0, ignores_null=False)


def scaled(
    *, minimum: int = 0, replicas: int | None = None, fallback: Fallback = Fallback.STATIC, cooldown: float = 300.0
) -> ScaledObject:
    """A ScaledObject with or without a fallback."""
    return ScaledObject(
        minimum=minimum, maximum=10, fallback_replicas=replicas, fallback=fallback, cooldown_seconds=cooldown
    )


@pytest.mark.parametrize(
    ("trigger", "answer", "value"),
    [
        (TRIGGER, 3.5, 3.5),
        (TRIGGER, Failure.EMPTY, 0.0),
        (CAREFUL, Failure.EMPTY, None),
        (TRIGGER, Failure.ERROR, None),
        (CAREFUL, Failure.ERROR, None),
    ],
)
def test_an_empty_answer_is_zero_unless_null_values_count(
    trigger: Trigger, answer: Answer, value: float | None
) -> None:
    """The default makes an outage look like no load."""
    assert read(trigger, answer) == value


def told(spec: ScaledObject, answers: list[Answer], current: int = 6) -> list[float | None]:
    """What the HPA is told over some syncs."""
    health, seen = Health(failures=(0,)), []
    for answer in answers:
        (value,), health = metrics(spec, [TRIGGER], [answer], health, current)
        seen.append(value)
    return seen


def test_without_fallback_an_error_stays_an_error() -> None:
    """The HPA holds for as long as it lasts."""
    assert told(scaled(), [Failure.ERROR] * 6) == [None] * 6


def test_the_fallback_speaks_after_more_failures_than_the_threshold_in_a_row() -> None:
    """Three are suffered, the fourth is answered with 4 replicas times the target of 2; a success begins anew."""
    failing: list[Answer] = [Failure.ERROR] * 4
    assert told(scaled(replicas=4), [*failing, 7.0, *failing]) == [None, None, None, 8.0, 7.0, None, None, None, 8.0]


@pytest.mark.parametrize(
    ("kind", "current", "replicas"),
    [
        (Fallback.STATIC, 6, 4),
        (Fallback.CURRENT, 6, 6),
        (Fallback.CURRENT_IF_HIGHER, 6, 6),
        (Fallback.CURRENT_IF_HIGHER, 2, 4),
        (Fallback.CURRENT_IF_LOWER, 6, 4),
        (Fallback.CURRENT_IF_LOWER, 2, 2),
    ],
)
def test_which_number_the_fallback_takes(kind: Fallback, current: int, replicas: int) -> None:
    """Its own, the current one, the higher or the lower of both."""
    assert told(scaled(replicas=4, fallback=kind), [Failure.ERROR] * 4, current)[-1] == replicas * 2.0


def poll(
    spec: ScaledObject, answer: Answer, replicas: int, *, now: float = 1000.0, last: float | None = None
) -> tuple[int, float | None]:
    """Replicas after one poll, and when the trigger was last active."""
    wanted, activity = activate(
        spec, [CAREFUL], [answer], Activity(last_active_at=last), now=now, spec_replicas=replicas
    )
    return wanted, activity.last_active_at


def test_an_active_trigger_wakes_to_the_minimum_or_one() -> None:
    """From zero; what is awake is the HPA's."""
    assert poll(scaled(), 0.1, 0) == (1, 1000.0)
    assert poll(scaled(minimum=3), 0.1, 0) == (3, 1000.0)
    assert poll(scaled(), 5.0, 4) == (4, 1000.0)


def test_idleness_ends_at_zero_only_after_the_cooldown_and_with_a_minimum_of_zero() -> None:
    """Counted from when a trigger was last active; nobody ever active has no cooldown."""
    assert poll(scaled(), 0.0, 4, last=800.0) == (4, 800.0)
    assert poll(scaled(), 0.0, 4, last=600.0) == (0, 600.0)
    assert poll(scaled(), 0.0, 4) == (0, None)
    assert poll(scaled(minimum=1), 0.0, 4, last=600.0) == (4, 600.0)
    assert poll(scaled(minimum=2), 0.0, 1, last=600.0) == (2, 600.0)


def test_an_error_is_no_idleness() -> None:
    """With or without a fallback the replicas stay, unless the fallback is none at all."""
    assert poll(scaled(), Failure.ERROR, 4, last=0.0) == (4, 0.0)
    assert poll(scaled(replicas=2), Failure.EMPTY, 4, last=0.0) == (4, 0.0)
    assert poll(scaled(replicas=0), Failure.ERROR, 4, last=0.0) == (0, 0.0)


def test_a_value_at_the_activation_threshold_is_not_active() -> None:
    """Only what is above it wakes."""
    spec, trigger = scaled(), Trigger(threshold=2.0, activation=5.0)
    for value, wanted in ((5.0, 0), (5.1, 1)):
        assert activate(spec, [trigger], [value], Activity(), now=0.0, spec_replicas=0)[0] == wanted
