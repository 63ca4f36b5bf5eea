"""Scores that were computed before, one small file each, so that a run that was interrupted goes on where it was.

A file's name is the fingerprint of all that its content depends on; nothing is ever outdated, only no longer asked for.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wva_exporter.errors import ConfigError

_ENDLESS = "inf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A folder of results by key. Several processes may write at once: each file appears whole or not at all."""

    folder: Path

    def get(self, key: str) -> dict[str, float] | None:
        """The numbers kept under a key; None if there are none, or none that can be read."""
        try:
            text = self._path(key).read_text(encoding="utf-8")
            found = json.loads(text)
            return {str(name): _number(value) for name, value in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return None

    def put(self, key: str, numbers: Mapping[str, float]) -> None:
        """Keep numbers.

        Raises:
            ConfigError: the folder cannot be written to.
        """
        path = self._path(key)
        whole = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole.write_text(json.dumps({name: _text(value) for name, value in numbers.items()}), encoding="utf-8")
            whole.replace(path)
        except OSError as error:
            raise ConfigError([f"{error.filename or path}: cannot be written: {error.strerror}"]) from None

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.json"


def _text(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return _ENDLESS if math.isinf(value) else value


def _number(value: object) -> float:
    if value is None:
        return math.nan
    if value == _ENDLESS:
        return math.inf
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return float(value)
