"""Small engines and fleets for tests of the twin."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from wva_exporter.twin.engine import Engine
from wva_exporter.twin.fleet import Fleet, VariantSpec
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.requests import Outcome, Request
from wva_exporter.twin.router import RouterSettings


def parameters(*, kv_tokens: int = 16_000, **changes: Any) -> EngineParameters:
    """An engine of 10 ms an iteration with so much usable cache."""
    settings: dict[str, Any] = {
        "alpha_seconds": 0.010,
        "beta_seconds_per_token": 0.00002,
        "gamma_seconds_per_resident_token": 0.00000005,
        "kv_blocks": kv_tokens // 16 + 1,
    }
    return EngineParameters(**(settings | changes))


def counting(*, places: int, max_waiting: int | None = None) -> EngineParameters:
    """An engine whose iterations take 5 ms whatever they do: a server with so many places and nothing else."""
    return parameters(
        kv_tokens=10_000_000,
        alpha_seconds=0.005,
        beta_seconds_per_token=0.0,
        gamma_seconds_per_resident_token=0.0,
        max_sequences=places,
        max_waiting=max_waiting,
        max_model_tokens=1_000_000,
    )


def variant(name: str = "a100", replicas: int = 2, **changes: Any) -> VariantSpec:
    """A variant whose replicas need 5 s to start."""
    settings: dict[str, Any] = {"accelerator": "A100", "cost_per_hour": 2.0, "startup_seconds": 5.0}
    return VariantSpec(name=name, replicas=replicas, **({"parameters": parameters()} | settings | changes))


def fleet(*variants: VariantSpec, grace: float = 60.0, seed: int = 1, **router: Any) -> Fleet:
    """A fleet at time 0."""
    settings = RouterSettings(**router)
    return Fleet(variants or (variant(),), np.random.default_rng(seed), grace_seconds=grace, router=settings)


def request(at: float = 0.0, prompt: int = 100, output: int = 100, patience: float = math.inf) -> Request:
    """A request of a second or so."""
    return Request(arrival_seconds=at, prompt_tokens=prompt, output_tokens=output, patience_seconds=patience)


def finish(engine: Engine, requests: Iterable[Request]) -> list[Outcome]:
    """Let the requests arrive in order and wait for all of them."""
    for each in requests:
        engine.advance(each.arrival_seconds)
        engine.submit(each, each.arrival_seconds)
    engine.advance(1e6)
    return engine.take_outcomes()


def exponential_work(rate: float, mean_tokens: float, count: int, seed: int) -> list[Request]:
    """Poisson arrivals of requests whose answers are geometric, which is exponential in whole tokens."""
    generator = np.random.default_rng(seed)
    arrivals = np.cumsum(generator.exponential(1.0 / rate, count)).tolist()
    tokens = generator.geometric(1.0 / mean_tokens, count).tolist()
    return [
        Request(arrival_seconds=at, prompt_tokens=1, output_tokens=output)
        for at, output in zip(arrivals, tokens, strict=True)
    ]
