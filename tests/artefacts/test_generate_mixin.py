"""``wva-exporter generate mixin``: files that a real promtool accepts, or one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonnet_bindings import rendered_fast
from promtool import run

from wva_exporter.artefacts import mixin
from wva_exporter.artefacts.mixin_files import groups_yaml
from wva_exporter.cli import main


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Render with the fast jsonnet: that all give the same is shown elsewhere."""
    monkeypatch.setattr("wva_exporter.cli.generate_mixin.render", rendered_fast)


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on standard error."""
    return capsys.readouterr().err.splitlines()


def test_it_writes_rules_that_promtool_accepts(tmp_path: Path, promtool_bin: Path) -> None:
    """With every lint that promtool has."""
    assert main(["generate", "mixin", "--output", str(tmp_path)]) == 0
    for name in ("wva-recording-rules.yaml", "wva-alerts.yaml"):
        assert not run(promtool_bin, "check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules" / name)


@pytest.mark.parametrize(
    "options",
    [
        {"honorLabels": False},
        {"showMultiCluster": True},
        {"histogram": "native"},
        {"compat": "exact", "costBudgetPerHour": 5},
    ],
    ids=str,
)
def test_every_variety_is_accepted_too(options: dict[str, object], tmp_path: Path, promtool_bin: Path) -> None:
    """What options change stays valid for 2.42."""
    rendered = rendered_fast(options)
    (tmp_path / "all.yaml").write_text(groups_yaml([*rendered.recording, *rendered.alerts]))
    assert not run(promtool_bin, "check", "rules", "--lint=all", "--lint-fatal", tmp_path / "all.yaml")


def test_options_come_from_a_file(tmp_path: Path) -> None:
    """The keys of config.libsonnet, in YAML."""
    (tmp_path / "options.yaml").write_text("wvaSelector: 'job=\"mine\"'\ncostBudgetPerHour: 50\n")
    arguments = ["generate", "mixin", "--output", str(tmp_path), "--mixin.config", str(tmp_path / "options.yaml")]
    assert main(arguments) == 0
    alerts = (tmp_path / "rules" / "wva-alerts.yaml").read_text()
    assert 'absent(up{job="mine"} == 1)' in alerts
    assert "wva:current_cost:sum * 0 + 50" in (tmp_path / "rules" / "wva-recording-rules.yaml").read_text()
    assert "wva:current_cost:sum > on () wva:cost_budget:max" in alerts


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("scrapeInterval: 15", "mixin option scrapeInterval: there is none of this name; did you mean"),
        ("- 1\n", "must be a mapping of mixin options"),
        ("a: 1\n\tb: [", "options.yaml:2: is not YAML"),
        ("5: 6", "must be a mapping of mixin options"),
        ("wvaSelector: 'job=wva'", "mixin option wvaSelector: must be matchers in PromQL, such as job="),
        ("windowSeconds: 30", "mixin option windowSeconds: must be at least 4 scrapes of 15 s, not 30"),
        ("scrapeIntervalSeconds: 0", "must be a positive number, not 0"),
    ],
)
def test_a_bad_option_file_is_refused_in_words(
    text: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, no traceback, and nothing is written."""
    (tmp_path / "options.yaml").write_text(text)
    out = tmp_path / "out"
    arguments = ["generate", "mixin", "--output", str(out), "--mixin.config", str(tmp_path / "options.yaml")]
    assert main(arguments) == 2
    [line] = said(capsys)
    assert complaint in line
    assert not out.exists()


def test_a_missing_option_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the reason of the system."""
    assert main(["generate", "mixin", "--output", str(tmp_path), "--mixin.config", str(tmp_path / "none")]) == 2
    assert said(capsys) == [f"wva-exporter: {tmp_path / 'none'}: cannot be read: No such file or directory"]


def test_the_mixin_is_found_beside_the_package() -> None:
    """A working copy and an installed wheel both have one."""
    assert (mixin.folder() / "mixin.libsonnet").is_file()
