"""Everything that a Prometheus, or what stands before it, can do wrong, and the class that it is counted under."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from fake_prometheus import GOOD, JSON, Server, Talk, api_error, ask, listening, response

from wva_exporter.errors import QueryFailure
from wva_exporter.sources import failures
from wva_exporter.sources.prometheus import MAX_BODY_BYTES
from wva_exporter.sources.samples import Answer

HTML = b"<!DOCTYPE html><title>Sign in</title>"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Second tries come a hundred times sooner."""
    soon = {failure: seconds / 100 for failure, seconds in failures.RETRY_AFTER_SECONDS.items()}
    monkeypatch.setattr(failures, "RETRY_AFTER_SECONDS", soon)


async def told(*said: bytes | Talk, deadline_seconds: float = 5.0) -> tuple[Answer, int]:
    """The answer made of what a server says, and how often it was asked."""
    server = Server(*said)
    async with listening(server) as port:
        return await ask(f"http://127.0.0.1:{port}", deadline_seconds), server.asked


@pytest.mark.parametrize(
    ("said", "failure", "times", "detail"),
    [
        (api_error(400, "bad_data"), QueryFailure.BAD_DATA, 1, "400 Bad Request: what happened"),
        (response(401), QueryFailure.UNAUTHORIZED, 1, "401 Unauthorized"),
        (response(403, HTML, "text/html"), QueryFailure.UNAUTHORIZED, 1, "403 Forbidden"),
        (response(404, HTML, "text/html"), QueryFailure.BAD_DATA, 1, "404 Not Found"),
        (response(405), QueryFailure.BAD_DATA, 1, "405 Method Not Allowed"),
        (api_error(422, "execution"), QueryFailure.EXECUTION_ERROR, 1, "422 Unprocessable Entity: what happened"),
        (response(429, Retry_After="0"), QueryFailure.THROTTLED, 2, "429 Too Many Requests"),
        (response(429, Retry_After="60"), QueryFailure.THROTTLED, 1, "429 Too Many Requests"),
        (api_error(500, "internal"), QueryFailure.SERVER_ERROR, 2, "500 Internal Server Error: what happened"),
        (response(502, HTML, "text/html"), QueryFailure.SERVER_ERROR, 2, "502 Bad Gateway"),
        (
            response(502, gzip.compress(HTML), "text/html", Content_Encoding="gzip"),
            QueryFailure.SERVER_ERROR,
            2,
            "502 Bad",
        ),
        (api_error(503, "unavailable"), QueryFailure.SERVER_ERROR, 2, "503 Service Unavailable: what happened"),
        (api_error(503, "timeout"), QueryFailure.TIMEOUT, 1, "503 Service Unavailable: what happened"),
        (api_error(503, "canceled"), QueryFailure.CANCELED, 1, "503 Service Unavailable: what happened"),
        (response(504), QueryFailure.SERVER_ERROR, 2, "504 Gateway Timeout"),
        (response(599), QueryFailure.SERVER_ERROR, 2, "status 599"),
        (
            response(302, Location="http://127.0.0.1:1/login?state=s3cr3t"),
            QueryFailure.UNKNOWN,
            1,
            "302 Found: redirects are not followed, give the final url",
        ),
        (api_error(200, "execution"), QueryFailure.EXECUTION_ERROR, 1, "what happened"),
        (response(200, HTML, "text/html"), QueryFailure.PARSE_ERROR, 1, "not the JSON of Prometheus' API"),
        (response(200, GOOD[:-9]), QueryFailure.PARSE_ERROR, 1, "not the JSON of Prometheus' API"),
        (response(200), QueryFailure.PARSE_ERROR, 1, "not the JSON of Prometheus' API"),
        (response(200, b"[" * 100_000), QueryFailure.PARSE_ERROR, 1, "not the JSON of Prometheus' API"),
        (
            response(200, b'{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}'),
            QueryFailure.PARSE_ERROR,
            1,
            "the answer is a scalar, not a vector",
        ),
        (
            response(200, b'{"status":"success","data":{"resultType":"matrix","result":[]}}'),
            QueryFailure.PARSE_ERROR,
            1,
            "the answer is a matrix, not a vector",
        ),
        (response(200, GOOD.replace(b'"1"', b'"one"')), QueryFailure.PARSE_ERROR, 1, "a sample cannot be read"),
        (response(200, GOOD.replace(b"{}", b'{"pod":1}')), QueryFailure.PARSE_ERROR, 1, "a sample cannot be read"),
        (response(200, GOOD.replace(b"{}", b'{"pod":"\xff"}')), QueryFailure.PARSE_ERROR, 1, "a sample cannot be read"),
        (response(200, GOOD, Content_Length="999"), QueryFailure.CONNECTION_FAILED, 2, ""),
        (b"", QueryFailure.CONNECTION_FAILED, 2, ""),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", QueryFailure.PARSE_ERROR, 1, "not HTTP as we know it"),
        (response(200, Content_Length=str(10**9)), QueryFailure.TOO_LARGE, 1, "an answer larger than 32 MiB"),
    ],
)
async def test_what_a_server_says_has_one_class_and_is_retried_only_if_that_can_help(
    said: bytes, failure: QueryFailure, times: int, detail: str
) -> None:
    """The class is the label of a metric, the detail a line for people without anything secret."""
    answer, asked = await told(said)
    assert answer.failure is failure
    assert asked == times
    assert answer.detail.startswith(detail)
    assert "\n" not in answer.detail
    assert "s3cr3t" not in answer.detail
    assert len(answer) == 0


@pytest.mark.parametrize("first", [b"", response(503), response(200, GOOD, Content_Length="999")])
async def test_a_passing_failure_is_healed_by_the_second_try(first: bytes) -> None:
    """Such as a kept connection that the server had closed."""
    answer, asked = await told(first, response(200, GOOD))
    assert (answer.failure, len(answer), asked) == (None, 1, 2)


async def test_a_second_try_that_does_not_fit_before_the_deadline_is_not_made() -> None:
    """The first failure is told, not that time ran out."""
    answer, asked = await told(response(429, Retry_After="2"), deadline_seconds=1.0)
    assert (answer.failure, asked) == (QueryFailure.THROTTLED, 1)
    assert answer.seconds < 0.9


async def test_a_port_where_nobody_listens_refuses() -> None:
    """Both times."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = await ask(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert answer.failure is QueryFailure.CONNECTION_REFUSED


async def test_a_name_without_an_address_is_a_failure_of_the_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named, so that a typing error in the url shows."""

    async def nothing(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nothing)
    answer = await ask("http://prometheus.invalid:9090")
    assert answer.failure is QueryFailure.DNS_ERROR
    assert "prometheus.invalid" in answer.detail


async def test_silence_ends_at_the_deadline() -> None:
    """The deadline is one for the whole cycle, tries included."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    began = time.perf_counter()
    answer, asked = await told(silent, deadline_seconds=0.3)
    assert (answer.failure, asked) == (QueryFailure.TIMEOUT, 1)
    assert time.perf_counter() - began < 1.5


async def test_a_trickle_ends_at_the_deadline() -> None:
    """A byte now and then keeps no question alive."""

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(response(200, b"", Content_Length=str(len(GOOD))))
        for byte in GOOD:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)

    answer, _ = await told(trickle, deadline_seconds=0.4)
    assert answer.failure is QueryFailure.TIMEOUT


async def test_a_flood_is_cut_off_where_it_becomes_too_large() -> None:
    """A server that does not say how much is coming is read no further than the bound."""
    written = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nConnection: close\r\n\r\n".encode())
        while written < 4 * MAX_BODY_BYTES:
            writer.write(b" " * 2**20)
            written += 2**20
            await writer.drain()

    answer, asked = await told(flood)
    assert (answer.failure, asked) == (QueryFailure.TOO_LARGE, 1)
    assert written < 2 * MAX_BODY_BYTES


async def test_a_compressed_answer_is_refused_unopened() -> None:
    """It was not asked for, and may be a bomb: 64 MiB of blanks are 64 KiB here."""
    bomb = gzip.compress(b" " * 2 * MAX_BODY_BYTES, compresslevel=1)
    answer, asked = await told(response(200, bomb, Content_Encoding="gzip"))
    assert (answer.failure, asked) == (QueryFailure.PARSE_ERROR, 1)
    assert answer.detail == "compressed (gzip) although that was not asked for"


async def test_a_redirect_is_not_followed_and_carries_no_credentials(tmp_path: Path) -> None:
    """Who can answer with a Location must not learn the token."""
    (tmp_path / "token").write_text("s3cr3t")
    other = Server(response(200, GOOD))
    async with listening(other) as elsewhere:
        first = Server(response(307, Location=f"http://127.0.0.1:{elsewhere}/api/v1/query"))
        async with listening(first) as port:
            answer = await ask(f"http://127.0.0.1:{port}", bearer_token_file=str(tmp_path / "token"))
    assert answer.failure is QueryFailure.UNKNOWN
    assert (first.asked, other.asked) == (1, 0)
