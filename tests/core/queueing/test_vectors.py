"""The queueing core agrees with the recorded cases, where these are right, within the tolerances of their schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vectors.cases import read
from vectors.replay import Replay

CASES = Path(__file__).parents[2] / "data" / "cases"
MINE = [case for case in read(CASES / "queueing.yaml") if case["group"] in ("queueing", "unit")]
CURVE = read(CASES / "queueing-fcurve.csv")
REPLAY = Replay.with_all_parts()


@pytest.mark.parametrize("run", [pytest.param(run, id=run["id"]) for case in MINE for run in REPLAY.runs(case)])
def test_a_recorded_case_is_repeated(run: dict[str, Any]) -> None:
    """Chains, analysis, sizing, recommended batches and the times of the service models."""
    assert REPLAY.problems(run) == []


def test_the_capacity_curves_are_repeated() -> None:
    """Sizing points of 36 workloads over batch limits from 1 to 512, infeasible ones among them."""
    wrong = {case["id"]: found for case in CURVE for run in REPLAY.runs(case) if (found := REPLAY.problems(run))}
    assert wrong == {}
    assert len(CURVE) == 459


def test_no_case_of_the_two_groups_is_missing() -> None:
    """What was handed over is replayed, all of it."""
    assert len(MINE) == 99
