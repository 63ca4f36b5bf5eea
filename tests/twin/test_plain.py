"""The engine that skips ahead does what one does that plays every iteration."""

from __future__ import annotations

import math
from random import Random

import pytest
from plain_engine import PlainEngine

from wva_exporter.twin.engine import Engine
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.requests import Ending, Outcome, Request


def an_engine(random: Random) -> EngineParameters:
    """One that is short of blocks, places, budget or of nothing."""
    return EngineParameters(
        alpha_seconds=0.01,
        beta_seconds_per_token=random.choice([0.0, 2e-5]),
        gamma_seconds_per_resident_token=random.choice([0.0, 5e-8, 1e-6]),
        prefill_beta_seconds_per_token=random.choice([None, 1e-4]),
        kv_blocks=random.choice([101, 101, 140, 1000]),
        block_size_tokens=random.choice([16, 13]),
        max_sequences=random.choice([1, 3, 9, 30]),
        max_batched_tokens=random.choice([7, 64, 512, 8192]),
    )


def a_load(random: Random) -> list[Request]:
    """Forty requests within seconds, more than most such engines can take at once, some of them impatient."""
    return [
        Request(
            arrival_seconds=at,
            prompt_tokens=random.choice([random.randint(1, 40), random.randint(1, 800)]),
            output_tokens=random.choice([1, random.randint(2, 60), random.randint(2, 450)]),
            patience_seconds=random.choice([math.inf, math.inf, 5.0, random.uniform(0.1, 3.0)]),
        )
        for at in sorted(random.uniform(0, 6) for _ in range(40))
    ]


def played(seed: int) -> tuple[list[Outcome], list[Outcome], int]:
    """Outcomes of the engine and of the plain one in the order of arrival, and how often both preempted."""
    random = Random(seed)
    parameters, coming = an_engine(random), a_load(random)
    engine, plain = Engine(parameters), PlainEngine(parameters)
    expected = plain.play(coming)
    for each in coming:
        engine.advance(each.arrival_seconds)
        engine.submit(each, each.arrival_seconds)
    engine.advance(1e6)
    assert engine.meter.preemptions == plain.preemptions
    place = {id(each): number for number, each in enumerate(coming)}
    found = sorted(engine.take_outcomes(), key=lambda outcome: place[id(outcome.request)])
    return found, [expected[number] for number in range(len(coming))], plain.preemptions


def test_skipping_ahead_changes_nothing() -> None:
    """Same endings at the same times for two hundred engines under loads that make them preempt and lose clients."""
    preemptions = timeouts = 0
    for seed in range(200):
        found, expected, preempted = played(seed)
        assert [each.ending for each in found] == [each.ending for each in expected], seed
        for one, other in zip(found, expected, strict=True):
            assert one.at_seconds == pytest.approx(other.at_seconds, abs=1e-9)
            assert one.ttft_seconds == pytest.approx(other.ttft_seconds, abs=1e-9)
            assert one.itl_seconds == pytest.approx(other.itl_seconds, abs=1e-9)
        preemptions += preempted
        timeouts += sum(each.ending is Ending.TIMED_OUT for each in expected)
    assert preemptions > 300
    assert timeouts > 300
