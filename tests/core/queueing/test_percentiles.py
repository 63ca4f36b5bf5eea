"""Waits are mixtures of Erlang times, and their percentiles those of the mixture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from queueing_builder import law, of_line, replica, systems
from scipy import stats

from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.percentiles import linear_seen, percentiles, states_seen
from wva_exporter.core.queueing.station import Station
from wva_exporter.core.queueing.system import ServiceModel, System
from wva_exporter.core.queueing.waits import longer_wait
from wva_exporter.errors import InvalidValue


def mixture(x: float, load: float, places: int) -> float:
    """P(wait > t | waits), term by term: k + 1 departures with weight s^k."""
    steps = np.arange(places)
    log_weight = steps * np.log(load)
    weight = np.exp(log_weight - log_weight.max())
    return float(weight @ stats.gamma.sf(x, steps + 1) / weight.sum())


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-3, 300.0), st.floats(0.01, 30.0), st.integers(1, 200))
def test_the_tail_of_a_wait_is_the_sum_of_its_erlang_tails(x: float, load: float, places: int) -> None:
    """In light load, at load 1 and in overload."""
    found = longer_wait(np.array([x]), np.log([load]), np.array([float(places)]))[0]
    assert found == pytest.approx(mixture(x, load, places), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("load", [1.0 - 1e-9, 1.0, 1.0 + 1e-9, 1e6])
def test_the_tail_holds_where_its_formula_divides_by_nothing(load: float) -> None:
    """Through load 1 and far beyond it."""
    found = longer_wait(np.array([25.0]), np.log([load]), np.array([40.0]))[0]
    assert found == pytest.approx(mixture(25.0, load, 40), rel=1e-6)


@pytest.mark.parametrize("load", [0.8, 1.0, 5.0])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_wait_has_the_percentiles_of_its_law(load: float, share: float) -> None:
    """Against the law from the balance equations."""
    system = of_line(1.0, 0.05, max_batch=4, max_queue=20)
    rate = load * float(analyze(system, 0.0).max_rate_rps)
    found = float(percentiles(system, rate, share).wait_seconds.value)
    p, departures = law(system, rate)
    seen = p[:-1] / p[:-1].sum()
    k = np.arange(20)
    beyond = seen[4:] @ stats.gamma.sf(found * departures[-1], k + 1)
    if found > 0.0:
        assert beyond == pytest.approx(1.0 - share, rel=1e-6)
    else:
        assert seen[4:].sum() <= 1.0 - share


def test_a_request_that_finds_room_has_the_first_token_of_its_batch() -> None:
    """In light load the median TTFT is that of an empty replica."""
    system = replica(ServiceModel.PD)
    alone = analyze(system, 0.0)
    found = percentiles(system, 1e-3 * float(alone.max_rate_rps), 0.5)
    assert found.wait_seconds.value == 0.0
    assert found.ttft_seconds.value == pytest.approx(float(alone.ttft_seconds), rel=1e-6)
    assert found.itl_seconds.value == pytest.approx(float(alone.itl_seconds), rel=1e-6)


def test_high_percentiles_lie_beyond_the_mean_and_rise() -> None:
    """p50 <= p90 <= p95 <= p99, and p95 above the mean near capacity."""
    system = replica(max_batch=8, max_queue=80)
    rate = 0.95 * float(analyze(system, 0.0).max_rate_rps)
    times = [float(percentiles(system, rate, share).ttft_seconds.value) for share in (0.5, 0.9, 0.95, 0.99)]
    assert times == sorted(times)
    assert times[2] > analyze(system, rate).ttft_seconds


def test_a_rate_that_is_none_has_no_percentiles() -> None:
    """Unknown, and nothing is raised."""
    found = percentiles(replica(), [np.nan, -1.0, 0.0], 0.9)
    assert found.ttft_seconds.known.tolist() == [False, False, True]


@pytest.mark.parametrize("share", [0.0, 1.0, np.nan])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    """0 and 1 have no finite answer."""
    with pytest.raises(InvalidValue, match="percentile"):
        percentiles(replica(), 1.0, share)


def test_a_loss_system_never_waits() -> None:
    """Without places every accepted request is served at once."""
    assert percentiles(replica(max_queue=0), 1e3, 0.99).wait_seconds.value == 0.0


@settings(max_examples=150, deadline=None)
@given(systems(), st.floats(0.01, 0.999), st.floats(0.3, 4.0))
def test_shares_in_closed_form_are_those_of_the_states(system: System, load: float, ratio: float) -> None:
    """Waits, first tokens and tokens, wherever the time in service is one line."""
    station, row = Station.of(system.flat()), np.zeros(1, dtype=np.int64)
    if station.segmented[0]:
        return
    closed, states = linear_seen(station, row), states_seen(station, row)
    rate, close = station.last_rate * load, {"rel": 1e-9, "abs": 1e-12}
    alone = analyze(system, 0.0)
    for seconds in (ratio * alone.ttft_seconds + 1e-7, 20.0 * ratio * alone.ttft_seconds + 1e-7):
        ask = rate, np.atleast_1d(seconds)
        assert closed.later_first_token(*ask)[0] == pytest.approx(states.later_first_token(*ask)[0], **close)
        assert closed.longer_wait(*ask)[0] == pytest.approx(states.longer_wait(*ask)[0], **close)
    ask = rate, np.atleast_1d(ratio * alone.itl_seconds + 1e-7)
    assert closed.slower_token(*ask)[0] == pytest.approx(states.slower_token(*ask)[0], **close)
