"""Pods that come and go, a router that fills them, requests that survive it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.fleet import Fleet, ReplicaCounts, VariantSpec
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.replica import Phase
from wva_exporter.twin.requests import Ending, Outcome, Request
from wva_exporter.twin.router import RouterSettings
from wva_exporter.twin.workload import Lengths, RateProfile, Workload


def variant(name: str = "a100", replicas: int = 2, *, cost: float = 2.0, kv_tokens: int = 16_000) -> VariantSpec:
    """A variant whose replicas need 5 s to start."""
    parameters = EngineParameters(
        alpha_seconds=0.010,
        beta_seconds_per_token=0.00002,
        gamma_seconds_per_resident_token=0.00000005,
        kv_blocks=kv_tokens // 16 + 1,
    )
    return VariantSpec(
        name=name, accelerator="A100", parameters=parameters, cost_per_hour=cost, replicas=replicas, startup_seconds=5.0
    )


def fleet(*variants: VariantSpec, grace: float = 60.0, router: RouterSettings | None = None) -> Fleet:
    """A fleet at time 0."""
    return Fleet(variants or (variant(),), np.random.default_rng(1), grace_seconds=grace, router=router)


def request(at: float, output: int = 100, patience: float = math.inf) -> Request:
    """A request of a second or so."""
    return Request(arrival_seconds=at, prompt_tokens=100, output_tokens=output, patience_seconds=patience)


def endings(outcomes: list[Outcome]) -> list[Ending]:
    """How they ended."""
    return [outcome.ending for outcome in outcomes]


def test_a_new_replica_serves_after_its_start() -> None:
    """It exists at once and is ready five seconds later."""
    it = fleet()
    it.scale("a100", 3)
    assert it.counts("a100") == ReplicaCounts(spec=3, current=3, ready=2, draining=0)
    it.advance(4.9)
    assert it.counts("a100").ready == 2
    it.advance(5.0)
    assert it.counts("a100").ready == 3


def test_a_replica_that_is_to_go_finishes_its_requests() -> None:
    """It takes no new one, is no longer counted by its workload, and is gone when it is empty."""
    it = fleet()
    it.serve([request(0.1, output=400), request(0.2, output=400)], to=0.3)
    it.scale("a100", 1)
    assert it.counts("a100") == ReplicaCounts(spec=1, current=1, ready=1, draining=1)
    it.serve([request(0.4), request(0.5)], to=1.0)
    [leaving] = [r for r in it.replicas if r.phase is Phase.DRAINING]
    assert leaving.engine is not None
    assert leaving.engine.running == 1
    it.advance(60.0)
    assert it.counts("a100") == ReplicaCounts(spec=1, current=1, ready=1, draining=0)
    assert endings(it.take_outcomes()) == [Ending.SERVED] * 4


def test_the_grace_of_a_pod_is_finite() -> None:
    """What is still inside when it is over is lost."""
    it = fleet(variant(replicas=1), grace=2.0)
    it.serve([request(0.1, output=5000)], to=1.0)
    it.scale("a100", 0)
    it.advance(10.0)
    [outcome] = it.take_outcomes()
    assert (outcome.ending, outcome.at_seconds) == (Ending.LOST, 3.0)
    assert it.counts("a100").draining == 0


def test_replicas_that_are_not_ready_go_first_and_then_the_youngest() -> None:
    """As a ReplicaSet chooses its victims."""
    it = fleet()
    oldest = it.replicas[0].pod
    it.scale("a100", 3)
    it.scale("a100", 2)
    assert [r.phase for r in it.replicas] == [Phase.READY, Phase.READY]
    it.scale("a100", 1)
    assert [r.pod for r in it.replicas] == [oldest]


def test_the_router_fills_the_emptiest_relative_to_its_size() -> None:
    """A replica with four times the cache gets four times the tokens."""
    sizes = variant("small", 1, kv_tokens=8_000), variant("large", 1, kv_tokens=32_000)
    it = fleet(*sizes, router=RouterSettings(queue_weight=0.0))
    it.serve([request(k / 1000, output=1000) for k in range(100)], to=1.0)
    small, large = (r.engine.running for r in it.replicas if r.engine is not None)
    assert 3 * small < large < 5 * small


def test_the_router_holds_requests_while_nobody_is_ready() -> None:
    """They are dispatched the moment a replica is, and not a moment later."""
    it = fleet(variant(replicas=0))
    it.scale("a100", 1)
    it.serve([request(1.0)], to=4.0)
    assert len(it.held) == 1
    it.advance(20.0)
    [outcome] = it.take_outcomes()
    assert outcome.ending is Ending.SERVED
    assert outcome.ttft_seconds is not None
    assert 4.0 < outcome.ttft_seconds < 4.1


def test_a_held_request_whose_client_leaves_has_failed() -> None:
    """Nobody waits for ever at a router."""
    it = fleet(variant(replicas=0))
    it.serve([request(1.0, patience=2.0)], to=10.0)
    assert endings(it.take_outcomes()) == [Ending.TIMED_OUT]


def test_a_request_that_no_replica_can_hold_is_refused() -> None:
    """It is counted as failed and does not block the others."""
    it = fleet()
    it.serve([request(0.1, output=100_000), request(0.2)], to=30.0)
    assert endings(it.take_outcomes()) == [Ending.REFUSED, Ending.SERVED]


def test_counters_start_at_zero_after_a_restart() -> None:
    """The pod keeps its name, loses what was inside and is not ready until it has started again."""
    it = fleet(variant(replicas=1))
    pod = it.replicas[0].pod
    it.serve([request(0.1), request(3.0, output=1000)], to=4.0)
    it.restart(pod)
    assert it.counts("a100").ready == 0
    it.advance(9.0)
    [replica] = it.replicas
    assert replica.pod == pod
    assert replica.engine is not None
    assert replica.engine.meter.generation_tokens == 0
    assert replica.engine.started_at == 9.0
    assert endings(it.take_outcomes()) == [Ending.SERVED, Ending.LOST]


def test_cost_runs_from_creation_until_a_pod_is_gone() -> None:
    """Starting and draining pods cost as much as serving ones."""
    it = fleet(variant(replicas=1, cost=3600.0))
    it.advance(10.0)
    it.scale("a100", 2)
    it.advance(20.0)
    it.scale("a100", 1)
    it.advance(30.0)
    assert it.cost() == 30.0 + 10.0


def test_start_up_times_are_spread_around_their_median() -> None:
    """Log-normal: half of them below the median, two thirds within a factor of e to the sigma."""
    it = fleet(replace(variant(replicas=0), startup_seconds=60.0, startup_sigma=0.3))
    it.scale("a100", 1000)
    seconds = np.array([replica.ready_at for replica in it.replicas])
    assert np.median(seconds) == pytest.approx(60.0, rel=0.05)
    assert np.log(seconds / 60.0).std() == pytest.approx(0.3, rel=0.05)


def test_a_variant_with_a_negative_number_is_refused() -> None:
    """A mistake is refused where it is made."""
    with pytest.raises(InvalidValue, match="startup_seconds of a100 must not be negative"):
        replace(variant(), startup_seconds=-1.0)


def test_energy_is_idle_watts_and_more_while_it_iterates() -> None:
    """A pod that starts or waits uses its idle watts; a request of a known length adds its own."""
    it = fleet(replace(variant(replicas=1), idle_watts=100.0, busy_watts=400.0))
    it.advance(10.0)
    assert it.energy_joules() == pytest.approx(1000.0)
    it.serve([request(10.0)], to=20.0)
    [outcome] = it.take_outcomes()
    busy = outcome.at_seconds - 10.0
    assert it.energy_joules() == pytest.approx(2000.0 + 300.0 * busy)
    it.scale("a100", 0)
    it.advance(30.0)
    assert it.energy_joules() == pytest.approx(2000.0 + 300.0 * busy)


def test_the_same_seed_gives_the_same_run() -> None:
    """Names, arrivals and endings."""
    profile = RateProfile(points=((0, 2), (30, 6)))

    def run() -> tuple[list[str], list[Outcome]]:
        it = fleet()
        lengths = Lengths(mean_tokens=200, sigma=0.5, most=1000)
        load = Workload(profile, prompt=lengths, response=lengths, generator=np.random.default_rng(7))
        for second in range(1, 31):
            it.serve(load.until(second), to=second)
        return [r.pod for r in it.replicas], it.take_outcomes()

    assert run() == run()


@given(st.lists(st.tuples(st.floats(0.01, 3), st.integers(0, 5), st.integers(0, 5)), max_size=20))
def test_no_request_is_lost_by_scaling(steps: list[tuple[float, int, int]]) -> None:
    """However the size jumps, with enough grace every request is inside, held or served."""
    it, sent, now = fleet(grace=1e6), 0, 0.0
    for seconds, replicas, requests in steps:
        it.scale("a100", replicas)
        it.serve([request(now) for _ in range(requests)], to=now + seconds)
        now, sent = now + seconds, sent + requests
        inside = sum(r.engine.running + r.engine.queued for r in it.replicas if r.engine is not None)
        ended = it.take_outcomes()
        sent -= len(ended)
        assert all(outcome.ending is Ending.SERVED for outcome in ended)
        assert inside + len(it.held) == sent
        assert it.counts("a100").current == replicas
