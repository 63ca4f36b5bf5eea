"""The stage of the tests of scraping: the recorded run of a vLLM, web servers with any page, a clock, and what one sees."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from wva_exporter.conventions import Signal
from wva_exporter.sources.samples import Observation
from wva_exporter.sources.scrape import ScrapeSource

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def recorded_run(data: Path) -> list[tuple[float, bytes]]:
    """Times and pages of the 72 scrapes, five seconds apart."""
    content: dict[str, bytes] = {}
    with tarfile.open(data / "vllm-0.32" / "saturation-5s-scrapes.tar.xz") as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is not None:
                content[Path(member.name).name] = file.read()
    times = [float(line) for line in content.pop("scrape_times_unix.txt").split()]
    return list(zip(times, (content[name] for name in sorted(content)), strict=True))


def page(*lines: str) -> bytes:
    """A metrics page of these lines."""
    return "".join(f"{line}\n" for line in lines).encode()


def engine_page(*, running: float = 1, waiting: float = 0, kv: float = 0.5, success: float = 0) -> bytes:
    """The page of a small vLLM."""
    labels = '{engine="0",model_name="tiny"}'
    return page(
        f"vllm:num_requests_running{labels} {running}",
        f"vllm:num_requests_waiting{labels} {waiting}",
        f"vllm:kv_cache_usage_perc{labels} {kv}",
        f'vllm:request_success_total{{engine="0",model_name="tiny",finished_reason="stop"}} {success}',
    )


class Pages(dict[str, bytes | Handler]):
    """What the web server says at each path; change it and it says something else."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The page, as text, or whatever its handler makes of the request."""
        found = self.get(request.path)
        if found is None:
            return web.Response(status=404, text="<html>nothing here</html>", content_type="text/html")
        if callable(found):
            return await found(request)
        return web.Response(body=found, headers={"Content-Type": "text/plain; version=0.0.4"})


@asynccontextmanager
async def serving(pages: Mapping[str, bytes | Handler]) -> AsyncIterator[tuple[Pages, str]]:
    """A web server with these pages on a port of its own; yields the pages and ``host:port``."""
    served = Pages(pages)
    app = web.Application()
    app.router.add_get("/{path:.*}", served.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield served, f"127.0.0.1:{server.port}"


def saying(status: int = 200, body: bytes = b"", **headers: str) -> Handler:
    """A handler with one answer."""

    async def answer(_: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=named)

    return answer


class Clock:
    """Seconds since the epoch, as the test says."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@asynccontextmanager
async def scraping(source: ScrapeSource) -> AsyncIterator[ScrapeSource]:
    """The source, closed at the end."""
    try:
        yield source
    finally:
        await source.close()


def values(observation: Observation, signal: Signal) -> dict[str, float]:
    """The rows of a signal by pod, or by instance where there is none."""
    answer = observation.answers[signal]
    return {row.pod or row.instance: value for row, value in zip(answer.labels, answer.value.tolist(), strict=True)}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for it; the test's own time limit ends it otherwise."""
    while not await condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.01)
