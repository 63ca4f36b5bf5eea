"""Flags that several commands share, spelled as Prometheus and its exporters spell theirs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from wva_exporter.config.load import load
from wva_exporter.config.schema import Settings
from wva_exporter.service.logs import FORMATS, LEVELS


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Where the configuration is, and whom to ask."""
    parser.add_argument("--config.file", dest="config_file", type=Path, metavar="FILE", help="configuration (YAML)")
    parser.add_argument(
        "--prometheus.url",
        dest="prometheus_url",
        metavar="URL",
        help="root of a Prometheus; wins over the configuration file",
    )


def add_logging(parser: argparse.ArgumentParser) -> None:
    """How much to say, and in which form."""
    parser.add_argument(
        "--log.level", dest="log_level", choices=LEVELS, default="info", help="least level that is logged (%(default)s)"
    )
    parser.add_argument(
        "--log.format", dest="log_format", choices=FORMATS, default="logfmt", help="form of log lines (%(default)s)"
    )


def settings_loader(arguments: argparse.Namespace) -> Callable[[], Settings]:
    """Reads the settings, as often as it is called."""

    def read() -> Settings:
        return load(arguments.config_file, {"prometheus.url": arguments.prometheus_url})

    return read
