"""The recommended batch limit: from beliefs, the requests of the window and a promise, and only where they are known well."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from core.learning.engines import START, Law, spread_loads, window

from wva_exporter.core.columns import Column, FloatArray
from wva_exporter.core.fleet import Promises
from wva_exporter.core.queueing.advice import KNOWN_RATIO, LARGEST_LIMIT, recommended_limit
from wva_exporter.core.queueing.batch_limit import NEAR_RATIO
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.learning import Learned, Learning
from wva_exporter.core.queueing.points import Points
from wva_exporter.core.queueing.sizing import Targets, size

LAW = Law()
ITL, TTFT = 0.012, 0.25


@dataclass(frozen=True, kw_only=True)
class Case:
    """One variant: how surely it is known, its KV memory, what its engines were told and what is promised."""

    spread: FloatArray = field(default_factory=lambda: np.array([0.05, 0.05, 0.05]))
    kv_tokens: float | None = None
    told: int = 256
    itl: float | None = ITL
    ttft: float | None = TTFT
    percentile: float | None = None

    @property
    def promised(self) -> Promises:
        """In the rows of this one variant."""
        return Promises(
            ttft_seconds=Column.from_optional([self.ttft]),
            itl_seconds=Column.from_optional([self.itl]),
            percentile=Column.from_optional([self.percentile]),
        )

    @property
    def learning(self) -> Learning:
        """What ten minutes left."""
        seen = window(LAW, spread_loads(8))
        times = START + 15.0 * np.arange(8)
        kv = Column.from_optional([self.kv_tokens] * 8)
        points = Points(time=times, seen=seen, arguments=Column(value=kv.value[None, :], known=kv.known[None, :]))
        belief = Belief.of(LAW.seconds[None, :], LAW.seconds * self.spread)
        learned = Learned(belief=belief, began_at=Column.unknown(1))
        return replace(Learning.start(1, START), points=points, latest=learned)

    @property
    def limit(self) -> float | None:
        """The recommendation."""
        return recommended_limit(self.learning, np.array([self.told]), self.promised).listed()[0]


def capacity(limit: int) -> float:
    """Requests per second within the promise under a batch limit."""
    system = replace(LAW, max_batch=LARGEST_LIMIT).system(LAW.seconds)
    return float(size(system.with_batch(limit), Targets.of(TTFT, ITL)).throughput_rps)


def test_the_limit_keeps_the_promised_rate_and_a_fifth_less_does_not() -> None:
    """Checked against the largest limit tried."""
    limit = Case().limit
    assert limit is not None
    best = capacity(LARGEST_LIMIT)
    assert capacity(int(limit)) >= NEAR_RATIO * best > capacity(int(0.8 * limit))
    assert 1 < limit < LARGEST_LIMIT


def test_it_may_be_more_than_the_engine_was_told() -> None:
    """That is when it is worth reading."""
    assert Case(told=8).limit == Case(told=256).limit


def test_memory_caps_it() -> None:
    """Requests that do not fit would be preempted: ten of them hold 1,152 tokens each here."""
    each = LAW.in_tokens + LAW.out_tokens / 2
    assert Case(kv_tokens=10.5 * each).limit == 10


def test_a_stricter_promise_asks_for_a_smaller_batch() -> None:
    """Of the mean, and for the slowest requests too."""
    usual, strict, slowest = Case().limit, Case(itl=0.009).limit, Case(itl=0.05, ttft=0.4, percentile=0.99).limit
    assert usual is not None
    assert strict is not None
    assert strict < usual
    assert slowest is not None


@pytest.mark.parametrize(
    "case",
    [
        Case(itl=None, ttft=None),
        Case(itl=0.001),
        Case(spread=np.array([0.5, 0.05, 0.05])),
        Case(spread=np.array([2.0, 3.0, 3.0])),
    ],
)
def test_what_is_not_promised_not_possible_or_not_known_gets_none(case: Case) -> None:
    """No target; one that a single request misses; parameters that leave the capacity open."""
    assert case.limit is None


def test_a_variant_without_points_gets_none() -> None:
    """Its requests are unknown, whatever is believed of the engine; neither does an empty fleet break anything."""
    before = replace(Case().learning, points=Points.none(1))
    assert recommended_limit(before, np.array([256]), Case().promised).listed() == [None]
    assert recommended_limit(Learning.start(0, START), np.zeros(0, dtype=np.int64), Promises.none(0)).listed() == []


def test_a_parameter_that_hardly_matters_may_be_hardly_known() -> None:
    """Reading the cache costs little here: what counts is how well the capacity is known."""
    assert Case(spread=np.array([0.03, 0.03, 2 * KNOWN_RATIO])).limit is not None
