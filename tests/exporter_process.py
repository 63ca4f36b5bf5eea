"""The exporter as its users run it: a process, a configuration file, a page that is scraped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

PATIENCE_SECONDS = 30.0
_LISTENING = re.compile(r"""addresses"?[=:] ?"?(https?://[^\s/"]+)""")


@dataclass(kw_only=True)
class Exporter:
    """One running ``wva-exporter run``; ``url`` is where it listens."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, folder: Path, config: str, *flags: str) -> Self:
        """Start on a port that the kernel picks and wait until it listens."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "wva.yaml").write_text(config)
        log = folder / "wva.log"
        command = [sys.executable, "-m", "wva_exporter", "run", f"--config.file={folder / 'wva.yaml'}"]
        with log.open("ab") as output:
            begin = output.tell()
            process = subprocess.Popen(
                [*command, "--web.listen-address=127.0.0.1:0", *flags], stderr=output, start_new_session=True
            )
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up and process.poll() is None:
            for line in log.read_text()[begin:].splitlines():
                if match := _LISTENING.search(line):
                    return cls(url=match[1], process=process, log=log)
            time.sleep(0.02)
        process.kill()
        process.wait()
        raise RuntimeError(f"the exporter did not listen:\n{log.read_text()}")

    def page(self) -> str:
        """Its page now."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def series(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Labels and values of one series."""
        return [
            (sample.labels, sample.value)
            for family in text_string_to_metric_families(self.page())
            for sample in family.samples
            if sample.name == name
        ]

    def value(self, name: str) -> float | None:
        """The only value of a series, None if there is none."""
        found = self.series(name)
        assert len(found) <= 1, found
        return found[0][1] if found else None

    def reason(self) -> str:
        """Why the only variant's target is held; ``none`` if it is not."""
        found = self.series("wva_decision_hold")
        return found[0][0]["reason"] if found else ""

    def wait(self, condition: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Until it holds; fails with the page and the log."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            with suppress(urllib.error.URLError, ConnectionError):
                if condition():
                    return
            time.sleep(0.05)
        wva = "\n".join(line for line in self.page().splitlines() if line.startswith("wva_d"))
        raise AssertionError(f"not in {seconds} s: {what}\n{wva}\n{self.log.read_text()[-3000:]}")

    def kill(self, number: int = signal.SIGKILL) -> int:
        """End it; returns its exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        return self.process.wait(timeout=20)


@dataclass(kw_only=True)
class Watch:
    """Records every target that is published between ``with`` and its end."""

    exporter: Exporter
    targets: list[float | None] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.targets.append(self.exporter.value("wva_desired_replicas"))
            self._stop.wait(0.2)
