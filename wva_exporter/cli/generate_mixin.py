"""``wva-exporter generate mixin``: recording rules and alerts for Prometheus, dashboards for Grafana."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from wva_exporter.artefacts.lint_dashboards import lint_dashboards
from wva_exporter.artefacts.lint_rules import lint
from wva_exporter.artefacts.mixin import defaults, render
from wva_exporter.artefacts.mixin_files import dashboard_files, rule_files
from wva_exporter.cli import FINE
from wva_exporter.cli.output import add_output, write
from wva_exporter.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser, target: str) -> None:
    """Where to write, and what is different here."""
    del target
    add_output(parser)
    parser.add_argument(
        "--mixin.config",
        dest="mixin_config",
        type=Path,
        metavar="FILE",
        help="options of the mixin in YAML, such as `scrapeIntervalSeconds: 30`; config.libsonnet lists them",
    )


def run(arguments: argparse.Namespace) -> int:
    """Render, judge and write; files that a Prometheus would refuse are not written.

    Raises:
        ConfigError: an option is refused, or what it makes of a rule is.
    """
    options = _options(arguments.mixin_config)
    mixin = render(options)
    scrape = float({**defaults(), **options}["scrapeIntervalSeconds"])
    recorded = {str(rule["record"]) for rule in mixin.rules if "record" in rule}
    if findings := lint(mixin, scrape_interval_seconds=scrape) + lint_dashboards(mixin.dashboards, recorded):
        raise ConfigError(findings)
    files = {f"rules/{name}": text for name, text in rule_files(mixin).items()}
    files |= {f"dashboards/{name}": text for name, text in dashboard_files(mixin).items()}
    write(arguments.output, files)
    return FINE


def _options(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        options = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = f":{mark.line + 1}" if (mark := getattr(error, "problem_mark", None)) is not None else ""
        raise ConfigError([f"{path}{line}: is not YAML: {getattr(error, 'problem', None) or error}"]) from None
    if options is None:
        return {}
    if not isinstance(options, dict) or not all(isinstance(name, str) for name in options):
        raise ConfigError([f"{path}: must be a mapping of mixin options"])
    return options
