"""The opponents' settings, tried out as a diligent operator would: a grid, printed, and the best of it takes part."""

from __future__ import annotations

import numpy as np

from wva_exporter.evidence.arena.board import Board
from wva_exporter.evidence.arena.quality import OURS, better_on_both

KINDS = ("hpa", "keda")
AFFORDABLE = 1.1
"""Who tunes for the best service may pay a tenth more than we do."""


def grid() -> tuple[str, ...]:
    """HPAs on KV cache and queue, KEDA on the router's queue and running requests."""
    hpas = [
        f"hpa(kv={kv},queue={queue},down={down})" for kv in (0.2, 0.35, 0.6) for queue in (1, 3) for down in (120, 300)
    ]
    return (*hpas, *(f"keda(queue={queue},running={running})" for queue in (1, 5) for running in (8, 24)))


def choose(board: Board) -> tuple[str, ...]:
    """Of each kind the setting that attains most in the mean of what is affordable; the cheapest if none is."""
    found = []
    for kind in KINDS:
        names = [name for name in board.contenders if name.startswith(f"{kind}(")]
        affordable = [name for name in names if _cost(board, name) <= AFFORDABLE]
        best = max(affordable, key=lambda name: _good(board, name)) if affordable else None
        found.append(best or min(names, key=lambda name: _cost(board, name)))
    return tuple(found)


def grid_table(board: Board, chosen: tuple[str, ...]) -> str:
    """Means over the feasible scenarios: attainment, cost as a multiple of ours, and where a setting beats us on both."""
    lines = ["| setting | good % | cost | better on both in |", "| --- | --: | --: | --- |"]
    for name in board.contenders:
        where = [s.name for s in board.scenarios if name != OURS and s.feasible and better_on_both(board, s.name, name)]
        shown = f"**{name}**" if name in chosen else name
        lines.append(
            f"| {shown} | {100 * _good(board, name):.1f} | {_cost(board, name):.2f} | {', '.join(where) or '-'} |"
        )
    return "\n".join(lines) + "\n"


def _good(board: Board, name: str) -> float:
    found = [board.mean(s.name, name, "attainment_ratio").mean for s in board.scenarios if s.feasible]
    return float(np.mean(found))


def _cost(board: Board, name: str) -> float:
    return float(np.mean([board.ratio(s.name, name, OURS, "cost").mean for s in board.scenarios if s.feasible]))
