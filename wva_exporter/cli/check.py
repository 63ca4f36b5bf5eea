"""``wva-exporter check``: is the configuration good, and does the data source have what it needs?"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from wva_exporter.artefacts.lint_manifests import lint
from wva_exporter.cli import FINDINGS, FINE, UNREACHABLE
from wva_exporter.cli.arguments import add_settings, settings_loader
from wva_exporter.cli.look import complain_unreachable, look
from wva_exporter.cli.output import NAMESPACE_LABELS, add_cluster, cluster_of
from wva_exporter.config.json_schema import json_schema
from wva_exporter.config.schema import Settings
from wva_exporter.conventions import DESIRED_REPLICAS
from wva_exporter.service.examine import examine
from wva_exporter.service.wiring import catalogue_of, declarations_of, source_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Settings, and how far to go."""
    add_settings(parser)
    parser.add_argument("--offline", action="store_true", help="validate the configuration only, ask nobody")
    parser.add_argument(
        "--manifests",
        type=Path,
        action="append",
        metavar="DIR",
        help="look for known traps in the HPAs and ScaledObjects of this folder or file, may be given several times",
    )
    parser.add_argument(
        "--namespace-label",
        choices=NAMESPACE_LABELS,
        help="label of a variant's namespace in the store; with --manifests, either will do if not given",
    )
    add_cluster(parser)
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the configuration file")


def run(arguments: argparse.Namespace) -> int:
    """Print findings and notes; 1 when there are findings."""
    if arguments.schema:
        print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
        return FINE
    settings = settings_loader(arguments)()
    declared = declarations_of(settings)
    catalogue_of(settings)
    print(f"configuration: fine ({len(declared.models)} models, {len(declared.variants)} variants declared)")
    if settings.prometheus is not None or settings.scrape is not None:
        source_of(settings)  # reads the files of credentials, and refuses bad ones as ``run`` would
    if arguments.manifests is None:
        return FINE if arguments.offline else _examine(settings)
    found = _lint(arguments, {(variant.namespace, variant.name) for variant in declared.variants})
    asks = not arguments.offline and (settings.prometheus is not None or settings.scrape is not None)
    return (_examine(settings) if asks else FINE) or found


def _lint(arguments: argparse.Namespace, known: set[tuple[str, str]]) -> int:
    """Traps of the objects in files; nobody is asked for that."""
    linted = lint(
        arguments.manifests,
        cluster=cluster_of(arguments),
        known=known,
        namespace_label=arguments.namespace_label,
    )
    findings = list(linted.findings)
    if not linted.looked_at:
        findings.append(f"{', '.join(map(str, arguments.manifests))}: nothing here follows {DESIRED_REPLICAS.name}")
    for finding in findings:
        print(finding)
    print(
        f"manifests: {linted.looked_at} objects looked at, {linted.passed_over} follow something else, "
        f"{len(findings)} findings"
    )
    return FINDINGS if findings else FINE


def _examine(settings: Settings) -> int:
    """What the data source lacks."""
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
