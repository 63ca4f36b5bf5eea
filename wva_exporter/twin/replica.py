"""A pod of the fleet: it starts, serves, drains and is gone."""

from __future__ import annotations

import math
from enum import StrEnum

from wva_exporter.twin.engine import Engine


class Phase(StrEnum):
    """Where a pod is in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    """It is to go: it takes no new request and finishes those it has."""
    GONE = "gone"


class Replica:
    """A pod and, from the moment it is ready, its engine. Times are seconds on the fleet's clock.

    ``wakes_at`` is when it next changes by itself. What a router balances is ``load + load_growth * now``, kept at each change;
    ``busy_before_seconds`` is what engines of this pod worked before the last restart.
    """

    __slots__ = (
        "busy_before_seconds",
        "created_at",
        "deleted_at",
        "engine",
        "gone_at",
        "index",
        "load",
        "load_growth",
        "pod",
        "ready_at",
        "restarts",
        "saturated",
        "variant",
        "wakes_at",
    )

    def __init__(self, *, pod: str, variant: str, index: int, created_at: float, ready_at: float) -> None:
        self.pod = pod
        self.variant = variant
        self.index = index
        self.created_at = created_at
        self.ready_at = ready_at
        self.deleted_at: float | None = None
        self.gone_at: float | None = None
        self.restarts = 0
        self.engine: Engine | None = None
        self.wakes_at = math.inf
        self.load = 0.0
        self.load_growth = 0.0
        self.saturated = False
        self.busy_before_seconds = 0.0

    @property
    def phase(self) -> Phase:
        """Where it is in its life."""
        if self.gone_at is not None:
            return Phase.GONE
        if self.deleted_at is not None:
            return Phase.DRAINING
        return Phase.STARTING if self.engine is None else Phase.READY

    @property
    def busy_seconds(self) -> float:
        """Time that its engines spent in iterations."""
        return self.busy_before_seconds + (0.0 if self.engine is None else self.engine.meter.busy_seconds)

    @property
    def is_empty(self) -> bool:
        """Whether no request is inside."""
        return self.engine is None or self.engine.running + self.engine.queued == 0

    def lose_engine(self, at: float) -> None:
        """The process ends, and whoever is inside is lost."""
        if self.engine is not None:
            self.engine.stop(at)
            self.busy_before_seconds += self.engine.meter.busy_seconds
            self.engine = None
