"""The formulas agree with an independent simulator that knows none of them: Ciw's limited processor sharing."""

from __future__ import annotations

from functools import cache

import ciw
import numpy as np
import pytest
from ciw.processor_sharing import PSNode
from numpy.typing import NDArray
from queueing_builder import of_line

from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.percentiles import percentiles
from wva_exporter.core.queueing.variability import wait_factor

BASE_SECONDS, SLOPE_SECONDS, BATCH, PLACES = 0.6, 0.1, 4, 40
RATE_RPS = 0.8 * BATCH / (BASE_SECONDS + SLOPE_SECONDS * BATCH)
ARRIVALS = 60_000


class BatchNode(PSNode):  # type: ignore[misc]  # Ciw has no types
    """Up to ``BATCH`` at once; each of n proceeds at 1/tau(n) of its work per second."""

    def update_all_service_end_dates(self) -> None:
        """Account for the time since the last event at the old speed, and foretell ends at the new one."""
        now = self.simulation.current_time
        serving = [each for each in self.all_individuals if each.with_server]
        for each in serving:
            each.time_left -= (now - each.date_last_update) / tau(max(self.last_occupancy, 1))
            each.date_last_update = now
        self.last_occupancy = min(self.number_of_individuals, self.ps_capacity)
        for each in serving:
            each.service_end_date = now + each.time_left * tau(max(self.last_occupancy, 1))
        self.date_last_update = now


def tau(batch: int) -> float:
    """Seconds in service in a batch of n."""
    return BASE_SECONDS + SLOPE_SECONDS * batch


@cache
def simulated(shape: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Waits and times in service, seconds, of requests whose work has mean 1 and squared variation 1/shape."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(RATE_RPS)],
        service_distributions=[ciw.dists.Gamma(shape, 1.0 / shape)],
        number_of_servers=[BATCH],
        queue_capacities=[PLACES],
    )
    ciw.seed(5)
    simulation = ciw.Simulation(network, node_class=BatchNode)
    simulation.simulate_until_max_customers(ARRIVALS, method="Finish")
    records = [each for each in simulation.get_all_records() if each.record_type == "service"][ARRIVALS // 20 :]
    waits = np.array([each.service_start_date - each.arrival_date for each in records])
    served = np.array([each.exit_date - each.service_start_date for each in records])
    return waits, served


def test_means_are_those_of_the_simulated_replica() -> None:
    """Wait within 8 %, time in service within 1 %: what so many requests can tell."""
    found = analyze(of_line(BASE_SECONDS, SLOPE_SECONDS, max_batch=BATCH, max_queue=PLACES), RATE_RPS)
    waits, served = simulated(1.0)
    assert waits.mean() == pytest.approx(float(found.wait_seconds), rel=0.08)
    assert served.mean() == pytest.approx(float(found.service_seconds), rel=0.01)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.99])
def test_percentiles_of_the_wait_are_those_of_the_simulated_replica(share: float) -> None:
    """Within 10 %."""
    system = of_line(BASE_SECONDS, SLOPE_SECONDS, max_batch=BATCH, max_queue=PLACES)
    expected = float(percentiles(system, RATE_RPS, share).wait_seconds.value)
    assert np.quantile(simulated(1.0)[0], share) == pytest.approx(expected, rel=0.10, abs=0.1)


def test_even_sizes_wait_about_half_as_long() -> None:
    """Squared variation 1/20: the corrected wait is right within 15 %, the plain one is not."""
    system = of_line(BASE_SECONDS, SLOPE_SECONDS, max_batch=BATCH, max_queue=PLACES)
    plain = float(analyze(system, RATE_RPS).wait_seconds)
    corrected = float(analyze(system, RATE_RPS, (1.0 + 1.0 / 20.0) / 2.0).wait_seconds)
    wait = simulated(20.0)[0].mean()
    assert wait == pytest.approx(corrected, rel=0.15)
    assert abs(plain - wait) > 3.0 * abs(corrected - wait)


def test_time_in_service_does_not_depend_on_the_distribution_of_sizes() -> None:
    """Within 2 %: sharing is insensitive, nearly so with a batch limit."""
    assert simulated(20.0)[1].mean() == pytest.approx(simulated(1.0)[1].mean(), rel=0.02)


def test_the_factor_of_a_fleet_is_that_of_its_histograms() -> None:
    """One step of work each: no variation, half the wait."""
    assert wait_factor(of_line(BASE_SECONDS, SLOPE_SECONDS), 1.0, 1.0) == 0.5
