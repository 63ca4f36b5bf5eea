"""One page over HTTP, bounded in size and time, or the class of what went wrong.

Nothing is followed, decompressed or sent along: redirects are off, so that an address in the configuration is the address
that is asked; pages come as they are (``identity``), so that no small answer can become a large one; and no credentials or
cookies travel.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from wva_exporter import __version__
from wva_exporter.conventions import PROGRAM
from wva_exporter.errors import QueryFailure
from wva_exporter.sources.failures import BadAnswer, of_exception, of_status

MAX_BYTES = 32 * 1024 * 1024
"""Of one body; more is refused while it arrives."""

_PIECE_BYTES = 64 * 1024
_HEADERS = {
    "Accept": "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "identity",
    "User-Agent": f"{PROGRAM}/{__version__}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A page as it came."""

    content: bytes
    content_type: str


def open_session(keep_seconds: float) -> aiohttp.ClientSession:
    """Connections that are kept so long when idle; as many as are asked for at a time, or hung targets delay the others."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=30, keepalive_timeout=keep_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        headers=_HEADERS,
        auto_decompress=False,
        trust_env=False,
    )


async def fetch(session: aiohttp.ClientSession, url: str, timeout_seconds: float) -> Body:
    """The body of a 200.

    Raises:
        BadAnswer: anything else, within ``timeout_seconds`` however slowly the other side drips.
    """
    try:
        async with asyncio.timeout(timeout_seconds), session.get(url, allow_redirects=False) as response:
            if response.status != HTTPStatus.OK:
                raise of_status(response.status, response.headers, b"")
            encoding = response.headers.get("Content-Encoding", "identity")
            if encoding.lower() not in ("", "identity"):
                raise BadAnswer(QueryFailure.PARSE_ERROR, f"compressed ({encoding}) although that was not asked for")
            content = await _bounded(response)
            return Body(content=content, content_type=response.headers.get("Content-Type", ""))
    except TimeoutError:
        raise BadAnswer(QueryFailure.TIMEOUT, f"no whole answer within {timeout_seconds:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise of_exception(error) from None


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body, if it is not too large, whatever length it claims."""
    body = bytearray()
    if (response.content_length or 0) <= MAX_BYTES:
        async for piece in response.content.iter_chunked(_PIECE_BYTES):
            body += piece
            if len(body) > MAX_BYTES:
                break
        else:
            return bytes(body)
    response.close()
    raise BadAnswer(QueryFailure.TOO_LARGE, f"a page larger than {MAX_BYTES >> 20} MiB")
