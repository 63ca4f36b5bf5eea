"""The modules of this folder that take part, found by what they have."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cases import Case

Answer = Callable[[Case], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Who answers which area, and which group and op."""

    areas: dict[str, Answer]
    ops: dict[tuple[str, str], Answer]
    broken: list[str]
    """Modules that cannot be used, and why: each of them is a failure."""


def all_parts() -> Parts:
    """Every part; one that claims what another answers already is broken."""
    broken: list[str] = []
    areas: dict[str, Answer] = {}
    ops: dict[tuple[str, str], Answer] = {}
    package = __package__ or "tests.vectors"
    for found in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if found.name.startswith("_"):
            continue
        try:
            module = importlib.import_module(f"{package}.{found.name}")
        except Exception as error:  # noqa: BLE001 - the others can still answer
            broken.append(f"{found.name}: {type(error).__name__}: {error}")
            continue
        for table, given in ((areas, getattr(module, "AREAS", {})), (ops, getattr(module, "OPS", {}))):
            twice = table.keys() & given.keys()
            if twice:
                broken.append(f"{found.name}: answers {sorted(map(str, twice))}, which another part answers already")
            table.update(given)
    return Parts(areas=areas, ops=ops, broken=broken)
