"""What each fault of a target does to its series and to those of others, over HTTP."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from aiohttp import web
from scrape_stage import Clock, Handler, engine_page, saying, scraping, serving, until, values

from wva_exporter.conventions import Signal
from wva_exporter.errors import QueryFailure
from wva_exporter.sources.scrape import ScrapeSettings, ScrapeSource


async def redirecting(request: web.Request) -> web.Response:
    """Elsewhere, where all is well."""
    return web.Response(status=302, headers={"Location": f"http://{request.host}/metrics"})


async def breaking_off(request: web.Request) -> web.StreamResponse:
    """Half a page, and then nothing more although more was promised."""
    response = web.StreamResponse(headers={"Content-Length": "100000", "Content-Type": "text/plain"})
    await response.prepare(request)
    await response.write(engine_page())
    assert request.transport
    request.transport.abort()
    return response


async def flooding(request: web.Request) -> web.StreamResponse:
    """More than anybody can want, without saying how much."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    try:
        for _ in range(40):
            await response.write(b"# " + b"x" * (1 << 20) + b"\n")
    except ConnectionError:
        pass
    return response


async def promising_a_flood(_: web.Request) -> web.StreamResponse:
    """The same, said in advance."""
    return web.Response(headers={"Content-Length": str(1 << 40)})


async def dripping(request: web.Request) -> web.StreamResponse:
    """A byte now and then."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    try:
        while True:
            await response.write(b"#")
            await asyncio.sleep(0.05)
    except ConnectionError:
        return response


async def silent(_: web.Request) -> web.Response:
    """Nothing at all."""
    await asyncio.Event().wait()
    raise AssertionError


FAULTS: dict[str, tuple[Handler, QueryFailure]] = {
    "500": (saying(500), QueryFailure.SERVER_ERROR),
    "503": (saying(503), QueryFailure.SERVER_ERROR),
    "401": (saying(401), QueryFailure.UNAUTHORIZED),
    "404": (saying(404), QueryFailure.BAD_DATA),
    "429": (saying(429), QueryFailure.THROTTLED),
    "204": (saying(204), QueryFailure.BAD_DATA),
    "a redirect": (redirecting, QueryFailure.UNKNOWN),
    "a login page": (saying(body=b"<html>\n", Content_Type="text/html"), QueryFailure.PARSE_ERROR),
    "noise": (saying(body=bytes(range(256))), QueryFailure.PARSE_ERROR),
    "cut off": (saying(body=engine_page()[:-10]), QueryFailure.PARSE_ERROR),
    "bad labels": (saying(body=b"vllm:num_requests_running{,,=} 1\n"), QueryFailure.PARSE_ERROR),
    "compressed": (saying(body=gzip.compress(engine_page()), Content_Encoding="gzip"), QueryFailure.PARSE_ERROR),
    "too many series": (
        saying(body=b"".join(b'vllm:num_requests_running{engine="%d"} 1\n' % i for i in range(10_001))),
        QueryFailure.TOO_LARGE,
    ),
    "broken off": (breaking_off, QueryFailure.CONNECTION_FAILED),
    "a flood": (flooding, QueryFailure.TOO_LARGE),
    "a promised flood": (promising_a_flood, QueryFailure.TOO_LARGE),
    "dripping": (dripping, QueryFailure.TIMEOUT),
    "silent": (silent, QueryFailure.TIMEOUT),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_scrape_that_fails_ends_the_target_s_series_at_once(fault: str) -> None:
    """It is down, its present is unknown, its recent past is not; the other target is as before."""
    handler, failure = FAULTS[fault]
    clock = Clock()
    async with serving({"/a": engine_page(), "/b": engine_page()}) as (pages, address):
        targets = f"http://{address}/a", f"http://localhost:{address.rpartition(':')[2]}/b"
        interval = 1.0 if failure is QueryFailure.TIMEOUT else 15.0  # a scrape may take 0.6 of it
        settings = ScrapeSettings(targets=targets, scrape_interval_seconds=interval)
        async with scraping(ScrapeSource(settings, clock=clock)) as source:
            await source.scrape()
            assert source.troubles == ()
            pages["/a"] = handler
            clock.now += 15
            await source.scrape()
            seen = await source.observe()
            other = f"localhost:{address.rpartition(':')[2]}"
            assert values(seen, Signal.UP) == {address: 0.0, other: 1.0}
            assert set(values(seen, Signal.RUNNING)) == {other} == set(values(seen, Signal.AGE))
            assert set(values(seen, Signal.KV_PEAK)) == {address, other} == set(values(seen, Signal.SEEN))
            (trouble,) = source.troubles
            assert trouble.startswith(f"http://{address}/a: {failure}: ")


async def test_nobody_listening_is_a_failed_scrape(free_port: int) -> None:
    """Refused is refused, and nothing else is unknown for it."""
    settings = ScrapeSettings(targets=(f"127.0.0.1:{free_port}",))
    async with scraping(ScrapeSource(settings)) as source:
        seen = await source.observe()
        assert source.troubles[0].endswith(f"{QueryFailure.CONNECTION_REFUSED}: connection refused")
        assert all(len(answer) == 0 for answer in seen.answers.values())
        assert seen.reachable


async def test_a_target_that_hangs_delays_nobody() -> None:
    """The others are scraped at every interval."""
    async with serving({"/a": silent, "/metrics": engine_page()}) as (_, address):
        slow = f"http://localhost:{address.rpartition(':')[2]}/a"
        settings = ScrapeSettings(targets=(slow, address), scrape_interval_seconds=0.2, short_window_seconds=0.6)
        async with scraping(ScrapeSource(settings)) as source:

            async def covered() -> bool:
                return values(await source.observe(), Signal.COVERAGE) == {address: 1.0}

            await until(covered)
