"""What is wrong with a trace file, and where; all of it at once."""

from __future__ import annotations

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
        self._found.append(f"{self.path}{'' if line is None else f':{line}'}: {text}")
        if len(self._found) >= MOST_FINDINGS:
            raise ConfigError([*self._found, f"{self.path}: and perhaps more"])

    def field(self, line: int | None, name: str, read: Callable[[str], T], text: str, wanted: str) -> T | None:
        """A field as ``read`` reads it; None, and a finding, where it raises ``ValueError``."""
        try:
            return read(text)
        except ValueError:
            shown = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
            self.add(line, f"{name}: {shown!r} is not allowed: must be {wanted}")
            return None

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
            self.add(line, f"{name}: {shown!r} is not allowed: must be {much} the time before")
        self._before = at


def count(text: str) -> int:
    """A number of tokens, 0 or more, as in ``374`` or ``374.0``.

    Raises:
        ValueError: it is none.
    """
    value = float(text)
    if not value.is_integer() or not 0 <= value <= 1e9:  # noqa: PLR2004 - no request is longer
        raise ValueError(text)
    return int(value)


def number(text: str) -> float:
    """A number that is finite and not negative.

    Raises:
        ValueError: it is none.
    """
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(text)
    return value


COUNT, NUMBER = "a whole number of tokens", "a number that is not negative"


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
