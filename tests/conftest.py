"""What every test may ask for: the real tools, the recorded data, a running Prometheus; and the rule about skips."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from real_prometheus import RealPrometheus, find_tool

ROOT = Path(__file__).parent.parent
THIRD_PARTY_DATA = "WVA_DATA"
"""A test may skip only for want of third-party data, and only with this word in its reason."""

settings.register_profile("steady", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def _tool_or_fail(name: str) -> Path:
    path = find_tool(name)
    if path is None:
        pytest.fail(f"{name} is not here; `make tools` gets it without root", pytrace=False)
    return path


@pytest.fixture(scope="session")
def prometheus_bin() -> Path:
    """A real Prometheus; the test fails, and never skips, without one."""
    return _tool_or_fail("prometheus")


@pytest.fixture(scope="session")
def promtool_bin() -> Path:
    """The promtool that belongs to it."""
    return _tool_or_fail("promtool")


@pytest.fixture(scope="session")
def victoria_metrics_bin() -> Path:
    """A second store that answers Prometheus' queries."""
    return _tool_or_fail("victoria-metrics")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of recorded and third-party files that tests read."""
    return ROOT / "tests" / "data"


@pytest.fixture
def free_port() -> int:
    """A TCP port of the loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def prometheus(prometheus_bin: Path, tmp_path: Path) -> Iterator[Callable[..., RealPrometheus]]:
    """``prometheus(config, *flags)`` starts a real one on a free port, ready to answer; all of them end with the test."""
    running: list[RealPrometheus] = []

    def start(config: str = "", *flags: str) -> RealPrometheus:
        folder = tmp_path / f"prometheus-{len(running)}"
        server = RealPrometheus.start(prometheus_bin, folder, config, flags)
        running.append(server)
        return server

    yield start
    for server in running:
        server.kill()


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure unless it is for third-party data that nobody gave."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if THIRD_PARTY_DATA not in reason or THIRD_PARTY_DATA in os.environ:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: only tests without {THIRD_PARTY_DATA} may skip, this one says: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge each test's skip."""
    report = yield
    _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge the skip of a whole module."""
    report = yield
    _refuse(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """End with the list of skips, also when there is none."""
    yield
    skipped = terminalreporter.stats.get("skipped", [])
    terminalreporter.section(f"skips: {len(skipped) or 'none'}")
    for report in skipped:
        terminalreporter.write_line(f"{report.nodeid}: {report.longrepr[2]}")
