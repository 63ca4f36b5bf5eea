"""What a user installs: the wheel, in an environment that holds nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from wva_exporter import __version__

ROOT = Path(__file__).parent.parent
IMPORT_EVERYTHING = """
import importlib, pkgutil, wva_exporter
for module in pkgutil.walk_packages(wva_exporter.__path__, "wva_exporter."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def run(*command: str | Path) -> str:
    """The output of a command that has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_package_its_types_and_its_licence(wheel: Path) -> None:
    """And nothing of tests, tools or CI."""
    names = zipfile.ZipFile(wheel).namelist()
    folder = f"wva_exporter-{__version__}.dist-info"
    assert "wva_exporter/py.typed" in names
    assert "wva_exporter/wva-mixin/mixin.libsonnet" in names
    assert "wva_exporter/scenarios/paper-5-cold.yaml" in names
    assert f"{folder}/licenses/LICENSE" in names
    assert {name.split("/")[0] for name in names} == {"wva_exporter", folder}


def test_two_builds_are_the_same_file(wheel: Path, tmp_path: Path) -> None:
    """Anyone can rebuild what was released and compare it."""
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


@pytest.mark.timeout(300)
def test_the_wheel_alone_gives_the_command(wheel: Path, tmp_path: Path) -> None:
    """Its declared dependencies are enough to import every module and to run ``wva-exporter --version``."""
    run(sys.executable, "-m", "venv", tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel)
    run(python, "-I", "-W", "error", "-c", IMPORT_EVERYTHING)
    command = tmp_path / "env" / "bin" / "wva-exporter"
    assert __version__ in run(command, "--version")
    run(command, "generate", "mixin", "--output", tmp_path / "made")
    for rules in (ROOT / "rules").glob("*.yaml"):
        assert (tmp_path / "made" / "rules" / rules.name).read_text() == rules.read_text()
