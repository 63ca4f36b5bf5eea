"""The vectors pass, and their runner would notice if they did not."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from architecture import ROOT

from vectors.__main__ import main
from vectors.cases import BadFile, Case, read
from vectors.expectation import Expectation, Kind, dotted, problems
from vectors.replay import Replay

FILES = sorted((ROOT / "tests" / "data" / "cases").iterdir())
REPLAY = Replay.with_all_parts()
BOUNDS = {Kind.AT_LEAST: 1, Kind.AT_MOST: -1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A case that was replayed: what is expected of it and what was answered."""

    case: Case
    expected: list[Expectation]
    answer: Any


def replayed(path: Path) -> list[Run]:
    """Every case of a file in every mode; of the long curve every ninth point, because its own tests ask for all at once."""
    cases = read(path)[:: 9 if path.suffix == ".csv" else 1]
    runs = [run for case in cases for run in REPLAY.runs(case)]
    return [Run(case=run, expected=REPLAY.expectations(run), answer=REPLAY.answer(run)) for run in runs]


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.name)
def runs(request: pytest.FixtureRequest) -> list[Run]:
    """The runs of one file, answered once for all tests of it."""
    return replayed(request.param)


def test_every_part_can_be_used() -> None:
    """No module of the vectors is broken, and no two answer the same."""
    assert REPLAY.parts.broken == []


def test_every_case_passes(runs: list[Run]) -> None:
    """Within the tolerances of the schema and nothing looser."""
    wrong = {run.case["id"]: found for run in runs if (found := problems(run.expected, run.answer))}
    assert wrong == {}
    assert all(run.expected for run in runs)


def moved(run: Run, each: Expectation) -> Iterator[Any]:
    """Other values for what is wanted: twice the tolerance away, or simply not the same."""
    want = each.want
    if each.kind is Kind.NEAR:
        step = 2 * each.tolerance or abs(want) * 1e-6 or 1e-6
        yield from (want - step, want + step)
    elif each.kind in BOUNDS:
        yield run.answer["targets"][each.path[-1]] + BOUNDS[each.kind]
    elif isinstance(want, bool):
        yield not want
    elif isinstance(want, int | float):
        yield from (want - 1, want + 1)
    elif isinstance(want, str):
        yield want + "x"


def rewritten(run: Run, source: tuple[str | int, ...], value: Any) -> Case:
    """The case with another value where an expectation was written."""
    case = dict(run.case)
    root = "corrected" if "corrected" in case else "out"
    path = (root, *source) if "area" in case else source
    case[str(path[0])] = copy.deepcopy(case[str(path[0])])
    place = case
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return case


def test_every_expectation_that_is_moved_fails(runs: list[Run]) -> None:
    """Each number by twice its tolerance to either side, each flag and word otherwise: none of them could be anything else."""
    unnoticed = [
        f"{run.case['id']} ({run.case['compat']}): {dotted(each.path)} as {value!r}"
        for run in runs
        for each in run.expected
        if each.source is not None
        for value in moved(run, each)
        if not problems(REPLAY.expectations(rewritten(run, each.source, value)), run.answer)
    ]
    assert unnoticed == []


def test_what_no_file_says_cannot_move_either(runs: list[Run]) -> None:
    """Expectations that follow from others, such as a supply from its capacity, are as tight."""
    unnoticed = [
        (run.case["id"], each.path)
        for run in runs
        for each in run.expected
        if each.source is None and each.kind in (Kind.NEAR, Kind.LENGTH)
        for value in ((each.want - 1, each.want + 1) if each.kind is Kind.LENGTH else moved(run, each))
        if replace(each, want=value).problem(run.answer) is None
    ]
    assert unnoticed == []


def numbers(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where numbers stand in nested data."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from numbers(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from numbers(inner, (*path, place))
    elif isinstance(value, int | float):
        yield path


def test_no_number_of_an_expectation_is_passed_over(runs: list[Run]) -> None:
    """Every number under `out`, `exact_float64`, `expect` and, where nothing better is there, `expect_go` is compared."""
    for run in runs:
        case, covered = run.case, {each.source for each in run.expected}
        if "area" in case:
            out = case["corrected"] if "corrected" in case else case["out"]
            wanted = {path for path in numbers(out) if not str(path[0]).startswith("note")}
        elif "corrected" in case or case["group"] == "queueing_model_analyzer":
            continue  # the schema names what counts of them
        else:
            exact = case.get("exact_float64") or {}
            wanted = {("exact_float64", *path) for path in numbers(exact)}
            wanted |= {("expect", *path) for path in numbers(case.get("expect", {}))}
            if not case.get("go_defect"):
                original = {key: value for key, value in case.get("expect_go", {}).items() if key not in exact}
                original.pop("deterministic_over_5_runs", None)
                wanted |= {("expect_go", *path) for path in numbers(original)}
        assert wanted <= covered, case["id"]


def command(*files: Path) -> subprocess.CompletedProcess[str]:
    """The runner as people start it."""
    line = [sys.executable, "-m", "tests.vectors", *map(str, files)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_ends_with_the_count() -> None:
    """Exit 0, and the last line says how many."""
    done = command(ROOT / "tests" / "data" / "cases" / "by-hand.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "15 passed, 0 failed\n", "")


CASE: dict[str, Any] = {"id": "x", "area": "v2.median", "in": {"values": [1]}, "out": {"median": 1}}
UNIT: dict[str, Any] = {
    "id": "x",
    "group": "unit",
    "op": "binary_search",
    "input": {"lo": 0.0, "hi": 10.0, "target": 4.0, "f": "x^2"},
    "expect": {"x": 2.0, "ind": 0},
}


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (CASE | {"area": "v2.mode"}, "unknown area 'v2.mode'"),
        (CASE | {"out": {"median": 1, "modus": 1}}, "modus: no such key in the answer"),
        (CASE | {"out": {"median": 2}}, "median: got 1, want 2"),
        (CASE | {"out": {}}, "the case expects nothing"),
        (CASE | {"in": {}}, "KeyError"),
        (UNIT | {"group": "units"}, "units"),
        (UNIT | {"op": "ternary_search"}, "unknown group and op"),
        (UNIT | {"expect": {"x": 2.0, "probes": 3}}, "probes: no such key in the answer"),
        (UNIT | {"expect": {"x": 2.00001}}, "x: got"),
    ],
)
def test_what_nobody_knows_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: dict[str, Any], said: str
) -> None:
    """An unknown area, group, op or key, and a wrong number: one line each and exit 1, never a traceback."""
    path = tmp_path / "cases.yaml"
    path.write_text(yaml.safe_dump({"cases": [case]}))
    assert main([str(path)]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("FAIL cases.yaml x")
    assert said in first
    assert last == "0 passed, 1 failed"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "cases: []", "no cases"),
        ("a.yaml", "cases: [", "does not parse"),
        ("a.json", '{"case": []}', "has no list `cases`"),
        ("a.csv", "scenario,max_batch\nx,1\n", "has no column"),
        ("a.yaml", "cases: [{id: x}, {id: x}]", "given twice"),
    ],
)
def test_a_file_that_is_none_of_vectors_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    """A file that could not be replayed has not passed."""
    (tmp_path / name).write_text(text)
    with pytest.raises(BadFile, match=said):
        read(tmp_path / name)


def test_a_derived_case_without_a_corrected_answer_fails() -> None:
    """What the original does is no answer where it is known to be wrong."""
    run = {**CASE, "compat": "corrected", "defaults": {}}
    assert REPLAY.problems(run) == ["LookupError: a derived case needs a corrected answer in corrected.yaml"]
