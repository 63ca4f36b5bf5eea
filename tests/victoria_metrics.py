"""Debian's VictoriaMetrics as a second store that speaks Prometheus' API; it scrapes by Prometheus' configuration."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VictoriaMetrics:
    """One running server."""

    url: str
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, binary: Path, folder: Path, port: int, config: str) -> Self:
        """Start, and wait until it answers. What was scraped is asked for at once, not half a minute later."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scrape.yml").write_text(config)
        with (folder / "victoria-metrics.log").open("wb") as output:
            process = subprocess.Popen(
                [
                    binary,
                    f"-httpListenAddr=127.0.0.1:{port}",
                    f"-promscrape.config={folder / 'scrape.yml'}",
                    "-promscrape.config.strictParse=false",
                    "-promscrape.httpSDCheckInterval=1s",
                    f"-storageDataPath={folder / 'data'}",
                    "-search.latencyOffset=0s",
                    "-search.disableCache",
                    "-memory.allowedBytes=256MB",
                    "-maxLabelsPerTimeseries=64",  # vLLM's cache_config_info has over 30 labels, what is beyond is dropped
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = cls(url=f"http://127.0.0.1:{port}", process=process)
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up and process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"{server.url}/health", timeout=5).close()
                return server
            time.sleep(0.05)
        server.kill()
        raise RuntimeError(f"victoria-metrics did not answer:\n{(folder / 'victoria-metrics.log').read_text()[-2000:]}")

    def query(self, promql: str) -> list[dict[str, Any]]:
        """The series of an instant query."""
        arguments = urllib.parse.urlencode({"query": promql})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{arguments}", timeout=10) as answer:
            return list(json.load(answer)["data"]["result"])

    def wait_for(self, promql: str) -> None:
        """Until the query has an answer."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not self.query(promql):
            assert time.monotonic() < give_up, promql
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
