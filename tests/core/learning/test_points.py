"""A snapshot as one operating point a variant, and points as a window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fleet_builder import R, V, fleet, snapshot

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import Column
from wva_exporter.core.queueing.observations import Observations
from wva_exporter.core.queueing.points import Points, point_of
from wva_exporter.errors import InvalidValue

FLEET = fleet(V(name="a"), V(name="b"))
FULL = {
    Signal.GENERATION_TOKEN_RATE: 1000.0,
    Signal.OUTPUT_TOKENS: 200.0,
    Signal.INPUT_TOKENS: 500.0,
    Signal.ITL: 0.02,
    Signal.TTFT: 0.1,
    Signal.REQUEST_RATE: 9.0,
    Signal.PREFIX_HIT_RATIO: 0.25,
}


def seen_of(*replicas: R) -> Observations:
    """The point of variant a, first of two rows."""
    return point_of(snapshot(FLEET, replicas), np.array([256, 128])).seen


def test_the_batch_is_rate_times_the_time_inside() -> None:
    """Its mean over the window, not the gauge of a moment: 5 requests per second x (0.1 s + 199 x 0.02 s)."""
    seen = seen_of(R(v="a", running=3.0, signals=FULL))
    assert seen.running.value[0, 0] == pytest.approx(5 * (0.1 + 199 * 0.02))
    assert not seen.running.known[1, 0]


def test_the_rate_is_that_of_tokens_over_tokens_per_request() -> None:
    """1000 tokens per second at 200 a request are 5 requests per second, whenever they happen to end."""
    assert seen_of(R(v="a", signals=FULL)).rate_rps.value[0, 0] == pytest.approx(5.0)


def test_without_token_rates_the_gauge_and_the_finished_requests_stand_in() -> None:
    """An engine that tells less is learned from all the same."""
    less = {**FULL, Signal.GENERATION_TOKEN_RATE: None}
    seen = seen_of(R(v="a", running=3.0, signals=less))
    assert (seen.running.value[0, 0], seen.rate_rps.value[0, 0]) == (3.0, 9.0)


def test_replicas_are_averaged_by_what_they_serve() -> None:
    """Latencies and sizes weigh by requests, loads count once a replica; silent ones do not count."""
    busy = {**FULL, Signal.GENERATION_TOKEN_RATE: 3000.0, Signal.ITL: 0.04}
    seen = seen_of(R(v="a", signals=FULL), R(v="a", signals=busy), R(v="a", silent=True))
    assert seen.rate_rps.value[0, 0] == pytest.approx(10.0)
    assert seen.itl_seconds.value[0, 0] == pytest.approx((0.02 * 5 + 0.04 * 15) / 20)
    assert seen.hit_ratio.value[0, 0] == pytest.approx(0.25)


def test_an_idle_variant_has_no_point() -> None:
    """No request, no latency: nothing to learn, and nothing is made up."""
    idle = dict.fromkeys(FULL)
    assert not seen_of(R(v="a", running=0.0, signals=idle)).usable.any()


@pytest.mark.parametrize(
    "unsettled",
    [R(v="a", running=240.0, signals=FULL), R(v="a", running=20.0, waiting=3.0, signals=FULL)],
    ids=["fills", "queues"],
)
def test_a_replica_on_its_way_to_another_state_counts_only_without_a_steady_one(unsettled: R) -> None:
    """Its minute is a mixture: a batch that is filling now, or a first token that waited in a queue."""
    slow = replace(unsettled, signals={**FULL, Signal.ITL: 0.08})
    both = point_of(snapshot(FLEET, [R(v="a", running=20.0, signals=FULL), slow]), np.array([256, 128]))
    alone = point_of(snapshot(FLEET, [slow]), np.array([256, 128]))
    assert both.seen.itl_seconds.value[0, 0] == pytest.approx(0.02)
    assert alone.seen.itl_seconds.value[0, 0] == pytest.approx(0.08)
    assert (both.steady[0, 0], alone.steady[0, 0]) == (True, False)


def test_who_serves_nobody_says_nothing_of_those_who_do() -> None:
    """An idle replica is in the steadiest state of all; what is learned is of the busy ones, queue or not."""
    idle = R(v="a", running=0.0, signals={Signal.GENERATION_TOKEN_RATE: 0.0, Signal.REQUEST_RATE: 0.0})
    queueing = R(v="a", running=20.0, waiting=3.0, signals=FULL)
    with_idle = point_of(snapshot(FLEET, [R(v="a", running=20.0, signals=FULL), idle]), np.array([256, 128]))
    assert with_idle.seen.running.value[0, 0] == pytest.approx(5 * (0.1 + 199 * 0.02))
    starved = point_of(snapshot(FLEET, [queueing, idle]), np.array([256, 128]))
    assert starved.seen.usable[0, 0]
    assert not starved.steady[0, 0]


def columns(values: list[list[float]], arguments: list[list[float]], time: list[float]) -> Points:
    """Points whose every column is these values."""
    column = Column.of(np.array(values))
    seen = Observations.of(np.full(len(values), 8), in_tokens=column, out_tokens=column, itl_seconds=column)
    return Points(time=np.array(time), seen=seen, arguments=Column.of(np.array(arguments)))


def test_a_change_of_arguments_has_its_time() -> None:
    """The first point with the newest arguments; unknown ones tell nothing; no change has no time."""
    nan = float("nan")
    points = columns(
        [[1.0] * 4, [1.0] * 4, [1.0] * 4],
        [[5.0, 5.0, 9.0, 9.0], [5.0, nan, nan, 5.0], [nan] * 4],
        [10.0, 20.0, 30.0, 40.0],
    )
    assert points.changed_at.listed() == [30.0, None, None]


def test_points_leave_the_window_by_age() -> None:
    """Joined at the end, dropped at the beginning."""
    one = columns([[1.0, 2.0]], [[5.0, 5.0]], [10.0, 20.0])
    both = one.joined(columns([[3.0]], [[5.0]], [30.0])).since(15.0)
    assert both.time.tolist() == [20.0, 30.0]
    assert both.seen.in_tokens.value.tolist() == [[2.0, 3.0]]


def test_time_only_moves_forward() -> None:
    """A point from before the newest is a fault of its source."""
    with pytest.raises(InvalidValue, match="order"):
        columns([[1.0]], [[5.0]], [10.0]).joined(columns([[1.0]], [[5.0]], [9.0]))
