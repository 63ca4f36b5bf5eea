"""A fleet of one model on several kinds of hardware: pods come and go as they are asked for, a router fills them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush

import numpy as np

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.engine import Engine
from wva_exporter.twin.meter import DetailedMeter, Meter
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.replica import Phase, Replica
from wva_exporter.twin.requests import Ending, Outcome, Request
from wva_exporter.twin.router import Lane, RouterSettings

_NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


class Role(StrEnum):
    """What a variant's replicas do with a request."""

    BOTH = "both"
    PREFILL = "prefill"
    """Prompts only; the answer is generated elsewhere."""
    DECODE = "decode"
    """Answers only, to prompts that were computed elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantSpec:
    """A variant of the fleet: its hardware, what a replica costs an hour, how many it starts with.

    The start-up of a replica is log-normal: ``startup_seconds`` is its median, ``startup_sigma`` the standard deviation of its
    logarithm. ``idle_watts`` and ``busy_watts`` are those of a whole replica, all its accelerators; 0: unknown.

    Raises:
        InvalidValue: a number is negative.
    """

    name: str
    accelerator: str
    parameters: EngineParameters
    cost_per_hour: float
    replicas: int
    startup_seconds: float
    template_hash: str = "7c9d5b8f6d"
    """What Kubernetes puts between the name of a Deployment and that of its pod."""
    startup_sigma: float = 0.0
    role: Role = Role.BOTH
    idle_watts: float = 0.0
    busy_watts: float = 0.0

    def __post_init__(self) -> None:
        for name in ("cost_per_hour", "replicas", "startup_seconds", "startup_sigma", "idle_watts", "busy_watts"):
            if not getattr(self, name) >= 0:
                raise InvalidValue(f"{name} of {self.name} must not be negative, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaCounts:
    """Replicas of a variant: asked for, existing and not to go, ready, on their way out."""

    spec: int
    current: int
    ready: int
    draining: int


class Fleet:
    """Variants, their pods, and the requests that no pod has yet. Time only moves forward, by ``advance``.

    A pod that is to go gets ``grace_seconds`` to finish what it has. The first replicas are ready from the start. Requests go
    to replicas that compute prompts; where those are not the ones that generate answers they go on to these afterwards.
    Only what changes is computed: a pod is looked at when a request comes to it, when something in it ends, and by ``advance``
    for whoever reads its numbers then. With ``detail`` engines keep every histogram, without only what means are made of.
    """

    __slots__ = (
        "_answers",
        "_busy",
        "_created",
        "_generator",
        "_handing",
        "_longest",
        "_outcomes",
        "_prompts",
        "_spec",
        "_spent",
        "_wakes",
        "detail",
        "grace_seconds",
        "now",
        "replicas",
        "router",
        "variants",
    )

    def __init__(
        self,
        variants: Sequence[VariantSpec],
        generator: np.random.Generator,
        *,
        grace_seconds: float,
        start: float = 0.0,
        router: RouterSettings | None = None,
        detail: bool = False,
    ) -> None:
        self.variants = {variant.name: variant for variant in variants}
        self.grace_seconds = grace_seconds
        self.now = start
        self.router = router or RouterSettings()
        self.detail = detail
        self.replicas: list[Replica] = []
        self._generator = generator
        self._outcomes: list[Outcome] = []
        self._prompts = Lane(self.router)
        self._answers = Lane(self.router)
        self._handing: list[tuple[float, int, Request]] = []
        self._wakes: list[tuple[float, int, Replica]] = []
        self._longest = min((each.parameters.longest_request_tokens for each in variants), default=0)
        self._spec = {variant.name: variant.replicas for variant in variants}
        self._spent = dict.fromkeys(self.variants, 0.0)
        self._busy = dict.fromkeys(self.variants, 0.0)
        self._created = 0
        for variant in variants:
            self._create(variant, variant.replicas, started=True)
        self.advance(start)

    @property
    def held(self) -> deque[Request]:
        """Requests at the router that no replica has had yet."""
        return self._prompts.held

    def scale(self, name: str, replicas: int) -> None:
        """Ask for so many replicas of a variant: new pods start, those not ready go first, then the youngest."""
        if replicas < 0:
            raise InvalidValue(f"{replicas} replicas of {name}")
        staying = [r for r in self.replicas if r.variant == name and r.deleted_at is None]
        self._spec[name] = replicas
        self._create(self.variants[name], replicas - len(staying))
        leaving = sorted(staying, key=lambda r: (r.phase is not Phase.STARTING, -r.index))
        for replica in leaving[: max(len(staying) - replicas, 0)]:
            replica.deleted_at = self.now
            self._prompts.leave(replica)
            self._answers.leave(replica)
            self._settle(replica)
        self.advance(self.now)

    def serve(self, requests: Iterable[Request], to: float) -> None:
        """Take requests at the times they arrive, in order, and live until ``to``."""
        self.follow(requests, to)
        self.advance(to)

    def follow(self, requests: Iterable[Request], to: float) -> None:
        """As ``serve``, but the numbers of each engine stay those of its last event until the engine is advanced."""
        for request in requests:
            self._live(request.arrival_seconds)
            self.submit(request)
        self._live(to)

    def submit(self, request: Request) -> None:
        """Route a request that arrives now; the router holds it while no replica is ready, or is to be given more."""
        if request.prompt_tokens + request.output_tokens > self._longest:
            self._end(request, Ending.REFUSED, self.now)
            return
        self._route(self._prompts, request)

    def advance(self, to: float) -> None:
        """Live until ``to``, and bring every pod's numbers to that time."""
        self._live(to)
        for replica in self.replicas:
            if replica.engine is not None:
                replica.engine.advance(self.now)
        for lane in (self._prompts, self._answers):
            for request in lane.overdue(self.now):
                self._end(request, Ending.TIMED_OUT, request.deadline_seconds)

    def restart(self, pod: str) -> None:
        """Kill the engine of a pod: its requests are lost, and it starts again in the same pod with counters at zero."""
        replica = next(r for r in self.replicas if r.pod == pod)
        replica.lose_engine(self.now)
        replica.restarts += 1
        replica.ready_at = self.now + self._startup_seconds(self.variants[replica.variant])
        self._prompts.leave(replica)
        self._answers.leave(replica)
        self._settle(replica)

    def counts(self, name: str) -> ReplicaCounts:
        """How many replicas a variant has."""
        existing = self.of(name)
        staying = [replica for replica in existing if replica.deleted_at is None]
        ready = sum([replica.engine is not None for replica in staying])
        return ReplicaCounts(
            spec=self._spec[name], current=len(staying), ready=ready, draining=len(existing) - len(staying)
        )

    def asked(self, name: str) -> int:
        """How many replicas of a variant were asked for last."""
        return self._spec[name]

    def of(self, name: str) -> list[Replica]:
        """The pods of a variant that exist."""
        return [replica for replica in self.replicas if replica.variant == name]

    def replica_seconds(self, name: str) -> float:
        """How long pods of a variant have existed until now, each from its creation until it was gone."""
        return self._spent[name] + sum(self.now - replica.created_at for replica in self.of(name))

    def cost(self) -> float:
        """What every pod has cost until now."""
        return sum(variant.cost_per_hour * self.replica_seconds(name) / 3600 for name, variant in self.variants.items())

    def energy_joules(self) -> float:
        """What every pod has used until now: busy watts while an engine iterates, idle watts the rest of its life."""
        joules = 0.0
        for name, variant in self.variants.items():
            busy = self._busy[name] + sum(replica.busy_seconds for replica in self.of(name))
            joules += variant.idle_watts * self.replica_seconds(name) + (variant.busy_watts - variant.idle_watts) * busy
        return joules

    def take_outcomes(self) -> list[Outcome]:
        """Requests that ended since the last call."""
        taken = self._outcomes[:]
        self._outcomes.clear()  # engines write to this list
        return taken

    def _create(self, variant: VariantSpec, count: int, *, started: bool = False) -> None:
        for _ in range(count):
            self._created += 1
            suffix = "".join(self._generator.choice(list(_NAME_ALPHABET), 5))
            replica = Replica(
                pod=f"{variant.name}-{variant.template_hash}-{suffix}",
                variant=variant.name,
                index=self._created,
                created_at=self.now,
                ready_at=self.now + (0.0 if started else self._startup_seconds(variant)),
            )
            self.replicas.append(replica)
            self._settle(replica)

    def _startup_seconds(self, variant: VariantSpec) -> float:
        if variant.startup_sigma == 0.0:
            return variant.startup_seconds
        return variant.startup_seconds * math.exp(variant.startup_sigma * float(self._generator.standard_normal()))

    def _live(self, to: float) -> None:
        """Let happen, in order, what happens by ``to``."""
        wakes, handing = self._wakes, self._handing
        while True:
            if wakes and wakes[0][0] <= to and not (handing and handing[0][0] < wakes[0][0]):
                at, _, replica = heappop(wakes)
                if replica.wakes_at == at:
                    self.now = max(self.now, at)
                    self._wake(replica)
            elif handing and handing[0][0] <= to:
                at, _, request = heappop(handing)
                self.now = max(self.now, at)
                self._route(self._answers, request)
            else:
                break
        self.now = max(self.now, to)

    def _wake(self, replica: Replica) -> None:
        """Something in a pod is due: it becomes ready, an event of its engine, or the end of its grace."""
        engine = replica.engine
        if engine is None:
            self._begin(replica)
        else:
            engine.run(self.now)
            if engine.handed:
                self._hand_over(engine)
        self._settle(replica)
        if self._prompts.held or self._answers.held:
            self._dispatch(self._prompts)
            self._dispatch(self._answers)

    def _begin(self, replica: Replica) -> None:
        """A pod is ready: its engine starts, and it takes requests."""
        variant = self.variants[replica.variant]
        replica.engine = self._started(variant, replica.ready_at)
        if variant.role != Role.DECODE:
            self._prompts.join(replica)
        if variant.role != Role.PREFILL:
            self._answers.join(replica)

    def _started(self, variant: VariantSpec, at: float) -> Engine:
        return Engine(
            variant.parameters,
            at,
            meter=DetailedMeter(variant.parameters) if self.detail else Meter(),
            outcomes=self._outcomes,
            hands_over=variant.role == Role.PREFILL,
        )

    def _hand_over(self, engine: Engine) -> None:
        for at, request in engine.handed:
            self._created += 1
            heappush(self._handing, (at + engine.parameters.handover_seconds, self._created, request))
        engine.handed.clear()

    def _settle(self, replica: Replica) -> None:
        """After a change: what the router sees of it, when it wakes next, whether it is gone."""
        engine = replica.engine
        wakes_at = replica.ready_at if engine is None else engine.ends_at
        if replica.deleted_at is not None:
            deadline = replica.deleted_at + self.grace_seconds
            if self.now >= deadline:
                replica.lose_engine(deadline)
            if replica.is_empty:
                self._bury(replica)
                return
            wakes_at = min(wakes_at, deadline)
        elif engine is not None:
            settings, places = self.router, engine.parameters.max_sequences
            demand, queued = engine.demand_ratio, engine.queued
            growth = replica.load_growth = settings.kv_weight * engine.demand_growth
            replica.load = settings.kv_weight * demand + settings.queue_weight * queued / places - growth * engine.clock
            replica.saturated = engine.running + queued >= places or demand >= settings.saturated_kv_ratio
        if wakes_at != replica.wakes_at:
            replica.wakes_at = wakes_at
            if wakes_at < math.inf:
                heappush(self._wakes, (wakes_at, replica.index, replica))

    def _bury(self, replica: Replica) -> None:
        replica.gone_at = self.now
        replica.wakes_at = math.inf
        self._spent[replica.variant] += replica.gone_at - replica.created_at
        self._busy[replica.variant] += replica.busy_seconds
        self.replicas.remove(replica)

    def _route(self, lane: Lane, request: Request) -> None:
        """Give a request to a replica, hold it, or refuse it."""
        replica = None if lane.held else lane.choose(self.now)
        if replica is not None:
            self._give(lane, replica, request)
        elif lane.is_full:
            self._end(request, Ending.REFUSED, self.now)
        else:
            lane.held.append(request)

    def _give(self, lane: Lane, replica: Replica, request: Request) -> None:
        assert replica.engine is not None
        replica.engine.run(self.now)
        replica.engine.submit(request, self.now, received=lane is self._answers)
        self._settle(replica)

    def _dispatch(self, lane: Lane) -> None:
        """Give what is held to whoever takes it; those whose clients left are over."""
        held = lane.held
        while held:
            if held[0].deadline_seconds < self.now:
                self._end(held[0], Ending.TIMED_OUT, held[0].deadline_seconds)
            elif (replica := lane.choose(self.now)) is not None:
                self._give(lane, replica, held[0])
            else:
                return
            held.popleft()

    def _end(self, request: Request, ending: Ending, at: float) -> None:
        self._outcomes.append(Outcome(request=request, ending=ending, at_seconds=at))
