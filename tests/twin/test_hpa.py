"""Kubernetes' autoscaler to the letter: dead band, windows, policies, and what it does without a metric."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.twin.hpa import (
    DEFAULT_UP,
    Autoscaler,
    Behavior,
    Direction,
    Memory,
    Policy,
    Select,
    Unit,
    propose,
    sync,
)

QUICK = Direction(stabilization_seconds=0, policies=(Policy(unit=Unit.PODS, value=100, period_seconds=15),))
FREE = Behavior(up=QUICK, down=QUICK)


def scaler(*, minimum: int = 1, maximum: int = 100, behavior: Behavior | None = FREE) -> Autoscaler:
    """An HPA that by default lets everything through."""
    return Autoscaler(minimum=minimum, maximum=maximum, behavior=behavior)


def follow(hpa: Autoscaler, start: int, wanted: Sequence[float | None], every: float = 15.0) -> list[int]:
    """Replicas after each sync, with targets that obey at once."""
    replicas, memory, seen = start, Memory(), []
    for step, value in enumerate(wanted):
        replicas, memory = sync(
            hpa,
            memory,
            now=step * every,
            spec_replicas=replicas,
            status_replicas=replicas,
            values=None if value is None else [value],
        )
        seen.append(replicas)
    return seen


@pytest.mark.parametrize(
    ("current", "wanted", "result"),
    [
        (11, 10, 11),
        (20, 21, 20),
        (10, 9, 10),
        (20, 22, 22),
        (10, 11, 11),
        (30, 34, 34),
        (1, 2, 2),
        (2, 1, 1),
        (5, 4, 4),
    ],
)
def test_a_tenth_is_swallowed(current: int, wanted: int, result: int) -> None:
    """The dead band of 10 % as floats compute it: 9 of 10 is within, 11 of 10 is a hair outside."""
    assert follow(scaler(), current, [wanted]) == [result]


def test_series_are_added_up() -> None:
    """Two writers of one metric ask for the sum."""
    assert propose(scaler(), 3, [3.0, 3.0]) == 6


def test_a_fraction_asks_for_the_next_whole_replica() -> None:
    """2.3 replicas of work need three."""
    assert propose(scaler(), 1, [2.3]) == 3


def test_a_missing_metric_holds() -> None:
    """Neither an error nor an empty answer moves anything."""
    assert follow(scaler(), 4, [None, None, 5, None]) == [4, 4, 5, 5]


def test_a_parked_target_stays_parked() -> None:
    """Zero replicas in the spec switch autoscaling off."""
    assert follow(scaler(), 0, [5.0]) == [0]


def test_bounds_are_restored_without_a_metric() -> None:
    """A target outside min and max goes to the nearest of them at once."""
    assert follow(scaler(minimum=2, maximum=5), 9, [None]) == [5]
    assert follow(scaler(minimum=2, maximum=5), 1, [None]) == [2]


def test_without_behavior_a_step_up_is_at_most_double_or_four() -> None:
    """max(2 x replicas, 4): from 1 to 4, to 8, to 16."""
    assert follow(scaler(behavior=None), 1, [50, 50, 50]) == [4, 8, 16]


def test_without_behavior_the_way_down_waits_five_minutes() -> None:
    """The highest recommendation of 300 s counts, the size at the first sync among them."""
    assert follow(scaler(behavior=None), 6, [2] * 23) == [6] * 21 + [2, 2]


def test_default_policies_allow_four_pods_or_double() -> None:
    """The larger of both counts: from 1 to 5, to 10, to 20."""
    assert follow(scaler(behavior=Behavior()), 1, [50, 50, 50]) == [5, 10, 20]


def test_the_window_down_takes_the_highest_recommendation() -> None:
    """A dip shorter than the window is not followed, a lasting one is after it."""
    down = Direction(stabilization_seconds=60, policies=QUICK.policies)
    hpa = scaler(behavior=Behavior(up=QUICK, down=down))
    assert follow(hpa, 8, [8, 2, 8, 2, 2, 2, 2]) == [8, 8, 8, 8, 8, 8, 2]


def test_the_window_up_takes_the_lowest_recommendation() -> None:
    """A peak shorter than the window is not followed."""
    up = Direction(stabilization_seconds=60, policies=QUICK.policies)
    hpa = scaler(behavior=Behavior(up=up, down=QUICK))
    assert follow(hpa, 2, [2, 8, 2, 8, 8, 8, 8]) == [2, 2, 2, 2, 2, 2, 8]


def test_pods_per_period_bound_the_way_down() -> None:
    """One pod a minute: four syncs of 15 s share it."""
    down = Direction(stabilization_seconds=0, policies=(Policy(unit=Unit.PODS, value=1, period_seconds=60),))
    hpa = scaler(behavior=Behavior(up=QUICK, down=down))
    assert follow(hpa, 5, [1] * 6) == [4, 4, 4, 4, 3, 3]


def test_percent_rounds_in_favour_of_the_step() -> None:
    """Half of 5 more is 8, half of 5 less is 2: parts of a pod never stop a step."""
    half = Direction(stabilization_seconds=0, policies=(Policy(unit=Unit.PERCENT, value=50, period_seconds=60),))
    assert follow(scaler(behavior=Behavior(up=half)), 5, [50]) == [8]
    assert follow(scaler(behavior=Behavior(up=QUICK, down=half)), 5, [1]) == [2]


def test_select_policy_chooses_between_policies() -> None:
    """Max allows the largest change, Min the smallest, Disabled none."""
    for select, result in ((Select.MAX, 10), (Select.MIN, 7), (Select.DISABLED, 5)):
        up = Direction(
            stabilization_seconds=0,
            policies=(
                Policy(unit=Unit.PODS, value=2, period_seconds=15),
                Policy(unit=Unit.PERCENT, value=100, period_seconds=15),
            ),
            select=select,
        )
        assert follow(scaler(behavior=Behavior(up=up)), 5, [50]) == [result]


def test_replicas_removed_in_the_period_may_come_back() -> None:
    """Policies count from where the period began, so a wrong step down is undone at once."""
    up = Direction(stabilization_seconds=0, policies=(Policy(unit=Unit.PODS, value=1, period_seconds=60),))
    assert follow(scaler(behavior=Behavior(up=up, down=QUICK)), 8, [4, 50]) == [4, 9]


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 200)), min_size=1, max_size=40),
    st.integers(0, 5),
    st.integers(5, 60),
    st.sampled_from([None, FREE, Behavior(), Behavior(up=DEFAULT_UP, down=QUICK)]),
)
def test_replicas_stay_within_the_bounds(
    wanted: list[float | None], minimum: int, maximum: int, behavior: Behavior | None
) -> None:
    """Whatever the metric says."""
    seen = follow(scaler(minimum=minimum, maximum=maximum, behavior=behavior), max(minimum, 1), wanted)
    assert all(minimum <= replicas <= maximum for replicas in seen)
