"""The running program: signals, reloads, what it logs and what it serves."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine_farm import Engine, Farm
from exporter_process import Exporter

CONFIG = """
scrape: {{http_sd_urls: ['{url}/sd']}}
interval: 1s
scrape_interval: 1s
window_floor: 3s
default_namespace: llm
variants: [{{name: llama, model: tiny-llama, selector: {{pod: 'llama-.*'}}, max: 12, cost: 10{more}}}]
"""

Start = Callable[..., Exporter]


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    """Two engines that are neither full nor idle: their caches would not fit into one."""
    farm = Farm().start()
    farm.add(Engine(pod="llama-0", kv=0.5), Engine(pod="llama-1", kv=0.5))
    yield farm
    farm.stop()


@pytest.fixture
def start(farm: Farm, tmp_path: Path) -> Iterator[Start]:
    """Start an exporter that scrapes the farm itself; it ends with the test."""
    running: list[Exporter] = []

    def one(*flags: str, more: str = "") -> Exporter:
        running.append(Exporter.start(tmp_path, CONFIG.format(url=farm.url, more=more), *flags))
        running[0].wait(lambda: running[0].value("wva_desired_replicas") == 2 or more, "a first target")
        return running[0]

    yield one
    for exporter in running:
        exporter.kill()


def rewrite(exporter: Exporter, farm: Farm, more: str) -> None:
    """Another configuration in the same file."""
    (exporter.log.parent / "wva.yaml").write_text(CONFIG.format(url=farm.url, more=more))


def post(url: str) -> tuple[int, str]:
    """Status and text of a POST."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_hangup_takes_over_the_new_configuration(start: Start, farm: Farm) -> None:
    """``fixed`` is obeyed in the next cycle, and the page says so."""
    exporter = start()
    rewrite(exporter, farm, ", fixed: 7")
    exporter.process.send_signal(signal.SIGHUP)
    exporter.wait(lambda: exporter.value("wva_desired_replicas") == 7, "the fixed number")
    assert exporter.reason() == "fixed"
    assert exporter.value("wva_config_last_reload_successful") == 1
    assert exporter.value("wva_cost") == 70


def test_a_bad_file_leaves_the_old_configuration_in_force(start: Start, farm: Farm) -> None:
    """It is counted, and the log names file, line and key."""
    exporter = start()
    rewrite(exporter, farm, ", maxx: 3")
    exporter.process.send_signal(signal.SIGHUP)
    exporter.wait(lambda: exporter.value("wva_config_last_reload_successful") == 0, "a refused reload")
    assert exporter.value("wva_desired_replicas") == 2
    assert "wva.yaml:7: variants[0]: unknown key 'maxx'; did you mean 'max'?" in exporter.log.read_text()


def test_a_reload_remembers_the_targets(start: Start, farm: Farm) -> None:
    """Paused after a reload, a variant keeps the target of before, although its engines now call for more."""
    exporter = start()
    for engine in farm.engines.values():
        engine.kv = 0.95
    rewrite(exporter, farm, ", pause: true")
    exporter.process.send_signal(signal.SIGHUP)
    exporter.wait(lambda: exporter.reason() == "paused", "a pause")
    assert exporter.value("wva_desired_replicas") in (2, 3)  # the cycle before the hangup may have seen the rise
    for engine in farm.engines.values():
        engine.kv = 0.5


def test_a_reload_over_http_needs_the_flag(start: Start) -> None:
    """As in a Prometheus."""
    assert post(f"{start().url}/-/reload") == (403, "Lifecycle API is not enabled.\n")


def test_a_reload_over_http_reports_a_bad_file(start: Start, farm: Farm) -> None:
    """500 with the finding; 200 when it is mended."""
    exporter = start("--web.enable-lifecycle")
    rewrite(exporter, farm, ", cost: cheap")
    status, text = post(f"{exporter.url}/-/reload")
    assert status == 500
    assert "cost" in text
    rewrite(exporter, farm, "")
    assert post(f"{exporter.url}/-/reload")[0] == 200
    exporter.wait(lambda: exporter.value("wva_config_last_reload_successful") == 1, "an accepted reload")


def test_a_catalogue_that_is_refused_leaves_the_old_configuration_in_force(start: Start, farm: Farm) -> None:
    """It is part of the configuration: named with its file, line and field, and the exporter goes on."""
    exporter = start("--web.enable-lifecycle")
    folder = exporter.log.parent
    (folder / "own.yaml").write_text("profiles:\n  - {model: x}\n")
    (folder / "wva.yaml").write_text(CONFIG.format(url=farm.url, more="") + "catalogue: {file: own.yaml}\n")
    status, text = post(f"{exporter.url}/-/reload")
    assert status == 500
    assert "own.yaml:2: profiles[0]: accelerator is required" in text
    (folder / "own.yaml").write_text("profiles: []\n")
    assert post(f"{exporter.url}/-/reload")[0] == 200


def test_sigterm_ends_it_in_order(start: Start) -> None:
    """Exit code 0, and the log says so."""
    exporter = start()
    assert exporter.kill(signal.SIGTERM) == 0
    assert "msg=stopping" in exporter.log.read_text()


def test_only_changed_decisions_are_logged(start: Start) -> None:
    """Several steady cycles leave one line."""
    exporter = start("--log.format=json")
    cycles = "wva_optimization_duration_seconds_count"
    exporter.wait(lambda: sum(value for _, value in exporter.series(cycles)) >= 4, "four cycles")
    lines = [json.loads(line) for line in exporter.log.read_text().splitlines()]
    decisions = [line for line in lines if line["msg"] == "decision" and line["reason"] != "started"]
    assert [(line["variant"], line["desired"], line["current"]) for line in decisions] == [("llama", 2, 2)]


def test_shadow_mode_publishes_nothing_that_an_actuator_reads(start: Start) -> None:
    """Beside a WVA that still actuates: its names stay its own."""
    exporter = start("--publish.shadow", more=", min: 2")
    exporter.wait(lambda: exporter.value("wva_shadow_desired_replicas") == 2, "a shadow target")
    page = exporter.page()
    assert "\nwva_desired_" not in page
    assert "\nwva_current_" not in page


def test_a_live_page_passes_promtool(start: Start, promtool_bin: Path) -> None:
    """Names, types, help and units as Prometheus wants them."""
    exporter = start()
    checked = subprocess.run(
        [promtool_bin, "check", "metrics"], input=exporter.page(), capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_health_and_readiness_are_told(start: Start) -> None:
    """The paths that probes use."""
    exporter = start()
    for path in ("/-/healthy", "/-/ready", "/"):
        with urllib.request.urlopen(exporter.url + path, timeout=5) as answer:
            assert answer.status == 200


def test_a_source_that_is_gone_is_logged_once(farm: Farm, tmp_path: Path, free_port: int) -> None:
    """Not once a cycle; ready all the while, because a restart would not bring it back."""
    config = f"prometheus: {{url: 'http://127.0.0.1:{free_port}'}}\ninterval: 1s\nscrape_interval: 1s\n"
    exporter = Exporter.start(tmp_path, config)
    try:
        exporter.wait(lambda: (exporter.value("wva_models_processed")) is not None, "a cycle")
        cycles = "wva_optimization_duration_seconds_count"
        exporter.wait(lambda: sum(value for _, value in exporter.series(cycles)) >= 3, "three cycles")
        assert exporter.log.read_text().count("data source does not answer") == 1
        with urllib.request.urlopen(f"{exporter.url}/-/ready", timeout=5) as answer:
            assert answer.status == 200
    finally:
        exporter.kill()
