"""What the exporter costs as a process of its own: its memory over a large fleet, and its start."""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from exporter_process import Exporter
from real_prometheus import ROOT, RealPrometheus, find_tool

from bench.fleet import configuration
from bench.measure import Measurement

PATIENCE_SECONDS = 90.0
CYCLES = 8
"""Cycles after which the memory of a large fleet is read."""

STARTS = 5
_SUCCEEDED = re.compile(r'^wva_optimization_duration_seconds_count\{status="success"\} (\S+)', re.MULTILINE)


def measurements() -> Iterator[Measurement]:
    """Everything that needs processes."""
    yield rss_1000()
    yield cold_start()


def rss_1000() -> Measurement:
    """Resident memory after some cycles over 1,000 variants, while its page is read all the time."""
    settings = configuration(1_000) | {"interval": "2s"}
    with canned_prometheus(1_000) as url, exporter(url, settings) as running:
        _until_published(running, cycles=CYCLES)
        pages = int(Path(f"/proc/{running.process.pid}/statm").read_text().split()[1])
    value = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return Measurement(name="rss_1000_mb", value=value, unit="MiB", budget=200)


def cold_start() -> Measurement:
    """From the start of the process to the first published decision, over a vLLM that Prometheus already knows."""
    settings = {"scrape_interval": "1s", "interval": "1s", "window_floor": "4s"}
    times = []
    with scraped_vllm() as prometheus:
        prometheus.wait_for("count_over_time(vllm:num_requests_running[6s]) >= 5")
        for _ in range(STARTS):
            start = time.perf_counter()
            with exporter(prometheus.url, settings) as running:
                _until_published(running, cycles=1)
                times.append(time.perf_counter() - start)
    return Measurement(name="cold_start_s", value=statistics.median(times), unit="s", budget=2)


@contextlib.contextmanager
def canned_prometheus(variants: int) -> Iterator[str]:
    """The address of a process that answers like a Prometheus over a large fleet."""
    command = [sys.executable, "-m", "bench.canned", str(variants)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


@contextlib.contextmanager
def exporter(url: str, settings: Mapping[str, object]) -> Iterator[Exporter]:
    """A running exporter with these settings that asks this Prometheus."""
    with TemporaryDirectory() as folder:
        running = Exporter.start(Path(folder), yaml.safe_dump(dict(settings)), f"--prometheus.url={url}")
        try:
            yield running
        finally:
            running.kill()


@contextlib.contextmanager
def scraped_vllm() -> Iterator[RealPrometheus]:
    """A real Prometheus that scrapes one recorded vLLM every second."""
    text = (ROOT / "tests" / "data" / "vllm-0.32" / "busy.prom").read_bytes()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    binary = find_tool("prometheus")
    if binary is None:
        raise RuntimeError("prometheus is not here; type: .ci/tools.sh")
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server, TemporaryDirectory() as folder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [
                {"job_name": "vllm", "static_configs": [{"targets": [f"127.0.0.1:{server.server_port}"]}]}
            ],
        }
        prometheus = RealPrometheus.start(binary, Path(folder) / "prometheus", yaml.safe_dump(config))
        try:
            yield prometheus
        finally:
            prometheus.kill()
            server.shutdown()


def _until_published(running: Exporter, cycles: int) -> None:
    """Read the page until a target is on it and so many cycles went well."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while "\nwva_desired_replicas{" not in (page := running.page()) or _succeeded(page) < cycles:
        if time.monotonic() > give_up:
            raise RuntimeError(f"the exporter did not publish in time:\n{running.log.read_text()[-2000:]}")
        time.sleep(0.01)


def _succeeded(page: str) -> float:
    return sum(map(float, _SUCCEEDED.findall(page)))
