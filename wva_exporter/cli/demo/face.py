"""The fleet as others see it over HTTP: a port a pod, and one each for discovery, kube-state-metrics and router.

A pod's port is taken when the pod is created and refuses connections until its engine is ready, like that of a starting
container; discovery lists it all the same, as Kubernetes does.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from wva_exporter.cli.demo import scenario
from wva_exporter.cli.demo.engine_page import engine_page
from wva_exporter.cli.demo.surroundings_page import kubernetes_page, router_page
from wva_exporter.cli.demo.world import World
from wva_exporter.twin.replica import Phase

HOST = "127.0.0.1"
Handler = Callable[[web.Request], Awaitable[web.Response]]
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
POOL = "llama-8b"
METRICS_PATH = "/metrics"
DISCOVERY_PATH = "/discovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """``host:port`` of what stands around the pods."""

    discovery: str
    kubernetes: str
    router: str


class Face:
    """Servers on the loopback for a world; ``refresh`` follows its pods and is called after each of its steps.

    ``epoch`` is the Unix time at zero of the world's clock, in seconds.
    """

    def __init__(self, world: World, epoch: float) -> None:
        self._world = world
        self._epoch = epoch
        self._sockets: dict[str, socket.socket] = {}
        self._engines: dict[str, web.AppRunner] = {}
        self._around = (
            _runner(DISCOVERY_PATH, self._discovery),
            _runner(METRICS_PATH, self._kubernetes),
            _runner(METRICS_PATH, self._router),
        )

    async def start(self) -> Addresses:
        """Listen; returns where."""
        addresses = []
        for runner in self._around:
            entrance = _bound()
            addresses.append("{}:{}".format(*entrance.getsockname()))
            await _listen(runner, entrance)
        await self.refresh()
        discovery, kubernetes, router = addresses
        return Addresses(discovery=discovery, kubernetes=kubernetes, router=router)

    async def refresh(self) -> None:
        """Give a port to every new pod, listen for those that became ready, close those that are gone."""
        replicas = {replica.pod: replica for replica in self._world.fleet.replicas}
        for pod, replica in replicas.items():
            if pod not in self._sockets:
                self._sockets[pod] = _bound()
            if replica.phase is not Phase.STARTING and pod not in self._engines:
                self._engines[pod] = _runner(METRICS_PATH, partial(self._engine, pod))
                await _listen(self._engines[pod], self._sockets[pod])
        for pod in self._sockets.keys() - replicas.keys():
            taken = self._sockets.pop(pod)
            if pod in self._engines:
                await self._engines.pop(pod).cleanup()
            taken.close()

    async def close(self) -> None:
        """Listen no more."""
        for runner in (*self._engines.values(), *self._around):
            await runner.cleanup()
        for taken in self._sockets.values():
            taken.close()

    async def _engine(self, pod: str, _: web.Request) -> web.Response:
        """The page of a pod; one that is restarting has none."""
        engine = next((replica.engine for replica in self._world.fleet.replicas if replica.pod == pod), None)
        if engine is None:
            raise web.HTTPServiceUnavailable
        body = engine_page(engine, model=scenario.MODEL, epoch=self._epoch)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _kubernetes(self, _: web.Request) -> web.Response:
        body = kubernetes_page(self._world.fleet, scenario.AUTOSCALERS, namespace=scenario.NAMESPACE, epoch=self._epoch)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _router(self, _: web.Request) -> web.Response:
        body = router_page(self._world.fleet, model=scenario.MODEL, pool=POOL)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _discovery(self, _: web.Request) -> web.Response:
        """The pods in the form of Prometheus' HTTP service discovery."""
        return web.json_response(
            [
                {
                    "targets": ["{}:{}".format(*taken.getsockname())],
                    "labels": {"namespace": scenario.NAMESPACE, "pod": pod, "container": "vllm"},
                }
                for pod, taken in self._sockets.items()
            ]
        )


def _runner(path: str, handler: Handler) -> web.AppRunner:
    app = web.Application()
    app.add_routes([web.get(path, handler)])
    return web.AppRunner(app, access_log=None, shutdown_timeout=1.0)


async def _listen(runner: web.AppRunner, entrance: socket.socket) -> None:
    await runner.setup()
    await web.SockSite(runner, entrance).start()


def _bound() -> socket.socket:
    """A socket with a port of its own on the loopback that does not listen yet."""
    taken = socket.socket()
    taken.bind((HOST, 0))
    return taken
