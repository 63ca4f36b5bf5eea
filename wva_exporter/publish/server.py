"""The HTTP server: sockets, TLS that follows its files, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from wva_exporter.errors import ConfigError
from wva_exporter.publish.board import Board
from wva_exporter.publish.gate import Gate
from wva_exporter.publish.handlers import Handlers, Reload
from wva_exporter.publish.listen import listening_socket, url_of
from wva_exporter.publish.metrics_page import MetricsPage
from wva_exporter.publish.selfmetrics import SelfMetrics
from wva_exporter.publish.tls import TlsError, server_context
from wva_exporter.publish.web_file import WebFile

log = logging.getLogger(__name__)

MAX_REQUESTS = 40
DRAIN_SECONDS = 5.0
WATCH_SECONDS = 1.0
_TURNS = 10


class Server:
    """Serves the board. ``reload`` None disables the lifecycle endpoints; ``web_config_file`` None is plain HTTP for all.

    Raises:
        ConfigError: the web configuration file or the telemetry path cannot be used.
    """

    def __init__(
        self,
        *,
        board: Board,
        metrics: SelfMetrics,
        telemetry_path: str = "/metrics",
        web_config_file: Path | None = None,
        reload: Reload | None = None,
        max_requests: int = MAX_REQUESTS,
        watch_seconds: float = WATCH_SECONDS,
    ) -> None:
        if not re.fullmatch(r"/(?!-/|api/)[A-Za-z0-9._~/-]*", telemetry_path):
            raise ConfigError([f"--web.telemetry-path {telemetry_path}: must be a plain path outside /-/ and /api/"])
        self._web = WebFile(web_config_file, lambda: metrics.error("web", "config"))
        self._watch_seconds = watch_seconds
        gate = Gate(self._web, max_requests=max_requests, on_failure=lambda: metrics.error("web", "request"))
        app = web.Application(middlewares=[gate.admit], client_max_size=1024)
        app.on_response_prepare.append(gate.prepare)
        page = MetricsPage(board, metrics.registry)
        Handlers(board=board, metrics=page, telemetry_path=telemetry_path, reload=reload).add_to(app.router)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_SECONDS)
        self._sockets: list[socket.socket] = []
        self._sites: list[tuple[web.SockSite, socket.socket]] = []
        self._watch: asyncio.Task[None] | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """Where it listens, one a given address."""
        return tuple(url_of(listening, tls=self._web.config.tls is not None) for listening in self._sockets)

    async def start(self, addresses: Sequence[str]) -> None:
        """Listen on every address (``:10982``, ``127.0.0.1:0``, ``[::1]:10982``).

        Raises:
            ConfigError: one of them cannot be had; none is listened on then.
        """
        try:
            self._sockets.extend(listening_socket(address) for address in addresses)
        except ConfigError:
            await self.close()
            raise
        await self._runner.setup()
        await self._serve()
        self._watch = asyncio.create_task(self._follow_files())

    async def close(self) -> None:
        """Take no more connections, let running requests end, then close all."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        for listening in self._sockets:
            listening.close()  # before the sites, or the kernel would go on taking connections for nobody
        self._sockets.clear()
        await _retire(self._sites)
        self._sites = []
        await self._runner.cleanup()

    async def _serve(self) -> None:
        """Accept with the configuration in force.

        Each site accepts on a duplicate of its socket: a successor with another TLS context starts before its predecessor
        ends, and no client that connects meanwhile is turned away.
        """
        tls = self._web.config.tls
        context = server_context(tls) if tls is not None else None
        before, after = self._sites, []
        for listening in self._sockets:
            own = listening.dup()
            after.append((web.SockSite(self._runner, own, ssl_context=context), own))
        for site, _ in after:
            await site.start()
        self._sites = after
        await _retire(before)

    async def _follow_files(self) -> None:
        """Take up a changed web configuration or certificate, for ever; what failed is tried again at the next look."""
        due = False
        while True:
            await asyncio.sleep(self._watch_seconds)
            try:
                due = await asyncio.to_thread(self._web.refresh) or due
                if due and self._web.config.tls is not None:
                    await self._serve()
                due = False
            except (TlsError, OSError) as error:
                log.warning("web configuration not taken up yet: %s", error)
            except Exception:
                log.exception("web configuration not taken up yet")


async def _retire(sites: Sequence[tuple[web.SockSite, socket.socket]]) -> None:
    """Accept no more on these sites, and lose nobody who was accepted already."""
    loop = asyncio.get_running_loop()
    for _, own in sites:
        loop.remove_reader(own)
    # A connection that was accepted gets its transport within the loop's next turns, and needs an open server for that.
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    for site, _ in sites:
        await site.stop()
