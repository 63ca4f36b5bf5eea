"""The demo from start to end: servers, programs, the clock, the autoscalers, the screen, and everything stopped again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from rich.console import Console

from wva_exporter.cli.demo import scenario
from wva_exporter.cli.demo.configuration import exporter_file, prometheus_file
from wva_exporter.cli.demo.face import Addresses, Face
from wva_exporter.cli.demo.processes import Child, free_port
from wva_exporter.cli.demo.readings import ExporterReader, MetricReader, PrometheusReader, answers, read_reasons
from wva_exporter.cli.demo.rules import rendering, rule_files
from wva_exporter.cli.demo.screen import header, screen
from wva_exporter.cli.demo.summary import Reaction, report
from wva_exporter.cli.demo.tools import find_tool
from wva_exporter.cli.demo.view import look
from wva_exporter.cli.demo.world import World
from wva_exporter.errors import WvaError

TICK_SECONDS = 0.1
START_SECONDS = 40.0
"""How long programs may take until the first target can be read."""


class DemoFailed(WvaError):  # noqa: N818 - reads as what it is
    """The demo cannot go on: a program that it needs did not start, or ended."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """What is running, and what was read last."""

    world: World
    face: Face
    session: aiohttp.ClientSession
    children: list[Child]
    reader: MetricReader
    exporter_url: str
    source: str
    desired: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    reaction: Reaction | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    """What goes on beside the show: the clock, and the loading of the rules."""


async def show(seconds: float, *, seed: int, console: Console, with_prometheus: bool = True) -> None:
    """Run the demo for so many seconds, or until a signal asks it to stop; nothing that it started outlives it.

    Raises:
        DemoFailed: a program did not start or ended; its last words are in the message.
    """
    stop = asyncio.Event()
    events = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        events.add_signal_handler(number, stop.set)
    prometheus = find_tool("prometheus") if with_prometheus else None
    async with _staged(seconds, seed, prometheus) as stage:
        header(console, stage.source)
        stage.tasks.append(asyncio.create_task(_keep_time(stage)))
        try:
            if await _first_targets(stage, stop):
                await _play(stage, seconds, console, stop)
        finally:
            for task in stage.tasks:
                task.cancel()
            await asyncio.wait(stage.tasks)
    if stage.world.began_at is not None:
        text = "\n" + report(stage.world, stage.reaction)
        console.print(text, highlight=False, markup=False, soft_wrap=not console.is_terminal)


@contextlib.asynccontextmanager
async def _staged(seconds: float, seed: int, prometheus: Path | None) -> AsyncIterator[Stage]:
    """Start servers and programs, and stop them in the reverse order whatever happens."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wva-demo-")))
        world = World(seconds, seed)
        face = Face(world, epoch=time.time())
        stack.push_async_callback(face.close)
        around = await face.start()
        session = await stack.enter_async_context(aiohttp.ClientSession())
        children: list[Child] = []

        async def start(name: str, *command: str | Path, for_good: bool = True) -> Child:
            child = await Child.start(name, command, folder / f"{name}.log")
            stack.push_async_callback(child.stop)
            if for_good:
                children.append(child)
            return child

        exporter = f"127.0.0.1:{free_port()}"
        url = None
        if prometheus is not None:
            url = await _start_prometheus(start, prometheus, folder, around=around, exporter=exporter)
        config = folder / "wva-exporter.yaml"
        config.write_text(exporter_file(prometheus=url, around=around))
        python = (sys.executable, "-m", "wva_exporter", "run")
        await start("wva-exporter", *python, f"--config.file={config}", f"--web.listen-address={exporter}")
        exporter_url = f"http://{exporter}"
        stage = Stage(
            world=world,
            face=face,
            session=session,
            children=children,
            reader=PrometheusReader(session, url) if url else ExporterReader(session, exporter_url),
            exporter_url=exporter_url,
            source=_source_text(url, exporter_url),
        )
        if url is not None:
            renderer = await start("rules", *rendering(folder), for_good=False)
            stage.tasks.append(asyncio.create_task(_load_rules(renderer, into=children[0])))
        yield stage


async def _load_rules(renderer: Child, *, into: Child) -> None:
    """Once they are rendered, let Prometheus read them; nothing waits for that.

    Raises:
        DemoFailed: they could not be rendered.
    """
    renderer.step_back()
    if code := await renderer.ended():
        raise DemoFailed(f"{renderer.name} ended with code {code}; its last words:\n{renderer.last_words()}")
    into.read_again()


async def _start_prometheus(
    start: Callable[..., Awaitable[Child]], program: Path, folder: Path, *, around: Addresses, exporter: str
) -> str:
    """Start it and return its URL."""
    config = folder / "prometheus.yml"
    config.write_text(prometheus_file(around=around, exporter=exporter, rules=[rule_files(folder)]))
    address = f"127.0.0.1:{free_port()}"
    await start(
        "prometheus",
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    )
    return f"http://{address}"


def _source_text(prometheus: str | None, exporter: str) -> str:
    if prometheus is None:
        return f"no Prometheus found: the exporter scrapes by itself and the HPA reads its page {exporter}/metrics"
    return (
        f"Prometheus at {prometheus} scrapes it and soon has the mixin's rules and alerts, the HPA reads through it, "
        f"the exporter is at {exporter}"
    )


async def _keep_time(stage: Stage) -> None:
    """Let the world live by the wall clock."""
    zero = time.monotonic() - stage.world.now
    while True:
        stage.world.advance(time.monotonic() - zero)
        await stage.face.refresh()
        await asyncio.sleep(TICK_SECONDS)


async def _first_targets(stage: Stage, stop: asyncio.Event) -> bool:
    """Wait until every HPA can read its target; False if told to stop first."""
    deadline = time.monotonic() + START_SECONDS
    while not stop.is_set():
        _check(stage)
        await _read_targets(stage)
        if len(stage.desired) == len(scenario.VARIANTS):
            return True
        if time.monotonic() > deadline:
            up = await answers(stage.session, f"{stage.exporter_url}/-/healthy")
            last = "\n".join(f"{child.name}: {child.last_words()}" for child in stage.children)
            raise DemoFailed(f"no target within {START_SECONDS:.0f} s (exporter {'up' if up else 'down'})\n{last}")
        await _pause(stop, TICK_SECONDS)
    return False


async def _play(stage: Stage, seconds: float, console: Console, stop: asyncio.Event) -> None:
    """Let the load take its course, sync the HPAs, show what happens."""
    world = stage.world
    world.begin()
    next_sync = next_show = 0.0
    with screen(console) as display:
        while not stop.is_set() and world.elapsed < seconds:
            _check(stage)
            if world.elapsed >= next_sync:
                await _sync(stage)
                next_sync += scenario.SYNC_SECONDS
            if world.elapsed >= next_show:
                display.show(look(world, stage.desired, stage.reasons))
                next_show += display.every_seconds
            await _pause(stop, TICK_SECONDS)
        display.show(look(world, stage.desired, stage.reasons))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not when told to stop."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _sync(stage: Stage) -> None:
    """Let every HPA read its target and act, and read the exporter's reasons."""
    for name, values in (await _read_targets(stage)).items():
        stage.world.autoscale(name, values)
    stage.reasons = await read_reasons(stage.session, stage.exporter_url) or stage.reasons
    start = sum(variant.replicas for variant in scenario.VARIANTS)
    if stage.reaction is None and sum(stage.desired.values()) > start:
        stage.reaction = Reaction(at_seconds=stage.world.elapsed, waiting=stage.world.totals.peak_waiting)


async def _read_targets(stage: Stage) -> dict[str, list[float] | None]:
    """What every HPA reads now."""
    names = [variant.name for variant in scenario.VARIANTS]
    values = dict(zip(names, await asyncio.gather(*(stage.reader.read(name) for name in names)), strict=True))
    stage.desired |= {name: round(sum(read)) for name, read in values.items() if read}
    return values


def _check(stage: Stage) -> None:
    """Go on only while every program runs, the clock ticks, and rules were not refused."""
    for child in stage.children:
        if child.exit_code is not None:
            raise DemoFailed(f"{child.name} ended with code {child.exit_code}; its last words:\n{child.last_words()}")
    for task in stage.tasks:
        if task.done():
            task.result()
