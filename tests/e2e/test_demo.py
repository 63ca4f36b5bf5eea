"""The demo as a newcomer runs it: a real Prometheus, a real exporter, an HPA that reads through it, and nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(150)


@contextmanager
def demo(prometheus_bin: Path, *flags: str, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """A demo that writes to pipes; killed at the end if it still runs."""
    environment = {**os.environ, "WVA_TOOLS": str(prometheus_bin.parent), "DEMO_SECONDS": str(seconds)}
    process = subprocess.Popen(
        [sys.executable, "-m", "wva_exporter", "demo", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except ValueError:
            process.wait(timeout=20)  # its pipes were read to their ends already


def children(parent: int) -> dict[int, str]:
    """Processes that this one started, with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def alive(pids: dict[int, str]) -> list[str]:
    """Which of them still run as what they were."""
    left = []
    for pid, command in pids.items():
        try:
            if (Path("/proc") / str(pid) / "cmdline").read_text().replace("\0", " ") == command:
                left.append(command)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return left


def until_it_plays(process: subprocess.Popen[str]) -> str:
    """Read up to the first line of the run; returns what came before."""
    assert process.stdout is not None
    before = ""
    for line in process.stdout:
        if line.startswith("t="):
            return before
        before += line
    raise AssertionError(f"the demo ended before it began: {before}{process.stderr and process.stderr.read()}")


def evaluated_rules(header: str) -> list[dict[str, str]]:
    """The rules of the demo's Prometheus once each was evaluated; what there is of them after 40 seconds."""
    match = re.search(r"Prometheus at (http://127\.0\.0\.1:\d+)", header)
    assert match is not None
    give_up = time.monotonic() + 40
    while True:
        with urllib.request.urlopen(f"{match[1]}/api/v1/rules", timeout=5) as answer:
            groups = json.load(answer)["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        if (rules and all(rule["health"] != "unknown" for rule in rules)) or time.monotonic() > give_up:
            return rules
        time.sleep(0.5)


def number(pattern: str, text: str) -> int:
    """The one number that the pattern captures."""
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} is not in:\n{text}"
    return int(match[1])


def total(pattern: str, text: str) -> int:
    """The sum over both variants: which of them grows first is a matter of pennies."""
    return sum(int(found) for found in re.findall(pattern, text))


def test_a_short_demo_scales_up_before_the_queue_and_fails_no_request(prometheus_bin: Path) -> None:
    """Forty-five seconds: a replica was added and served, desired rose before 5 waited, none failed, no process is left.

    And the rules of the mixin are evaluated meanwhile, without error.
    """
    with demo(prometheus_bin, seconds=45) as process:
        header = until_it_plays(process)
        started = children(process.pid)
        rules = evaluated_rules(header)
        output, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    assert re.search(r"Prometheus at http://127\.0\.0\.1:\d+ scrapes it", header)
    assert "scrape 1s (15s)" in header
    assert number(r"(\d+) failed, mean", output) == 0
    assert number(r"Requests: (\d+) served", output) > 500
    assert total(r"Replicas of .*; (\d+) added", output) >= 1
    assert total(r"Replicas of .*at most (\d+) ready", output) > total(r"Replicas of .*: started with (\d+),", output)
    assert number(r"Reaction: .*, (\d+) had waited; the first added replica served", output) < 5
    assert len(started) in (2, 3)  # the rules may be made by then
    assert alive(started) == []
    assert len(rules) > 100
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []


def test_told_to_stop_it_leaves_nothing_behind(prometheus_bin: Path) -> None:
    """SIGTERM in the middle: programs and files are gone, what was seen is summed up, and that is no failure."""
    with demo(prometheus_bin, seconds=600) as process:
        until_it_plays(process)
        started = children(process.pid)
        [folder] = {Path(match[1]).parent for c in started.values() if (match := re.search(r"--config\.file=(\S+)", c))}
        assert folder.is_dir()
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "Requests:" in output
    assert alive(started) == []
    assert not folder.exists()


def test_without_prometheus_the_exporter_scrapes_by_itself(prometheus_bin: Path) -> None:
    """The header says so, targets are read from the exporter's page, and Ctrl-C ends it."""
    with demo(prometheus_bin, "--without-prometheus", seconds=600) as process:
        header = until_it_plays(process)
        started = children(process.pid)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "no Prometheus" in header
    assert len(started) == 1
    assert alive(started) == []


def test_an_exporter_that_dies_ends_the_demo_with_its_last_words(prometheus_bin: Path) -> None:
    """Exit code 1, the reason on one line and the end of the log below it, and Prometheus is stopped too."""
    with demo(prometheus_bin, seconds=600) as process:
        until_it_plays(process)
        started = children(process.pid)
        [exporter] = [pid for pid, command in started.items() if "-m wva_exporter run" in command]
        os.kill(exporter, signal.SIGKILL)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "wva-exporter ended with code -9; its last words:" in errors
    assert "Traceback" not in errors
    assert "listening" in errors
    assert alive(started) == []


def test_a_duration_that_is_none_is_refused(prometheus_bin: Path) -> None:
    """One clear line and exit code 2."""
    for flags in (["--seconds", "0"], ["--seconds", "nan"], ["--seconds=-3"]):
        done = subprocess.run(
            [sys.executable, "-m", "wva_exporter", "demo", *flags],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert "positive number" in done.stderr
