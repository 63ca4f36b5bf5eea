"""``wva-exporter simulate``: policies in closed loop with a simulated fleet, scored on the same requests."""

from __future__ import annotations

import argparse
import io
import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wva_exporter.cli import note, tell
from wva_exporter.cli.scenarios import load_scenario, name_of, shipped, shipped_file
from wva_exporter.cli.simulate_policies import SETTINGS, USUAL, entrants, names_of
from wva_exporter.cli.simulate_table import WIDE, print_board
from wva_exporter.cli.simulate_too_long import too_long
from wva_exporter.config.findings import printable
from wva_exporter.errors import ConfigError, InvalidValue
from wva_exporter.evidence.arena.board import Board, Contest, Watch, hold
from wva_exporter.evidence.arena.documents import as_csv, as_json
from wva_exporter.evidence.arena.search import LIMITS
from wva_exporter.evidence.arena.timeplot import draw_runs, write
from wva_exporter.evidence.plot import figure
from wva_exporter.twin.closed_loop import run as play
from wva_exporter.twin.contender import Contender
from wva_exporter.twin.contenders import CONTENDERS
from wva_exporter.twin.opponents.static import Static
from wva_exporter.twin.scenario import Scenario

_MOST_SEEDS = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to simulate, who takes part, how often, and where the answer goes."""
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="a shipped one by its name, or a YAML file")
    parser.add_argument("--list", action="store_true", help="list the shipped scenarios and the policies")
    parser.add_argument(
        "--policy",
        default=USUAL,
        metavar="NAME[,NAME...]",
        help="who takes part: policies, opponents and limits that --list names, with settings in brackets where they have"
        " some, such as 'hpa(kv=0.2,queue=2)' (%(default)s)",
    )
    parser.add_argument(
        "--seeds", type=int, default=5, metavar="N", help="random loads that each of them meets (%(default)s)"
    )
    parser.add_argument(
        "--output", choices=("table", "json", "csv"), default="table", help="form of the answer (%(default)s)"
    )
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="draw the first load of one scenario over time as .png or .svg; a file that is there is replaced",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of trace data, for scenarios that replay a trace"
    )
    parser.add_argument("--cache.dir", dest="cache", type=Path, metavar="DIR", help="keep results here and reuse them")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes that play at once (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Simulate, and print or draw."""
    if arguments.list:
        return tell(_listed())
    _check(arguments)
    contenders, limits = entrants(arguments.policy)
    if arguments.plot is not None:
        _check_picture(arguments.plot)
    scenarios = [load_scenario(name, arguments.data) for name in arguments.scenarios]
    contest = Contest(scenarios=scenarios, contenders=contenders, limits=limits, seeds=range(arguments.seeds))
    _check_sizes(contest)
    try:
        for line in too_long(contest):
            note(line)
        with progress() as watch:
            board = hold(contest, folder=arguments.cache, workers=arguments.jobs, watch=watch)
    except InvalidValue as error:
        raise ConfigError([printable(str(error))]) from None
    told = _told(board, arguments.output)
    if arguments.plot is not None:  # first: a closed pipe ends the program
        try:
            _draw(scenarios[0], [*contest.contenders, *board.limits[scenarios[0].name]], arguments)
        except ConfigError as error:
            with suppress(BrokenPipeError):
                tell(told)  # minutes were spent on it
            raise ConfigError([printable(f"--plot: {error}")]) from None
    return tell(told)


def _check(arguments: argparse.Namespace) -> None:
    findings = []
    if not names_of(arguments.policy):
        findings.append("--policy: give at least one")
    if not arguments.scenarios:
        findings.append("give a scenario; --list names those that are shipped")
    if len(set(arguments.scenarios)) != len(arguments.scenarios):
        findings.append("a scenario is given twice")
    else:
        findings += _same_names(arguments.scenarios)
    if not 1 <= arguments.seeds <= _MOST_SEEDS:
        findings.append(f"--seeds: must be from 1 to {_MOST_SEEDS}, is {arguments.seeds}")
    if arguments.jobs < 1:
        findings.append(f"--jobs: must be at least 1, is {arguments.jobs}")
    if arguments.plot is not None and len(arguments.scenarios) > 1:
        findings.append("--plot: one picture shows one scenario")
    if arguments.plot is not None and arguments.plot.suffix.lower() not in {".png", ".svg"}:
        findings.append(printable(f"--plot: {arguments.plot}: must end in .png or .svg"))
    if findings:
        raise ConfigError(findings)


def _same_names(scenarios: Sequence[str]) -> list[str]:
    """Results go by the name of a scenario, which a file has from its own."""
    first: dict[str, str] = {}
    return [
        printable(f"{first[name]} and {given}: both scenarios would be called {name}: rename a file")
        for given, name in zip(scenarios, map(name_of, scenarios), strict=True)
        if first.setdefault(name, given) != given
    ]


def _check_picture(path: Path) -> None:
    """That there will be a picture, before minutes are spent on what it shows.

    Only a regular file is opened: opening a FIFO waits for a reader, and a device is no place for a picture.

    Raises:
        ConfigError: it cannot be drawn or written.
    """
    figure(1.0, 1.0)
    target = os.path.realpath(path)  # a link may lead to what is not there yet
    there = os.path.exists(target)  # noqa: PTH110 - that of Path raises errors
    if there and not os.path.isdir(target) and not os.path.isfile(target):  # noqa: PTH112, PTH113
        raise ConfigError([f"--plot: {printable(str(path))}: cannot be written: must be a regular file"])
    try:
        path.open("ab").close()
    except OSError as error:
        raise ConfigError([f"--plot: {printable(str(path))}: cannot be written: {error.strerror}"]) from None
    if not there:
        Path(target).unlink(missing_ok=True)


def _check_sizes(contest: Contest) -> None:
    """That every fleet of a given size can have it, before minutes are spent on the others."""
    fixed = [contender for contender in contest.contenders if isinstance(contender, Static)]
    try:
        for contender, scenario in itertools.product(fixed, contest.scenarios):
            contender.check(scenario)
    except InvalidValue as error:
        raise ConfigError([printable(f"--policy: {error}")]) from None


def _told(board: Board, form: str) -> str:
    if form == "json":
        return as_json(board) + "\n"
    if form == "csv":
        return as_csv(board)
    terminal = sys.stdout is not None and sys.stdout.isatty()
    page = io.StringIO()
    print_board(board, Console(file=page, force_terminal=terminal, width=None if terminal else WIDE, highlight=False))
    return page.getvalue()


def _draw(scenario: Scenario, contenders: Sequence[Contender], arguments: argparse.Namespace) -> None:
    runs = [play(scenario, contender, 0) for contender in contenders]
    seeds = "The only seed." if arguments.seeds == 1 else f"The first of {arguments.seeds} seeds."
    write(draw_runs(runs, scenario.promise, f"{scenario.title}: {scenario.summary}\n{seeds}"), arguments.plot)
    note(printable(f"{arguments.plot}: written"))


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


def _listed() -> str:
    wide = max(map(len, shipped()))
    lines = ["scenarios:"]
    for name in shipped():
        given = shipped_file(name)
        lines.append(f"  {name:<{wide}}  {given.title}{' (needs --data)' if given.workload.trace is not None else ''}")
    lines.append("policies and opponents, and static-K for K replicas:")
    lines += [f"  {name}" for name in CONTENDERS]
    lines.append("limits of what is possible, sought by trying:")
    lines += [f"  {name}" for name in LIMITS]
    lines.append("settings in brackets, such as hpa(kv=0.2,queue=2,down=300):")
    lines += [f"  {name:<{wide}}  {', '.join(keys)}" for name, keys in SETTINGS.items()]
    return "\n".join(lines) + "\n"
