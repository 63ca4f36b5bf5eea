"""What a replica does under a rate: right at its edges, and unknown where the question is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from queueing_builder import of_line, replica, systems

from wva_exporter.core.queueing.analysis import Analysis, analyze
from wva_exporter.core.queueing.service import decode_time, prefill_time, service_time
from wva_exporter.core.queueing.system import ServiceModel, System
from wva_exporter.errors import InvalidValue


@pytest.mark.parametrize("model", list(ServiceModel))
def test_without_arrivals_a_request_would_meet_an_empty_replica(model: ServiceModel) -> None:
    """Rate 0: nothing in it, no wait, the time in service of one alone."""
    found = analyze(replica(model), 0.0)
    assert (found.throughput_rps, found.in_system, found.wait_seconds) == (0.0, 0.0, 0.0)
    assert (found.p_empty, found.p_wait, found.p_block) == (1.0, 0.0, 0.0)
    assert found.service_seconds == pytest.approx(float(service_time(replica(model), 1.0)))
    assert found.ttft_seconds > 0.0 < found.itl_seconds


def test_zero_is_where_small_rates_lead() -> None:
    """No jump between no arrivals and hardly any."""
    none, few = analyze(replica(), 0.0), analyze(replica(), 1e-6)
    assert few.ttft_seconds == pytest.approx(float(none.ttft_seconds), rel=1e-4)


def test_one_at_a_time_has_the_times_of_one() -> None:
    """A batch limit of 1 is no special case."""
    alone = replica(ServiceModel.PD, max_batch=1)
    found = analyze(alone, 0.5 * float(analyze(alone, 0.0).max_rate_rps))
    assert found.itl_seconds == pytest.approx(float(decode_time(alone, 1.0)))
    assert found.prefill_seconds == pytest.approx(float(prefill_time(alone, 1.0)))


def test_decoding_only_counts_the_decoders() -> None:
    """Without prompts PD's effective batch comes from the same line as its time in service."""
    found = analyze(replica(ServiceModel.PD, in_tokens=0), 20.0)
    assert 1.0 < found.concurrency < 16.0
    assert found.itl_seconds > float(decode_time(replica(ServiceModel.PD), 1.0))


@pytest.mark.parametrize("rate", [-1.0, np.nan, np.inf])
def test_a_rate_that_is_none_is_unknown(rate: float) -> None:
    """Nothing follows from it, and nothing is raised."""
    found = analyze(replica(), [rate, 1.0])
    assert found.known.tolist() == [False, True]
    assert found.column("ttft_seconds").listed()[0] is None


def test_shapes_broadcast_to_tables_of_rates() -> None:
    """Two variants by three rates."""
    found = analyze(replica(alpha_seconds=[[0.005], [0.01]]), [1.0, 2.0, 3.0])
    assert found.ttft_seconds.shape == (2, 3)
    assert np.all(np.diff(found.ttft_seconds, axis=1) > 0.0)


def test_shapes_that_do_not_go_together_are_refused() -> None:
    """Two variants and three rates is a mistake of the caller."""
    with pytest.raises(InvalidValue, match="shape"):
        analyze(replica(alpha_seconds=[0.005, 0.01]), [1.0, 2.0, 3.0])


def test_no_rows_give_no_answers() -> None:
    """An empty fleet is a fleet."""
    assert analyze(replica(alpha_seconds=np.zeros(0) + 0.01), 1.0).ttft_seconds.shape == (0,)


def test_a_fleet_is_its_rows() -> None:
    """Rows do not see each other, whichever way they are computed: closed form, table, overload."""
    mixed = {"in_tokens": [64, 4096, 64, 512], "max_batch": [1, 256, 64, 8], "max_queue": [0, 100, 7, 9]}
    rate = np.array([1.0, 1.5, 500.0, 0.0])
    together = analyze(replica(ServiceModel.CHUNK, **mixed), rate)
    for row in range(4):
        own = {name: values[row] for name, values in mixed.items()}
        alone = analyze(replica(ServiceModel.CHUNK, **own), rate[row])
        for name in Analysis.__dataclass_fields__:
            assert getattr(together, name)[row] == pytest.approx(getattr(alone, name), rel=1e-12, abs=1e-300), name


@settings(max_examples=150, deadline=None)
@given(systems(), st.one_of(st.just(0.0), st.floats(1e-6, 1e6)))
def test_numbers_and_times_obey_little(system: System, rate: float) -> None:
    """L = X T, in the queue and in service; and everything is finite and within its range."""
    found = analyze(system, rate)
    assert found.in_queue == pytest.approx(float(found.throughput_rps * found.wait_seconds), rel=1e-9)
    assert found.in_service == pytest.approx(float(found.throughput_rps * found.service_seconds), rel=1e-9)
    assert all(np.isfinite(getattr(found, name)) for name in Analysis.__dataclass_fields__)
    assert 0.0 <= found.throughput_rps <= rate * (1 + 1e-9)
    assert 0.0 <= found.utilization_ratio <= 1.0
    assert found.ttft_seconds >= 0.0


def test_sizes_that_do_not_vary_halve_the_wait() -> None:
    """The M/G correction touches waits, and what contains them, only."""
    system = of_line(1.0, 0.01, max_batch=4, max_queue=40)
    plain, even = analyze(system, 3.5), analyze(system, 3.5, wait_factor=0.5)
    assert even.wait_seconds == pytest.approx(0.5 * float(plain.wait_seconds))
    assert even.itl_seconds == plain.itl_seconds
    assert plain.ttft_seconds - even.ttft_seconds == pytest.approx(0.5 * float(plain.wait_seconds))
