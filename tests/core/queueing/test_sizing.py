"""The rate found is the largest that meets the targets, whatever the curve looks like."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from queueing_builder import replica, systems

from wva_exporter.core.columns import Column
from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.percentiles import percentiles
from wva_exporter.core.queueing.search import Side, locate
from wva_exporter.core.queueing.sizing import Targets, at_replicas, replicas_for, size
from wva_exporter.core.queueing.system import ServiceModel, System
from wva_exporter.errors import InvalidValue

NONE: Column = Column.of([np.nan])


def one(value: float) -> Column:
    """A target of one row."""
    return Column.of([value])


@pytest.mark.parametrize("model", list(ServiceModel))
def test_at_the_rate_found_the_binding_target_is_met_exactly(model: ServiceModel) -> None:
    """And beyond it the target is missed."""
    system = replica(model)
    limit = 1.5 * float(analyze(system, 0.0).ttft_seconds)
    found = size(system, Targets.of(ttft_seconds=limit))
    assert found.feasible
    assert analyze(system, found.rate_rps).ttft_seconds == pytest.approx(limit, rel=1e-6)
    assert analyze(system, found.rate_rps * 1.01).ttft_seconds > limit


@settings(max_examples=100, deadline=None)
@given(systems(), st.floats(0.9, 3.0), st.floats(0.9, 3.0))
def test_a_rate_that_is_found_meets_every_target(system: System, ttft_ratio: float, itl_ratio: float) -> None:
    """Targets from the impossible to the generous, on any curve."""
    alone = analyze(system, 0.0)
    assume(alone.ttft_seconds > 0.0)
    ttft, itl = ttft_ratio * float(alone.ttft_seconds), itl_ratio * float(alone.itl_seconds)
    found = size(system, Targets.of(ttft, itl))
    if not found.feasible:
        least = analyze(system, alone.min_rate_rps)
        assert least.ttft_seconds > ttft * (1 - 1e-9) or least.itl_seconds > itl * (1 - 1e-9)
        assert (found.rate_rps, found.throughput_rps) == (0.0, 0.0)
    else:
        there = analyze(system, found.rate_rps)
        assert there.ttft_seconds <= ttft * (1 + 1e-5)
        if (
            system.out_tokens > 1
        ):  # one token has no time between tokens: what is read there jumps with the rounded batch
            assert there.itl_seconds <= itl * (1 + 2e-3)  # of a batch limit of 1, ITL falls a little as load grows
        assert found.throughput_rps == pytest.approx(float(there.throughput_rps))
        assert found.rate_rps == min(found.ttft_rate_rps, found.itl_rate_rps, found.tps_rate_rps)


def test_a_flat_curve_meets_its_target_or_does_not() -> None:
    """One request at a time takes the same time at any load: the target does not bind, where the original gave up."""
    alone = replica(ServiceModel.PD, max_batch=1)
    itl = float(analyze(alone, 0.0).itl_seconds)
    assert size(alone, Targets.of(itl_seconds=itl * 1.01)).itl_rate_rps == analyze(alone, 0.0).max_rate_rps
    assert not size(alone, Targets.of(itl_seconds=itl * 0.99)).feasible


def test_a_target_that_is_always_met_leaves_the_largest_rate() -> None:
    """0.999 of what the full batch serves."""
    found = size(replica(), Targets.of(1e6, 1e6))
    assert found.rate_rps == found.max_rate_rps


def test_without_targets_the_largest_rate_is_found() -> None:
    """Nothing binds."""
    found = size(replica(), Targets.of())
    assert found.rate_rps == found.max_rate_rps


def test_a_target_of_tokens_per_second_leaves_a_margin() -> None:
    """Nine tenths of the largest rate, whatever its value, as in the original."""
    found = size(replica(), Targets.of(tokens_per_second=1.0))
    assert found.rate_rps == pytest.approx(0.9 * float(found.max_rate_rps))


@pytest.mark.parametrize("name", ["ttft_seconds", "itl_seconds", "tokens_per_second"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_a_target_that_is_none_is_refused(name: str, value: float) -> None:
    """Absence is said by leaving it out."""
    with pytest.raises(InvalidValue):
        Targets.of(**{name: value})


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_a_percentile_is_between_none_and_all(share: float) -> None:
    """The 100th percentile of an unbounded time is infinite."""
    with pytest.raises(InvalidValue, match="percentile"):
        Targets.of(1.0, percentile=share)


def test_targets_may_differ_and_lack_from_row_to_row() -> None:
    """Each row is sized by its own, as if it stood alone."""
    fleet = replica(alpha_seconds=[0.008] * 3)
    targets = Targets(
        ttft_seconds=Column.of([0.05, np.nan, 0.05]),
        itl_seconds=Column.of([np.nan, 0.012, 0.012]),
        tokens_per_second=Column.unknown(3),
        percentile=Column.of([np.nan, np.nan, 0.9]),
    )
    found = size(fleet, targets)
    single = replica()
    assert found.rate_rps[0] == pytest.approx(float(size(single, Targets.of(0.05)).rate_rps))
    assert found.rate_rps[1] == pytest.approx(float(size(single, Targets.of(itl_seconds=0.012)).rate_rps))
    assert found.rate_rps[2] == pytest.approx(float(size(single, Targets.of(0.05, 0.012, percentile=0.9)).rate_rps))


def test_an_unknown_row_stays_unknown() -> None:
    """Its capacity is absent, not 0."""
    fleet = System.where_possible(
        ServiceModel.ABG,
        alpha_seconds=[0.01, np.nan],
        beta_seconds=1e-5,
        gamma_seconds=1e-8,
        in_tokens=100,
        out_tokens=100,
        max_batch=8,
        max_queue=8,
    )
    capacity = size(fleet, Targets.of(1.0)).capacity
    assert capacity.known.tolist() == [True, False]
    assert replicas_for(10.0, capacity).listed()[1] is None


@pytest.mark.parametrize("model", list(ServiceModel))
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_percentile_that_is_promised_is_kept(model: ServiceModel, share: float) -> None:
    """At the rate found, this share of first tokens comes in time, and hardly more."""
    system = replica(model, max_batch=8, max_queue=80)
    limit = 3.0 * float(analyze(system, 0.0).ttft_seconds)
    found = size(system, Targets.of(limit, percentile=share))
    assert found.feasible
    assert percentiles(system, found.rate_rps * 0.999, share).ttft_seconds.value <= limit * (1 + 1e-9)
    assert percentiles(system, found.rate_rps * 1.01, share).ttft_seconds.value > limit


def test_a_stricter_percentile_leaves_a_smaller_rate() -> None:
    """From half of the requests to nearly all."""
    system = replica(max_batch=8, max_queue=80)
    limit = 3.0 * float(analyze(system, 0.0).ttft_seconds)
    rates = [float(size(system, Targets.of(limit, percentile=share)).rate_rps) for share in (0.5, 0.9, 0.99)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > rates[2]


def test_a_promised_percentile_of_tokens_is_kept() -> None:
    """The time between tokens that nine of ten tokens do not exceed."""
    system = replica()
    limit = 1.3 * float(analyze(system, 0.0).itl_seconds)
    found = size(system, Targets.of(itl_seconds=limit, percentile=0.9))
    assert 0.0 < found.rate_rps < found.max_rate_rps
    assert percentiles(system, found.rate_rps * 0.999, 0.9).itl_seconds.value <= limit * (1 + 1e-9)
    assert percentiles(system, found.rate_rps * 1.001, 0.9).itl_seconds.value > limit * (1 - 1e-9)


def test_load_is_spread_evenly_over_replicas() -> None:
    """Twelve requests per second over 4 replicas are 3 each; over none nothing is known."""
    found = at_replicas(replica(), 12.0, [4, 0])
    assert found.known.tolist() == [True, False]
    assert found.ttft_seconds[0] == analyze(replica(), 3.0).ttft_seconds


def test_replicas_are_rounded_up_to_whole_ones() -> None:
    """At least the minimum; unknown where no rate meets the targets, or the load is unknown."""
    capacity = Column.of([2.0, 2.0, 2.0, 0.0, 2.0])
    found = replicas_for([0.0, 4.0, 4.1, 4.0, np.nan], capacity)
    assert found.listed() == [1.0, 2.0, 3.0, None, None]


def test_shapes_that_do_not_go_together_are_refused() -> None:
    """Three targets for two replicas."""
    with pytest.raises(InvalidValue, match="stretch"):
        size(replica(alpha_seconds=[0.01, 0.02]), Targets.of([0.1, 0.2, 0.3]))


@pytest.mark.parametrize(
    ("target", "x", "side"), [(4.0, 2.0, Side.WITHIN), (-1.0, 0.0, Side.BELOW), (101.0, 10.0, Side.ABOVE)]
)
def test_a_target_is_found_or_lies_on_one_side(target: float, x: float, side: Side) -> None:
    """x^2 over 0..10."""
    assert locate(lambda v: v * v, 0.0, 10.0, target) == (pytest.approx(x), side)
