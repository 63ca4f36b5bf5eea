"""The rooms of the house as data, and the few questions that their tests ask of a syntax tree."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = "wva_exporter"

VOCABULARY = ("conventions", "errors")
"""What every room may speak, and what imports nothing itself."""

ROOMS: dict[str, tuple[str, ...]] = {
    "conventions": (),
    "errors": (),
    "core": (),
    "config": ("core",),
    "engines": (),
    "sources": ("core", "engines"),
    "discovery": ("core", "engines"),
    "publish": ("core",),
    "twin": ("core", "engines", "sources.assemble", "sources.samples"),
    "service": ("core", "config", "engines", "sources", "discovery", "publish"),
    "artefacts": ("config", "discovery"),
    "evidence": ("core", "sources", "twin"),
    "cli": ("core", "config", "engines", "sources", "discovery", "publish", "twin", "service", "artefacts", "evidence"),
    "__init__": (),
    "__main__": ("cli",),
}
"""Which rooms a room may import, beside itself and the vocabulary; a dotted name is one module of a room."""

PURE = frozenset(
    {
        *("__future__", "abc", "bisect", "collections", "contextlib", "copy", "dataclasses", "enum", "fractions"),
        *("functools", "heapq", "itertools", "math", "operator", "re", "statistics", "string", "types", "typing"),
        *("numpy", "scipy", PACKAGE),
    }
)
"""All that core may import: no clock, log, environment, event loop, file, process, YAML or Prometheus client."""

NOT_OURS = frozenset({".git", ".venv", ".tools", ".hypothesis", "__pycache__", "dist", "build", "node_modules"})


def ours(*suffixes: str, under: str = ".") -> Iterator[Path]:
    """The files of the project below a folder, without what is made or fetched; every suffix if none is named."""
    for folder, folders, names in os.walk(ROOT / under):
        folders[:] = sorted(f for f in folders if f not in NOT_OURS and not f.endswith(("_cache", ".egg-info")))
        yield from (Path(folder, n) for n in sorted(names) if not suffixes or n.endswith(suffixes))


def module_of(path: Path) -> str:
    """The module's dotted name below the package: ``core.fleet`` of ``wva_exporter/core/fleet.py``."""
    parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports(tree: ast.Module, module: str, *, is_package: bool) -> Iterator[tuple[int, str]]:
    """Every import of a module with its line, absolute, also those within functions and for type checkers only."""
    here = f"{PACKAGE}.{module}".split(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = here[: len(here) - node.level + is_package] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def may_import(room: str, target: str) -> bool:
    """Whether a module of ``room`` may import ``target``, a dotted name below the package ('' is the package itself)."""
    allowed = (room, *ROOMS[room], *(VOCABULARY if room not in VOCABULARY else ()))
    rooms = set(ROOMS) - {"__init__"}
    if target.split(".", maxsplit=1)[0] not in rooms:
        return True  # the package itself, as in ``from wva_exporter import __version__``
    inside = any(target == name or target.startswith(f"{name}.") for name in allowed)
    towards = any(name.startswith(f"{target}.") for name in allowed)  # ``sources`` on the way to ``sources.assemble``
    return inside or towards


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function, method and inner function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Its lines from ``def`` to the end, without the docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def spoken(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every text that the program works with, with its line: string literals that are not documentation."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value
