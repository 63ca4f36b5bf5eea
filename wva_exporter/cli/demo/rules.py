"""The mixin's rules in the demo's Prometheus: recorded and judged each second, with windows as short as those of the exporter.

Rendering takes some seconds and nothing waits for it: a process of its own does it beside the demo, and Prometheus reads the
files when they are there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from wva_exporter.cli.demo import scenario

OPTIONS: Mapping[str, object] = {
    "scrapeIntervalSeconds": scenario.SCRAPE_SECONDS,
    "evaluationIntervalSeconds": scenario.SCRAPE_SECONDS,
    "windowSeconds": scenario.WINDOW_FLOOR_SECONDS,
    "longWindowSeconds": 5 * scenario.WINDOW_FLOOR_SECONDS,
}
"""The mixin's options for the demo's loop, which is shorter than the usual one."""


def rule_files(folder: Path) -> str:
    """Where the rules will be, as ``rule_files`` of a Prometheus takes it."""
    return str(_made(folder) / "rules" / "*.yaml")


def rendering(folder: Path) -> tuple[str, ...]:
    """The command that makes them; its options are written to the folder."""
    options = folder / "mixin.yaml"
    options.write_text(yaml.safe_dump(dict(OPTIONS), sort_keys=False), encoding="utf-8")
    command = (sys.executable, "-m", "wva_exporter", "generate", "mixin")
    return (*command, f"--output={_made(folder)}", f"--mixin.config={options}")


def _made(folder: Path) -> Path:
    return folder / "mixin"
