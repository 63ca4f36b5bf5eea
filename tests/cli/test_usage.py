"""Usage, exit codes and the errors of people who type."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import structlog

from wva_exporter import __version__
from wva_exporter.cli import COMMANDS, main


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program as a process."""
    command = [sys.executable, "-m", "wva_exporter", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_version_is_told_both_ways() -> None:
    """By flag and by command."""
    assert run("--version").stdout == f"wva-exporter {__version__}\n"
    assert run("version").stdout.startswith(f"wva-exporter {__version__} (Python 3.")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` works without configuration, data source or terminal."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"wva-exporter {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["walk"], ["run", "--prometheus.urll=x"], ["plan", "--output=xml"], ["run", "--log.level=loud"]]
)
def test_bad_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One line says what is wrong; abbreviated flags are refused, they would change meaning with a new flag."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "plan", "check"])
def test_no_data_source_is_said_in_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and what to give."""
    assert main([command]) == 2
    assert capsys.readouterr().err == (
        "wva-exporter: no data source: give --prometheus.url=URL, or prometheus.url or scrape.targets in the file\n"
    )


@pytest.mark.parametrize("command", ["run", "plan", "check"])
def test_a_bad_configuration_is_refused_with_every_finding(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """File, line and key of each, no traceback, exit code 2."""
    path = tmp_path / "bad.yaml"
    path.write_text("intervall: 15s\nhold: 600\n")
    assert main([command, f"--config.file={path}", "--prometheus.url=http://localhost:9"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0] == f"wva-exporter: {path}:1: unknown key 'intervall'; did you mean 'interval'?"
    assert lines[1].startswith(f"wva-exporter: {path}:2: hold: ")


def test_a_run_that_ends_leaves_the_log_of_its_process_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    """Else whoever runs later in the process writes into a standard error that may be closed by then."""
    before = logging.getLogger().handlers[:], logging.getLogger().level
    assert main(["run", "--log.level=debug"]) == 2
    assert (logging.getLogger().handlers, logging.getLogger().level) == before
    logging.getLogger("somebody").info("quiet")
    structlog.get_logger().info("plain")
    said = capsys.readouterr()
    assert "no data source" in said.err
    assert "quiet" not in said.err
    assert "plain" in said.out


def test_check_offline_asks_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A good file is enough, even without a data source."""
    path = tmp_path / "good.yaml"
    path.write_text("variants: [{name: a, model: m}]\n")
    assert main(["check", f"--config.file={path}", "--offline"]) == 0
    assert capsys.readouterr().out == "configuration: fine (0 models, 1 variants declared)\n"


def test_check_reads_the_catalogue_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of assumptions that ``run`` would refuse is refused, wherever the program was called from."""
    (tmp_path / "wva.yaml").write_text("catalogue: {file: own.yaml}\n")
    (tmp_path / "own.yaml").write_text("accelerators:\n  - {name: X1, memory_gb: -80}\n")
    assert main(["check", "--offline", "--config.file", str(tmp_path / "wva.yaml")]) == 2
    assert "own.yaml:2: accelerators[0].memory_gb" in capsys.readouterr().err


def test_the_schema_can_be_printed_and_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Editors take it."""
    assert main(["check", "--schema"]) == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    """No traceback at three in the morning."""
    ended = run("run", "--prometheus.url=http://127.0.0.1:9", "--web.listen-address=256.0.0.1:1")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
