"""A process that answers as a Prometheus would over a large fleet: ``python -m bench.canned VARIANTS`` prints its port.

It recognises the queries of a cycle by their text, durations aside, and tells of two states of the fleet by turns.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
import time

from aiohttp import web

from bench.fleet import bodies
from wva_exporter.config.load import parse
from wva_exporter.engines.promql import queries
from wva_exporter.service.wiring import query_settings

_TIME = 1_700_000_000.0
_EMPTY = b'{"status":"success","data":{"resultType":"vector","result":[]}}'


def shape(promql: str) -> str:
    """A query without its numbers: the same whatever the settings."""
    return re.sub(r"\d+(ms|s)?", "#", promql)


def application(variants: int) -> web.Application:
    """Serves ``POST /api/v1/query``; what is not a query of a cycle has an empty answer."""
    states = [bodies(variants, seed, _TIME) for seed in range(2)]
    signal_of = {shape(query.promql): query.signal for query in queries(query_settings(parse("", "bench")))}
    asked = itertools.count()

    async def query(request: web.Request) -> web.Response:
        form = await request.post()
        signal = signal_of.get(shape(str(form["query"])))
        body = states[next(asked) // len(signal_of) % 2].get(signal, _EMPTY) if signal else _EMPTY
        now = f"[{time.time():.3f},".encode()
        return web.Response(body=body.replace(f"[{_TIME:.3f},".encode(), now), content_type="application/json")

    app = web.Application()
    app.router.add_post("/api/v1/query", query)
    return app


async def serve(variants: int) -> None:
    """Serve on a port that the kernel picks until killed."""
    runner = web.AppRunner(application(variants))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)  # noqa: T201 - the parent reads it
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
