"""What is possible: when replicas must be asked for, how many a load needs, and a contender that keeps to a timetable."""

from __future__ import annotations

import numpy as np
import pytest
from arena_builder import scenario, variant
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.closed_loop import run
from wva_exporter.twin.fleet import Role
from wva_exporter.twin.limit_sizes import Shape, demand, full_batch, levels
from wva_exporter.twin.limits import Levels, ahead, behind, boosted
from wva_exporter.twin.scheduled import Scheduled

STEP = Levels(starts=(0.0, 100.0, 200.0), replicas=((1,), (4,), (2,)))


def test_the_oracle_asks_a_start_up_before() -> None:
    """Four are ready at 100 because they were asked for at 60; those that go, go when they are not wanted any more."""
    assert ahead(STEP, [40.0]) == Levels(starts=(0.0, 60.0, 200.0), replicas=((1,), (4,), (2,)))


def test_the_oracle_keeps_what_it_would_have_to_start_again() -> None:
    """A dip that is shorter than the start-up is sat out."""
    dip = Levels(starts=(0.0, 100.0, 130.0), replicas=((4,), (1,), (4,)))
    assert ahead(dip, [40.0]) == Levels(starts=(0.0,), replicas=((4,),))


def test_variants_are_asked_for_by_their_own_start_up() -> None:
    """The slow one earlier than the fast one."""
    both = Levels(starts=(0.0, 100.0), replicas=((1, 1), (2, 2)))
    asked = ahead(both, [10.0, 60.0])
    assert asked.at(50.0) == (1, 2)
    assert asked.at(95.0) == (2, 2)
    assert asked.at(0.0) == (1, 1)


def test_the_reactive_limit_is_late_by_its_delay() -> None:
    """Until then there is what was there before; also at the very beginning."""
    assert behind(STEP, [3], 15.0) == Levels(starts=(0.0, 15.0, 115.0, 215.0), replicas=((3,), (1,), (4,), (2,)))


def test_a_boost_follows_every_rise_for_a_while() -> None:
    """Rises against what was there before count too, and the maximum bounds them; a fall boosts nothing."""
    found = boosted(STEP, [1], [6], factor=2.0, seconds=30.0)
    assert found == Levels(starts=(0.0, 100.0, 130.0, 200.0), replicas=((1,), (6,), (4,), (2,)))
    assert boosted(STEP, [0], [6], factor=2.0, seconds=30.0).at(10.0) == (2,)


@pytest.mark.parametrize("starts", [(), (0.0, 0.0), (5.0, 1.0), (0.0,)])
def test_levels_that_make_no_sense_are_refused(starts: tuple[float, ...]) -> None:
    """Times rise, and each has a row."""
    with pytest.raises(InvalidValue, match="levels"):
        Levels(starts=starts, replicas=((1,), (2,)))


Changes = st.lists(st.tuples(st.floats(1.0, 200.0), st.integers(0, 9)), min_size=1, max_size=8)


@given(Changes, st.floats(1.0, 90.0), st.floats(0.0, 900.0))
def test_whatever_is_wanted_is_ready_in_time(changes: list[tuple[float, int]], startup: float, at: float) -> None:
    """At every time at least as many were asked for a start-up before, and ever since, as are wanted."""
    times = np.cumsum([gap for gap, _ in changes]).tolist()
    wanted = Levels(starts=tuple(times), replicas=tuple((count,) for _, count in changes))
    asked = ahead(wanted, [startup])
    for moment in np.linspace(at, at + startup, 5).tolist():
        assert asked.at(moment) >= wanted.at(at + startup)


def test_a_timetable_is_kept() -> None:
    """What the fleet is asked for, and when, is what was written down; the rest of the run is its own."""
    orders = Levels(starts=(0.0, 60.0, 200.0), replicas=((1,), (4,), (2,)))
    played = run(scenario(), Scheduled(name="mine", orders=orders), 0)
    assert [(change.at, change.after) for change in played.changes] == [(60.0, 4), (200.0, 2)]
    assert played.contender == "mine"


def test_a_timetable_for_other_variants_is_refused() -> None:
    """Two columns for one variant."""
    with pytest.raises(InvalidValue, match="orders 2 variants, there are 1"):
        Scheduled(name="x", orders=Levels(starts=(0.0,), replicas=((1, 1),))).controller(scenario(), 0)


def test_the_full_batch_is_what_binds_first() -> None:
    """Slots, then memory, then the promised time between tokens."""
    engine = variant().spec.parameters
    assert full_batch(engine, 10, 10, 1.0) == engine.max_sequences
    by_memory = full_batch(engine, 800, 600, 1.0)
    assert by_memory * 1100 + 0.5 * 1100 * by_memory**0.5 == pytest.approx(engine.kv_capacity_tokens)
    assert full_batch(engine, 800, 600, 0.0075) < by_memory
    assert full_batch(engine, 800, 600, 0.001) == 1.0


def test_levels_follow_the_load() -> None:
    """Five times the load is about five times the replicas, and never more than there may be."""
    situation = scenario(variant(most=40), seconds=900.0)
    needs = demand(situation, [situation.requests(seed) for seed in range(5)], 15.0)
    found = levels(situation, needs, 15.0, Shape())
    low, high = found.at(100.0)[0], found.at(450.0)[0]
    assert needs[0, 25:35].mean() == pytest.approx(5 * needs[0, 5:15].mean(), rel=0.2)
    assert low < high <= 40
    assert levels(scenario(seconds=900.0), 10 * needs, 15.0, Shape()).at(450.0) == (6,)


def test_the_cheaper_kind_is_filled_first() -> None:
    """Both have their minimum; what one cannot carry is for the other."""
    kinds = (variant("dear", most=9, cost_per_hour=9.0), variant("cheap", most=2, cost_per_hour=1.0))
    situation = scenario(*kinds)
    needs = np.full((2, 4), 5.0)
    assert levels(situation, needs, 15.0, Shape()).replicas == ((3, 2),)


def test_prefill_and_decode_are_sized_apart() -> None:
    """Each role carries its part of every request; together they have the work of one that does both."""
    both = scenario(variant())
    apart = scenario(variant("p", role=Role.PREFILL), variant("d", role=Role.DECODE))
    streams = [both.requests(0)]
    assert demand(apart, streams, 15.0).sum(axis=0) == pytest.approx(demand(both, streams, 15.0)[0])
    assert len(levels(apart, demand(apart, streams, 15.0), 15.0, Shape()).replicas[0]) == 2
