"""A situation that policies are put into: a fleet, what it promised, and the requests that come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from wva_exporter.core.queueing.belief import Belief
from wva_exporter.errors import InvalidValue
from wva_exporter.twin.fleet import Fleet, VariantSpec
from wva_exporter.twin.router import RouterSettings
from wva_exporter.twin.workloads.stream import Stream, merged

_FLEET, _REQUESTS, _BEFORE = 1, 2, 3


class Source(Protocol):
    """Where requests come from; the same generator always gives the same ones."""

    def requests(self, generator: np.random.Generator) -> Stream:
        """The requests that arrive within [0, duration), in order."""
        ...

    def before(self, generator: np.random.Generator, seconds: float) -> Stream:
        """The requests that arrive within [-seconds, 0), in order: like the first ones after it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A request is good when it was served, its first token came within ``ttft_seconds``, and its mean ITL is in bounds."""

    ttft_seconds: float
    itl_seconds: float

    def __post_init__(self) -> None:
        if not (self.ttft_seconds > 0 and self.itl_seconds > 0):
            raise InvalidValue(f"a promise is of positive times: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioVariant:
    """A variant with the bounds that a policy may move it in. ``gpus`` are those of one replica.

    ``guess`` is one row: what is believed of its engine's service times before anybody has seen it; None: nothing.
    """

    spec: VariantSpec
    minimum: int
    maximum: int
    gpus: int = 1
    guess: Belief | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.minimum <= self.spec.replicas <= self.maximum:
            bounds = f"{self.minimum} to {self.maximum}"
            raise InvalidValue(f"{self.spec.name} starts with {self.spec.replicas} replicas, outside {bounds}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything but the policy. Arrivals within [0, ``duration_seconds``) are scored.

    Before time 0 the fleet serves for ``warm_seconds`` what the workload's source gives for then, unscored. ``kind`` says what
    the load does: step, burst, slow, trace. Where not ``feasible``, the maximum cannot carry the load and nobody can win.
    ``noise`` is the deviation of what engines tell of themselves, as a share.
    """

    name: str
    title: str
    summary: str
    model_name: str
    promise: Promise
    variants: tuple[ScenarioVariant, ...]
    duration_seconds: float
    workload: Source
    scrape_seconds: float = 15.0
    cycle_seconds: float = 5.0
    sync_seconds: float = 15.0
    grace_seconds: float = 60.0
    router: RouterSettings = field(default_factory=RouterSettings)
    warm_seconds: float = 0.0
    kind: str = "step"
    feasible: bool = True
    noise: float = 0.0

    def __post_init__(self) -> None:
        if not self.variants or len({variant.spec.name for variant in self.variants}) != len(self.variants):
            raise InvalidValue(f"{self.name} needs variants of different names")
        if not self.duration_seconds > 0 or self.warm_seconds < 0:
            raise InvalidValue(f"{self.name} lasts {self.duration_seconds} s after {self.warm_seconds} s")

    def fleet(self, seed: int) -> Fleet:
        """The fleet as it is ``warm_seconds`` before time 0; what it draws depends on the seed only."""
        return Fleet(
            [variant.spec for variant in self.variants],
            np.random.default_rng([seed, _FLEET]),
            grace_seconds=self.grace_seconds,
            start=-self.warm_seconds,
            router=self.router,
        )

    def requests(self, seed: int) -> Stream:
        """All requests in order, those before time 0 with negative arrivals: they depend on the seed, never on a policy."""
        scored = self.workload.requests(np.random.default_rng([seed, _REQUESTS]))
        if not self.warm_seconds:
            return scored
        return merged(self.workload.before(np.random.default_rng([seed, _BEFORE]), self.warm_seconds), scored)
