"""Requests of a scenario that nobody can serve: ``simulate`` says so beside its answer."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from small_scenario import SMALL, simulated

from wva_exporter.cli import main
from wva_exporter.cli.scenarios import load_scenario


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A scenario of three minutes."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return str(path)


LONGER = SMALL.replace("kv_tokens: 9600", "kv_tokens: 2607")
CACHE = "the 2,592 that the KV cache of a holds"


@pytest.mark.parametrize(
    ("text", "seeds", "place"),
    [
        (LONGER, 1, CACHE),
        (LONGER, 3, CACHE),
        (
            SMALL.replace("max_model_tokens: 4096", "max_model_tokens: 2000"),
            2,
            "the 2,000 that a takes by its max_model_tokens",
        ),
        (
            LONGER.replace(
                "workload:",
                "  - {name: b, accelerator: H100, cost: 1, min: 0, max: 2, startup: 1s, "
                "engine: {alpha_ms: 6, beta_ms: 0.02, gamma_ms: 0.0001, kv_tokens: 2000}}\nworkload:",
            ),
            1,
            "the 2,000 that the KV cache of b holds",
        ),
    ],
    ids=["one seed", "several seeds", "the longest that an engine takes", "two kinds"],
)
def test_requests_that_nobody_can_serve_are_told_once_beside_the_answer(
    small: str, text: str, seeds: int, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many as the runs then refuse, in one line on standard error; what a program reads has nothing of it."""
    Path(small).write_text(text)
    command = ["simulate", small, "--policy=hpa,static-2", f"--seeds={seeds}", "--jobs=1", "--output=csv"]
    assert main(command) == 0
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    over = rf" \({seeds} seeds\)" if seeds > 1 else ""
    told = re.fullmatch(
        rf"small: (\d+) of ([\d,]+) requests{over} ha(?:s|ve) more tokens than {place}, and (?:is|are) refused"
        " whatever a policy does",
        line,
    )
    assert told is not None, line
    offered = [len(load_scenario(small).requests(seed)) for seed in range(seeds)]
    rows = list(csv.DictReader(io.StringIO(said.out)))
    for policy in ("hpa", "static-2"):
        ratios = [float(row["refused_ratio"]) for row in rows if row["policy"] == policy]
        refused = [round(ratio * requests) for ratio, requests in zip(ratios, offered, strict=True)]
        assert told.groups() == (str(sum(refused)), f"{sum(offered):,}")
        assert sum(refused) > 0


def test_nothing_is_told_where_every_request_fits(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The longest of this load is just as long as what the engine takes."""
    Path(small).write_text(SMALL.replace("max_model_tokens: 4096", "max_model_tokens: 4000"))
    assert main(["simulate", small, "--policy=static-2", "--seeds=1", "--jobs=1"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("shell", ["2>&-", "2> /dev/full"])
def test_what_is_told_beside_the_answer_never_gets_into_it(small: str, shell: str) -> None:
    """Standard error that is closed or full: the answer is the same, exit code 0."""
    Path(small).write_text(LONGER)
    done = simulated(shell, small, "--policy=static-2", "--seeds=1", "--jobs=1", "--output=json")
    assert done.returncode == 0
    assert done.stdout.startswith("{")
    assert json.loads(done.stdout)["seeds"] == [0]
