"""``wva-exporter version``."""

from __future__ import annotations

import argparse
import platform

from wva_exporter import __version__
from wva_exporter.conventions import PROGRAM


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""
    del parser


def run(arguments: argparse.Namespace) -> int:
    """Print what is running."""
    del arguments
    print(f"{PROGRAM} {__version__} (Python {platform.python_version()}, {platform.system()} {platform.machine()})")
    return 0
