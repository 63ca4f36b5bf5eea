"""A few numbers of a board that are kept beside the code, so that a change of behaviour is seen and has to be meant."""

from __future__ import annotations

import json
from collections.abc import Mapping

from wva_exporter.evidence.arena.board import Board
from wva_exporter.evidence.arena.intervals import Interval

NUMBERS = ("attainment_ratio", "cost", "failed_ratio")

_LEAST = {"attainment_ratio": 0.005, "cost": 0.02, "failed_ratio": 0.005}
"""Moves that nobody needs to look at, also where all seeds agree."""

Cells = Mapping[str, Mapping[str, float]]
"""Mean and half width of each number, by ``scenario/contender/number``."""


def cells(board: Board) -> Cells:
    """The numbers of every contender in every scenario."""
    return {
        f"{scenario.name}/{name}/{number}": _rounded(board.mean(scenario.name, name, number))
        for scenario in board.scenarios
        for name in board.contenders
        for number in NUMBERS
    }


def _rounded(found: Interval) -> dict[str, float]:
    return {"mean": round(found.mean, 5), "half": round(found.half, 5)}


def moved(kept: Cells, found: Cells) -> list[str]:
    """What differs by more than the interval that was kept, or is on one side only."""
    told = [f"{name}: is new" for name in found if name not in kept]
    told += [f"{name}: is gone" for name in kept if name not in found]
    for name in (name for name in kept if name in found):
        was, now = kept[name], found[name]
        room = max(was["half"], _LEAST[name.rpartition("/")[2]])
        if not abs(now["mean"] - was["mean"]) <= room:
            told.append(f"{name}: was {was['mean']:g} ± {was['half']:g}, is {now['mean']:g}")
    return told


def as_text(found: Cells) -> str:
    """As a file, a line a cell."""
    return json.dumps(found, indent=0, sort_keys=True, allow_nan=False) + "\n"
