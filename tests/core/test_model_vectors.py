"""Solver, tuner, queueing-model analyzer and throughput analyzer agree with the original, and are right where it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vectors.cases import read
from vectors.replay import Replay

REPLAY = Replay.with_all_parts()
GROUPS = ("solver", "queueing_model_analyzer", "throughput_analyzer")
UNITS = ("transition_penalty", "zero_load_max_rate", "valid_itl_model")
CASES = [
    case
    for case in read(Path(__file__).parent.parent / "data" / "cases" / "queueing.yaml")
    if case["group"] in GROUPS or case["op"] in UNITS
]


@pytest.mark.parametrize(
    "run", [pytest.param(run, id=f"{run['id']}-{run['compat']}") for case in CASES for run in REPLAY.runs(case)]
)
def test_the_case_is_answered(run: dict[str, Any]) -> None:
    """As the original does, or as it should have: whichever the case asks for."""
    assert REPLAY.problems(run) == []


def test_every_case_of_these_groups_is_replayed() -> None:
    """19 systems, 7 filter steps, 4 guesses, 8 analyses, 2 probes, 16 sequences, 10 of their parts."""
    assert len(CASES) == 19 + 7 + 4 + 8 + 2 + 16 + 10
