"""A board for people: a table a scenario, a row a policy, as wide as the page.

No name is cut and no number: long names are broken, and where that is not enough the last columns are left out.
"""

from __future__ import annotations

import math

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wva_exporter.evidence.arena.board import Board
from wva_exporter.evidence.arena.intervals import Interval
from wva_exporter.evidence.arena.search import LIMITS, ORACLE
from wva_exporter.twin.scenario import Scenario

WIDE = 100
"""Columns of a page that goes to a file or a pipe."""

_NAME = 19
"""Characters of a name in one line, at least; where the page has room more."""

_HEADINGS = ("GOOD %", "FAIL %", "TTFT P95", "ITL P95", "HOURS", "COST", "PER 1K", "MOVES", "BACK")
_ORACLE = "ORACLE=1: good requests and cost as multiples of what perfect foresight reaches."
_EXPLAINED = (
    "GOOD: requests served as promised, and how sure that is. FAIL: not served, and late in the P95.",
    "HOURS: of replicas; COST: theirs; PER 1K: of a thousand good requests.",
    "MOVES: changes of the number of replicas; BACK: those soon after one in the other direction.",
)


def print_board(board: Board, console: Console) -> None:
    """All tables, and what their columns mean."""
    for scenario in board.scenarios:
        console.print(_heading(scenario, board), soft_wrap=False)
        table, missing = _table(board, scenario, console.width)
        console.print(table)
        if missing:
            console.print(Text(f"A wider page has {', '.join(missing)} too.", style="dim"))
        console.print()
    for line in (*_EXPLAINED, *((_ORACLE,) if ORACLE in board.contenders else ())):
        console.print(Text(line, style="dim"))


def _heading(scenario: Scenario, board: Board) -> Text:
    promise = scenario.promise
    seeds = f"{len(board.seeds)} seed{'s' if len(board.seeds) > 1 else ''}"
    heading = Text(scenario.name, style="bold")
    heading.append(f"  {scenario.summary}", style="")
    heading.append(
        f"\nfirst token within {_seconds(promise.ttft_seconds)}, then one in {_seconds(promise.itl_seconds)} at most;"
        f" {_length(scenario.duration_seconds)}, {seeds}"
        + ("" if scenario.feasible else "; nobody can carry this load"),
        style="dim",
    )
    return heading


def _table(board: Board, scenario: Scenario, width: int) -> tuple[Table, list[str]]:
    """The table, and the headings of columns that it has no room for."""
    compared = ORACLE in board.contenders
    headings = [*_HEADINGS, *(("ORACLE=1",) if compared else ())]
    rows = [_row(board, scenario.name, name, compared=compared) for name in board.contenders]
    wide = [max(map(len, column)) + 1 for column in zip(headings, *(row[1:] for row in rows), strict=True)]
    name = min(max(map(len, board.contenders)), _NAME)
    shown = max((count for count in range(len(wide) + 1) if name + sum(wide[:count]) <= width), default=0)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("POLICY", overflow="fold")
    for heading in headings[:shown]:
        table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
    for row in rows:
        table.add_row(*map(Text, row[: shown + 1]), style="dim" if row[0] in LIMITS else "")
    return table, headings[shown:]


def _row(board: Board, scenario: str, name: str, *, compared: bool) -> list[str]:
    def value(number: str) -> float:
        return board.mean(scenario, name, number).mean

    def middle(number: str) -> float:
        return float(np.median(board.column(scenario, name, number)))

    cells = [
        name,
        _share(board.mean(scenario, name, "attainment_ratio")),
        f"{100 * value('failed_ratio'):.1f}",
        _seconds(middle("ttft_p95_seconds")),
        _seconds(middle("itl_p95_seconds")),
        f"{value('replica_hours'):.2f}",
        f"{value('cost'):.2f}",
        _money(value("cost_per_1000_good")),
        f"{value('actions'):.1f}",
        f"{value('reversals'):.1f}",
    ]
    if compared:
        good = board.ratio(scenario, name, ORACLE, "attainment_ratio").mean
        cells.append(f"{good:.2f}/{board.ratio(scenario, name, ORACLE, 'cost').mean:.2f}")
    return cells


def _share(found: Interval) -> str:
    sure = f" ±{100 * found.half:.1f}" if math.isfinite(found.half) else ""
    return f"{100 * found.mean:.1f}{sure}"


def _money(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"


def _seconds(value: float) -> str:
    """A time as a person says it; endless where the share is not served at all."""
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "never"
    return f"{1000 * value:.0f} ms" if value < 1.0 else f"{value:.1f} s"


def _length(seconds: float) -> str:
    for unit, of in ((86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:g} {of}"
    return f"{seconds:g} seconds"
