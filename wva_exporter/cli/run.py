"""``wva-exporter run``: decide every cycle and publish, until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from wva_exporter import __version__
from wva_exporter.cli import FINE
from wva_exporter.cli.arguments import add_logging, add_settings, settings_loader
from wva_exporter.conventions import DEFAULT_PORT
from wva_exporter.errors import ConfigError
from wva_exporter.publish.board import Board
from wva_exporter.publish.selfmetrics import SelfMetrics
from wva_exporter.publish.server import Server
from wva_exporter.service.garbage import settle
from wva_exporter.service.logs import Log, open_log
from wva_exporter.service.loop import Loop


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of an exporter, as users of Prometheus know them."""
    add_settings(parser)
    parser.add_argument(
        "--web.listen-address",
        dest="listen",
        action="append",
        metavar="ADDRESS",
        help=f"address to listen on, may be given several times (:{DEFAULT_PORT})",
    )
    parser.add_argument(
        "--web.telemetry-path", dest="telemetry_path", default="/metrics", metavar="PATH", help="where (%(default)s)"
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config",
        type=Path,
        metavar="FILE",
        help="TLS and authentication (exporter-toolkit)",
    )
    parser.add_argument(
        "--web.enable-lifecycle", dest="lifecycle", action="store_true", help="allow a reload by POST /-/reload"
    )
    parser.add_argument(
        "--publish.shadow",
        dest="shadow",
        action="store_true",
        help="publish wva_shadow_* beside a WVA that still actuates, instead of wva_desired_* and wva_current_*",
    )
    add_logging(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve and cycle until SIGTERM or SIGINT."""
    with open_log(arguments.log_level, arguments.log_format) as log:
        asyncio.run(_serve(arguments, log))
    return FINE


async def _serve(arguments: argparse.Namespace, log: Log) -> None:
    board, metrics = Board(shadow=arguments.shadow), SelfMetrics()
    metrics.build_info(version=__version__, revision="")
    loop = Loop(settings_loader(arguments), board, metrics, log)
    server = Server(
        board=board,
        metrics=metrics,
        telemetry_path=arguments.telemetry_path,
        web_config_file=arguments.web_config,
        reload=loop.reload if arguments.lifecycle else None,
    )
    await server.start(arguments.listen or [f":{DEFAULT_PORT}"])
    settle()
    log.info("listening", addresses=" ".join(server.urls), version=__version__)
    stop = asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()
    _on_signals(loop, stop, reloads)
    try:
        await loop.run(stop)
    finally:
        log.info("stopping")
        await server.close()


def _on_signals(loop: Loop, stop: asyncio.Event, reloads: set[asyncio.Task[None]]) -> None:
    """SIGTERM and SIGINT end the program in order, SIGHUP reads the configuration again."""

    async def reload() -> None:
        try:
            await loop.reload()
        except ConfigError:
            return  # logged and counted; the old configuration is in force

    def on_hangup() -> None:
        task = asyncio.ensure_future(reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    events = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        events.add_signal_handler(number, stop.set)
    events.add_signal_handler(signal.SIGHUP, on_hangup)
