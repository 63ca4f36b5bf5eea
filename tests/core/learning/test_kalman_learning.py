"""Learning by WVA's filter: where it gets to, what a step that is refused leaves, and how a restart goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from core.learning.engines import START, Law, changed, point, window

from wva_exporter.core.columns import Column, FloatArray
from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.filter import CHANGE_RATIO, Outcome
from wva_exporter.core.queueing.kalman_learning import kalman_learn
from wva_exporter.core.queueing.learning import WINDOW_SECONDS, Learned, Learning
from wva_exporter.core.queueing.observations import Observations
from wva_exporter.core.queueing.points import Points
from wva_exporter.core.queueing.system import ServiceModel
from wva_exporter.errors import InvalidValue

LAW = Law(model=ServiceModel.ABG)
NOTHING = Belief.unknown(1)
EVERY = 15.0
CYCLES = 200
MODERATE = 0.45 + 0.2 * np.sin(np.arange(CYCLES) / 3.0)
"""Loads that come and go between 25 and 65 % of the capacity."""


def seen(law: Law, loads: FloatArray, *, noise: float = 0.0) -> Observations:
    """What is measured at these loads where TTFT is what the filter takes it for: wait and prefill."""
    says = analyze(law.system(law.seconds), law.capacity() * loads)
    errors = 1.0 + noise * np.random.default_rng(4).standard_normal(len(loads))
    ttft = Column.of(((says.wait_seconds + says.prefill_seconds) * errors)[None, :])
    return changed(window(law, loads, noise=noise), ttft_seconds=ttft)


def one(load: float, number: int = 0, law: Law = LAW) -> Points:
    """The point of one cycle."""
    return point(seen(law, np.array([load])), 0, time=START + EVERY * number)


def believing(*factors: float, spread: float) -> Belief:
    """The truth times these factors, and how sure that is."""
    mean = LAW.seconds * np.array(factors)
    return Belief.of(mean, mean * spread)


def holding(belief: Belief) -> Learning:
    """Learning that published this belief last."""
    return replace(Learning.start(len(belief), START), latest=replace(Learned.nothing(len(belief)), belief=belief))


@pytest.mark.parametrize("factors", [(0.5, 2.0, 0.5), (2.0, 0.5, 2.0), (2.0, 2.0, 2.0), (0.5, 0.5, 0.5)])
def test_it_comes_near_the_truth_from_a_guess_within_a_factor_of_two(factors: tuple[float, float, float]) -> None:
    """After fifty minutes of a moderate load, seen with 3 % of noise: capacity within a tenth, and surer than before."""
    state, guess = Learning.start(1, START), believing(*factors, spread=0.7)
    points = seen(LAW, MODERATE, noise=0.03)
    for place in range(CYCLES):
        state, _ = kalman_learn(state, point(points, place, time=START + EVERY * place), guess)
    belief = state.latest.belief
    assert belief.mean_seconds[0] == pytest.approx(LAW.seconds, rel=0.25)
    assert LAW.capacity(belief.mean_seconds[0]) == pytest.approx(LAW.capacity(), rel=0.1)
    assert np.all(belief.spread < 0.2)


def test_a_step_that_is_rejected_changes_nothing() -> None:
    """A belief that is sure and wrong stays as it is, however often it is contradicted: as in the original."""
    wrong = believing(2.0, 2.0, 2.0, spread=CHANGE_RATIO)
    state = holding(wrong)
    for number in range(5):
        state, outcome = kalman_learn(state, one(0.3, number), NOTHING)
        assert outcome.tolist() == [Outcome.REJECTED]
    assert same(state.latest.belief, wrong)
    assert state.points.shape == (1, 5)


@pytest.mark.parametrize("name", ["rate_rps", "in_tokens", "out_tokens", "ttft_seconds", "itl_seconds"])
def test_a_point_that_lacks_a_number_changes_nothing(name: str) -> None:
    """Unknown is no observation."""
    whole = one(0.4, 0)
    torn = replace(whole, seen=changed(whole.seen, **{name: Column.unknown((1, 1))}))
    before = holding(believing(1.1, 1.1, 1.1, spread=0.3))
    state, outcome = kalman_learn(before, torn, NOTHING)
    assert outcome.tolist() == [Outcome.UNUSABLE]
    assert same(state.latest.belief, before.latest.belief)
    _, outcome = kalman_learn(before, whole, NOTHING)
    assert outcome.tolist() == [Outcome.UPDATED]


def test_an_overload_changes_nothing() -> None:
    """More is asked than what is believed can carry."""
    slow = believing(3.0, 3.0, 3.0, spread=0.3)
    state, outcome = kalman_learn(holding(slow), one(0.6), NOTHING)
    assert outcome.tolist() == [Outcome.OVERLOADED]
    assert same(state.latest.belief, slow)


def test_a_guess_is_no_knowledge() -> None:
    """Nothing is believed of a variant before its first accepted step, however often it was seen."""
    state, outcome = kalman_learn(Learning.start(1, START), one(0.3), believing(2.0, 2.0, 2.0, spread=CHANGE_RATIO))
    assert outcome.tolist() == [Outcome.REJECTED]
    assert not state.latest.belief.known.any()


def test_without_any_guess_it_starts_from_its_own() -> None:
    """Which is good enough where much of an iteration goes into reading the cache, and the load is low."""
    law = Law(model=ServiceModel.ABG, gamma_ms=5e-4)
    state, outcome = kalman_learn(Learning.start(1, START), one(0.05, law=law), NOTHING)
    assert outcome.tolist() == [Outcome.UPDATED]
    assert state.latest.belief.mean_seconds[0] == pytest.approx(law.seconds, rel=0.5)


def test_a_restart_goes_on_from_what_was_published() -> None:
    """Means and deviations are the whole state, so the next belief is the same to the last bit, whatever the guess is."""
    state = Learning.start(1, START)
    for number in range(6):
        state, _ = kalman_learn(state, one(float(MODERATE[number]), number), Belief.anything(1))
    published = state.latest.belief
    again = holding(Belief.of(published.mean_seconds.copy(), published.stddev_seconds.copy()))
    steady, _ = kalman_learn(state, one(0.6, 6), Belief.anything(1))
    resumed, outcome = kalman_learn(again, one(0.6, 6), NOTHING)
    assert outcome.tolist() == [Outcome.UPDATED]
    assert same(resumed.latest.belief, steady.latest.belief)
    assert not same(resumed.latest.belief, published)


@pytest.mark.parametrize("factor", [1e3, 1e6])
def test_an_absurd_belief_costs_the_others_no_step(factor: float) -> None:
    """Unlimited, deviations like these leave matrices without inverse, and then no variant would learn."""
    mean = np.array([[1e-3, 1e-5, 1e3]])
    near, absurd = believing(1.2, 1.2, 1.2, spread=0.3), Belief.of(mean, mean * factor)
    both = Belief.of(
        np.concatenate([near.mean_seconds, absurd.mean_seconds]),
        np.concatenate([near.stddev_seconds, absurd.stddev_seconds]),
    )
    two = one(0.3).take(np.array([0, 0]))
    columns = {"rate_rps": 1e-3, "ttft_seconds": 1.0, "itl_seconds": 1e-3}
    odd = {name: Column.of([getattr(two.seen, name).value[0], [value]]) for name, value in columns.items()}
    state, outcome = kalman_learn(holding(both), replace(two, seen=changed(two.seen, **odd)), Belief.unknown(2))
    assert outcome[0] == Outcome.UPDATED
    assert state.latest.belief.known.all()


@pytest.mark.parametrize("name", ["ttft_seconds", "itl_seconds"])
def test_a_time_that_no_engine_has_is_no_observation(name: str) -> None:
    """A hundredth of a millisecond is a fault of its source."""
    whole = one(0.4)
    fast = replace(whole, seen=changed(whole.seen, **{name: Column.of([[1e-5]])}))
    _, outcome = kalman_learn(holding(believing(1.1, 1.1, 1.1, spread=0.3)), fast, NOTHING)
    assert outcome.tolist() == [Outcome.UNUSABLE]


def test_variants_side_by_side_are_variants_alone() -> None:
    """One that is rejected and one that is silent do not touch their neighbour."""
    near, far = believing(1.2, 1.2, 1.2, spread=0.3), believing(2.0, 2.0, 2.0, spread=CHANGE_RATIO)
    means = np.concatenate([near.mean_seconds, far.mean_seconds, near.mean_seconds])
    spreads = np.concatenate([near.stddev_seconds, far.stddev_seconds, near.stddev_seconds])
    three = one(0.3).take(np.array([0, 0, -1]))
    state, outcome = kalman_learn(holding(Belief.of(means, spreads)), three, Belief.unknown(3))
    alone, _ = kalman_learn(holding(near), one(0.3), NOTHING)
    assert outcome.tolist() == [Outcome.UPDATED, Outcome.REJECTED, Outcome.UNUSABLE]
    np.testing.assert_allclose(state.latest.belief.mean_seconds[0], alone.latest.belief.mean_seconds[0], rtol=1e-12)
    assert state.latest.belief.mean_seconds[1:].tolist() == means[1:].tolist()


def test_the_points_of_ten_minutes_are_kept() -> None:
    """The recommended batch limit and a change to `learning: window` read them."""
    state = Learning.start(1, START)
    for number in range(60):
        state, _ = kalman_learn(state, one(0.4, number), Belief.anything(1))
    assert state.points.time[0] == START + EVERY * 59 - WINDOW_SECONDS
    assert state.points.shape == (1, 41)


def test_other_rows_are_refused() -> None:
    """As in ``learn``: a fleet that changed is taken over first, and points come one by one."""
    with pytest.raises(InvalidValue, match="2 variants"):
        kalman_learn(Learning.start(2, START), one(0.4), NOTHING)
    with pytest.raises(InvalidValue, match="2 guesses"):
        kalman_learn(Learning.start(1, START), one(0.4), Belief.unknown(2))
    with pytest.raises(InvalidValue, match=r"shape \(1, 0\)"):
        kalman_learn(Learning.start(1, START), Points.none(1), NOTHING)


def same(left: Belief, right: Belief) -> bool:
    """To the last bit."""
    return (
        left.known.tolist() == right.known.tolist()
        and left.mean_seconds.tolist() == right.mean_seconds.tolist()
        and left.stddev_seconds.tolist() == right.stddev_seconds.tolist()
    )
