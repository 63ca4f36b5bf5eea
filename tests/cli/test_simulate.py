"""``simulate``: what it prints and refuses."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from pathlib import Path

import pytest
from board_builder import board, scored
from rich.console import Console
from small_scenario import SMALL, simulated

from wva_exporter.cli import main
from wva_exporter.cli.scenarios import shipped
from wva_exporter.cli.simulate_policies import SETTINGS
from wva_exporter.cli.simulate_table import print_board
from wva_exporter.twin.contenders import contender

ROOT = Path(__file__).parent.parent.parent
FRONT_PAGE = ROOT / "README.md"
SETTINGS_PAGE = (ROOT / "docs" / "scenarios.md").read_text().partition("| Policy | Setting |")[2].partition("##")[0]


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


def test_the_same_command_gives_the_same_bytes(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In one process or two."""
    told = []
    for flags in (["--jobs", "1"], ["--jobs", "2"]):
        assert main(["simulate", small, "--policy", "hpa,wva-v2", "--seeds", "2", "--output", "csv", *flags]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert len(list(csv.DictReader(io.StringIO(told[0])))) == 4


def test_results_are_kept_where_one_says(small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file a run; the second time they are read, to the last digit."""
    folder = tmp_path / "kept"
    command = ["simulate", small, "--policy=hpa", "--seeds=2", "--jobs=1", "--output=json", f"--cache.dir={folder}"]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert len(list(folder.rglob("*.json"))) == 2
    assert main(command) == 0
    assert capsys.readouterr().out == first
    assert json.loads(first)["scenarios"][0]["policies"][0]["name"] == "hpa"


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
        (
            ["sine", "--policy", "headrom"],
            "--policy: headrom: nobody is called so; did you mean headroom? --list names ",
        ),
        (["sine", "--policy", "orcale"], "--policy: orcale: nobody is called so; did you mean oracle? --list names "),
        (["sine", "--policy", "qqq(x=1)"], "--policy: qqq(x=1): nobody is called so; --list names everybody"),
        (["sine", "--policy", "oracle(x=1)"], "--policy: oracle(x=1): oracle has no settings"),
        (["sine", "--policy", "hpa-120s(up=1)"], "--policy: hpa-120s(up=1): hpa-120s has no settings"),
        (["sine", "--policy", "keda,hpa(kv=0.2"], "--policy: hpa(kv=0.2: the bracket is not closed"),
        (
            ["sine", "--policy", "hpa(x=1)"],
            "hpa(x=1): there is no setting x; --list names everybody, with the settings",
        ),
        (["sine", "--policy", "headroom(parameters=0)"], "headroom(parameters=0): parameters must be a number above 0"),
        (["sine", "--policy", "hpa(kv=0.2,kv=0.3)"], "hpa(kv=0.2,kv=0.3): kv is given twice"),
        (["flash-crowd", "--policy", "static-999999"], "--policy: static-999999: flash-crowd has 1 to 16 replicas of "),
        (["sine", "--policy", "static-4,static-4"], "--policy: static-4 is given twice"),
        (["sine", "--policy", "oracle,hpa,oracle,oracle"], "--policy: oracle is given twice"),
        (
            ["sine", "--policy", "hpa,keda,hpa()"],
            "--policy: hpa and hpa() are the same contender: leave one of them out",
        ),
        (["sine", "--policy", "hpa( kv=0.50 ),hpa"], "--policy: hpa( kv=0.50 ) and hpa are the same contender"),
        (["sine", "--policy", ","], "--policy: give at least one"),
        (["sine", "--seeds", "0"], "--seeds: must be from 1 to 1000, is 0"),
        (["sine", "--jobs", "0"], "--jobs: must be at least 1"),
        (["sine", "sine"], "a scenario is given twice"),
        (["sine", "flash-crowd", "--plot", "x.png"], "--plot: one picture shows one scenario"),
        (
            ["sine", "--plot", "/no/such/folder/x.png"],
            "/no/such/folder/x.png: cannot be written: No such file or directory",
        ),
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


def test_a_century_is_refused_before_it_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a line with file, line and field."""
    path = tmp_path / "century.yaml"
    path.write_text(SMALL.replace("duration: 3m", "duration: 100y"))
    assert main(["simulate", str(path)]) == 2
    assert capsys.readouterr().err == f"wva-exporter: {path}:5: duration: '100y' is not allowed: must be at most 1y\n"


def test_two_scenarios_of_one_name_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Results go by the name: two files in two folders, and a file that is called like a shipped one."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in ("mine", "sine"):
            (tmp_path / folder / f"{name}.yaml").write_text(SMALL)
    for first, second in (
        (f"{tmp_path}/one/mine.yaml", f"{tmp_path}/two/mine.yaml"),
        ("sine", f"{tmp_path}/one/sine.yaml"),
    ):
        assert main(["simulate", first, second]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"wva-exporter: {first} and {second}: both scenarios would be called ")


def test_a_load_that_brings_no_request_is_said_in_a_line(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Gaps so uneven that none comes, in this process, in another one, and where limits are sought."""
    Path(small).write_text(SMALL.replace("  patience", "  gap_cv: 100\n  patience"))
    for flags in (["--policy=hpa", "--jobs=1"], ["--policy=hpa", "--jobs=2"], ["--policy=oracle", "--jobs=1"]):
        assert main(["simulate", small, "--seeds=2", *flags]) == 2
        assert capsys.readouterr().err == "wva-exporter: small: no request arrives within its 180 s\n"


@pytest.mark.parametrize("form", ["table", "csv"])
def test_a_full_disk_is_said_in_a_line(small: str, form: str) -> None:
    """Exit code 1, no traceback."""
    done = simulated("> /dev/full", small, "--policy=static-2", "--seeds=1", "--jobs=1", f"--output={form}")
    assert done.returncode == 1
    assert done.stderr == "wva-exporter: standard output: cannot be written: No space left on device\n"


def test_a_closed_output_is_said_in_a_line(small: str) -> None:
    """As a full disk."""
    done = simulated(">&-", small, "--policy=static-2", "--seeds=1", "--jobs=1")
    assert done.returncode == 1
    assert done.stderr == "wva-exporter: standard output: cannot be written: Bad file descriptor\n"


def test_the_command_of_the_front_page_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Scenario and picture as they stand there; fewer seeds and policies, because they take their time."""
    (line,) = [line for line in FRONT_PAGE.read_text().splitlines() if line.startswith("    wva-exporter simulate ")]
    command = shlex.split(line)[1:]
    assert "--plot" in command
    picture = tmp_path / "arena.png"
    assert main([*command, "--policy=static-1", "--seeds=1", "--jobs=1", f"--plot={picture}"]) == 0
    assert picture.exists()
    assert capsys.readouterr().out.startswith("few-slots ")


def test_every_setting_of_the_page_is_one() -> None:
    """The table of docs/scenarios.md, with the defaults or a number, and it has those that ``--list`` names."""
    rows = [re.findall(r"`([^`]+)`|\|", line) for line in SETTINGS_PAGE.splitlines() if line.startswith("| `")]
    told = set()
    for row in rows:
        names, rest = row[1 : row.index("", 1)], row[row.index("", 1) + 1 :]
        words = [word for word in rest[1:] if word]
        for name in names:
            told.add((name, rest[0]))
            assert contender(f"{name}({rest[0]}={words[0] if words else 1})").name.startswith(name)
    assert {(name, key) for name, keys in SETTINGS.items() for key in keys} == told


def test_no_name_and_no_number_is_cut_on_a_narrow_page() -> None:
    """Long names are broken over lines, the last columns are left out and named."""
    names = ("headroom(parameters=0.8)", "headroom(parameters=1.25)")
    page = io.StringIO()
    print_board(board({"s": {name: scored(0.9, 10.0) for name in names}}), Console(file=page, width=50))
    lines = page.getvalue().splitlines()
    heading = next(place for place, line in enumerate(lines) if line.startswith("POLICY"))
    end = next(place for place, line in enumerate(lines) if line.startswith("A wider page has "))
    assert max(map(len, lines)) <= 50
    assert lines[heading].split()[1:4] == ["GOOD", "%", "FAIL"]
    assert "".join(line.split()[0] for line in lines[heading + 1 : end]) == "".join(names)
    assert sum("90.0" in line for line in lines[heading + 1 : end]) == 2
    assert "…" not in page.getvalue()
    assert "BACK too." in " ".join(lines[end : end + 2])
