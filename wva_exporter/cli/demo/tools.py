"""Where programs that we did not write are: Prometheus and its tools."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path


def find_tool(name: str) -> Path | None:
    """The program of this name: on PATH, in the folder ``WVA_TOOLS``, or unpacked below ``.tools``; None if nowhere."""
    return next((path for path in _candidates(name) if path.is_file() and os.access(path, os.X_OK)), None)


def _candidates(name: str) -> Iterator[Path]:
    if (on_path := shutil.which(name)) is not None:
        yield Path(on_path)
    if (folder := os.environ.get("WVA_TOOLS")) is not None:
        yield Path(folder) / name
    yield from sorted(Path(".tools").glob(f"**/usr/bin/{name}"))
