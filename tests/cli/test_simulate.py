"""``simulate``: what it prints, draws and refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from wva_exporter.cli import main
from wva_exporter.cli.scenarios import shipped

SMALL = """\
title: Small
summary: Three times the load after a minute.
model: m
promise: {ttft: 2s, itl: 50ms}
duration: 3m
variants:
  - name: a
    accelerator: H100
    cost: 2.5
    min: 1
    max: 4
    startup: 30s
    engine: {alpha_ms: 6.7, beta_ms: 0.0208, gamma_ms: 0.000049, kv_tokens: 9600, max_model_tokens: 4096}
workload:
  legs: [{rps: 1, for: 1m}, {rps: 3, for: 2m}]
  prompt: {lognormal: {mean: 800, sigma: 0.5, most: 2000}}
  output: {lognormal: {mean: 500, sigma: 0.5, most: 2000}}
  patience: 30s
"""


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A scenario of three minutes."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return str(path)


def test_the_table_has_a_row_a_policy_within_a_hundred_columns(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Limits too, and nothing is cut off."""
    policies = "headroom,hpa,hpa(kv=0.2,queue=2),oracle,reactive"
    assert main(["simulate", small, "--policy", policies, "--seeds", "2", "--jobs", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert "…" not in "".join(lines)
    heading = next(place for place, line in enumerate(lines) if line.startswith("POLICY"))
    rows = lines[heading + 1 : heading + 6]
    assert [row.split()[0] for row in rows] == ["headroom", "hpa", "hpa(kv=0.2,queue=2)", "oracle", "reactive"]
    assert rows[3].endswith("1.00/1.00")


def test_the_same_command_gives_the_same_numbers(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In one process or two, kept results or new ones: only the time that deciding took differs."""
    told = []
    for flags in (["--jobs", "1"], ["--jobs", "2"]):
        assert main(["simulate", small, "--policy", "hpa,wva-v2", "--seeds", "2", "--output", "csv", *flags]) == 0
        rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        told.append([{**row, "deciding_seconds": ""} for row in rows])
    assert told[0] == told[1]
    assert len(told[0]) == 4


def test_results_are_kept_where_one_says(small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file a run; the second time they are read, to the last digit of how long deciding took."""
    folder = tmp_path / "kept"
    command = ["simulate", small, "--policy=hpa", "--seeds=2", "--jobs=1", "--output=json", f"--cache.dir={folder}"]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert len(list(folder.rglob("*.json"))) == 2
    assert main(command) == 0
    assert capsys.readouterr().out == first
    assert json.loads(first)["scenarios"][0]["policies"][0]["name"] == "hpa"


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_picture_is_drawn_and_nothing_else_goes_to_standard_output(
    small: str, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a program reads is not mixed with words."""
    picture = tmp_path / f"small.{suffix}"
    command = ["simulate", small, "--policy=hpa,static-2", "--seeds=1", "--jobs=1", "--output=json"]
    assert main([*command, f"--plot={picture}"]) == 0
    said = capsys.readouterr()
    json.loads(said.out)
    assert str(picture) in said.err
    head = picture.read_bytes()[:200]
    assert head.startswith(b"\x89PNG") if suffix == "png" else b"<svg" in picture.read_bytes()
    assert picture.stat().st_size > 10_000


def test_everything_that_can_be_simulated_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Scenarios, those that need data marked, and policies."""
    assert main(["simulate", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in shipped())
    assert any(line.endswith("(needs --data)") for line in said.splitlines() if "azure" in line)
    assert {"  headroom", "  oracle"} <= set(said.splitlines())


@pytest.mark.parametrize(
    ("arguments", "finding"),
    [
        ([], "give a scenario; --list names those that are shipped"),
        (["sinus"], "sinus: no scenario is called so"),
        (["nowhere.yaml"], "nowhere.yaml: no such file"),
        (["sine", "--policy", "headrom"], "--policy: "),
        (["sine", "--policy", ","], "--policy: give at least one"),
        (["sine", "--seeds", "0"], "--seeds: must be from 1 to 1000, is 0"),
        (["sine", "--jobs", "0"], "--jobs: must be at least 1"),
        (["sine", "sine"], "a scenario is given twice"),
        (["sine", "flash-crowd", "--plot", "x.png"], "--plot: one picture shows one scenario"),
        (["sine", "--plot", "x.pdf"], "must end in .png or .svg"),
        (["azure-conversation"], "--data"),
    ],
)
def test_what_cannot_be_simulated_is_said_in_a_line(
    arguments: list[str], finding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, nothing on standard output, no traceback."""
    assert main(["simulate", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("wva-exporter: ")
    assert finding in line


def test_a_scenario_that_is_refused_names_file_line_and_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a configuration is."""
    path = tmp_path / "bad.yaml"
    path.write_text(SMALL.replace("max: 4", "max: many"))
    assert main(["simulate", str(path)]) == 2
    assert f"{path}:11: variants[0].max: " in capsys.readouterr().err
