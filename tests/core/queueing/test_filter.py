"""The upstream filter as an option: it learns where it can, and says what it cannot use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.columns import Column, FloatArray, integers
from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.filter import (
    DEFAULT_STATE_SECONDS,
    QUEUE_PER_BATCH,
    Filter,
    Observations,
    Outcome,
    guess,
    step,
)
from wva_exporter.core.queueing.system import ServiceModel, System
from wva_exporter.core.queueing.tuning import Learned, tune
from wva_exporter.errors import InvalidValue

TRUTH = np.array([[6e-3, 4.5e-5, 6e-8]])


def truth_at(rate: float, parameters: FloatArray = TRUTH) -> Observations:
    """What a replica of these parameters shows at a rate: 512/128 tokens, a batch of 256."""
    system = System.of(
        [ServiceModel.ABG],
        alpha_seconds=parameters[:, 0],
        beta_seconds=parameters[:, 1],
        gamma_seconds=parameters[:, 2],
        in_tokens=512,
        out_tokens=128,
        max_batch=256,
        max_queue=QUEUE_PER_BATCH * 256,
    )
    found = analyze(system, rate)
    return observed(rate, float((found.wait_seconds + found.prefill_seconds)[0]), float(found.itl_seconds[0]))


def observed(rate: float, ttft: float, itl: float) -> Observations:
    """One replica's means."""
    return Observations(
        rate_rps=np.array([rate]),
        in_tokens=np.array([512.0]),
        out_tokens=np.array([128.0]),
        max_batch=integers([256]),
        ttft_seconds=np.array([ttft]),
        itl_seconds=np.array([itl]),
    )


def started(first: Observations, state: tuple[float, ...] = DEFAULT_STATE_SECONDS) -> Filter:
    """A filter at the default state."""
    return Filter.of(np.array([state]), first, around=np.array(DEFAULT_STATE_SECONDS))


def test_an_observation_that_agrees_narrows_the_state() -> None:
    """Close to the prediction: accepted, and more certain than before."""
    seen = truth_at(3.0, np.array([DEFAULT_STATE_SECONDS]) * 1.01)
    filters, told = step(started(seen), seen)
    assert told.outcome.tolist() == [Outcome.UPDATED]
    assert np.all(np.diagonal(filters.covariance[0]) < np.diagonal(started(seen).covariance[0] * 2.0))


def test_a_distant_observation_changes_nothing() -> None:
    """Rejected: state and covariance are those before the step, and its NIS is told."""
    seen = observed(3.0, 0.060, 0.012)
    before = started(seen)
    after, told = step(before, seen)
    assert told.outcome.tolist() == [Outcome.REJECTED]
    assert np.array_equal(after.state, before.state)
    assert np.array_equal(after.covariance, before.covariance)
    assert told.nis.value[0] > 200.0


@pytest.mark.parametrize("share", [0.997, 1.0, 1.5, 50.0])
def test_overload_is_said_and_nothing_is_learned(share: float) -> None:
    """At 99.7 % of what the state carries a derivative leaves the range already: the original crashes there."""
    system_limit = 26.0330866
    seen = observed(share * system_limit, 0.2, 0.03)
    before = started(seen)
    after, told = step(before, seen)
    assert told.outcome.tolist() == [Outcome.OVERLOADED]
    assert np.array_equal(after.state, before.state)
    assert not told.nis.known.any()


@pytest.mark.parametrize("field", ["rate_rps", "in_tokens", "out_tokens", "ttft_seconds", "itl_seconds"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_useless_observation_is_said(field: str, value: float) -> None:
    """Nothing is learned from what is not a positive finite number."""
    seen = truth_at(3.0)
    after, told = step(started(seen), replace(seen, **{field: np.array([value])}))
    assert told.outcome.tolist() == [Outcome.UNUSABLE]
    assert np.array_equal(after.state, started(seen).state)


def test_filters_side_by_side_are_filters_alone() -> None:
    """One overloaded row does not touch its neighbours."""
    good, over = truth_at(3.0, np.array([DEFAULT_STATE_SECONDS]) * 1.01), observed(60.0, 1.0, 0.03)
    both = Observations(**{name: np.concatenate([getattr(good, name), getattr(over, name)]) for name in good.__slots__})
    filters = Filter.of(np.array([DEFAULT_STATE_SECONDS] * 2), both, around=np.array(DEFAULT_STATE_SECONDS))
    together, told = step(filters, both)
    alone, _ = step(started(good), good)
    assert told.outcome.tolist() == [Outcome.UPDATED, Outcome.OVERLOADED]
    np.testing.assert_allclose(together.state[0], alone.state[0], rtol=1e-12)


def test_a_state_that_is_not_positive_is_refused() -> None:
    """No filter starts from zero or from nothing."""
    for state in ((0.0, 1e-5, 1e-8), (float("nan"), 1e-5, 1e-8)):
        with pytest.raises(InvalidValue, match="positive"):
            started(truth_at(3.0), state)


numbers = st.one_of(st.floats(), st.sampled_from([0.0, -1.0, 1e-300, 1e300]))


@given(numbers, numbers, numbers)
def test_no_observation_whatever_raises(rate: float, ttft: float, itl: float) -> None:
    """The state stays finite and within its bounds, the guess positive or unknown."""
    seen = observed(rate, ttft, itl)
    filters, _ = step(started(seen), seen)
    assert np.all(np.isfinite(filters.state))
    assert np.all((filters.state >= filters.lowest) & (filters.state <= filters.highest))
    first = guess(seen)
    assert np.all(first.value[first.known] > 0.0)


def test_a_fleet_without_observations_learns_nothing() -> None:
    """Nothing known stays nothing known."""
    nobody = Observations(**{name: np.zeros(0) for name in truth_at(3.0).__slots__})
    learned, outcome = tune(Learned.nothing(2), integers([]), nobody)
    assert not learned.parameters.known.any()
    assert outcome.size == 0


def test_a_new_variant_begins_at_the_guess_and_keeps_it_when_rejected() -> None:
    """The guess puts far too much into gamma, its own first observation is rejected, and it stays: as in the original."""
    seen = observed(3.0, 0.034, 0.0065)
    learned, outcome = tune(Learned.nothing(1), integers([0]), seen)
    assert outcome.tolist() == [Outcome.REJECTED]
    np.testing.assert_allclose(learned.parameters.value, guess(seen).value)
    assert learned.nis.value[0] > 38.0


def test_each_replica_of_a_variant_is_one_step() -> None:
    """Two replicas of the same truth move the state as two cycles of one do, less the noise renewed between cycles."""
    near = truth_at(3.0, np.array([DEFAULT_STATE_SECONDS]) * 1.01)
    pair = Observations(**{name: np.repeat(getattr(near, name), 2) for name in near.__slots__})
    stored = Learned(
        parameters=Column.of([DEFAULT_STATE_SECONDS]), covariance=Column.unknown((1, 3, 3)), nis=Column.unknown(1)
    )
    once, _ = tune(stored, integers([0]), near)
    twice, outcome = tune(stored, integers([0, 0]), pair)
    assert outcome.tolist() == [Outcome.UPDATED, Outcome.UPDATED]
    assert abs(twice.parameters.value[0, 0] - 5.05e-3) < abs(once.parameters.value[0, 0] - 5.05e-3)


def test_variants_that_were_not_seen_keep_what_they_learned() -> None:
    """Only the rows of observed variants change."""
    stored = Learned(
        parameters=Column.of([DEFAULT_STATE_SECONDS] * 2),
        covariance=Column.unknown((2, 3, 3)),
        nis=Column.unknown(2),
    )
    learned, _ = tune(stored, integers([1]), truth_at(3.0, np.array([DEFAULT_STATE_SECONDS]) * 1.02))
    assert learned.parameters.value[0].tolist() == list(DEFAULT_STATE_SECONDS)
    assert learned.parameters.value[1].tolist() != list(DEFAULT_STATE_SECONDS)
    assert learned.covariance.known[:, 0, 0].tolist() == [False, True]
