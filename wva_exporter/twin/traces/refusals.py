"""What is wrong with a trace file, and where; all of it at once."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self, TypeVar

from wva_exporter.errors import ConfigError

MOST_FINDINGS = 20
_LONGEST_SHOWN = 60

T = TypeVar("T")


class Refusals:
    """Findings of one file; leaving the block raises them, and reading stops when there are too many.

    Times of its lines are in order and ``apart_seconds`` apart, at least; 0: several may be the same.

    Raises:
        ConfigError: there is a finding, or the file cannot be read; every finding is one line.
    """

    def __init__(self, path: Path, apart_seconds: float = 0.0) -> None:
        self.path = path
        self._apart_seconds = apart_seconds
        self._found: list[str] = []
        self._before = -math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise ConfigError([f"{self.path}: no such file"]) from None
        if isinstance(error, OSError):
            raise ConfigError([f"{self.path}: cannot be read: {error.strerror or error}"]) from None
        if isinstance(error, UnicodeDecodeError):
            raise ConfigError([f"{self.path}: is not UTF-8 text"]) from None
        if self._found and error is None:
            raise ConfigError(self._found)

    def add(self, line: int | None, text: str) -> None:
        """Note what is wrong on a line, counted from 1; None: the text says where in the file."""
        self._found.append(_on_a_line(f"{self.path}{'' if line is None else f':{line}'}: {text}"))
        if len(self._found) >= MOST_FINDINGS:
            raise ConfigError([*self._found, f"{self.path}: and perhaps more"])

    def field(self, line: int | None, name: str, read: Callable[[str], T], text: str, wanted: str) -> T | None:
        """A field as ``read`` reads it; None, and a finding, where it raises ``ValueError``."""
        try:
            return read(text)
        except ValueError:
            self.refuse(line, name, text, wanted)
            return None

    def refuse(self, line: int | None, name: str, given: object, wanted: str) -> None:
        """Note a field that holds something else than what is wanted; of a long one its beginning is shown."""
        self.add(line, f"{name}: {_shown(given)} is not allowed: must be {wanted}")

    def time(self, line: int | None, name: str, read: Callable[[str], float], text: str, wanted: str) -> float | None:
        """A field that is a time in seconds, in the order of the lines."""
        at = self.field(line, name, read, text, wanted)
        if at is not None:
            self.in_order(line, name, at, text)
        return at

    def in_order(self, line: int | None, name: str, at: float, shown: object) -> None:
        """Note a time that goes back behind that of the last line that had one, or comes too soon after it."""
        if at < self._before + self._apart_seconds:
            much = f"at least {self._apart_seconds:g} s after" if self._apart_seconds else "at or after"
            self.refuse(line, name, shown, f"{much} the time before")
        self._before = at


def _shown(given: object) -> str:
    """On one line, and no longer than a line."""
    if isinstance(given, dict | list):  # not spelled out first: it may be millions of items
        return "an object" if isinstance(given, dict) else "a list"
    text = given if isinstance(given, str) else json.dumps(given)
    cut = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    return repr(cut) if isinstance(given, str) else cut


def _on_a_line(text: str) -> str:
    """With escapes for what would end the line, or what a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def count(text: str) -> int:
    """A number of tokens up to ``MOST_TOKENS``, as in ``374`` or ``374.0``.

    Raises:
        ValueError: it is none.
    """
    value = float(text)
    if not value.is_integer() or not 0 <= value <= MOST_TOKENS:
        raise ValueError(text)
    return int(value)


def number(text: str) -> float:
    """A number from 0 to ``MOST``.

    Raises:
        ValueError: it is none.
    """
    value = float(text)
    if not 0 <= value <= MOST:
        raise ValueError(text)
    return value


MOST_TOKENS = 1_000_000_000
"""No request is longer."""

MOST = 1e15
"""No time, rate or mean size is larger; products with the factors of a scenario stay finite."""

COUNT, NUMBER = f"a whole number of tokens from 0 to {MOST_TOKENS}", "a number from 0 to 1e15"


def rows(
    refusals: Refusals, lines: Iterator[str], columns: Sequence[str], unnamed: Sequence[str] = ()
) -> Iterator[tuple[int, list[str]]]:
    """The values of these columns, row by row, with their line; a comma-separated file with its names on top.

    The files hold numbers, names and times: no field is quoted and none holds a comma. ``unnamed`` are the names of a file that
    has none.
    """
    names = [name.lower() for name in unnamed] or [
        name.strip().strip('"').lower() for name in next(lines, "").lstrip("\ufeff").split(",")
    ]
    lacking = [column for column in columns if column.lower() not in names]
    if lacking:
        refusals.add(1, f"the first line must name the columns {', '.join(columns)}; {', '.join(lacking)} is lacking")
        return
    places = [names.index(column.lower()) for column in columns]
    for line, text in enumerate(lines, start=1 if unnamed else 2):
        values = text.rstrip("\r\n").split(",")
        if len(values) == len(names):
            yield line, [values[place].strip() for place in places]
        elif text.strip():
            refusals.add(line, f"{len(values)} fields where the first line names {len(names)}")
