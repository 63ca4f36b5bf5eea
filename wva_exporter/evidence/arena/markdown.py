"""A board as Markdown, for the page of evidence: what is lost stays in the tables, and is marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from wva_exporter.errors import InvalidValue
from wva_exporter.evidence.arena.board import Board
from wva_exporter.evidence.arena.intervals import Interval
from wva_exporter.evidence.arena.quality import OURS, Demand, better_on_both
from wva_exporter.evidence.arena.search import LIMITS, ORACLE, REACTIVE
from wva_exporter.twin.scenario import Scenario

BETTER = "**better**"
"""Beside an opponent that beats us on attainment and cost at once."""


def summary(board: Board) -> str:
    """A row a scenario, a column a contender: attainment in percent, and below it cost as a multiple of ours."""
    if not board.scenarios:
        return "None was played: its data were not at hand.\n"
    names = board.contenders
    lines = [_row(["scenario", *names]), _row(["---", *(["--:"] * len(names))])]
    for scenario in board.scenarios:
        cells = [_summary_cell(board, scenario.name, name) for name in names]
        lines.append(_row([scenario.name, *cells]))
    means = [_mean_cell(board, name) for name in names]
    return "\n".join([*lines, _row(["**mean of feasible ones**", *means])]) + "\n"


def _summary_cell(board: Board, scenario: str, name: str) -> str:
    good = f"{100 * board.mean(scenario, name, 'attainment_ratio').mean:.1f}"
    if name == OURS or OURS not in board.contenders:
        return good
    cost = f"{good} / {board.ratio(scenario, name, OURS, 'cost').mean:.2f}"
    return f"**{cost}**" if name not in LIMITS and better_on_both(board, scenario, name) else cost


def _mean_cell(board: Board, name: str) -> str:
    feasible = [scenario.name for scenario in board.scenarios if scenario.feasible]
    if not feasible:
        return "-"
    good = f"{100 * np.mean([board.mean(each, name, 'attainment_ratio').mean for each in feasible]):.1f}"
    if name == OURS or OURS not in board.contenders:
        return good
    return f"{good} / {np.mean([board.ratio(each, name, OURS, 'cost').mean for each in feasible]):.2f}"


def scenario_table(board: Board, scenario: Scenario) -> str:
    """What each contender reached in a scenario."""
    played = len(board.scores[scenario.name, board.contenders[0]])
    nobody = "" if scenario.feasible else " Nobody can carry this load."
    heading = f"### {scenario.name}\n\n{scenario.summary}{nobody} {played} seeds.\n"
    names = ("good %", "failed %", "TTFT p95", "ITL p95", "cost", "per 1,000 good", "changes", "reversals")
    limits = [limit for limit in LIMITS if limit in board.contenders]
    columns = ["", *names, *(f"of {limit}: good, cost" for limit in limits)]
    lines = [_row(columns), _row(["---", *(["--:"] * (len(columns) - 1))])]
    for name in board.contenders:
        shares = [
            f"{board.ratio(scenario.name, name, limit, 'attainment_ratio').mean:.3f},"
            f" {board.ratio(scenario.name, name, limit, 'cost').mean:.2f}"
            for limit in limits
        ]
        lines.append(_row([_named(board, scenario.name, name), *_numbers(board, scenario.name, name), *shares]))
    return "\n".join([heading, *lines]) + "\n"


def _named(board: Board, scenario: str, name: str) -> str:
    if name in {ORACLE, REACTIVE}:
        return f"*{name}*"
    loses = OURS in board.contenders and name != OURS and better_on_both(board, scenario, name)
    return f"{name} {BETTER}" if loses else name


def _numbers(board: Board, scenario: str, name: str) -> list[str]:
    def mean(number: str) -> Interval:
        return board.mean(scenario, name, number)

    def middle(number: str) -> str:
        return _seconds(float(np.median(board.column(scenario, name, number))))

    each = mean("cost_per_1000_good").mean
    return [
        _sure(mean("attainment_ratio"), 100.0),
        f"{100 * mean('failed_ratio').mean:.1f}",
        middle("ttft_p95_seconds"),
        middle("itl_p95_seconds"),
        f"{mean('cost').mean:.2f}",
        f"{each:.2f}" if math.isfinite(each) else "-",
        f"{mean('actions').mean:.1f}",
        f"{mean('reversals').mean:.1f}",
    ]


def demand_list(demands: Sequence[Demand]) -> str:
    """Which demands hold, and which are missed where and by how much."""
    lines = []
    for demand in demands:
        said = "holds" if demand.holds else f"**missed** in {len(demand.misses)} of {demand.checked}"
        lines.append(f"- {demand.text}: {said}" + (f": {'; '.join(demand.misses)}" if demand.misses else ""))
    return "\n".join(lines) + "\n"


def changed_table(board: Board, rows: Sequence[tuple[str, str]]) -> str:
    """A row a changed scenario, by its label: attainment in percent and cost of each contender."""
    lines = [_row(["changed", *board.contenders]), _row(["---", *(["--:"] * len(board.contenders))])]
    for label, scenario in rows:
        cells = [
            f"{100 * board.mean(scenario, name, 'attainment_ratio').mean:.1f} / {board.mean(scenario, name, 'cost').mean:.2f}"
            for name in board.contenders
        ]
        lines.append(_row([label, *cells]))
    return "\n".join(lines) + "\n"


def filled(page: str, sections: Mapping[str, str]) -> str:
    """The page with each section between its markers ``<!-- name -->`` and ``<!-- /name -->`` replaced.

    Raises:
        InvalidValue: the page lacks a marker.
    """
    for name, text in sections.items():
        before, begin, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not (begin and end):
            raise InvalidValue(f"the page has no markers of {name}")
        page = f"{before}{begin}\n{text}\n{end}{after}"
    return page


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _sure(found: Interval, times: float) -> str:
    half = f" ± {times * found.half:.1f}" if math.isfinite(found.half) else ""
    return f"{times * found.mean:.1f}{half}"


def _seconds(value: float) -> str:
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "never"
    return f"{1000 * value:.0f} ms" if value < 1.0 else f"{value:.1f} s"
