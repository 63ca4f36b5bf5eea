"""The web configuration in force: re-read when its file or a certificate changes, kept when the new one is bad."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from wva_exporter.errors import ConfigError
from wva_exporter.publish.web_config import WebConfig, load

log = logging.getLogger(__name__)

_Signature = tuple[tuple[int, int, int] | None, ...]


class WebFile:
    """Holds the last good ``WebConfig``; without a file, an empty one for ever.

    Raises:
        ConfigError: the file cannot be used at the start.
    """

    def __init__(self, path: Path | None, on_error: Callable[[], None]) -> None:
        self._path = path
        self._on_error = on_error
        self._refused = ""
        self.config = load(path) if path is not None else WebConfig()
        self._seen = self._signature()

    def refresh(self) -> bool:
        """Read the file again if something changed, and say whether a new configuration is in force.

        Called every second: it compares times, sizes and inodes, and opens a file only if they differ, or if the last
        attempt failed, since the cure may be in a file that is not watched. One fault is told and counted once.
        """
        seen = self._signature()
        if self._path is None or (seen == self._seen and not self._refused):
            return False
        try:
            self.config = self._changed(self._path)
        except ConfigError as error:
            self._refuse(str(error))
            return False
        # Of before the reading: a change while it went on, or files that were not watched yet, are read once more.
        self._seen, self._refused = seen, ""
        log.info("web configuration %s read again", self._path)
        return True

    def _changed(self, path: Path) -> WebConfig:
        config = load(path)
        if (config.tls is None) != (self.config.tls is None):
            raise ConfigError([f"{path}: TLS cannot be switched on or off without a restart"])
        return config

    def _refuse(self, reason: str) -> None:
        if reason != self._refused:
            self._refused = reason
            self._on_error()
            log.error("web configuration not read again, the last one stays: %s", reason)

    def _signature(self) -> _Signature:
        tls = self.config.tls
        files = [*([self._path] if self._path else []), *(tls.files if tls else ())]
        return tuple(_stat(path) for path in files)


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size
