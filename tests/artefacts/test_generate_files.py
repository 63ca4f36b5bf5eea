"""``make generate``: committed files that are made from others, in an order in which each can be made."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from architecture import ROOT


@pytest.fixture
def generate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, for a folder of two files: names, and a rule that is rendered from them."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / ".ci" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "GENERATED", {"lib/names": lambda _: "new names"})
    monkeypatch.setattr(module, "mixin_files", lambda: {"rules": f"by {(tmp_path / 'lib' / 'names').read_text()}"})
    return module


def test_what_the_mixin_is_rendered_from_is_written_first(generate: ModuleType, tmp_path: Path) -> None:
    """A new series is known to the rules that read it at the first try."""
    assert generate.main([]) == 0
    assert (tmp_path / "rules").read_text() == "by new names"


def test_check_writes_nothing_and_names_what_is_old(
    generate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For CI: one line a file, exit code 1."""
    generate.main([])
    assert generate.main(["--check"]) == 0
    (tmp_path / "rules").write_text("edited")
    capsys.readouterr()
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().out == "rules: out of date; type: make generate\n"
    assert (tmp_path / "rules").read_text() == "edited"
