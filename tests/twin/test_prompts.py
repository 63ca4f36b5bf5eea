"""Prompts: computed in chunks, found in the cache of prefixes, seen later by the client than by the engine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from twin_builder import finish, parameters, request

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.engine import Engine
from wva_exporter.twin.requests import Ending, Request

CHUNKED = parameters(max_batched_tokens=512)


def shared(at: float, prefix: int = 1, tokens: int = 480, prompt: int = 500) -> Request:
    """A prompt with a shared beginning and a short answer."""
    return Request(arrival_seconds=at, prompt_tokens=prompt, output_tokens=5, prefix=prefix, prefix_tokens=tokens)


def test_a_prompt_longer_than_the_budget_is_computed_in_chunks() -> None:
    """1,200 tokens at 512 an iteration: three iterations, each over what is resident by then."""
    [outcome] = finish(Engine(CHUNKED), [request(prompt=1200, output=1)])
    chunks = ((512, 512), (512, 1024), (176, 1200))
    assert outcome.ttft_seconds == pytest.approx(sum(CHUNKED.iteration_seconds(0, c, r) for c, r in chunks))


def test_answers_come_before_chunks() -> None:
    """While a long prompt is computed a running answer gets a token an iteration, and its tokens count in the budget."""
    engine = Engine(CHUNKED)
    long = request(at=0.5, prompt=2044, output=1)
    answer, prompt = finish(engine, [request(prompt=10, output=300), long])[::-1]
    gap = max(CHUNKED.iteration_seconds(1, 511, r) for r in (600, 1111, 1622, 2133))
    assert prompt.request is long
    assert prompt.ttft_seconds == pytest.approx(4 * gap, rel=0.05)  # 4 x 511 beside the one token of the answer
    assert answer.ending is Ending.SERVED
    assert engine.meter.computed_tokens == 10 + 2044 + 299


def test_a_short_prompt_behind_a_long_one_takes_what_is_left_of_the_budget() -> None:
    """Its first token comes with the last chunk of the long one."""
    long, short = sorted(
        finish(Engine(CHUNKED), [request(prompt=600, output=1), request(at=0.001, prompt=50, output=1)]),
        key=lambda outcome: outcome.request.arrival_seconds,
    )
    assert long.at_seconds == short.at_seconds


def test_a_client_may_leave_while_its_prompt_is_computed() -> None:
    """Its blocks are free again and nothing is left of it."""
    engine = Engine(CHUNKED)
    [outcome] = finish(engine, [request(prompt=6000, output=5, patience=0.03)])
    assert (outcome.ending, outcome.at_seconds, outcome.ttft_seconds) == (Ending.TIMED_OUT, 0.03, None)
    assert (engine.kv_usage_ratio, engine.resident_tokens, engine.uncomputed_tokens) == (0.0, 0, 0)
    assert engine.meter.computed_tokens < 6000


def test_whoever_waits_behind_others_is_out_of_the_count_when_its_client_leaves() -> None:
    """Also if it came last and the one before it is patient."""
    engine = Engine(parameters(max_sequences=1))
    for each in (request(output=900), request(output=900), request(output=5, patience=1.0)):
        engine.submit(each, 0.0)
    engine.advance(0.9)
    assert (engine.queued, engine.waiting) == (2, 2)
    engine.advance(1.1)
    assert (engine.queued, engine.waiting) == (1, 1)


def test_prompt_tokens_may_cost_otherwise_than_answers() -> None:
    """The beta of prompts is used for them and for nothing else."""
    slow = replace(parameters(), prefill_beta_seconds_per_token=1e-3)
    [one], [other] = (finish(Engine(of), [request(prompt=100, output=50)]) for of in (parameters(), slow))
    assert (other.ttft_seconds or 0.0) - (one.ttft_seconds or 0.0) == pytest.approx(100 * (1e-3 - 2e-5))
    assert other.itl_seconds == pytest.approx(one.itl_seconds)


def test_the_client_sees_its_first_token_later_than_the_engine() -> None:
    """By the overhead; the engine's own histogram and the gaps between tokens do not know of it."""
    late = replace(parameters(), ttft_overhead_seconds=0.015)
    engine = Engine(late)
    [one], [other] = finish(Engine(parameters()), [request()]), finish(engine, [request()])
    assert (other.ttft_seconds or 0.0) - (one.ttft_seconds or 0.0) == pytest.approx(0.015)
    assert other.itl_seconds == one.itl_seconds
    assert engine.meter.first_token.sum == pytest.approx(one.ttft_seconds)


def test_the_mean_gap_is_that_between_the_first_and_the_last_token() -> None:
    """None for an answer of one token, which has no gap."""
    two, one = finish(Engine(parameters()), [request(output=11), request(at=10.0, output=1)])
    assert two.itl_seconds == pytest.approx((two.at_seconds - (two.ttft_seconds or 0.0)) / 10)
    assert one.itl_seconds is None


def test_a_beginning_that_is_there_is_not_computed_again() -> None:
    """Whole blocks of it: the second prompt computes the rest."""
    engine = Engine(parameters())
    first, second = finish(engine, [shared(0.0), shared(1.0)])
    assert engine.meter.prefix_queries == 1000
    assert engine.meter.prefix_hits == 480
    assert engine.meter.computed_tokens == 500 + 20 + 2 * 4
    assert (second.ttft_seconds or 0.0) < (first.ttft_seconds or 0.0) - 400 * 2e-5


def test_a_beginning_in_use_takes_its_blocks_once() -> None:
    """Two at the same time take the beginning once and the rest of each."""
    engine = Engine(parameters(kv_tokens=1600))
    engine.submit(replace(shared(0.0), output_tokens=900), 0.0)
    engine.advance(0.1)
    alone = engine.kv_usage_ratio
    engine.submit(shared(0.1), 0.1)
    engine.advance(0.14)
    assert engine.running == 2
    assert engine.kv_usage_ratio == pytest.approx(alone + 2 / 100)


def test_what_nobody_uses_is_forgotten_when_room_is_needed() -> None:
    """The one that was used longest ago goes first."""
    engine = Engine(parameters(kv_tokens=1600, max_model_tokens=1600))
    finish(engine, [shared(0.0, prefix=1), shared(1.0, prefix=2), shared(2.0, prefix=1)])
    assert engine.meter.prefix_hits == 480
    finish(engine, [request(3.0 + 1e6, prompt=900, output=1), shared(4.0 + 1e6, prefix=2), shared(5.0 + 1e6, prefix=1)])
    assert engine.meter.prefix_hits == 2 * 480


def test_a_shorter_beginning_does_not_hold_the_longer_one() -> None:
    """A request that needs nearly all of the cache ends although a longer beginning of its number is there."""
    engine = Engine(parameters(kv_tokens=1600))
    large = Request(arrival_seconds=1.0, prompt_tokens=774, output_tokens=700, prefix=1, prefix_tokens=64)
    outcomes = finish(engine, [shared(0.0), large])
    assert [each.ending for each in outcomes] == [Ending.SERVED] * 2
    assert engine.kv_usage_ratio == 0.0


def test_a_beginning_longer_than_its_prompt_is_refused() -> None:
    """A mistake is refused where it is made."""
    with pytest.raises(InvalidValue, match="are shared"):
        shared(0.0, prompt=100)
