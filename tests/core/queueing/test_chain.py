"""The stationary law, in closed form and state by state, is that of the balance equations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from queueing_builder import law, of_line, replica, systems

from wva_exporter.core.queueing.chain import StateTable, solve, tail
from wva_exporter.core.queueing.closed_form import LinearQueue
from wva_exporter.core.queueing.station import Station
from wva_exporter.core.queueing.system import System
from wva_exporter.errors import InvalidValue

ROW = np.zeros(1, dtype=np.int64)


def at(value: float) -> np.ndarray:
    """An array of one number."""
    return np.array([value])


@settings(max_examples=150, deadline=None)
@given(systems(), st.floats(0.001, 3.0))
def test_any_replica_has_the_law_of_its_balance_equations(system: System, load: float) -> None:
    """Linear or bent, flat or steep, light load or overload."""
    station = Station.of(system.flat())
    rate = load * float(station.last_rate[0])
    found = station.occupancy(ROW, at(rate))
    p, departures = law(system, rate)
    batch = int(system.max_batch)
    states = np.arange(len(p))
    close = {"rel": 1e-6, "abs": 1e-9}
    assert found.throughput[0] == pytest.approx(departures @ p[1:], **close)
    assert found.in_service[0] == pytest.approx(np.minimum(states, batch) @ p, **close)
    assert found.in_queue[0] == pytest.approx(np.maximum(states - batch, 0) @ p, **close)
    assert found.p_empty[0] == pytest.approx(p[0], **close)
    assert found.p_block[0] == pytest.approx(p[-1], **close)
    assert found.p_full[0] == pytest.approx(p[batch], **close)
    assert found.p_waiting[0] == pytest.approx(p[batch + 1 :].sum(), **close)


@settings(max_examples=300, deadline=None)
@given(
    st.floats(-6, 9),
    st.integers(1, 600),
    st.integers(0, 2000),
    st.floats(0.001, 0.999),
)
def test_the_closed_form_is_the_table_of_states(steepness: float, batch: int, places: int, load: float) -> None:
    """For lines from all slope to none, to nine digits, for every statistic."""
    base, slope = 1.0, 10.0**-steepness
    rate = at(load * batch / (base + slope * batch))
    limits = at(float(batch)), at(float(places))
    closed = LinearQueue.of(at(base), at(slope), *limits).occupancy(rate)
    states = np.arange(1, batch + 1)
    table = StateTable.of(((base + slope * states) / states)[None, :], *limits).occupancy(rate)
    for name in closed.__dataclass_fields__:
        assert getattr(closed, name)[0] == pytest.approx(getattr(table, name)[0], rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("slope", [0.0, 1e-13, 1e-9, 1e-4, 1.0])
def test_a_curve_without_slope_is_a_limit_and_no_special_world(slope: float) -> None:
    """A slope of 0 divides by nothing: the law is Poisson's, which the others approach."""
    station = Station.of(of_line(2.0, slope, max_batch=8, max_queue=8).flat())
    found = station.occupancy(ROW, at(3.0 / (1.0 + slope)))
    p, _ = law(of_line(2.0, slope, max_batch=8, max_queue=8), 3.0 / (1.0 + slope))
    assert found.p_empty[0] == pytest.approx(p[0], rel=1e-8)


def test_a_server_without_places_to_wait_is_a_loss_system() -> None:
    """Erlang's B formula: 2 servers under 1 erlang lose 1/5."""
    found = Station.of(of_line(1.0, 0.0, max_batch=2, max_queue=0).flat()).occupancy(ROW, at(1.0))
    assert found.p_block[0] == pytest.approx(0.2, rel=1e-12)
    assert found.in_queue[0] == 0.0


def test_deep_overload_serves_at_the_full_rate() -> None:
    """A million times too much: the throughput is that of the full batch, to the last digits."""
    station = Station.of(replica().flat())
    found = station.occupancy(ROW, station.last_rate * 1e6)
    assert found.throughput[0] == pytest.approx(station.last_rate[0], rel=1e-12)
    assert found.in_queue[0] == pytest.approx(32.0, rel=1e-5)
    assert found.p_empty[0] < 1e-50


@pytest.mark.parametrize("log_load", [-50.0, -1.0, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 1.0, 50.0])
@pytest.mark.parametrize("places", [1, 2, 40])
def test_a_geometric_tail_is_summed_without_loss(log_load: float, places: int) -> None:
    """On both sides of load 1 and through it."""
    total, mean = tail(at(log_load), at(float(places)))
    steps = np.arange(1, places + 1)
    largest = max(log_load, log_load * places)
    weight = np.exp(log_load * steps - largest)
    assert total[0] == pytest.approx(np.log(weight.sum()) + largest, rel=1e-12, abs=1e-12)
    assert mean[0] == pytest.approx(steps @ weight / weight.sum(), rel=1e-12)


def test_a_queue_at_its_service_rate_fills_evenly() -> None:
    """M/M/1/3 with rate = service rate: every state alike."""
    found = solve(2.0, np.array([2.0]), 3)
    assert found.law == pytest.approx([0.25] * 4)
    assert (found.in_system, found.in_queue, found.response) == pytest.approx((1.5, 0.75, 1.0))


def test_an_empty_queue_has_the_times_of_a_lone_request() -> None:
    """No arrivals is an answer and not 0/0."""
    found = solve(0.0, np.array([4.0]), 3)
    assert (found.response, found.wait, found.throughput) == (0.25, 0.0, 0.0)


@pytest.mark.parametrize(
    ("rate", "rates", "places"), [(np.nan, [1.0], 2), (-1.0, [1.0], 2), (1.0, [0.0], 2), (1.0, [], 2), (1.0, [1.0], 0)]
)
def test_a_queue_that_cannot_be_is_refused(rate: float, rates: list[float], places: int) -> None:
    """One sentence instead of a NaN."""
    with pytest.raises(InvalidValue):
        solve(rate, np.array(rates), places)


@settings(max_examples=60)
@given(base=st.floats(0.01, 20.0), slope=st.floats(0.0, 0.5), batch=st.integers(1, 400), load=st.floats(0.05, 0.97))
def test_who_finds_all_places_taken_waits_in_a_queue_without_end(
    base: float, slope: float, batch: int, load: float
) -> None:
    """The same as with a million places to wait; and from the full rate on everybody waits."""
    line = [np.array([value]) for value in (base, slope, float(batch), 1e6)]
    queue = LinearQueue.of(*line)
    most = 1.0 / (base / batch + slope)
    long = queue.occupancy(np.array([load * most]))
    assert queue.all_busy(np.array([load * most])) == pytest.approx(long.p_full + long.p_waiting, rel=1e-9, abs=1e-12)
    assert queue.all_busy(np.array([1.01 * most])) == pytest.approx(1.0)
