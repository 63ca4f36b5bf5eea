"""Where the twin is a queue that textbooks solve, it gives their answers; and Ciw's, request by request."""

from __future__ import annotations

from math import factorial

import ciw
import numpy as np
import pytest
from twin_builder import counting, exponential_work, finish, fleet, variant

from wva_exporter.twin.engine import Engine
from wva_exporter.twin.meter import Meter
from wva_exporter.twin.requests import Ending, Outcome, Request

MEAN_TOKENS = 200.0
SERVICE_SECONDS = 1.0
"""What 200 tokens take."""


def waits(outcomes: list[Outcome]) -> np.ndarray:
    """Seconds before the first iteration, in order of arrival."""
    ordered = sorted(outcomes, key=lambda each: each.request.arrival_seconds)
    return np.array([(each.ttft_seconds or 0.0) - SERVICE_SECONDS / MEAN_TOKENS for each in ordered])


def held_by_the_router(requests: list[Request], servers: int) -> list[Outcome]:
    """Outcomes of that many replicas of one place each behind a router that holds what they cannot take."""
    it = fleet(variant("one", servers, parameters=counting(places=1)), holds=True)
    it.serve(requests, to=requests[-1].arrival_seconds + 1e4)
    return it.take_outcomes()


def erlang_c(servers: int, load: float) -> float:
    """Probability that a request waits in M/M/c."""
    last = load**servers / factorial(servers) * servers / (servers - load)
    return last / (sum(load**k / factorial(k) for k in range(servers)) + last)


@pytest.mark.parametrize("load", [0.7, 1.2])
def test_an_engine_of_one_place_and_a_limited_queue_is_m_m_1_k(load: float) -> None:
    """Refused share and mean number inside within 2 % of ``(1 - r) r^K / (1 - r^(K + 1))``, K = 4, above and below load 1."""
    inside = 4
    requests = exponential_work(load / SERVICE_SECONDS, MEAN_TOKENS, 120_000, seed=3)
    engine = Engine(counting(places=1, max_waiting=inside - 1), meter=Meter())
    outcomes = finish(engine, requests)
    refused = np.mean([each.ending is Ending.REFUSED for each in outcomes])
    chance = load ** np.arange(inside + 1)
    chance /= chance.sum()
    stay = sum(each.at_seconds - each.request.arrival_seconds for each in outcomes if each.ending is Ending.SERVED)
    assert refused == pytest.approx(chance[-1], rel=0.02)
    assert stay / requests[-1].arrival_seconds == pytest.approx(chance @ np.arange(inside + 1), rel=0.02)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (4, 2.4)])
def test_replicas_behind_a_router_that_holds_are_m_m_c(servers: int, load: float) -> None:
    """Chance of a wait and its mean within 2 % of Erlang's."""
    requests = exponential_work(load / SERVICE_SECONDS, MEAN_TOKENS, 120_000, seed=3)
    waited = waits(held_by_the_router(requests, servers))
    assert (waited > 1e-9).mean() == pytest.approx(erlang_c(servers, load), rel=0.02)
    assert waited.mean() == pytest.approx(erlang_c(servers, load) / (servers - load) * SERVICE_SECONDS, rel=0.02)


def test_ciw_lets_every_request_wait_as_long() -> None:
    """The same arrivals and lengths in an independent simulator of three servers: the same waits, to a microsecond."""
    requests = exponential_work(2.5, MEAN_TOKENS, 5_000, seed=5)
    arrivals = np.diff([0.0, *(each.arrival_seconds for each in requests)]).tolist()
    services = [each.output_tokens * SERVICE_SECONDS / MEAN_TOKENS for each in requests]
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*arrivals, float("inf")])],
        service_distributions=[ciw.dists.Sequential(services)],
        number_of_servers=[3],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(len(requests), method="Finish")
    records = sorted(simulation.get_all_records(), key=lambda each: each.arrival_date)
    assert waits(held_by_the_router(requests, 3)) == pytest.approx([each.waiting_time for each in records], abs=1e-6)
