"""Which replica gets a request, what the router keeps, and how prompts and answers go to different replicas."""

from __future__ import annotations

from collections import Counter

import pytest
from twin_builder import counting, fleet, parameters, request, variant

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.fleet import Fleet, Role
from wva_exporter.twin.requests import Ending
from wva_exporter.twin.router import RouterSettings


def running(it: Fleet, name: str) -> int:
    """Requests in the batches of a variant."""
    return sum(each.engine.running for each in it.of(name) if each.engine is not None)


def disaggregated(prefill: int = 1, decode: int = 1, *, handover: float = 0.05, **router: object) -> Fleet:
    """Replicas for prompts and replicas for answers."""
    of = parameters(handover_seconds=handover)
    return fleet(
        variant("prompts", prefill, parameters=of, role=Role.PREFILL),
        variant("answers", decode, parameters=of, role=Role.DECODE),
        **router,
    )


def test_equal_replicas_get_equal_shares() -> None:
    """Each of three gets a third of a steady stream."""
    it = fleet(variant(replicas=3))
    it.serve([request(k / 10, output=400) for k in range(600)], to=60.0)
    shares = [each.engine.meter.prompt_tokens for each in it.replicas if each.engine is not None]
    assert max(shares) < 1.1 * min(shares)


def test_a_replica_that_frees_itself_is_seen_at_once() -> None:
    """Load is that of now and not that of the last request: an emptied replica gets the next one."""
    it = fleet(variant("a"))
    it.serve([request(0.0, output=500), request(0.001, output=20), request(2.0, output=20)], to=2.1)
    assert [each.engine.meter.prompt_tokens for each in it.replicas if each.engine is not None] == [100, 200]


def test_the_queue_counts_as_much_as_its_weight() -> None:
    """Much cache and few places: by cache alone the queue is overlooked, by queue it is not."""
    few = variant("few", 1, parameters=parameters(kv_tokens=160_000, max_sequences=2))
    many = variant("many", 1, parameters=parameters(kv_tokens=16_000))
    shares = []
    for weight in (0.0, 1.0):
        it = fleet(few, many, queue_weight=weight)
        it.serve([request(k / 10) for k in range(100)], to=10.0)
        [replica] = it.of("few")
        assert replica.engine is not None
        shares.append(replica.engine.running + replica.engine.queued)
    assert shares[0] > 3 * shares[1]


def test_a_request_given_to_an_engine_stays_there() -> None:
    """Without holding, a new replica does not take from the backlog of the others."""
    it = fleet(variant("a", 1, parameters=counting(places=1)))
    it.serve([request(0.0, output=2000) for _ in range(10)], to=0.1)
    it.scale("a", 2)
    it.advance(5.2)
    assert [each.engine.queued for each in it.replicas if each.engine is not None] == [9, 0]


def test_a_request_held_by_the_router_goes_to_whoever_comes() -> None:
    """With holding, it does."""
    it = fleet(variant("a", 1, parameters=counting(places=1)), holds=True)
    it.serve([request(0.0, output=2000) for _ in range(10)], to=0.1)
    assert (running(it, "a"), len(it.held)) == (1, 9)
    it.scale("a", 3)
    it.advance(5.2)
    assert (running(it, "a"), len(it.held)) == (3, 7)


def test_a_router_that_holds_keeps_the_cache_below_its_limit() -> None:
    """Beyond that share of the cache a replica gets no more."""
    it = fleet(variant("a", 1), holds=True, saturated_kv_ratio=0.5)
    it.serve([request(0.0, prompt=1000, output=10) for _ in range(20)], to=0.0)
    [replica] = it.replicas
    assert replica.engine is not None
    assert replica.engine.demand_ratio == pytest.approx(0.5)
    assert len(it.held) == 12


def test_a_full_router_refuses() -> None:
    """Two are inside, three are held, the rest fails at once."""
    it = fleet(variant("a", 2, parameters=counting(places=1)), holds=True, max_queue=3)
    it.serve([request(0.0) for _ in range(10)], to=0.0)
    assert [each.ending for each in it.take_outcomes()] == [Ending.REFUSED] * 5
    assert len(it.held) == 3


def test_a_full_engine_refuses() -> None:
    """It takes as many as may wait, and one a place."""
    it = fleet(variant("a", 1, parameters=counting(places=1, max_waiting=2)))
    it.serve([request(0.0) for _ in range(10)], to=0.0)
    assert Counter(each.ending for each in it.take_outcomes()) == {Ending.REFUSED: 7}


def test_prompts_and_answers_are_computed_by_different_replicas() -> None:
    """The client's first token comes after prompt, handover and the first iteration of the answer."""
    it = disaggregated(handover=0.05)
    it.serve([request(1.0, prompt=500, output=50)], to=10.0)
    [outcome] = it.take_outcomes()
    [prompts], [answers] = it.of("prompts"), it.of("answers")
    assert prompts.engine is not None
    assert answers.engine is not None
    of = prompts.engine.parameters
    own = of.iteration_seconds(0, 500, 500) + 0.05 + of.iteration_seconds(0, 1, 500)
    assert outcome.ttft_seconds == pytest.approx(own)
    assert prompts.engine.meter.computed_tokens == 500
    assert answers.engine.meter.computed_tokens == 50
    assert answers.engine.meter.generation_tokens == 50
    assert (prompts.engine.kv_usage_ratio, answers.engine.kv_usage_ratio) == (0.0, 0.0)


def test_long_prompts_do_not_slow_answers_that_are_elsewhere() -> None:
    """The gaps between tokens of a running answer stay what they are; on a shared replica they grow."""
    load = [request(0.0, prompt=10, output=300), *(request(k / 5, prompt=4000, output=2) for k in range(1, 20))]
    apart, together = disaggregated(), fleet(variant("both", 1))
    gaps = []
    for it in (apart, together):
        it.serve(load, to=100.0)
        gaps.append(next(each.itl_seconds or 0.0 for each in it.take_outcomes() if each.request is load[0]))
    assert gaps[1] > 1.5 * gaps[0]


def test_without_replicas_for_answers_the_prompts_wait() -> None:
    """And go on when there is one."""
    it = disaggregated(decode=0)
    it.serve([request(0.0), request(0.1)], to=2.0)
    assert it.take_outcomes() == []
    it.scale("answers", 1)
    it.advance(20.0)
    assert [each.ending for each in it.take_outcomes()] == [Ending.SERVED] * 2


def test_settings_of_a_router_are_not_negative() -> None:
    """A mistake is refused where it is made."""
    with pytest.raises(InvalidValue, match="not negative"):
        RouterSettings(kv_weight=-1.0)
