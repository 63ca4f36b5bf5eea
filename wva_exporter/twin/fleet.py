"""A fleet of one model on several kinds of hardware: pods come and go as they are asked for, a router fills them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.replica import Phase, Replica
from wva_exporter.twin.requests import Ending, Outcome, Request
from wva_exporter.twin.router import least_loaded

_NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantSpec:
    """A variant of the fleet: its hardware, what a replica costs an hour, how many it starts with."""

    name: str
    accelerator: str
    parameters: EngineParameters
    cost_per_hour: float
    replicas: int
    startup_seconds: float
    template_hash: str = "7c9d5b8f6d"
    """What Kubernetes puts between the name of a Deployment and that of its pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaCounts:
    """Replicas of a variant: asked for, existing and not to go, ready, on their way out."""

    spec: int
    current: int
    ready: int
    draining: int


class Fleet:
    """Variants, their pods, and the requests that no pod has yet. Time only moves forward, by ``advance``.

    A pod that is to go gets ``grace_seconds`` to finish what it has. The first replicas are ready from the start.
    """

    __slots__ = (
        "_created",
        "_generator",
        "_outcomes",
        "_spec",
        "_spent",
        "grace_seconds",
        "held",
        "now",
        "replicas",
        "variants",
    )

    def __init__(
        self,
        variants: Sequence[VariantSpec],
        generator: np.random.Generator,
        *,
        grace_seconds: float,
        start: float = 0.0,
    ) -> None:
        self.variants = {variant.name: variant for variant in variants}
        self.grace_seconds = grace_seconds
        self.now = start
        self.replicas: list[Replica] = []
        self.held: deque[Request] = deque()
        self._generator = generator
        self._outcomes: list[Outcome] = []
        self._spec = {variant.name: variant.replicas for variant in variants}
        self._spent = dict.fromkeys(self.variants, 0.0)
        self._created = 0
        for variant in variants:
            self._create(variant, variant.replicas, ready_at=start)
        self.advance(start)

    def scale(self, name: str, replicas: int) -> None:
        """Ask for so many replicas of a variant: new pods start, those not ready go first, then the youngest."""
        if replicas < 0:
            raise InvalidValue(f"{replicas} replicas of {name}")
        variant = self.variants[name]
        staying = [r for r in self.replicas if r.variant == name and r.deleted_at is None]
        self._spec[name] = replicas
        self._create(variant, replicas - len(staying), ready_at=self.now + variant.startup_seconds)
        leaving = sorted(staying, key=lambda r: (r.phase is not Phase.STARTING, -r.index))
        for replica in leaving[: max(len(staying) - replicas, 0)]:
            replica.delete(self.now)
        self.advance(self.now)

    def serve(self, requests: Iterable[Request], to: float) -> None:
        """Take requests at the times they arrive, in order, and live until ``to``."""
        for request in requests:
            self.advance(request.arrival_seconds)
            self.submit(request)
        self.advance(to)

    def submit(self, request: Request) -> None:
        """Route a request that arrives now; while no replica is ready the router holds it."""
        if request.prompt_tokens + request.output_tokens > self._longest():
            self._outcomes.append(Outcome(request=request, ending=Ending.REFUSED, at_seconds=self.now))
            return
        self.held.append(request)
        self._dispatch()

    def advance(self, to: float) -> None:
        """Live until ``to``."""
        while (ready_at := self._next_ready(to)) is not None:
            self._advance_replicas(ready_at)
            self._dispatch()
        self._advance_replicas(to)
        self._dispatch()

    def restart(self, pod: str) -> None:
        """Kill the engine of a pod: its requests are lost, and it starts again in the same pod with counters at zero."""
        replica = next(r for r in self.replicas if r.pod == pod)
        replica.restart(self.now, self.now + self.variants[replica.variant].startup_seconds)
        self._outcomes += replica.take_outcomes()

    def counts(self, name: str) -> ReplicaCounts:
        """How many replicas a variant has."""
        phases = Counter(r.phase for r in self.replicas if r.variant == name)
        return ReplicaCounts(
            spec=self._spec[name],
            current=phases[Phase.STARTING] + phases[Phase.READY],
            ready=phases[Phase.READY],
            draining=phases[Phase.DRAINING],
        )

    def of(self, name: str) -> list[Replica]:
        """The pods of a variant that exist."""
        return [replica for replica in self.replicas if replica.variant == name]

    def cost(self) -> float:
        """What every pod has cost until now, from its creation until it was gone."""
        seconds = dict(self._spent)
        for replica in self.replicas:
            seconds[replica.variant] += self.now - replica.created_at
        return sum(self.variants[name].cost_per_hour * spent / 3600 for name, spent in seconds.items())

    def take_outcomes(self) -> list[Outcome]:
        """Requests that ended since the last call."""
        taken, self._outcomes = self._outcomes, []
        return taken

    def _longest(self) -> int:
        return min(variant.parameters.longest_request_tokens for variant in self.variants.values())

    def _create(self, variant: VariantSpec, count: int, *, ready_at: float) -> None:
        for _ in range(count):
            self._created += 1
            suffix = "".join(self._generator.choice(list(_NAME_ALPHABET), 5))
            self.replicas.append(
                Replica(
                    pod=f"{variant.name}-{variant.template_hash}-{suffix}",
                    variant=variant.name,
                    index=self._created,
                    parameters=variant.parameters,
                    created_at=self.now,
                    ready_at=ready_at,
                )
            )

    def _dispatch(self) -> None:
        """Give held requests to the router's choice; those whose clients left are over."""
        while self.held:
            request = self.held[0]
            replica = least_loaded(self.replicas)
            if request.deadline_seconds < self.now:
                self._outcomes.append(
                    Outcome(request=request, ending=Ending.TIMED_OUT, at_seconds=request.deadline_seconds)
                )
            elif replica is None or replica.engine is None:
                return
            else:
                replica.engine.submit(request, self.now)
            self.held.popleft()

    def _next_ready(self, to: float) -> float | None:
        """When the next starting pod becomes ready, if that is before ``to`` and somebody waits for it."""
        if not self.held:
            return None
        times = [r.ready_at for r in self.replicas if r.phase is Phase.STARTING and r.ready_at <= to]
        return min(times, default=None)

    def _advance_replicas(self, to: float) -> None:
        self.now = max(self.now, to)
        staying = []
        for replica in self.replicas:
            replica.advance(self.now, self.grace_seconds)
            self._outcomes += replica.take_outcomes()
            if replica.gone_at is None:
                staying.append(replica)
            else:
                self._spent[replica.variant] += replica.gone_at - replica.created_at
        self.replicas = staying
