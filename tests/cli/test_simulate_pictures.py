"""``simulate --plot``: what is drawn, and what becomes of a picture that cannot be."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from small_scenario import SMALL, simulated

from wva_exporter.cli import main
from wva_exporter.twin.closed_loop import run as play


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A scenario of three minutes."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return str(path)


@pytest.mark.parametrize("suffix", ["png", "svg", "PNG", "Svg"])
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
    assert head.startswith(b"\x89PNG") if suffix.lower() == "png" else b"<svg" in picture.read_bytes()
    assert picture.stat().st_size > 10_000


def test_a_picture_that_cannot_be_written_is_said_before_anything_is_played(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The path once, no number of an error; what is there stays as it is, and nothing is left behind."""
    monkeypatch.setattr("wva_exporter.cli.simulate.hold", None)
    folder, pipe, device, lost = (tmp_path / f"{name}.png" for name in ("folder", "pipe", "device", "lost"))
    folder.mkdir()
    os.mkfifo(pipe)
    device.symlink_to("/dev/full")
    lost.symlink_to(tmp_path / "none" / "lost.png")
    for path, why in (
        (folder, "Is a directory"),
        (pipe, "must be a regular file"),
        (device, "must be a regular file"),
        (lost, "No such file or directory"),
        (tmp_path / "none" / "new.png", "No such file or directory"),
    ):
        assert main(["simulate", small, f"--plot={path}"]) == 2
        assert capsys.readouterr().err == f"wva-exporter: --plot: {path}: cannot be written: {why}\n"
    there = set(tmp_path.rglob("*"))
    (tmp_path / "link.png").symlink_to(tmp_path / "new.png")
    for name in ("new.png", "link.png"):
        assert main(["simulate", str(tmp_path / "none.yaml"), f"--plot={tmp_path / name}"]) == 2
    assert set(tmp_path.rglob("*")) - there == {tmp_path / "link.png"}


def test_a_picture_that_is_there_is_kept_until_there_is_another(small: str, tmp_path: Path) -> None:
    """A command that fails leaves it as it was; one that does not writes over it."""
    picture = tmp_path / "small.png"
    picture.write_bytes(b"old" * 100_000)
    command = ["--policy=static-2", "--seeds=1", "--jobs=1", f"--plot={picture}"]
    assert main(["simulate", str(tmp_path / "none.yaml"), *command]) == 2
    assert picture.read_bytes() == b"old" * 100_000
    assert main(["simulate", small, *command]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert b"old" not in picture.read_bytes()


@pytest.fixture
def lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture whose folder goes away while it is played."""
    folder = tmp_path / "pictures"
    folder.mkdir()

    def play_and_lose(*given: object, **more: object) -> object:
        folder.rmdir()
        return play(*given, **more)

    monkeypatch.setattr("wva_exporter.cli.simulate.play", play_and_lose)
    return folder / "small.png"


def test_a_picture_that_can_no_longer_be_written_does_not_cost_the_table(
    small: str, lost: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was found is printed, then a line, exit code 2."""
    command = ["simulate", small, "--policy=static-2", "--seeds=1", "--jobs=1"]
    assert main([*command, f"--plot={lost}"]) == 2
    said = capsys.readouterr()
    assert said.err == f"wva-exporter: --plot: {lost}: cannot be written: No such file or directory\n"
    assert main(command) == 0
    assert said.out == capsys.readouterr().out


def test_a_lost_picture_is_said_also_where_nobody_reads_the_table(
    small: str, lost: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the folder the reader of the table has gone: the line and exit code 2, nothing else."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        assert main(["simulate", small, "--policy=static-2", "--seeds=1", "--jobs=1", f"--plot={lost}"]) == 2
    assert capsys.readouterr().err == f"wva-exporter: --plot: {lost}: cannot be written: No such file or directory\n"


def test_limits_are_in_the_picture_and_it_says_which_seed_it_shows(small: str, tmp_path: Path) -> None:
    """Alone too; drawn twice, the bytes are the same."""
    picture = tmp_path / "small.svg"
    drawn = []
    for _ in range(2):
        command = ["simulate", small, "--policy=oracle,reactive", "--seeds=2", "--jobs=1", f"--cache.dir={tmp_path}"]
        assert main([*command, f"--plot={picture}"]) == 0
        drawn.append(picture.read_bytes())
    assert drawn[0] == drawn[1]
    for text in (b"oracle", b"reactive", b"The first of 2 seeds."):
        assert b"<!-- " + text in drawn[0]


def test_a_reader_that_has_gone_is_no_mistake_and_the_picture_is_there(small: str, tmp_path: Path) -> None:
    """As for every command; the picture is written before the table."""
    picture = tmp_path / "small.png"
    done = simulated("| true", small, "--policy=static-2", "--seeds=1", "--jobs=1", f"--plot={picture}")
    assert (done.returncode, done.stderr) == (0, f"{picture}: written\n")
    assert picture.stat().st_size > 10_000
