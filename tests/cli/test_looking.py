"""What ``plan`` and ``check`` print, against a real Prometheus: the committed pages are the contract.

``GOLDEN=write`` writes them anew; the difference then is for the reviewer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_farm import Engine, Farm, Workload
from real_prometheus import RealPrometheus

from wva_exporter.cli import main

GOLDEN = Path(__file__).parent / "golden"
BASE = """
scrape_interval: 1s
window_floor: 3s
default_namespace: llm
"""
DECLARED = """
variants:
  - {name: llama-a100, model: tiny-llama, accelerator: A100, cost: 12.5, max: 8, selector: {pod: 'llama-a100-.*'}}
  - {name: llama-h100, model: tiny-llama, accelerator: H100, cost: 40, max: 4, selector: {pod: 'llama-h100-.*'}}
"""


@pytest.fixture(scope="module")
def url(prometheus_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that has scraped three full replicas and an idle one for long enough."""
    farm = Farm().start()
    farm.add(*(Engine(pod=f"llama-a100-{i}", kv=0.79) for i in range(3)), Engine(pod="llama-h100-0", kv=0.70))
    farm.workloads["llama-a100"] = Workload(name="llama-a100", spec=3, ready=3)
    folder = tmp_path_factory.mktemp("looking")
    server = RealPrometheus.start(prometheus_bin, folder, farm.prometheus_config(kube=True))
    try:
        server.wait_for("count(count_over_time(vllm:num_requests_running[3999ms]) >= 4) == 4")
        yield server.url
    finally:
        server.kill()
        farm.stop()


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code and what was printed."""
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def assert_golden(name: str, text: str) -> None:
    """The text is the committed one, but for trailing blanks."""
    path = GOLDEN / name
    lines = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(lines)
    assert lines == path.read_text()


def config(folder: Path, text: str) -> str:
    """The flag for a file with this configuration."""
    path = folder / "wva.yaml"
    path.write_text(BASE + text)
    return f"--config.file={path}"


def test_a_plan_is_a_table_with_the_reason_of_every_decision(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Declared variants: the cheapest grows."""
    code, out, err = told(capsys, "plan", config(tmp_path, DECLARED), f"--prometheus.url={url}")
    assert (code, err) == (0, "")
    assert_golden("plan-declared.txt", out)


def test_a_plan_without_any_configuration_marks_its_guesses(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody named a variant: one comes from kube-state-metrics, one is guessed from a pod's name."""
    code, out, err = told(capsys, "plan", config(tmp_path, ""), f"--prometheus.url={url}")
    assert (code, err) == (0, "")
    assert_golden("plan-guessed.txt", out)


def test_a_plan_as_json_has_the_steps_of_every_decision(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The chain from the policy's word to the target, with what moved it."""
    code, out, _ = told(capsys, "plan", config(tmp_path, DECLARED), f"--prometheus.url={url}", "--output=json")
    rows = {row["name"]: row for row in json.loads(out)["variants"]}
    assert code == 0
    assert rows["llama-a100"]["target"] == 4
    assert rows["llama-a100"]["cost"] == 50.0
    assert rows["llama-a100"]["steps"][0] == {"name": "policy", "replicas": 4, "reason": "no_headroom"}


def test_check_says_what_is_missing(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A variant without series, a model that nothing could wake: findings, and exit code 1."""
    missing = DECLARED + "  - {name: qwen, model: qwen, cost: 1, max: 2, min: 0}\nscale_to_zero: {retention: 10m}\n"
    code, out, err = told(capsys, "check", config(tmp_path, missing), f"--prometheus.url={url}")
    assert (code, err) == (1, "")
    assert_golden("check-findings.txt", out)


def test_check_without_findings_ends_well(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Notes alone are no failure."""
    code, out, _ = told(capsys, "check", config(tmp_path, DECLARED), f"--prometheus.url={url}")
    assert code == 0
    assert_golden("check-fine.txt", out)


@pytest.mark.parametrize("command", ["plan", "check"])
def test_a_source_that_does_not_answer_is_exit_code_3(
    command: str, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says which failure it is."""
    code, _, err = told(capsys, command, f"--prometheus.url=http://127.0.0.1:{free_port}")
    assert code == 3
    assert err.startswith("wva-exporter: the data source does not answer: connection_refused")
    assert err.count("\n") == 1
