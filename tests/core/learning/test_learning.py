"""Learning over time: it converges, remembers, begins anew where it must, and can be read back after a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from core.learning.engines import START, Law, changed, point, window

from wva_exporter.core.columns import Column
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.learning import (
    ANEW_SPREAD,
    WINDOW_SECONDS,
    Learned,
    Learning,
    boundaries,
    learn,
    period_of,
)
from wva_exporter.core.queueing.observations import Observations
from wva_exporter.core.queueing.points import Points
from wva_exporter.errors import InvalidValue

GUESS = Belief.anything(1)
EVERY = 30.0
"""Half as often as usual: half the cycles for the same time."""


@dataclass
class Engine:
    """An engine under a load, seen every half minute; ``law`` and ``load`` may be exchanged as time goes."""

    law: Law
    load: Callable[[float], float] = lambda at: 0.45 + 0.3 * np.sin(at / 120.0)
    arguments: float | None = 5000.0
    seed: int = 0

    def at(self, time: float) -> Points:
        """One point."""
        self.seed += 1
        seen = window(self.law, np.array([self.load(time)]), noise=0.02, seed=self.seed)
        return point(seen, 0, arguments=self.arguments, time=time)


def times(cycles: int, start: float = START) -> list[float]:
    """Cycles that follow each other."""
    return [start + EVERY * number for number in range(cycles)]


def run(engine: Engine, when: list[float], past: Learning | None = None) -> Learning:
    """Learn at these times."""
    state = past or Learning.start(1, when[0])
    for time in when:
        state, _ = learn(state.shown(time), engine.at(time), GUESS)
    return state


@cache
def settled() -> Learning:
    """Twenty minutes of the usual engine."""
    return run(Engine(Law()), times(40))


def error(engine: Engine, state: Learning) -> float:
    """Of the capacity, relative."""
    return abs(engine.law.capacity(state.latest.belief.mean_seconds[0]) / engine.law.capacity() - 1.0)


def test_ten_minutes_are_enough() -> None:
    """And longer makes it no worse."""
    engine = Engine(Law())
    state = run(engine, times(20))
    assert error(engine, state) < 0.05
    assert error(engine, settled()) < 0.04


def test_what_was_learned_survives_an_hour_of_one_load() -> None:
    """The night's points tell nothing of the slope; the day's still do."""
    engine = Engine(Law(), seed=100, load=lambda _: 0.1)
    state = run(engine, times(160)[40:], settled())
    assert error(engine, state) < 0.08


def test_silence_changes_nothing() -> None:
    """A variant without a single request keeps what is known of it, to the last digit, as long as it lasts."""
    state = settled()
    nothing = Column.unknown((1, 1))
    later = state
    for time in times(100)[40:]:
        seen = Observations.of(np.array([256]), in_tokens=nothing, out_tokens=nothing)
        later, _ = learn(later.shown(time), Points(time=np.array([time]), seen=seen, arguments=nothing), GUESS)
    assert later.latest.belief.mean_seconds.tolist() == state.latest.belief.mean_seconds.tolist()


def test_points_of_no_steady_state_count_only_while_there_is_nothing_better() -> None:
    """Twice the time between tokens while a batch fills: not mixed with what was seen in peace, and better than nothing."""
    engine = Engine(Law())
    filling = [
        replace(changed_times(engine.at(time), 2.0), steady=np.zeros((1, 1), dtype=np.bool_)) for time in times(12)
    ]
    calm = [engine.at(time) for time in times(12, start=times(12)[-1] + EVERY)]
    mixed, pure = Learning.start(1, START), Learning.start(1, START)
    for each in filling:
        mixed, _ = learn(mixed.shown(each.time[0]), each, GUESS)
    assert mixed.latest.belief.known.all()
    for each in calm:
        mixed, _ = learn(mixed.shown(each.time[0]), each, GUESS)
        pure, _ = learn(pure.shown(each.time[0]), each, GUESS)
    assert mixed.latest.belief.mean_seconds == pytest.approx(pure.latest.belief.mean_seconds)


def test_what_lasts_is_no_rush() -> None:
    """An engine that became slower and has queued ever since is known as it is, whatever was known before."""
    engine, state = Engine(Law(), seed=500), settled()
    engine.law = replace(engine.law, alpha_ms=engine.law.alpha_ms * 3.0)
    for time in times(66)[40:]:
        point_ = replace(engine.at(time), steady=np.zeros((1, 1), dtype=np.bool_))
        state, _ = learn(state.shown(time), point_, GUESS)
    assert error(engine, state) < 0.1


def changed_times(points: Points, factor: float) -> Points:
    """The same point with so many times the time between tokens."""
    slower = Column.of(points.seen.itl_seconds.value * factor)
    return replace(points, seen=changed(points.seen, itl_seconds=slower))


def test_drift_begins_anew() -> None:
    """An engine that becomes 40 % slower without a word is noticed, and known again ten minutes later."""
    engine, state = Engine(Law(), seed=200), settled()
    assert not state.latest.began_at.known[0]
    slower = replace(engine.law, alpha_ms=engine.law.alpha_ms * 1.4, beta_ms=engine.law.beta_ms * 1.4)
    engine.law = replace(slower, gamma_ms=slower.gamma_ms * 1.4)
    state = run(engine, times(66)[40:], state)
    assert state.latest.began_at.listed() == [times(41)[-1]]
    assert error(engine, state) < 0.06


def test_a_steady_engine_never_begins_anew() -> None:
    """Noise is no drift: an hour of points, no reset."""
    state = run(Engine(Law(), seed=300), times(160)[40:], settled())
    assert not state.latest.began_at.known[0]


def test_other_arguments_begin_anew_at_once() -> None:
    """Another KV capacity is another engine: points before it no longer count."""
    engine, state = Engine(Law(), seed=400), settled()
    engine.law, engine.arguments = replace(engine.law, alpha_ms=12.0), 9000.0
    state = run(engine, times(41)[40:], state)
    assert state.latest.began_at.listed() == [times(41)[-1]]
    assert state.latest.belief.spread[0, 0] > 0.02
    state = run(engine, times(66)[41:], state)
    assert error(engine, state) < 0.06


def test_a_little_more_memory_is_no_other_engine() -> None:
    """Pods of one variant find slightly different amounts."""
    engine = Engine(Law(), arguments=5100.0)
    assert not run(engine, times(44)[40:], settled()).latest.began_at.known[0]


def test_an_old_belief_is_a_rough_guide_after_a_new_beginning() -> None:
    """It is within a factor of two or so, which is more than nothing."""
    assert 0.5 < ANEW_SPREAD < 1.0


# After a restart


@dataclass
class Archive:
    """What a Prometheus would hold: every point, and what was published at each time."""

    points: list[Points]
    published: list[tuple[float, Learned]]

    def last_before(self, time: float) -> Learned:
        """The last published before a time, as ``offset`` finds it."""
        before = [learned for at, learned in self.published if at < time]
        return before[-1] if before else Learned.nothing(1)

    def restarted(self, time: float) -> Learning:
        """The memory of a cycle at ``time``, from nothing but this archive."""
        newer, older = boundaries(time)
        recent = [p for p in self.points if time - WINDOW_SECONDS <= p.time[0] < time]
        points = recent[0]
        for later in recent[1:]:
            points = points.joined(later)
        return Learning(
            points=points,
            latest=self.last_before(time),
            published=self.last_before(time).belief,
            newer=self.last_before(newer).belief,
            older=self.last_before(older).belief,
            period=period_of(time),
        )


@pytest.mark.parametrize("changes", [False, True], ids=["steady", "drifted and rearranged"])
def test_a_restart_goes_on_as_if_nothing_had_been(*, changes: bool) -> None:
    """With our own series and the engines', the next beliefs are the same to the last bit, whenever the restart comes."""
    engine = Engine(Law())
    state, archive = Learning.start(1, START), Archive([], [])
    restarts = 0
    for number, time in enumerate(times(90)):
        if changes and number == 35:
            engine.law = replace(engine.law, alpha_ms=10.0)
        if changes and number == 65:
            engine.arguments = 8000.0
        new, state = engine.at(time), state.shown(time)
        archive.published.append((time, state.latest))
        if number > 21 and number % 6 == 0:
            again, _ = learn(archive.restarted(time), new, GUESS)
            lived, _ = learn(state, new, GUESS)
            assert again.latest.belief.mean_seconds.tolist() == lived.latest.belief.mean_seconds.tolist()
            assert again.latest.belief.stddev_seconds.tolist() == lived.latest.belief.stddev_seconds.tolist()
            assert again.latest.began_at.listed() == lived.latest.began_at.listed()
            restarts += 1
        state, _ = learn(state, new, GUESS)
        archive.points.append(new)
    assert restarts > 10


def test_rows_follow_their_variants() -> None:
    """When the fleet changes its order, what was learned moves along, and a newcomer knows nothing."""
    state = run(Engine(Law()), times(20))
    moved = state.take(np.array([-1, 0]))
    assert moved.latest.belief.known.tolist() == [False, True]
    assert moved.latest.belief.mean_seconds[1].tolist() == state.latest.belief.mean_seconds[0].tolist()
    assert moved.points.seen.usable.sum(axis=1).tolist() == [0, 20]


def test_a_point_of_another_fleet_is_refused() -> None:
    """Rows are the caller's to align."""
    two = Learning.start(2, START)
    with pytest.raises(InvalidValue, match="2 variants"):
        learn(two, Engine(Law()).at(START), Belief.anything(2))
