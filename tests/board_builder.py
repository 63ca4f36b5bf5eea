"""Boards with scores that are written down, for what is told about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from arena_builder import scenario

from wva_exporter.evidence.arena.board import Board
from wva_exporter.evidence.arena.score import Score
from wva_exporter.twin.scenario import Scenario

SCORE = Score(
    offered_rps=10.0,
    completed_rps=10.0,
    good_rps=9.0,
    timed_out_ratio=0.0,
    lost_ratio=0.0,
    refused_ratio=0.0,
    attainment_ratio=0.9,
    ttft_p50_seconds=0.1,
    ttft_p95_seconds=1.5,
    ttft_p99_seconds=2.5,
    itl_p50_seconds=0.01,
    itl_p95_seconds=0.02,
    itl_p99_seconds=0.03,
    replica_hours=2.0,
    cost=10.0,
    energy_kilowatt_hours=1.0,
    cost_per_1000_good=1.0,
    actions=4.0,
    reversals=1.0,
    deciding_seconds=0.1,
)


def scored(good: float, cost: float, **others: float) -> Score:
    """A score with this attainment and cost; ten requests a second are offered for 1,000 s."""
    per_good = cost / good / 10.0
    return replace(SCORE, attainment_ratio=good, good_rps=10 * good, cost=cost, cost_per_1000_good=per_good, **others)


def board(
    table: Mapping[str, Mapping[str, Score | Sequence[Score]]], scenarios: Sequence[Scenario] = (), seeds: int = 3
) -> Board:
    """Scores by scenario and contender; a single one is that of every seed."""
    made = tuple(scenarios) or tuple(scenario(name=name) for name in table)
    scores = {
        (name, who): (score,) * seeds if isinstance(score, Score) else tuple(score)
        for name, row in table.items()
        for who, score in row.items()
    }
    return Board(scenarios=made, contenders=tuple(next(iter(table.values()))), seeds=tuple(range(seeds)), scores=scores)
