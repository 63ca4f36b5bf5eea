"""The commands that come before any code: skips are judged, tools are found, a missing one is named in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / ".ci" / "tools.sh"
PYTHON_CHECK = ROOT / ".ci" / "python.sh"


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A finished process, with these variables added to the environment."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "WVA_"))} | environment
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)


def suite_in(folder: Path, source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A run of pytest, with our conftest, over one file of this source."""
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (folder / "test_it.py").write_text(f"import pytest\n{source}\n")
    python = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    return run(*python, PYTHONPATH=str(ROOT / "tests"), **environment)


def folder_with(folder: Path, *programs: str) -> str:
    """A PATH of one folder that holds these programs and no others."""
    folder.mkdir()
    for name in programs:
        found = next(Path(d) / name for d in ("/usr/bin", "/bin") if (Path(d) / name).exists())
        (folder / name).symlink_to(found)
    return str(folder)


def test_a_skip_without_a_reason_of_data_is_a_failure(tmp_path: Path) -> None:
    """A missing tool or package must not make a test silently disappear."""
    done = suite_in(tmp_path, "def test_it(): pytest.skip('no promtool')")
    assert done.returncode == 1
    assert "only tests without WVA_DATA may skip, this one says: Skipped: no promtool" in done.stdout


def test_a_module_that_skips_itself_is_a_failure_too(tmp_path: Path) -> None:
    """``importorskip`` hides a whole file."""
    assert suite_in(tmp_path, "pytest.importorskip('no_such_module')").returncode == 2


def test_a_skip_for_absent_data_is_listed_at_the_end(tmp_path: Path) -> None:
    """Whoever runs the tests sees last what they did not prove."""
    done = suite_in(tmp_path, "def test_it(): pytest.skip('needs WVA_DATA/traces')")
    assert done.returncode == 0
    assert "skips: 1" in done.stdout
    assert "needs WVA_DATA/traces" in done.stdout.partition("skips: 1")[2]


def test_with_the_data_no_skip_is_left(tmp_path: Path) -> None:
    """Given data that a test still cannot find is a failure."""
    done = suite_in(tmp_path, "def test_it(): pytest.skip('needs WVA_DATA/traces')", WVA_DATA=str(tmp_path))
    assert done.returncode == 1


def test_tools_that_are_here_are_not_fetched(tmp_path: Path) -> None:
    """With both on hand the script only says where they are, and makes no folder."""
    for name in ("prometheus", "promtool"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    path = folder_with(tmp_path / "bin", "bash", "env", "dirname", "realpath")
    done = run(TOOLS, str(tmp_path / "tools"), PATH=path, WVA_TOOLS=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{n}: {tmp_path}/{n}" for n in ("prometheus", "promtool")]
    assert not (tmp_path / "tools").exists()


def test_without_apt_the_script_says_what_to_do(tmp_path: Path) -> None:
    """Two lines, what is wrong and what to type, on a machine that has no packages of that kind."""
    path = folder_with(tmp_path / "bin", "bash", "env", "dirname", "realpath", "paste", "cat")
    done = run(TOOLS, str(tmp_path / "tools"), PATH=path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "tools: no prometheus promtool here, and no apt to get them with"
    assert done.stderr.splitlines()[1].startswith("tools: type: get https://prometheus.io/download")


def fake_python(folder: Path, script: str) -> Path:
    """An interpreter that does what this shell script says."""
    python = folder / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return python


@pytest.mark.parametrize(
    ("script", "said", "typed"),
    [
        ("exit 1", "3.11 or later is needed", "sudo apt install python3.11-venv && make PYTHON=python3.11 demo"),
        (
            'case "$2" in *ensurepip*) exit 1;; esac',
            "cannot make virtual environments",
            "sudo apt install python3-venv",
        ),
    ],
    ids=["too old", "without venv"],
)
def test_an_interpreter_that_will_not_do_is_refused_in_words(
    tmp_path: Path, script: str, said: str, typed: str
) -> None:
    """What is wrong on one line, what to type on the next."""
    done = run(PYTHON_CHECK, fake_python(tmp_path, script))
    assert done.returncode == 1
    assert said in done.stderr.splitlines()[0]
    assert done.stderr.splitlines()[1] == f"python: type: {typed}"


def test_no_interpreter_at_all_is_said_too() -> None:
    """A machine without Python gets the one line that helps."""
    done = run(PYTHON_CHECK, "no-such-python")
    assert (done.returncode, done.stderr.splitlines()[1]) == (1, "python: type: sudo apt install python3-venv")


def test_the_interpreter_that_runs_the_tests_will_do() -> None:
    """Silence is consent."""
    done = run(PYTHON_CHECK, getattr(sys, "_base_executable", sys.executable))
    assert (done.returncode, done.stderr) == (0, "")


def test_make_lists_its_targets() -> None:
    """``make`` alone explains itself."""
    listed = run("make", "-C", str(ROOT), "help").stdout
    assert all(f"make {name} " in listed for name in ("demo", "test", "check", "fmt", "generate", "bench"))
