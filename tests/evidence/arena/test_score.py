"""What a run is worth, from requests whose fate is written down by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from wva_exporter.errors import InvalidValue
from wva_exporter.evidence.arena.score import Score, score
from wva_exporter.twin.requests import Ending
from wva_exporter.twin.run import Action, Requests, Run, Timeline
from wva_exporter.twin.scenario import Promise

PROMISE = Promise(ttft_seconds=2.0, itl_seconds=0.05)
NAN = math.nan

Fate = tuple[Ending, float, float]
"""How it ended, time to the first token, mean time between tokens."""

FINE: Fate = (Ending.SERVED, 1.0, 0.02)


def run_of(fates: Sequence[Fate], **changes: object) -> Run:
    """A run of ten seconds with these requests."""
    count = len(fates)
    columns = list(zip(*fates, strict=True)) or [(), (), ()]
    requests = Requests(
        arrival_seconds=np.linspace(0.0, 9.0, count),
        ending=np.array([ending.code for ending in columns[0]], dtype=np.int8),
        ttft_seconds=np.array(columns[1], dtype=np.float64),
        itl_seconds=np.array(columns[2], dtype=np.float64),
        prompt_tokens=np.full(count, 100),
        output_tokens=np.full(count, 10),
    )
    values: dict[str, object] = {
        "scenario": "s",
        "contender": "c",
        "seed": 0,
        "duration_seconds": 10.0,
        "requests": requests,
        "timeline": _nothing_seen(),
        "replica_seconds": {"a": 7200.0},
        "cost": {"a": 5.0},
        "energy_joules": 0.0,
        "changes": (),
        "decisions": 0,
        "deciding_seconds": 0.0,
    }
    return Run(**(values | changes))


def _nothing_seen() -> Timeline:
    """A timeline without samples."""
    none, counts = np.zeros(0), np.zeros(0, dtype=np.int64)
    pods = np.zeros((0, 1), dtype=np.int64)
    return Timeline(
        variants=("a",),
        seconds=none,
        offered_rps=none,
        ready=pods,
        pending=pods,
        desired=pods,
        kv_mean_ratio=np.zeros((0, 1)),
        running=counts,
        waiting=counts,
        held=counts,
    )


def test_every_kind_of_request_counts_where_it_belongs() -> None:
    """Ten offered: four good, two late in one way or the other, four not served."""
    fates = [
        *([FINE] * 4),
        (Ending.SERVED, 2.1, 0.02),
        (Ending.SERVED, 1.0, 0.06),
        (Ending.TIMED_OUT, NAN, NAN),
        (Ending.TIMED_OUT, NAN, NAN),
        (Ending.LOST, 0.5, NAN),
        (Ending.REFUSED, NAN, NAN),
    ]
    found = score(run_of(fates), PROMISE)
    assert (found.offered_rps, found.completed_rps, found.good_rps) == (1.0, 0.6, 0.4)
    assert (found.timed_out_ratio, found.lost_ratio, found.refused_ratio) == (0.2, 0.1, 0.1)
    assert found.failed_ratio == pytest.approx(0.4)
    assert found.attainment_ratio == 0.4
    assert (found.replica_hours, found.cost, found.cost_per_1000_good) == (2.0, 5.0, 1250.0)


def test_those_who_failed_are_infinitely_late() -> None:
    """Nine fast ones and one that gave up: the median is fast, the p95 is never."""
    found = score(run_of([*([FINE] * 9), (Ending.LOST, 0.1, NAN)]), PROMISE)
    assert (found.ttft_p50_seconds, found.ttft_p95_seconds, found.itl_p99_seconds) == (1.0, math.inf, math.inf)


def test_a_single_token_has_no_time_between_tokens_and_may_be_good() -> None:
    """It keeps that half of the promise, and is in no percentile of it."""
    found = score(run_of([(Ending.SERVED, 1.0, NAN), FINE]), PROMISE)
    assert (found.attainment_ratio, found.itl_p99_seconds) == (1.0, 0.02)


def test_nothing_good_has_no_price_and_unknown_energy_is_not_zero() -> None:
    """A price of nothing is endless; joules that nobody knows are not a number."""
    found = score(run_of([(Ending.TIMED_OUT, NAN, NAN)]), PROMISE)
    assert found.cost_per_1000_good == math.inf
    assert math.isnan(found.energy_kilowatt_hours)
    assert math.isnan(found.itl_p50_seconds) or math.isinf(found.itl_p50_seconds)


def test_energy_and_movement_are_taken_from_the_run() -> None:
    """A kilowatt hour is 3.6 million joules; the second change takes the first back."""
    changes = (Action(at=0.0, variant="a", before=1, after=3), Action(at=60.0, variant="a", before=3, after=2))
    found = score(run_of([FINE], energy_joules=7.2e6, changes=changes), PROMISE)
    assert (found.energy_kilowatt_hours, found.actions, found.reversals) == (2.0, 2.0, 1.0)


def test_a_run_without_requests_has_no_score() -> None:
    """A share of nothing would be a number that means nothing."""
    with pytest.raises(InvalidValue, match="no request arrives"):
        score(run_of([]), PROMISE)


def test_a_score_survives_as_numbers() -> None:
    """What is kept is what comes back; a file of an older form is nobody's score."""
    found = score(run_of([FINE], energy_joules=1.0), PROMISE)
    assert Score.from_numbers(found.numbers()) == found
    assert Score.from_numbers({"cost": 1.0}) is None
