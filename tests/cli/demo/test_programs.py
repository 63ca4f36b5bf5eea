"""What the demo starts: programs that are found, files that they accept, processes that do not outlive it."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wva_exporter.cli.demo import scenario
from wva_exporter.cli.demo.configuration import exporter_file, prometheus_file
from wva_exporter.cli.demo.face import Addresses
from wva_exporter.cli.demo.processes import Child
from wva_exporter.cli.demo.tools import find_tool
from wva_exporter.config.load import load

AROUND = Addresses(discovery="127.0.0.1:1", kubernetes="127.0.0.1:2", router="127.0.0.1:3")


def program(folder: Path) -> Path:
    """An executable named ``sometool`` in this folder."""
    folder.mkdir(parents=True)
    path = folder / "sometool"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until it holds, five seconds at most."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


def ended(pid: int) -> bool:
    """Whether a process is gone, or only waits for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_tool_is_taken_from_path_then_the_named_folder_then_the_unpacked_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest to the user's will wins; nowhere is None."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WVA_TOOLS", raising=False)
    assert find_tool("sometool") is None
    program(tmp_path / ".tools" / "unpacked" / "usr" / "bin")
    assert find_tool("sometool") == Path(".tools/unpacked/usr/bin/sometool")
    named = program(tmp_path / "named")
    monkeypatch.setenv("WVA_TOOLS", str(named.parent))
    assert find_tool("sometool") == named
    on_path = program(tmp_path / "path")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_tool("sometool") == on_path


def test_prometheus_accepts_its_file(promtool_bin: Path, tmp_path: Path) -> None:
    """As promtool judges it."""
    path = tmp_path / "prometheus.yml"
    path.write_text(prometheus_file(around=AROUND, exporter="127.0.0.1:4"))
    done = subprocess.run([promtool_bin, "check", "config", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("prometheus", ["http://127.0.0.1:9", None])
def test_the_exporter_accepts_its_file(prometheus: str | None, tmp_path: Path) -> None:
    """Ordinary settings, with and without a Prometheus."""
    path = tmp_path / "wva.yaml"
    path.write_text(exporter_file(prometheus=prometheus, around=AROUND))
    text = path.read_text()
    load(path, {})
    assert all(variant.name in text for variant in scenario.VARIANTS)


async def test_a_child_that_ignores_the_polite_signal_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its whole process group goes."""
    monkeypatch.setattr("wva_exporter.cli.demo.processes.PATIENCE_SECONDS", 0.1)
    script = "trap '' TERM; sleep 600 & echo $!; wait; wait"
    child = await Child.start("stubborn", ["sh", "-c", script], tmp_path / "log")
    await eventually(child.last_words)
    grandchild = int(child.last_words())
    await child.stop()
    assert child.exit_code == -9
    await eventually(lambda: ended(grandchild))


async def test_the_last_words_of_a_child_are_the_end_of_what_it_said(tmp_path: Path) -> None:
    """Both streams, newest lines last."""
    child = await Child.start("talker", [sys.executable, "-c", "for n in range(50): print(n)"], tmp_path / "log")
    await eventually(lambda: child.exit_code is not None)
    assert child.last_words(lines=2) == "48\n49"
    await child.stop()
