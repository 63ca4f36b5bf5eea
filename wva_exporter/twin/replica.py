"""A pod of the fleet: it starts, serves, drains and is gone."""

from __future__ import annotations

from enum import StrEnum

from wva_exporter.twin.engine import Engine
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.requests import Outcome


class Phase(StrEnum):
    """Where a pod is in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    """It is to go: it takes no new request and finishes those it has."""
    GONE = "gone"


class Replica:
    """A pod and, from the moment it is ready, its engine. Times are seconds on the fleet's clock."""

    __slots__ = (
        "_last_ended",
        "_outcomes",
        "_parameters",
        "created_at",
        "deleted_at",
        "engine",
        "gone_at",
        "index",
        "pod",
        "ready_at",
        "restarts",
        "variant",
    )

    def __init__(
        self, *, pod: str, variant: str, index: int, parameters: EngineParameters, created_at: float, ready_at: float
    ) -> None:
        self.pod = pod
        self.variant = variant
        self.index = index
        self.created_at = created_at
        self.ready_at = ready_at
        self.deleted_at: float | None = None
        self.gone_at: float | None = None
        self.restarts = 0
        self.engine: Engine | None = None
        self._parameters = parameters
        self._outcomes: list[Outcome] = []
        self._last_ended = created_at

    @property
    def phase(self) -> Phase:
        """Where it is in its life."""
        if self.gone_at is not None:
            return Phase.GONE
        if self.deleted_at is not None:
            return Phase.DRAINING
        return Phase.STARTING if self.engine is None else Phase.READY

    @property
    def demand_ratio(self) -> float:
        """What a router balances: the share of the KV cache that those inside want."""
        return 0.0 if self.engine is None else self.engine.demand_ratio

    def advance(self, to: float, grace_seconds: float) -> None:
        """Live until ``to``; a draining pod is gone when it is empty or has had ``grace_seconds``."""
        if self.engine is None and self.deleted_at is None and self.ready_at <= to:
            self.engine = Engine(self._parameters, self.ready_at)
        if self.engine is None:
            return
        if self.deleted_at is None:
            self.engine.advance(to)
            self._collect(self.engine)
            return
        deadline = self.deleted_at + grace_seconds
        self.engine.advance(min(to, deadline))
        if to >= deadline:
            self.engine.stop(deadline)
        self._collect(self.engine)
        if self.engine.running == 0 and self.engine.queued == 0:
            self.gone_at = max(self.deleted_at, self._last_ended)

    def delete(self, at: float) -> None:
        """Begin to drain; one that never served is gone at once."""
        self.deleted_at = at
        if self.engine is None:
            self.gone_at = at

    def restart(self, at: float, ready_at: float) -> None:
        """Lose the engine and whoever is inside; another one, with counters at zero, is ready at ``ready_at``."""
        if self.engine is not None:
            self.engine.stop(at)
            self._collect(self.engine)
        self.engine = None
        self.ready_at = ready_at
        self.restarts += 1

    def take_outcomes(self) -> list[Outcome]:
        """Requests that ended here since the last call."""
        taken, self._outcomes = self._outcomes, []
        return taken

    def _collect(self, engine: Engine) -> None:
        ended = engine.take_outcomes()
        if ended:
            self._outcomes += ended
            self._last_ended = ended[-1].at_seconds
