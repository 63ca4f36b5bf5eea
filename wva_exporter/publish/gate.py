"""What every request passes before a handler sees it, and what every answer carries."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from wva_exporter.conventions import PROGRAM
from wva_exporter.publish.auth import Authenticator, Verdict
from wva_exporter.publish.landing import STYLE_HASH
from wva_exporter.publish.web_file import WebFile

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src '{STYLE_HASH}'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": PROGRAM,
}
"""On every answer; the web configuration may set some of them otherwise."""

PROBES = ("/-/healthy", "/-/ready")
"""Never turned away for want of room: a busy program must not be restarted for being busy."""

SEND_SECONDS = 30.0
"""How long a client may take to read its answer before the connection is dropped."""


class Gate:
    """Client names, logins and room, in this order: whoever may not come in does not take the room of those who may."""

    def __init__(self, web_file: WebFile, *, max_requests: int, on_failure: Callable[[], None]) -> None:
        self._web = web_file
        self._authenticator = Authenticator()
        self._room = max_requests
        self._on_failure = on_failure

    async def prepare(self, _: web.Request, response: web.StreamResponse) -> None:
        """Set the headers of an answer that is about to be sent."""
        response.headers.update({**SECURITY_HEADERS, **self._web.config.headers})

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the request through, or say why not."""
        config = self._web.config
        if config.tls is not None and not names_allowed(config.tls.allowed_sans, _peer(request)):
            return _refusal(403, "The client certificate has none of the allowed names.")
        verdict = await self._authenticator.check(config.users, request.headers.get("Authorization"))
        if verdict is Verdict.DENIED:
            refusal = _refusal(401, "Unauthorized")
            refusal.headers["WWW-Authenticate"] = f'Basic realm="{PROGRAM}", charset="UTF-8"'
            return refusal
        if verdict is Verdict.BUSY:
            return _refusal(503, "Too many logins at once.")
        if request.path in PROBES:
            return await self._answer(request, handler)
        if self._room <= 0:
            return _refusal(503, "Too many requests at once.")
        self._room -= 1
        try:
            response = await self._answer(request, handler)
            await _send(request, response)
            return response
        finally:
            self._room += 1

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception:
            self._on_failure()
            raise


async def _send(request: web.Request, response: web.StreamResponse) -> None:
    """Send the whole answer while the request still counts, so that slow readers cannot pile up answers in memory."""
    with suppress(ConnectionError):  # the client went away, which the server notices by itself
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()


def _refusal(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n")


def _peer(request: web.Request) -> Mapping[str, Any]:
    """The client's certificate as ``ssl`` decodes a verified one; empty without one."""
    return (request.transport and request.transport.get_extra_info("peercert")) or {}


def names_allowed(allowed: tuple[str, ...] | None, certificate: Mapping[str, Any]) -> bool:
    """Whether a subject alternative name (DNS, e-mail, IP, URI) of the certificate equals an allowed one; None allows all."""
    if allowed is None:
        return True
    names = certificate.get("subjectAltName", ())
    return any(_plain(kind, name) in allowed for kind, name in names if kind in ("DNS", "email", "IP Address", "URI"))


def _plain(kind: str, name: str) -> str:
    """The name as it is usually written: OpenSSL prints IPv6 addresses in full."""
    if kind != "IP Address":
        return name
    try:
        return str(ipaddress.ip_address(name.strip()))
    except ValueError:
        return name
