"""A server on a free port of the loopback and a client for it, for as long as a test takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession
from publish.plans import plan_of

from wva_exporter.core.decision import Plan
from wva_exporter.publish.board import Board
from wva_exporter.publish.selfmetrics import SelfMetrics
from wva_exporter.publish.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What a test holds: the server, what it serves, and a client session whose URLs start at its address."""

    server: Server
    board: Board
    metrics: SelfMetrics
    client: ClientSession

    def count(self, component: str, error_type: str) -> float:
        """How often an error was counted."""
        labels = {"component": component, "error_type": error_type}
        return self.metrics.registry.get_sample_value("wva_errors_total", labels) or 0.0


@asynccontextmanager
async def serving(plan: Plan | None = None, *, empty: bool = False, **settings: Any) -> AsyncIterator[Serving]:
    """Serve a Plan (``empty``: none yet) with these settings of ``Server``."""
    board, metrics = Board(), SelfMetrics()
    if not empty:
        board.swap(plan or plan_of())
    server = Server(board=board, metrics=metrics, **settings)
    await server.start(["127.0.0.1:0"])
    try:
        async with ClientSession(server.urls[0], auto_decompress=False) as client:
            yield Serving(server=server, board=board, metrics=metrics, client=client)
    finally:
        await server.close()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something holds; fail if it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition may be on the other side of a socket
            await asyncio.sleep(0.01)
