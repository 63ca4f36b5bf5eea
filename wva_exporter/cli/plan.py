"""``wva-exporter plan``: one cycle, printed; nothing is published and nothing is changed."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wva_exporter.cli import FINE, UNREACHABLE
from wva_exporter.cli.arguments import add_settings, settings_loader
from wva_exporter.cli.explain import chains
from wva_exporter.cli.look import complain_unreachable, look
from wva_exporter.errors import Reason
from wva_exporter.publish.plan_json import document
from wva_exporter.service.cycle import Outcome

WIDE = 140
"""Columns of a page that goes to a file or a pipe."""

NAMES = {"VARIANT": 0, "NAMESPACE": 80, "MODEL": 100, "ACCELERATOR": 110}
"""What names a row, with the least width of a terminal that has room for it."""

LONGEST_NAME = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Settings, and the form of the answer."""
    add_settings(parser)
    parser.add_argument(
        "--output", choices=("table", "json"), default="table", help="how to print the plan (%(default)s)"
    )
    parser.add_argument(
        "--explain", action="store_true", help="below the table: how each number came about, a line a variant"
    )


def run(arguments: argparse.Namespace) -> int:
    """Look once and print what would be decided."""
    outcome = asyncio.run(look(settings_loader(arguments)())).outcome
    if not outcome.observation.reachable:
        complain_unreachable(outcome.observation)
        return UNREACHABLE
    if arguments.output == "json":
        print(json.dumps(document(outcome.plan), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print_table(outcome)
        if arguments.explain:
            print("\n" + "\n".join(chains(outcome.plan)))
    return FINE


def print_table(outcome: Outcome) -> None:
    """The plan as a table: a row a variant, and under it what an operator should know."""
    plan = outcome.plan
    variants = plan.fleet.variants
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    shown = [name for name, least in NAMES.items() if console.width >= least]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in shown:
        table.add_column(heading, overflow="ellipsis", no_wrap=True, max_width=LONGEST_NAME)
    for heading in ("NOW", "POLICY", "TARGET", "LOAD", "COST/H"):
        table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
    table.add_column("WHY", overflow="ellipsis", no_wrap=True)
    asked = plan.steps[0].replicas.listed()
    columns = (plan.current.listed(), asked, plan.target.listed(), plan.gauges.utilization.listed(), plan.cost.listed())
    for row, (now, policy, target, use, cost) in enumerate(zip(*columns, strict=True)):
        reason = plan.reasons[row]
        names = {
            "VARIANT": variants.name[row],
            "NAMESPACE": variants.namespace[row],
            "MODEL": _model(outcome, row),
            "ACCELERATOR": variants.accelerator[row] or "-",
        }
        table.add_row(
            *(Text(names[name]) for name in shown),
            _count(now),
            _count(policy),
            _count(target),
            "-" if use is None else f"{use:.0%}",
            "-" if cost is None else f"{cost:.2f}",
            Text(str(reason), style="yellow" if reason.holds else ""),
        )
    console.print(table)
    if not len(plan.fleet):
        print("No variant was found: no engine's series, and none declared. `wva-exporter check` says what is missing.")
    for sentence in outcome.catalogue.guesses:
        print(f"note: {sentence}")
    if Reason.STARTED in plan.reasons:
        print("note: started: the first look never asks for less than there is; POLICY is what the second one would.")


def _model(outcome: Outcome, row: int) -> str:
    models, variants = outcome.plan.fleet.models, outcome.plan.fleet.variants
    return models.name[int(variants.model[row])]


def _count(number: float | None) -> str:
    return "-" if number is None else f"{number:.0f}"
