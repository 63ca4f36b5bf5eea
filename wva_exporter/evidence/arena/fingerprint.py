"""What a result depends on, as a short text: the values that went in, and the code that made it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from types import FunctionType

import numpy as np

from wva_exporter.errors import InvalidValue

PACKAGE = Path(__file__).parent.parent.parent

RESULTS_DEPEND_ON = (
    "core/columns.py",
    "core/fleet.py",
    "twin",
    "errors.py",
    "evidence/arena/score.py",
)
"""Of the package: what a run and its scores are made by, and"""

DECISIONS_DEPEND_ON = (
    "core",
    "engines",
    "conventions.py",
    *(f"sources/{name}.py" for name in ("assemble", "counts", "merge", "presence", "router", "samples", "sight")),
)
"""what decides in it, where our exporter does: others need not run again because our policies changed."""

_OF_THE_EXPORTER = frozenset(
    f"twin/{name}.py" for name in ("observe", "observe_windows", "fleet_rows", "planned", "planner")
)
"""Of the twin: the part around the exporter."""


def fingerprint(*values: object) -> str:
    """The same text for equal values in every process, another one for others.

    Values are frozen dataclasses, enums, arrays, paths, mappings, sequences and plain ones, in each other. A path to a file
    stands for its content.

    Raises:
        InvalidValue: a value is something else, whose equality cannot be told.
    """
    digest = hashlib.blake2b(digest_size=16)
    for value in values:
        for part in _parts(value):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


@cache
def sources(*, deciding: bool) -> str:
    """The code that makes results, of this installation: with what decides, or without."""
    names = (*RESULTS_DEPEND_ON, *DECISIONS_DEPEND_ON) if deciding else RESULTS_DEPEND_ON
    files = {path.relative_to(PACKAGE).as_posix(): path for name in names for path in _python(PACKAGE / name)}
    left_out: frozenset[str] = frozenset() if deciding else _OF_THE_EXPORTER
    return fingerprint([(name, path.read_bytes()) for name, path in sorted(files.items()) if name not in left_out])


def _python(path: Path) -> list[Path]:
    return [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))


def _parts(value: object) -> Iterator[bytes]:
    yield type(value).__qualname__.encode()
    if value is None or isinstance(value, bool | int | float | str | Enum):
        yield repr(value).encode()
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, np.ndarray | np.generic):
        yield f"{value.dtype}{value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Path):
        yield value.read_bytes() if value.is_file() else str(value).encode()
    elif isinstance(value, FunctionType | type):
        yield f"{value.__module__}.{value.__qualname__}".encode()
    else:
        for inner in _inside(value):
            yield from _parts(inner)


def _inside(value: object) -> Iterator[object]:
    if is_dataclass(value):
        for field in fields(value):
            yield field.name
            yield getattr(value, field.name)
    elif isinstance(value, Mapping):
        for key in sorted(value, key=repr):
            yield key
            yield value[key]
    elif isinstance(value, tuple | list):
        yield from value
        yield len(value)
    else:
        raise InvalidValue(f"cannot tell what a {type(value).__qualname__} is equal to")
