"""``wva-exporter simulate``: policies in closed loop with a simulated fleet, scored on the same requests."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wva_exporter.cli import FINE
from wva_exporter.cli.scenarios import load_scenario, shipped, shipped_file
from wva_exporter.cli.simulate_table import WIDE, print_board
from wva_exporter.errors import ConfigError, InvalidValue
from wva_exporter.evidence.arena.board import Board, Contest, Watch, hold
from wva_exporter.evidence.arena.documents import as_csv, as_json
from wva_exporter.evidence.arena.search import LIMITS
from wva_exporter.evidence.arena.timeplot import draw_runs
from wva_exporter.evidence.plot import save
from wva_exporter.twin.closed_loop import run as play
from wva_exporter.twin.contender import Contender
from wva_exporter.twin.contenders import CONTENDERS, contender
from wva_exporter.twin.scenario import Scenario

USUAL = "headroom,hpa"
_MOST_SEEDS = 1000
_COMMA = re.compile(r",(?![^(]*\))")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to simulate, who takes part, how often, and where the answer goes."""
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="a shipped one by its name, or a YAML file")
    parser.add_argument("--list", action="store_true", help="list the shipped scenarios and the policies")
    parser.add_argument(
        "--policy",
        default=USUAL,
        metavar="NAME[,NAME...]",
        help="policies, opponents, and the limits oracle and reactive (%(default)s)",
    )
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="repeat with N random loads (%(default)s)")
    parser.add_argument(
        "--output", choices=("table", "json", "csv"), default="table", help="form of the answer (%(default)s)"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the first seed over time (.png or .svg)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where the files of trace scenarios are")
    parser.add_argument("--cache.dir", dest="cache", type=Path, metavar="DIR", help="keep results here and reuse them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Simulate, and print or draw."""
    if arguments.list:
        _list()
        return FINE
    _check(arguments)
    scenarios = [load_scenario(name, arguments.data) for name in arguments.scenarios]
    names = _names(arguments.policy)
    contest = Contest(
        scenarios=scenarios,
        contenders=[_contender(name) for name in names if name not in LIMITS],
        limits=[name for name in LIMITS if name in names],
        seeds=range(arguments.seeds),
    )
    with progress() as watch:
        board = hold(contest, folder=arguments.cache, workers=arguments.jobs, watch=watch)
    _print(board, arguments.output)
    if arguments.plot is not None:
        _draw(scenarios[0], contest.contenders, arguments.plot)
    return FINE


def _check(arguments: argparse.Namespace) -> None:
    findings = []
    if not _names(arguments.policy):
        findings.append("--policy: give at least one")
    if not arguments.scenarios:
        findings.append("give a scenario; --list names those that are shipped")
    if len(set(arguments.scenarios)) != len(arguments.scenarios):
        findings.append("a scenario is given twice")
    if not 1 <= arguments.seeds <= _MOST_SEEDS:
        findings.append(f"--seeds: must be from 1 to {_MOST_SEEDS}, is {arguments.seeds}")
    if arguments.jobs < 1:
        findings.append(f"--jobs: must be at least 1, is {arguments.jobs}")
    if arguments.plot is not None and len(arguments.scenarios) > 1:
        findings.append("--plot: one picture shows one scenario")
    if arguments.plot is not None and arguments.plot.suffix not in {".png", ".svg"}:
        findings.append(f"--plot: {arguments.plot}: must end in .png or .svg")
    if findings:
        raise ConfigError(findings)


def _names(text: str) -> list[str]:
    """The names of a list, each once; a comma within brackets belongs to a name."""
    return list(dict.fromkeys(name.strip() for name in _COMMA.split(text) if name.strip()))


def _contender(name: str) -> Contender:
    try:
        return contender(name)
    except InvalidValue as error:
        raise ConfigError([f"--policy: {error}"]) from None


def _print(board: Board, form: str) -> None:
    if form == "json":
        print(as_json(board))
    elif form == "csv":
        print(as_csv(board), end="")
    else:
        print_board(board, Console(width=None if sys.stdout.isatty() else WIDE, highlight=False))


def _draw(scenario: Scenario, contenders: Sequence[Contender], path: Path) -> None:
    runs = [play(scenario, contender, 0) for contender in contenders]
    save(draw_runs(runs, scenario.promise, f"{scenario.title}: {scenario.summary}"), path)
    print(f"{path}: written", file=sys.stderr)


@contextmanager
def progress() -> Iterator[Watch]:
    """A bar on standard error, where that is a terminal: the answer goes to standard output alone."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks = {}

        def watch(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done)

        yield watch


def _list() -> None:
    wide = max(map(len, shipped()))
    print("scenarios:")
    for name in shipped():
        given = shipped_file(name)
        print(f"  {name:<{wide}}  {given.title}{' (needs --data)' if given.workload.trace is not None else ''}")
    print(
        "policies, some with settings in brackets, such as hpa(kv=0.2,queue=2,down=300), and static-K for K replicas:"
    )
    for name in (*CONTENDERS, *LIMITS):
        print(f"  {name}")
