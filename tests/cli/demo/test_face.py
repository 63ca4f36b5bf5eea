"""The demo's servers: a port a pod that refuses until the pod is ready and closes when it is gone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from wva_exporter.cli.demo.face import DISCOVERY_PATH, Addresses, Face
from wva_exporter.cli.demo.readings import ExporterReader, PrometheusReader, read_reasons
from wva_exporter.cli.demo.world import World

VARIANT = "llama-8b-a100"


@asynccontextmanager
async def served() -> AsyncIterator[tuple[World, Face, Addresses, aiohttp.ClientSession]]:
    """A world with its servers and a client."""
    world = World(180, seed=1)
    face = Face(world, epoch=0.0)
    async with aiohttp.ClientSession() as session:
        try:
            yield world, face, await face.start(), session
        finally:
            await face.close()


async def targets(session: aiohttp.ClientSession, around: Addresses) -> dict[str, str]:
    """Address by pod, as discovery lists them."""
    async with session.get(f"http://{around.discovery}{DISCOVERY_PATH}") as response:
        return {group["labels"]["pod"]: group["targets"][0] for group in await response.json()}


async def page(session: aiohttp.ClientSession, address: str) -> str:
    """The page behind an address."""
    async with session.get(f"http://{address}/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return await response.text()


async def test_every_pod_has_a_port_of_its_own_with_its_own_page() -> None:
    """No two pages are alike, and all are of vLLM."""
    async with served() as (_, _, around, session):
        pods = await targets(session, around)
        pages = [await page(session, address) for address in pods.values()]
        assert len(set(pages)) == len(pods) == 3
        assert all("vllm:kv_cache_usage_perc" in each for each in pages)


async def test_a_starting_pod_is_listed_and_refuses_connections() -> None:
    """Like a container whose server does not listen yet; once ready it answers under the same address."""
    async with served() as (world, face, around, session):
        before = await targets(session, around)
        world.fleet.scale(VARIANT, 3)
        await face.refresh()
        [(_, address)] = (await targets(session, around)).items() - before.items()
        with pytest.raises(aiohttp.ClientConnectorError):
            await page(session, address)
        world.advance(5.0)
        await face.refresh()
        assert "vllm:num_requests_running" in await page(session, address)


async def test_a_pod_that_is_gone_is_listed_no_more_and_its_port_is_closed() -> None:
    """It answers while it drains."""
    async with served() as (world, face, around, session):
        before = await targets(session, around)
        world.fleet.scale(VARIANT, 1)
        await face.refresh()
        draining = [r.pod for r in world.fleet.replicas if r.deleted_at is not None]
        for pod in draining:
            await page(session, before[pod])
        world.advance(120.0)
        await face.refresh()
        after = await targets(session, around)
        [(_, address)] = before.items() - after.items()
        with pytest.raises(aiohttp.ClientConnectorError):
            await page(session, address)


async def test_what_stands_around_the_pods_is_served() -> None:
    """Pages of kube-state-metrics and of the router."""
    async with served() as (_, _, around, session):
        assert "kube_deployment_status_replicas" in await page(session, around.kubernetes)
        assert "flow_control_queue_size" in await page(session, around.router)


async def test_a_metric_that_cannot_be_read_is_none_and_not_zero() -> None:
    """Nobody listens, or the page lacks the series: the HPA holds."""
    async with served() as (_, _, around, session):
        for url in ("http://127.0.0.1:1", f"http://{around.kubernetes}"):
            assert await PrometheusReader(session, url).read(VARIANT) is None
            assert await ExporterReader(session, url).read(VARIANT) is None
            assert await read_reasons(session, url) == {}
