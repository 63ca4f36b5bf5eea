"""``wva-exporter demo``: a simulated vLLM fleet under a changing load, decided on by a real exporter, scaled by an HPA."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from rich.console import Console

from wva_exporter.cli.demo.show import DemoFailed, show

DEFAULT_SECONDS = 180.0
SECONDS_VARIABLE = "DEMO_SECONDS"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the demo."""
    parser.add_argument(
        "--seconds",
        type=float,
        default=None,
        help=f"how long to run (${SECONDS_VARIABLE}, else {DEFAULT_SECONDS:.0f})",
    )
    parser.add_argument("--seed", type=int, default=7, help="seed of arrivals and sizes (%(default)s)")
    parser.add_argument(
        "--without-prometheus",
        action="store_true",
        help="let the exporter scrape by itself even if a Prometheus is here",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; 0 when it came to its end or was told to stop, 1 when a program failed, 2 for a bad duration."""
    seconds = arguments.seconds
    try:
        seconds = float(os.environ.get(SECONDS_VARIABLE, DEFAULT_SECONDS)) if seconds is None else seconds
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        print(
            f"wva-exporter: the demo's seconds (--seconds, ${SECONDS_VARIABLE}) must be a positive number",
            file=sys.stderr,
        )
        return 2
    console = Console()
    try:
        asyncio.run(
            show(seconds, seed=arguments.seed, console=console, with_prometheus=not arguments.without_prometheus)
        )
    except DemoFailed as error:
        print(f"wva-exporter: {error}", file=sys.stderr)
        return 1
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """The demo as a command of its own."""
    parser = argparse.ArgumentParser(prog="wva-exporter demo", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(argv))
