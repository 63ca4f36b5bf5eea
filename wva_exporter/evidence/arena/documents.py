"""A board for programs: JSON with means and how sure they are, CSV with every run; six digits, a run is worth no more."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import fields

from wva_exporter.evidence.arena.board import Board
from wva_exporter.evidence.arena.intervals import Interval
from wva_exporter.evidence.arena.score import Score
from wva_exporter.evidence.arena.search import LIMITS

NUMBERS = tuple(field.name for field in fields(Score) if field.name != "deciding_seconds")
"""All but the time that deciding took on this machine: the same seeds give the same bytes."""


def as_json(board: Board) -> str:
    """Every number's mean over the seeds with half the width of its 95 % interval; what is endless or unknown is null.

    ``of_oracle`` and ``of_reactive``, where these took part, are the ratios of attainment and cost to theirs.
    """
    scenarios = [
        {
            "name": scenario.name,
            "title": scenario.title,
            "feasible": scenario.feasible,
            "ttft_seconds": scenario.promise.ttft_seconds,
            "itl_seconds": scenario.promise.itl_seconds,
            "policies": [_policy(board, scenario.name, name) for name in board.contenders],
        }
        for scenario in board.scenarios
    ]
    return json.dumps({"seeds": list(board.seeds), "scenarios": scenarios}, indent=2, allow_nan=False)


def _policy(board: Board, scenario: str, name: str) -> dict[str, object]:
    told: dict[str, object] = {"name": name}
    told |= {number: _interval(board.mean(scenario, name, number)) for number in NUMBERS}
    for limit in LIMITS:
        if limit in board.contenders:
            told[f"of_{limit}"] = {
                number: _interval(board.ratio(scenario, name, limit, number)) for number in ("attainment_ratio", "cost")
            }
    return told


def _interval(found: Interval) -> dict[str, float | None]:
    return {"mean": _finite(found.mean), "half": _finite(found.half)}


def _finite(number: float) -> float | None:
    return float(_short(number)) if math.isfinite(number) else None


def _short(number: float) -> str:
    return f"{number:.6g}"


def as_csv(board: Board) -> str:
    """A row a run; what is unknown is empty, what is endless ``inf``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["scenario", "policy", "seed", *NUMBERS])
    for (scenario, name), scores in board.scores.items():
        for seed, score in zip(board.seeds, scores, strict=True):
            numbers = score.numbers()
            row = ["" if math.isnan(numbers[number]) else _short(numbers[number]) for number in NUMBERS]
            writer.writerow([scenario, name, seed, *row])
    return text.getvalue()
