"""A server that says on the wire whatever a test wants a Prometheus to say, and one question to it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from wva_exporter.conventions import Signal
from wva_exporter.engines.promql import Query
from wva_exporter.sources.prometheus import PrometheusSettings, PrometheusSource
from wva_exporter.sources.samples import Answer

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

GOOD = json.dumps(
    {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1.0, "1"]}]}}
).encode()
JSON = "application/json"


def response(status: int, body: bytes = b"", content_type: str = JSON, **headers: str) -> bytes:
    """An HTTP response as it goes over the wire; ``Retry_After="1"`` is the header Retry-After."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    length = "" if "Content_Length" in headers else f"Content-Length: {len(body)}\r\n"
    head = f"HTTP/1.1 {status} Status\r\nContent-Type: {content_type}\r\n{length}{more}Connection: close\r\n\r\n"
    return head.encode() + body


def api_error(status: int, error_type: str, text: str = "what happened") -> bytes:
    """An error in the API's own JSON."""
    return response(status, json.dumps({"status": "error", "errorType": error_type, "error": text}).encode())


class Server:
    """Says what it was given, one item a connection, the last one for ever; ``asked`` counts the connections."""

    def __init__(self, *said: bytes | Talk) -> None:
        self.said = said
        self.asked = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        said = self.said[min(self.asked, len(self.said) - 1)]
        self.asked += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            if isinstance(said, bytes):
                writer.write(said)
                await writer.drain()
            else:
                await said(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port at which ``talk`` answers."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)


async def ask(url: str, deadline_seconds: float = 5.0, **settings: Any) -> Answer:
    """One question to a URL."""
    chosen = PrometheusSettings(url=url, deadline_seconds=deadline_seconds, **settings)
    source = PrometheusSource(chosen, lambda: (Query(signal=Signal.KV, promql="up"),))
    try:
        observation = await source.observe()
    finally:
        await source.close()
    return observation.answers[Signal.KV]
