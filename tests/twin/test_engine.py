"""Continuous batching: what goes in comes out, the cache never overflows, times are those of the law."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.engine import Engine
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.requests import Ending, Outcome, Request

ALPHA, BETA, GAMMA = 0.010, 0.00002, 0.00000005


def parameters(*, kv_tokens: int = 16_000, **changes: int) -> EngineParameters:
    """An engine of 10 ms an iteration with so much usable cache."""
    return EngineParameters(
        alpha_seconds=ALPHA,
        beta_seconds_per_token=BETA,
        gamma_seconds_per_resident_token=GAMMA,
        kv_blocks=kv_tokens // 16 + 1,
        **changes,
    )


def request(at: float = 0.0, prompt: int = 100, output: int = 10, patience: float = math.inf) -> Request:
    """A request of so many tokens."""
    return Request(arrival_seconds=at, prompt_tokens=prompt, output_tokens=output, patience_seconds=patience)


def feed(engine: Engine, requests: list[Request]) -> list[Outcome]:
    """Let the requests arrive in order."""
    outcomes = []
    for each in sorted(requests, key=lambda r: r.arrival_seconds):
        engine.advance(each.arrival_seconds)
        engine.submit(each, each.arrival_seconds)
        outcomes += engine.take_outcomes()
    return outcomes


def finish(engine: Engine, requests: list[Request]) -> list[Outcome]:
    """Let the requests arrive and wait for all of them."""
    outcomes = feed(engine, requests)
    engine.advance(1e6)
    return outcomes + engine.take_outcomes()


def test_a_lone_request_takes_its_prefill_and_an_iteration_for_each_further_token() -> None:
    """TTFT is one iteration over the prompt; each other token one iteration over itself."""
    [outcome] = finish(Engine(parameters()), [request(at=5.0, prompt=100, output=3)])
    prefill = ALPHA + 100 * BETA + 100 * GAMMA
    decode = sum(ALPHA + BETA + resident * GAMMA for resident in (101, 102))
    assert outcome.ttft_seconds == pytest.approx(prefill)
    assert outcome.at_seconds == pytest.approx(5.0 + prefill + decode)


def test_the_mean_iteration_follows_the_linear_law_of_the_queueing_model() -> None:
    """At n requests of i and o tokens an iteration takes alpha + n (beta (i + o) / (o + 1) + gamma (i + o / 2))."""
    engine, prompt, output, n = Engine(parameters(kv_tokens=64_000)), 200, 100, 40
    tau = output * (ALPHA + n * (BETA * (prompt + output) / output + GAMMA * (prompt + output / 2)))
    arrivals = [request(at=k * tau / n, prompt=prompt, output=output) for k in range(20 * n)]
    feed(engine, arrivals)
    seconds = engine.meter.between_tokens.sum / engine.meter.between_tokens.count
    assert engine.running == pytest.approx(n, rel=0.05)
    assert seconds == pytest.approx(tau / output, rel=0.03)


def test_time_to_first_token_includes_the_wait_for_a_place() -> None:
    """With one place the second request starts when the first has ended."""
    first, second = finish(Engine(parameters(max_sequences=1)), [request(output=50), request(output=50)])
    assert second.ttft_seconds is not None
    assert second.ttft_seconds > first.at_seconds


def test_requests_are_served_in_the_order_in_which_they_came() -> None:
    """First come, first served: nobody overtakes a long prompt at the head of the queue."""
    engine = Engine(parameters(kv_tokens=1600, max_model_tokens=1600))
    outcomes = finish(
        engine, [request(prompt=800, output=20), request(prompt=1000, output=20), request(prompt=10, output=20)]
    )
    starts = [outcome.ttft_seconds or 0.0 for outcome in sorted(outcomes, key=lambda o: o.request.prompt_tokens)]
    assert starts[0] >= starts[2]


def test_a_request_counts_as_waiting_once_an_iteration_had_no_place_for_it() -> None:
    """One that came during an iteration is in the engine's inbox, where vLLM does not count it."""
    engine = Engine(parameters(max_sequences=1))
    engine.submit(request(output=100), 0.0)
    engine.advance(0.001)
    engine.submit(request(at=0.001), 0.001)
    assert (engine.running, engine.queued, engine.waiting) == (1, 1, 0)
    engine.advance(0.1)
    assert (engine.running, engine.queued, engine.waiting) == (1, 1, 1)


def test_growth_that_the_cache_cannot_take_preempts_the_last_admitted() -> None:
    """Two answers of 700 tokens do not fit into 1,600 beside their prompts: one is computed again, both end."""
    engine = Engine(parameters(kv_tokens=1600, max_model_tokens=1600))
    outcomes = finish(engine, [request(prompt=300, output=700), request(prompt=300, output=700)])
    assert [outcome.ending for outcome in outcomes] == [Ending.SERVED, Ending.SERVED]
    assert engine.meter.preemptions == 1
    assert engine.meter.generation_tokens == 1400
    assert engine.meter.prompt_tokens == 600
    assert engine.meter.preemptions_of_request.sum == 1


def test_nobody_is_admitted_in_an_iteration_that_preempted() -> None:
    """The victim is at the head of the queue, and the queue stays closed for one iteration."""
    engine = Engine(parameters(kv_tokens=1600, max_sequences=2))
    feed(engine, [request(prompt=300, output=700), request(prompt=300, output=700), request(prompt=5, output=5)])
    at = 0.0
    while engine.meter.preemptions == 0:
        at += ALPHA
        engine.advance(at)
    assert (engine.running, engine.waiting) == (1, 2)


def test_throughput_does_not_fall_when_more_is_asked_for() -> None:
    """Overload must not livelock in preemptions."""
    served = []
    for rate in (2, 4, 8, 16, 32):
        engine = Engine(parameters(kv_tokens=4000))
        feed(engine, [request(at=k / rate, prompt=150, output=200) for k in range(60 * rate)])
        served.append(engine.meter.finished)
    assert all(later >= 0.97 * earlier for earlier, later in itertools.pairwise(served)), served


def test_a_client_leaves_before_its_first_token_and_not_after() -> None:
    """Patience ends the wait for a place; an answer that has begun is finished."""
    engine = Engine(parameters(max_sequences=1))
    long, impatient = request(output=300, patience=1.0), request(output=10, patience=1.0)
    outcomes = finish(engine, [long, impatient])
    assert {o.request: o.ending for o in outcomes} == {long: Ending.SERVED, impatient: Ending.TIMED_OUT}
    assert engine.meter.aborted == 1


def test_a_request_that_can_never_fit_is_refused() -> None:
    """Otherwise it would block the queue for ever."""
    with pytest.raises(InvalidValue, match="exceeds 1600"):
        Engine(parameters(kv_tokens=1600)).submit(request(prompt=1600, output=1), 0.0)


def test_stopping_loses_whoever_is_inside() -> None:
    """The cache is empty afterwards and every request has an ending."""
    engine = Engine(parameters(max_sequences=1))
    feed(engine, [request(output=500), request(output=500)])
    engine.advance(1.0)
    engine.stop(1.0)
    assert [outcome.ending for outcome in engine.take_outcomes()] == [Ending.LOST, Ending.LOST]
    assert (engine.running, engine.queued, engine.resident_tokens) == (0, 0, 0)


arrivals = st.lists(
    st.builds(
        request,
        at=st.floats(0, 20),
        prompt=st.integers(1, 900),
        output=st.integers(1, 400),
        patience=st.sampled_from([math.inf, 5.0, 0.5]),
    ),
    min_size=1,
    max_size=40,
)


@given(arrivals, st.integers(1, 8), st.floats(0, 30))
def test_requests_and_tokens_in_are_out_plus_inside(requests: list[Request], places: int, until: float) -> None:
    """At any moment everything is accounted for, and the cache holds no more than it can."""
    engine = Engine(parameters(kv_tokens=1600, max_sequences=places))
    taken = [each for each in requests if each.arrival_seconds <= until]
    outcomes = feed(engine, taken)
    engine.advance(until)
    outcomes += engine.take_outcomes()
    served = [o.request for o in outcomes if o.ending is Ending.SERVED]
    assert len(outcomes) + engine.running + engine.queued == len(taken)
    assert len(served) == engine.meter.finished
    assert len(outcomes) - len(served) == engine.meter.aborted
    out = sum(each.output_tokens for each in served)
    assert engine.meter.generation_tokens == out + engine.generated_tokens_inside
    assert 0 <= engine.resident_tokens <= 1600
    assert engine.running <= places


@given(arrivals, st.lists(st.floats(0, 40), max_size=30))
def test_what_happens_does_not_depend_on_how_time_is_cut(requests: list[Request], looks: list[float]) -> None:
    """Reading an engine often, as scrapes do, changes nothing."""
    quiet, watched = Engine(parameters(kv_tokens=1600)), Engine(parameters(kv_tokens=1600))
    expected = finish(quiet, requests)
    seen: list[Outcome] = []
    events = sorted(
        [(each.arrival_seconds, 1, each) for each in requests] + [(at, 0, None) for at in looks], key=lambda e: e[:2]
    )
    for at, _, each in events:
        watched.advance(at)
        if each is not None:
            watched.submit(each, at)
    watched.advance(1e6)
    seen += watched.take_outcomes()
    assert [(o.request, o.ending) for o in seen] == [(o.request, o.ending) for o in expected]
    assert [o.at_seconds for o in seen] == pytest.approx([o.at_seconds for o in expected])
    assert watched.meter.between_tokens.count == quiet.meter.between_tokens.count


@given(arrivals)
def test_every_request_ends_and_leaves_nothing_behind(requests: list[Request]) -> None:
    """After the last one the cache is empty and the histograms agree with the counters."""
    engine = Engine(parameters(kv_tokens=1600))
    outcomes = finish(engine, requests)
    assert len(outcomes) == len(requests)
    assert engine.resident_tokens == 0
    meter = engine.meter
    firsts = meter.first_token.count
    assert firsts == meter.end_to_end.count == meter.finished
    assert meter.between_tokens.count == meter.generation_tokens - firsts
    assert meter.output_of_request.sum == meter.generation_tokens
