"""A real Prometheus for one test: started in a folder of its own, asked over HTTP, killed at the end."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parent.parent
DEFAULT_CONFIG = "global: {scrape_interval: 1s}\n"
_PATIENCE_SECONDS = 30.0

T = TypeVar("T")


def find_tool(name: str) -> Path | None:
    """The program of this name on PATH, in ``$WVA_TOOLS``, or where ``.ci/tools.sh`` unpacked it."""
    on_path = shutil.which(name)
    named = [Path(os.environ["WVA_TOOLS"]) / name] if "WVA_TOOLS" in os.environ else []
    candidates = [*([Path(on_path)] if on_path else []), *named, ROOT / ".tools" / "unpacked" / "usr" / "bin" / name]
    return next((path for path in candidates if os.access(path, os.X_OK)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPrometheus:
    """One running server. ``url`` has no slash at its end; ``folder`` holds its configuration, data and log."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, binary: Path, folder: Path, config: str = "", flags: Sequence[str] = ()) -> RealPrometheus:
        """Start on a port that the kernel picks and wait until it answers.

        Data written before (``folder/data``, by ``promtool tsdb create-blocks-from``) are served.

        Raises:
            RuntimeError: it ended, or is not ready in time; with the end of its log.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(config or DEFAULT_CONFIG)
        log = folder / "prometheus.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    binary,
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    "--web.listen-address=127.0.0.1:0",
                    "--web.enable-lifecycle",
                    *flags,
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            url = _when(lambda: _listening_url(log), process, log)
            _when(lambda: _answers(f"{url}/-/ready"), process, log)
        except BaseException:
            _kill(process)
            raise
        return cls(url=url, folder=folder, process=process)

    def query(self, promql: str, **parameters: str | float) -> list[dict[str, Any]]:
        """The series of an instant query, as the API spells them."""
        arguments = urllib.parse.urlencode({"query": promql, **parameters})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{arguments}", timeout=10) as answer:
            return list(json.load(answer)["data"]["result"])

    def wait_for(self, promql: str) -> list[dict[str, Any]]:
        """The series of a query as soon as it has any."""
        return _when(lambda: self.query(promql), self.process, self.folder / "prometheus.log")

    def freeze(self) -> None:
        """Let it hang: connections are accepted by the kernel and nobody answers."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """End the freeze."""
        os.killpg(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, with whatever it started; a second time does nothing."""
        _kill(self.process)


def _listening_url(log: Path) -> str | None:
    """The address that the log names: ``msg="Listening on" address=127.0.0.1:40123`` (2.42, and 3.x with TLS words)."""
    for line in log.read_text().splitlines():
        if "Listening on" in line and "address=" in line:
            return "http://" + line.partition("address=")[2].split()[0].strip('"')
    return None


def _answers(url: str) -> bool:
    with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def _when(condition: Callable[[], T | None], process: subprocess.Popen[bytes], log: Path) -> T:
    """The first true answer of a condition that is asked every few milliseconds."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        if answer := condition():
            return answer
        time.sleep(0.02)
    what = "ended" if process.poll() is not None else "was not ready in time"
    raise RuntimeError(f"prometheus {what}:\n" + "\n".join(log.read_text().splitlines()[-10:]))


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
