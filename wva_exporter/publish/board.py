"""The one published state: swapped whole once a cycle, read by everybody, changed by nobody in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from prometheus_client.metrics_core import Metric

from wva_exporter.core.decision import Plan
from wva_exporter.publish.exposition import families
from wva_exporter.publish.library import Fixed, without_end, written
from wva_exporter.publish.scalings import Scalings

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Published:
    """A Plan and its text, with room for what readers ask to be made of it: each thing is made once."""

    plan: Plan | None
    scalings: Scalings
    families: tuple[Metric, ...]
    text: bytes
    _made: dict[str, asyncio.Future[Any]] = field(default_factory=dict)

    async def once(self, name: str, make: Callable[[], T]) -> T:
        """What ``make`` returns, made in a thread by the first reader that asks for ``name`` and shared by the others."""
        if name not in self._made:
            self._made[name] = asyncio.ensure_future(asyncio.to_thread(make))
        made: T = await asyncio.shield(self._made[name])
        return made


class Board:
    """Holds what is published now. One writer, the cycle; any number of readers, who take ``published`` once each."""

    def __init__(self, *, shadow: bool = False) -> None:
        self._shadow = shadow
        self.published = Published(plan=None, scalings=Scalings.none(), families=(), text=b"")
        self.ready = False

    @property
    def plan(self) -> Plan | None:
        """The Plan that is published, None before the first."""
        return self.published.plan

    def swap(self, plan: Plan) -> None:
        """Publish ``plan`` instead of the last one; may run in a thread, readers see the old or the new and nothing between."""
        scalings = self.published.scalings.after(plan)
        made = tuple(families(plan, shadow=self._shadow, scalings=scalings))
        self.published = Published(plan=plan, scalings=scalings, families=made, text=written(Fixed(made)))
        self.ready = True

    def degraded(self) -> None:
        """Say that a first cycle ended without a Plan: the program serves, and has nothing to publish yet."""
        self.ready = True

    def text(self, *, openmetrics: bool = False) -> bytes:
        """The Plan's series as Prometheus text or OpenMetrics (without ``# EOF``); nothing before the first Plan."""
        published = self.published
        return without_end(written(Fixed(published.families), openmetrics=True)) if openmetrics else published.text
