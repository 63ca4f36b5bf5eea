"""What holds whatever comes, however the fleet is scaled and whichever way its router works."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin_builder import fleet, parameters, variant

from wva_exporter.twin.fleet import Fleet, Role
from wva_exporter.twin.requests import Ending, Request

SMALL = parameters(kv_tokens=1600, max_sequences=6, max_batched_tokens=256, max_waiting=5, handover_seconds=0.05)

steps = st.lists(
    st.tuples(
        st.floats(0.01, 3),
        st.integers(0, 4),
        st.lists(
            st.builds(
                Request,
                arrival_seconds=st.just(0.0),
                prompt_tokens=st.integers(200, 900),
                output_tokens=st.integers(1, 700),
                patience_seconds=st.sampled_from([math.inf, 2.0, 0.1]),
                prefix=st.sampled_from([None, 1, 2, 3]),
                prefix_tokens=st.sampled_from([0, 64, 200]),
            ),
            max_size=12,
        ),
    ),
    max_size=12,
)
routers = st.fixed_dictionaries(
    {
        "holds": st.booleans(),
        "max_queue": st.sampled_from([None, 3]),
        "queue_weight": st.sampled_from([0.0, 1.0]),
        "saturated_kv_ratio": st.sampled_from([0.5, 1.0]),
    }
)
shapes = st.sampled_from(
    [
        (variant("a", 1, parameters=SMALL),),
        (variant("a", 0, parameters=SMALL, startup_sigma=0.5), variant("b", 1, parameters=parameters(kv_tokens=1600))),
        (variant("a", 1, parameters=SMALL, role=Role.PREFILL), variant("b", 1, parameters=SMALL, role=Role.DECODE)),
    ]
)


def watch(it: Fleet) -> None:
    """The cache is never over its capacity, and who is not ready has nothing."""
    for replica in it.replicas:
        if replica.engine is None:
            assert it.now < replica.ready_at
            continue
        assert 0.0 <= replica.engine.kv_usage_ratio <= 1.0
        assert replica.engine.running <= replica.engine.parameters.max_sequences
        assert replica.engine.queued >= replica.engine.waiting >= 0
        assert replica.engine.uncomputed_tokens >= 0
        assert replica.engine.started_at == replica.ready_at <= it.now


@settings(max_examples=200)
@given(shapes, routers, steps, st.floats(0, 20))
def test_every_request_ends_exactly_once(shape: tuple, router: dict, given_steps: list, grace: float) -> None:
    """Served, timed out, lost or refused, but not twice and not never; and nothing stays in the cache."""
    it, now, sent = fleet(*shape, grace=grace, **router), 0.0, []
    for number, (seconds, replicas, requests) in enumerate(given_steps):
        it.scale(shape[number % len(shape)].name, replicas)
        sent += [replace(each, arrival_seconds=now) for each in requests]
        it.serve(sent[len(sent) - len(requests) :], to=now + seconds)
        watch(it)
        now += seconds
    for each in shape:
        it.scale(each.name, 1)
    it.advance(now + 1e5)
    outcomes = it.take_outcomes()
    assert sorted(id(outcome.request) for outcome in outcomes) == sorted(id(each) for each in sent)
    for outcome in outcomes:
        assert (outcome.ending is Ending.SERVED) <= (outcome.ttft_seconds is not None)
        assert outcome.at_seconds >= outcome.request.arrival_seconds
    for replica in it.replicas:
        assert replica.engine is not None
        assert (replica.engine.kv_usage_ratio, replica.engine.resident_tokens) == (0.0, 0)
        assert (replica.engine.uncomputed_tokens, replica.engine.queued, replica.engine.running) == (0, 0, 0)


@given(steps, routers)
def test_the_same_seed_gives_the_same_bytes(given_steps: list, router: dict) -> None:
    """Names, start-up times, endings and times, to the last bit."""

    def run() -> str:
        it, now = fleet(variant("a", 1, parameters=SMALL, startup_sigma=0.5), **router), 0.0
        for seconds, replicas, requests in given_steps:
            it.scale("a", replicas)
            it.serve([replace(each, arrival_seconds=now) for each in requests], to=now + seconds)
            now += seconds
        return repr((it.take_outcomes(), [(each.pod, each.ready_at) for each in it.replicas], it.cost()))

    assert run() == run()


@given(steps, st.lists(st.floats(0, 40), max_size=20))
def test_whoever_looks_changes_nothing(given_steps: list, looks: list[float]) -> None:
    """Scrapes of a fleet, as often as they like, leave every ending and every time as they were."""

    def run(looking: list[float]) -> str:
        it, now = fleet(variant("a", 2, parameters=SMALL)), 0.0
        for seconds, _, requests in given_steps:
            it.serve([replace(each, arrival_seconds=now) for each in requests], to=now)
            for at in sorted(each for each in looking if now < each < now + seconds):
                it.advance(at)
            now += seconds
            it.advance(now)
        it.advance(1e5)
        return repr(sorted(it.take_outcomes(), key=lambda each: (each.request.arrival_seconds, each.at_seconds)))

    assert run([]) == run(looks)


def test_nobody_is_served_before_a_replica_is_ready() -> None:
    """The first token of those that came during the start comes after it."""
    it = fleet(variant("a", 0, startup_seconds=7.0))
    it.scale("a", 2)
    it.serve([Request(arrival_seconds=k / 10, prompt_tokens=10, output_tokens=5) for k in range(50)], to=60.0)
    firsts = [each.request.arrival_seconds + (each.ttft_seconds or 0.0) for each in it.take_outcomes()]
    assert len(firsts) == 50
    assert min(firsts) > 7.0


@pytest.mark.parametrize("patience", [math.inf, 10.0])
@pytest.mark.parametrize("prompt", [150, 700])
def test_throughput_does_not_fall_when_more_is_asked_for(prompt: int, patience: float) -> None:
    """From idle to sixteen times what the cache can carry: no livelock of preemptions."""
    served = []
    for rate in (1, 2, 4, 8, 16, 32, 64):
        it = fleet(variant("a", 2, parameters=parameters(kv_tokens=4000, max_batched_tokens=512)))
        arrivals = [
            Request(arrival_seconds=k / rate, prompt_tokens=prompt, output_tokens=200, patience_seconds=patience)
            for k in range(120 * rate)
        ]
        it.serve(arrivals, to=120.0)
        served.append(sum(each.ending is Ending.SERVED for each in it.take_outcomes()))
    assert all(later >= 0.98 * earlier for earlier, later in itertools.pairwise(served)), served
