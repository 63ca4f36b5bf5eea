"""One handler a path. They compute nothing: what they send was made from the published Plan, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import hdrs, web

from wva_exporter.conventions import PROGRAM
from wva_exporter.errors import ConfigError
from wva_exporter.publish.board import Board
from wva_exporter.publish.landing import landing_page
from wva_exporter.publish.metrics_page import MetricsPage
from wva_exporter.publish.plan_json import document

Reload = Callable[[], Awaitable[None]]
"""Reads the configuration again; raises ``ConfigError`` and changes nothing if it is refused."""


class Handlers:
    """The pages of the server; ``reload`` None means that the lifecycle endpoints are disabled, as in Prometheus."""

    def __init__(self, *, board: Board, metrics: MetricsPage, telemetry_path: str, reload: Reload | None) -> None:
        self._board = board
        self._metrics = metrics
        self._telemetry_path = telemetry_path
        self._reload = reload

    def add_to(self, router: web.UrlDispatcher) -> None:
        """The routes; GET stands for HEAD too, everything else is 405."""
        router.add_get(self._telemetry_path, self.metrics)
        if self._telemetry_path != "/":
            router.add_get("/", self.landing)
        router.add_get("/-/healthy", self.healthy)
        router.add_get("/-/ready", self.ready)
        router.add_get("/api/v1/plan", self.plan)
        router.add_post("/-/reload", self.reload)
        router.add_put("/-/reload", self.reload)

    async def metrics(self, request: web.Request) -> web.Response:
        """The series, in the format and encoding that the client asks for."""
        answer = await self._metrics.answer(
            accept=",".join(request.headers.getall(hdrs.ACCEPT, [])),
            accept_encoding=",".join(request.headers.getall(hdrs.ACCEPT_ENCODING, [])),
            only=request.query.getall("name[]", []),
        )
        headers = {hdrs.CONTENT_TYPE: answer.content_type}
        if answer.gzipped:
            headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(body=answer.body, headers=headers)

    async def landing(self, _: web.Request) -> web.Response:
        """The page for people."""
        published = self._board.published
        page = await published.once("html", lambda: landing_page(published.plan, self._telemetry_path))
        return web.Response(body=page, content_type="text/html", charset="utf-8")

    async def plan(self, _: web.Request) -> web.Response:
        """The Plan as JSON; 503 before there is one."""
        published = self._board.published
        plan = published.plan
        if plan is None:
            return _json(msgspec.json.encode({"error": "no plan yet"}), status=503)
        return _json(await published.once("json", lambda: msgspec.json.encode(document(plan))), status=200)

    async def healthy(self, _: web.Request) -> web.Response:
        """The process answers."""
        return web.Response(text=f"{PROGRAM} is Healthy.\n")

    async def ready(self, _: web.Request) -> web.Response:
        """The first cycle ended, with a Plan or without; what a data source does later changes nothing here."""
        if not self._board.ready:
            return web.Response(status=503, text="The first cycle has not ended.\n")
        return web.Response(text=f"{PROGRAM} is Ready.\n")

    async def reload(self, _: web.Request) -> web.Response:
        """Read the configuration again, if the operator allowed to be asked this way."""
        if self._reload is None:
            return web.Response(status=403, text="Lifecycle API is not enabled.\n")
        try:
            await self._reload()
        except ConfigError as error:
            return web.Response(status=500, text=f"failed to reload config: {error}\n")
        return web.Response(text="")


def _json(body: bytes, *, status: int) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
