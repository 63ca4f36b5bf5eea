"""``wva-exporter generate``: write what others load; a target is a module of its own."""

from __future__ import annotations

import argparse
from importlib import import_module
from types import ModuleType

TARGETS = {
    "mixin": ("mixin", "recording rules and alerts for Prometheus, dashboards for Grafana"),
    "hpa": ("actuators", "HorizontalPodAutoscalers that follow the targets, one a variant"),
    "keda": ("actuators", "KEDA ScaledObjects that follow the targets, one a variant"),
    "adapter": ("adapter", "the rule by which prometheus-adapter serves the targets to HPAs"),
}
"""Each target, the module ``generate_*`` that makes it, and what it is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command a target."""
    targets = parser.add_subparsers(dest="target", metavar="TARGET", required=True)
    for name, (module, text) in TARGETS.items():
        target = targets.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False)
        _module(module).add_arguments(target, name)


def run(arguments: argparse.Namespace) -> int:
    """Make one target; returns the exit code."""
    code: int = _module(TARGETS[arguments.target][0]).run(arguments)
    return code


def _module(name: str) -> ModuleType:
    return import_module(f"wva_exporter.cli.generate_{name}")
