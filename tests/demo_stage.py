"""The demo's fleet for tests that look at it: engines, kube-state-metrics and router in a thread, Prometheus, exporter.

The fleet stays at its base load and nothing scales it, unless a ``FleetThread`` is given that does more.
"""

from __future__ import annotations

import asyncio
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exporter_process import Exporter
from jsonnet_bindings import rendered_fast
from real_prometheus import RealPrometheus

from wva_exporter.artefacts.mixin_files import rule_files
from wva_exporter.cli.demo.configuration import exporter_file, prometheus_file
from wva_exporter.cli.demo.face import Addresses, Face
from wva_exporter.cli.demo.rules import OPTIONS
from wva_exporter.cli.demo.world import World

TICK_SECONDS = 0.1
NOWHERE = "127.0.0.1:1"


class FleetThread:
    """A world that lives by the wall clock, with its servers, until it is stopped."""

    def __init__(self, seconds: float = 600.0) -> None:
        self._seconds = seconds
        self._loop = asyncio.new_event_loop()
        self._started: Future[Addresses] = Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> Addresses:
        """Serve; returns where."""
        self._thread.start()
        return self._started.result(timeout=30)

    def stop(self) -> None:
        """Give the ports back."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)

    def act(self, world: World) -> None:
        """What happens beside the load, each tick: nothing."""

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._live())
        self._loop.close()

    async def _live(self) -> None:
        world = World(self._seconds, seed=7)
        face = Face(world, epoch=time.time())
        try:
            self._started.set_result(await face.start())
            zero = time.monotonic() - world.now
            while not self._stop.is_set():
                world.advance(time.monotonic() - zero)
                self.act(world)
                await face.refresh()
                await asyncio.sleep(TICK_SECONDS)
        finally:
            await face.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoStage:
    """What runs: a Prometheus that scrapes the fleet and evaluates the rules, and the exporter that decides by it."""

    prometheus: RealPrometheus
    exporter: Exporter


@contextmanager
def demo_stage(prometheus_bin: Path, folder: Path, fleet: FleetThread | None = None) -> Iterator[DemoStage]:
    """The stage, with a first target published; everything ends with it."""
    fleet = fleet or FleetThread()
    around = fleet.start()
    running: list[RealPrometheus | Exporter] = []
    try:
        names = list(_write_rules(folder))
        prometheus = RealPrometheus.start(
            prometheus_bin,
            folder / "prometheus",
            prometheus_file(around=around, exporter=NOWHERE, rules=names),
        )
        running.append(prometheus)
        exporter = Exporter.start(folder, exporter_file(prometheus=prometheus.url, around=around))
        running.append(exporter)
        address = exporter.url.removeprefix("http://")
        (prometheus.folder / "prometheus.yml").write_text(prometheus_file(around=around, exporter=address, rules=names))
        urllib.request.urlopen(urllib.request.Request(f"{prometheus.url}/-/reload", method="POST"), timeout=10).close()
        exporter.wait(lambda: exporter.series("wva_desired_replicas"), "a first target")
        yield DemoStage(prometheus=prometheus, exporter=exporter)
    finally:
        for program in reversed(running):
            program.kill()
        fleet.stop()


def _write_rules(folder: Path) -> Iterator[str]:
    for name, text in rule_files(rendered_fast(OPTIONS)).items():
        (folder / name).write_text(text)
        yield str(folder / name)
