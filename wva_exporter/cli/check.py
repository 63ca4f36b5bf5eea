"""``wva-exporter check``: is the configuration good, and does the data source have what it needs?"""

from __future__ import annotations

import argparse
import asyncio
import json

from wva_exporter.cli import FINDINGS, FINE, UNREACHABLE
from wva_exporter.cli.arguments import add_settings, settings_loader
from wva_exporter.cli.look import complain_unreachable, look
from wva_exporter.config.json_schema import json_schema
from wva_exporter.service.examine import examine
from wva_exporter.service.wiring import declarations_of, source_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Settings, and how far to go."""
    add_settings(parser)
    parser.add_argument("--offline", action="store_true", help="validate the configuration only, ask nobody")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the configuration file")


def run(arguments: argparse.Namespace) -> int:
    """Print findings and notes; 1 when there are findings."""
    if arguments.schema:
        print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
        return FINE
    settings = settings_loader(arguments)()
    declared = declarations_of(settings)
    print(f"configuration: fine ({len(declared.models)} models, {len(declared.variants)} variants declared)")
    if settings.prometheus is not None or settings.scrape is not None:
        source_of(settings)  # reads the files of credentials, and refuses bad ones as ``run`` would
    if arguments.offline:
        return FINE
    seen = asyncio.run(look(settings, measure=True))
    if not seen.outcome.observation.reachable:
        complain_unreachable(seen.outcome.observation)
        return UNREACHABLE
    report = examine(seen.outcome, settings, seen.interval)
    fleet = seen.outcome.plan.fleet
    print(f"fleet: {len(fleet.models)} models, {len(fleet)} variants, {len(seen.outcome.snapshot.replicas)} replicas")
    for finding in report.findings:
        print(f"finding: {finding}")
    for note in report.notes:
        print(f"note: {note}")
    print(f"{len(report.findings)} findings, {len(report.notes)} notes")
    return FINDINGS if report.findings else FINE
