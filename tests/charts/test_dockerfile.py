"""The image: its install steps work where nothing is installed, and what comes out needs neither root nor pip."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from dockerfile import carry_out, stages
from packaging.requirements import Requirement

from wva_exporter import __version__
from wva_exporter.conventions import DEFAULT_PORT

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = ROOT / "Dockerfile"
PINNED = re.compile(r"^([a-z0-9-]+)==([^ ;]+)(?: ;[^\\]*)? \\$", re.MULTILINE)


def pins(name: str) -> list[tuple[str, str]]:
    """Names and versions of a lock file."""
    return PINNED.findall((ROOT / "docker" / name).read_text())


@pytest.mark.timeout(300)
def test_the_install_steps_work_in_a_clean_environment(tmp_path: Path) -> None:
    """From an empty folder and the files that are copied to a program that runs; what it copies is all it needs."""
    build, _ = stages(DOCKERFILE)
    python = Path(getattr(sys, "_base_executable", sys.executable))
    carry_out(build, ROOT, tmp_path / "image", python)
    program = tmp_path / "image" / "opt" / "wva-exporter" / "bin" / "wva-exporter"
    bare = {"PATH": "/usr/bin:/bin", "PYTHONSAFEPATH": "1"}
    done = subprocess.run([program, "version"], env=bare, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.split()[:2]) == ("", ["wva-exporter", __version__])
    offline = subprocess.run([program, "check", "--offline"], env=bare, cwd=tmp_path, capture_output=True, check=False)
    assert offline.returncode == 0
    assert not (program.parent / "pip").exists()


def test_the_image_runs_as_nobody_and_says_which_port() -> None:
    """The user is a number, so that Kubernetes can see that it is not root; the chart's user is the same."""
    _, final = stages(DOCKERFILE)
    assert final.one("USER").text == "65532:65532"
    assert final.one("EXPOSE").text == str(DEFAULT_PORT)
    assert final.one("ENTRYPOINT").listed + final.one("CMD").listed == ["wva-exporter", "run"]
    assert not final.all("RUN")


def test_both_stages_are_the_same_slim_python() -> None:
    """A virtual environment is bound to its interpreter; the version is pinned to the last digit."""
    assert {stage.image.split()[0] for stage in stages(DOCKERFILE)} == {"docker.io/library/python:${PYTHON}"}
    assert re.search(r"^ARG PYTHON=\d+\.\d+\.\d+-slim-\w+$", DOCKERFILE.read_text(), re.MULTILINE)


def test_every_package_is_pinned_by_hash() -> None:
    """Nothing comes in that was not there when the lock was made."""
    for name in ("requirements.txt", "build-requirements.txt"):
        text = (ROOT / "docker" / name).read_text()
        starts = re.findall(r"^[a-z].*$", text, re.MULTILINE)
        assert (
            len(starts)
            == len(pins(name))
            == len(re.findall(r"\\\n    --hash=sha256:[0-9a-f]{64}.*?(?=\n[a-z]|\Z)", text, re.DOTALL))
        )


def test_the_lock_holds_what_the_program_needs() -> None:
    """Every dependency of pyproject.toml, in a version that it allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    locked = [*pins("requirements.txt"), *pins("build-requirements.txt")]
    for text in wanted:
        needed = Requirement(text)
        versions = [version for name, version in locked if name == needed.name.lower()]
        assert versions, f"{needed.name} is not locked; the first line of docker/requirements.txt says how to"
        assert all(needed.specifier.contains(version) for version in versions)


def test_the_context_holds_only_what_is_copied() -> None:
    """Neither the tools nor anybody's secrets go to the Docker engine."""
    build, _ = stages(DOCKERFILE)
    copied = {source.rstrip("/") for step in build.all("COPY") for source in step.text.split()[:-1]}
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert "*" in lines
    assert all(os.path.lexists(ROOT / name) for name in copied)
