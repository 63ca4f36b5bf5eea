"""A farm of engines that a test controls: real pages of vLLM, levels and failures set by hand, found by service discovery."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Self

import engine_pages
from aiohttp import ClientSession, web

NAMESPACE, MODEL = "llm", "tiny-llama"
KV, WAITING, RUNNING = "vllm:kv_cache_usage_perc", "vllm:num_requests_waiting", "vllm:num_requests_running"
_COUNTERS = {
    "vllm:request_success_total": 1.0,
    "vllm:generation_tokens_total": 200.0,
    "vllm:request_prompt_tokens_count": 1.0,
    "vllm:request_prompt_tokens_sum": 400.0,
    "vllm:request_generation_tokens_count": 1.0,
    "vllm:request_generation_tokens_sum": 200.0,
    "vllm:time_to_first_token_seconds_count": 1.0,
    "vllm:time_to_first_token_seconds_sum": 0.05,
    "vllm:inter_token_latency_seconds_count": 199.0,
    "vllm:inter_token_latency_seconds_sum": 3.98,
}
"""Growth with each request that an engine finished."""


@dataclass(kw_only=True)
class Engine:
    """One engine: its levels, and how its scrape fails, if it does (a status other than 200).

    ``rate`` requests arrive a second. ``running`` is what it tends to: it falls at once, as when requests are finished, and
    rises no faster than requests arrive, so that arrivals are the same by whatever they are counted. It has ``finished`` so
    many before anybody looked.
    """

    pod: str
    kv: float = 0.55
    waiting: float = 0.0
    running: float = 8.0
    rate: float = 2.0
    status: int = 200
    drop: tuple[str, ...] = ()
    nan: tuple[str, ...] = ()
    finished: float = 1000.0
    _inside: float | None = field(default=None, init=False)
    _at: float = field(default=0.0, init=False)

    def live(self, until: float) -> float:
        """Finish what must be, up to a time in seconds; returns how many run then."""
        before = self.running if self._inside is None else self._inside
        came = 0.0 if self._inside is None else self.rate * (until - self._at)
        self._inside, self._at = min(self.running, before + came), until
        self.finished += before + came - self._inside
        return self._inside


@dataclass(kw_only=True)
class Workload:
    """A Deployment as kube-state-metrics counts it."""

    name: str
    spec: int
    ready: int


@dataclass(kw_only=True)
class Farm:
    """What exists and what answers; change it freely, the next scrape sees it.

    ``proxy_to`` is the Prometheus behind ``/proxy``; ``fault`` may replace the proxy's answer to any query.
    """

    engines: dict[str, Engine] = field(default_factory=dict)
    workloads: dict[str, Workload] = field(default_factory=dict)
    router_queue: float | None = None
    proxy_to: str = ""
    fault: Callable[[str, web.Request], Any] | None = None
    url: str = ""

    def freeze(self) -> None:
        """From now on no counter grows: nothing is asked of the engines, and they hold nothing."""
        for engine in self.engines.values():
            engine.kv, engine.running, engine.rate = 0.0, 0.0, 0.0

    def idle(self, *pods: str) -> None:
        """These engines, or all, have next to nothing to do."""
        for engine in self._named(pods):
            engine.kv, engine.running, engine.rate = 0.02, 1.0, 0.1

    def busy(self, *pods: str) -> None:
        """These engines, or all, are at work and answer: the load of a fleet of six that is just large enough.

        By its caches, which would not fit into five, and by its arrivals, for which six are the least that is enough.
        """
        for engine in self._named(pods):
            engine.kv, engine.running, engine.rate, engine.status = 0.675, 8.0, 2.4, 200

    def _named(self, pods: tuple[str, ...]) -> list[Engine]:
        return [self.engines[pod] for pod in pods or self.engines]

    def add(self, *engines: Engine) -> None:
        """More engines."""
        self.engines.update({engine.pod: engine for engine in engines})

    def start(self) -> Self:
        """Serve in a thread of its own."""
        started: Future[str] = Future()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        self.url = started.result(timeout=10)
        return self

    def stop(self) -> None:
        """Give the port back."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _end(self) -> None:
        """Close, and cancel what a fault still keeps waiting."""
        await self._runner.cleanup()
        await self._session.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _run(self, started: Future[str]) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))
        self._loop.run_forever()

    async def _serve(self, started: Future[str]) -> None:
        app = web.Application()
        app.router.add_get("/engines/{pod}/metrics", self._engine)
        app.router.add_get("/sd", self._targets)
        app.router.add_get("/kube-state-metrics", self._kube)
        app.router.add_get("/router", self._router)
        app.router.add_route("*", "/proxy/{path:.*}", self._proxy)
        self._session = ClientSession()
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._address = f"{host}:{port}"
        started.set_result(f"http://{self._address}")

    async def _engine(self, request: web.Request) -> web.Response:
        engine = self.engines.get(request.match_info["pod"])
        if engine is None or engine.status != 200:
            return web.Response(status=404 if engine is None else engine.status)
        levels = {KV: engine.kv, WAITING: engine.waiting, RUNNING: engine.live(time.time())}
        idle = [(name, labels, 0.0 if name in _COUNTERS else v) for name, labels, v in engine_pages.recorded("busy")]
        samples = engine_pages.grown(idle, _COUNTERS, engine.finished)
        page = [
            (name, labels, float("nan") if name in engine.nan else levels.get(name, value))
            for name, labels, value in samples
            if name not in engine.drop
        ]
        return web.Response(text=engine_pages.text(page))

    async def _targets(self, _: web.Request) -> web.Response:
        groups = [
            {
                "targets": [self._address],
                "labels": {
                    "__metrics_path__": f"/engines/{pod}/metrics",
                    "namespace": NAMESPACE,
                    "pod": pod,
                    "instance": f"{pod}:8000",
                },
            }
            for pod in self.engines
        ]
        return web.Response(text=json.dumps(groups), content_type="application/json")

    async def _kube(self, _: web.Request) -> web.Response:
        lines: list[str] = []
        for w in self.workloads.values():
            at = f'namespace="{NAMESPACE}",deployment="{w.name}"'
            lines += [
                f"kube_deployment_spec_replicas{{{at}}} {w.spec}",
                f"kube_deployment_status_replicas{{{at}}} {w.spec}",
                f"kube_deployment_status_replicas_ready{{{at}}} {w.ready}",
                (
                    f'kube_replicaset_owner{{namespace="{NAMESPACE}",replicaset="{w.name}-abc",owner_kind="Deployment",'
                    f'owner_name="{w.name}"}} 1'
                ),
            ]
            lines += [
                f'kube_pod_owner{{namespace="{NAMESPACE}",pod="{pod}",owner_kind="ReplicaSet",owner_name="{w.name}-abc"}} 1'
                for pod in self.engines
                if pod.startswith(w.name)
            ]
        return web.Response(text="\n".join(lines) + "\n")

    async def _router(self, _: web.Request) -> web.Response:
        if self.router_queue is None:
            return web.Response(text="")
        name = "llm_d_epp_flow_control_queue_size"
        return web.Response(text=f'{name}{{model_name="{MODEL}",inference_pool="p"}} {self.router_queue}\n')

    async def _proxy(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        form: Mapping[str, Any] = dict(await request.post()) if request.method == "POST" else {}
        if self.fault is not None:
            answer = self.fault(str(form.get("query", "")), request)
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer is not None:
                return answer  # type: ignore[no-any-return]
        url = f"{self.proxy_to}/{request.match_info['path']}"
        headers = {"Content-Type": request.headers.get("Content-Type", "")}
        try:
            async with self._session.request(request.method, url, data=body, headers=headers) as got:
                return web.Response(body=await got.read(), status=got.status, content_type=got.content_type)
        except OSError:
            if request.transport is not None:
                request.transport.abort()  # as a server that is not there
            return web.Response(status=502)

    def prometheus_config(self, *, kube: bool = False, router: bool = False) -> str:
        """A configuration that scrapes everything here each second."""
        jobs = [f"- job_name: vllm\n  http_sd_configs: [{{url: '{self.url}/sd', refresh_interval: 1s}}]"]
        pages = [("kube-state-metrics", kube), ("router", router)]
        for name, wanted in pages:
            if wanted:
                jobs.append(
                    f"- job_name: {name}\n  metrics_path: /{name}\n  honor_labels: true\n"
                    f"  static_configs: [{{targets: ['{self._address}']}}]"
                )
        text = "global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs:\n"
        return text + "\n".join(jobs) + "\n"
