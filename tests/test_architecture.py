"""The house keeps its own rules: who imports whom, how long things are, what they are called, where PromQL is written."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from architecture import PACKAGE, PURE, ROOMS, ROOT, functions, imports, length, may_import, module_of, ours, spoken

FILE_LINES = 400
FUNCTION_LINES = 40
VAGUE = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"}
PROMQL = re.compile(
    r"\bby \(|\bwithout \(|\b(rate|irate|increase|delta|histogram_quantile|label_replace|absent)\(|_over_time\("
)
MACHINES = re.compile(
    r"(?<![\w.*}-])/(work|root|home|opt/pypi|tmp/brief)/|(extra-)?index-url|trusted-host|https?://[\w.-]*pypi[\w.-]*/simple"
)
TEXT = (
    ".py",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".json",
    ".sh",
    ".libsonnet",
    ".jsonnet",
    ".tpl",
    ".txt",
    "run",
    "Makefile",
)


def package_files() -> list[Path]:
    """Every module of the package."""
    return list(ours(".py", under=PACKAGE))


def python_files() -> list[Path]:
    """Every module of the project, tests included."""
    return list(ours(".py"))


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def at(path: Path, line: int, text: str) -> str:
    """A finding as ``file:line: text``."""
    return f"{path.relative_to(ROOT)}:{line}: {text}"


def said(findings: list[str]) -> None:
    """Fail with every finding on a line of its own."""
    if findings:
        pytest.fail("\n".join(findings), pytrace=False)


def test_every_module_lives_in_a_room_of_the_table() -> None:
    """A new folder needs a place in the table, and a reason for it."""
    said([at(p, 1, "no such room") for p in package_files() if module_of(p).split(".")[0] not in ROOMS])


def test_rooms_import_only_what_the_table_allows() -> None:
    """Dependencies point one way, so that decisions stay free of edges."""
    findings = []
    for path in package_files():
        module = module_of(path)
        for line, name in imports(parsed(path), module, is_package=path.name == "__init__.py"):
            top, _, target = name.partition(".")
            if top == PACKAGE and not may_import(module.split(".")[0], target):
                findings.append(at(path, line, f"{module} may not import {target}"))
    said(findings)


def test_core_imports_nothing_that_touches_the_world() -> None:
    """No clock, log, environment, event loop or file: the same input gives the same plan for ever."""
    findings = [
        at(path, line, f"core imports {name}")
        for path in ours(".py", under=f"{PACKAGE}/core")
        for line, name in imports(parsed(path), module_of(path), is_package=path.name == "__init__.py")
        if name.split(".")[0] not in PURE
    ]
    said(findings)


def test_core_calls_nothing_that_touches_the_world() -> None:
    """What needs no import is not there either: files, terminals and numpy's global chance."""
    findings = []
    for path in ours(".py", under=f"{PACKAGE}/core"):
        for node in ast.walk(parsed(path)):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name in {"open", "print", "input", "exec", "eval"} or name.startswith(("np.random.", "numpy.random.")):
                findings.append(at(path, getattr(node, "lineno", 0), f"core calls {name}"))
    said(findings)


def test_files_are_short() -> None:
    """One idea a file: past 400 lines there are two."""
    long = [(p, len(p.read_text(encoding="utf-8").splitlines())) for p in python_files()]
    said([at(p, lines, f"{lines} lines, {FILE_LINES} at most") for p, lines in long if lines > FILE_LINES])


def test_functions_are_short() -> None:
    """What does not fit on a screen is not read; docstrings do not count."""
    said(
        [
            at(path, function.lineno, f"{function.name} has {length(function)} lines, {FUNCTION_LINES} at most")
            for path in python_files()
            for function in functions(parsed(path))
            if length(function) > FUNCTION_LINES
        ]
    )


def test_modules_have_names_that_say_something() -> None:
    """A drawer called utils fills up."""
    said([at(p, 1, "a name that says nothing") for p in python_files() if VAGUE & {p.stem, p.parent.name}])


def test_promql_is_written_only_in_the_engine_tables() -> None:
    """One place escapes and renders queries; elsewhere a bare series name is the most that may be asked."""
    findings = [
        at(path, line, f"looks like PromQL: {text[:60]!r}")
        for path in package_files()
        if not module_of(path).startswith("engines")
        for line, text in spoken(parsed(path))
        if PROMQL.search(text)
    ]
    said(findings)


def test_every_test_says_what_it_proves() -> None:
    """A test's docstring is one sentence about behaviour."""
    said(
        [
            at(path, function.lineno, f"{function.name} has no docstring")
            for path in ours(".py", under="tests")
            if path.name.startswith("test_")
            for function in functions(parsed(path))
            if function.name.startswith("test_") and not ast.get_docstring(function)
        ]
    )


def test_no_text_names_a_machine() -> None:
    """Paths and package indexes of whoever wrote it help nobody else."""
    said(
        [
            at(path, number, line.strip()[:100])
            for path in ours(*TEXT)
            if path != Path(__file__)
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
            if MACHINES.search(line)
        ]
    )


def test_the_types_are_shipped() -> None:
    """``py.typed`` makes the annotations count for whoever imports the package."""
    assert (ROOT / PACKAGE / "py.typed").exists()


def test_the_newest_change_is_of_this_version() -> None:
    """The changelog's first heading is the version in the code, or what will be the next."""
    version = re.search(r'__version__ = "(.+)"', (ROOT / PACKAGE / "__init__.py").read_text())
    heading = re.search(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert version
    assert heading
    assert heading[1] in {version[1], "Unreleased"}


def test_what_is_imported_is_declared() -> None:
    """A third-party package that the program imports stands in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for group in project.get("optional-dependencies", {}).values() for name in group]
    declared = {re.split(r"[\s<>=!~\[;]", d)[0].lower().replace("-", "_") for d in [*project["dependencies"], *extras]}
    brought = {
        "yaml": "pyyaml",
        "pydantic_core": "pydantic",
        "_jsonnet": "jsonnet",
        "re2": "google_re2",
    }  # import name: the package that brings it
    findings = {
        at(path, line, f"{top} is not in the dependencies")
        for path in package_files()
        for line, name in imports(parsed(path), module_of(path), is_package=path.name == "__init__.py")
        if (top := name.split(".")[0]) != PACKAGE
        and brought.get(top, top) not in declared
        and top not in sys.stdlib_module_names
    }
    said(sorted(findings))


@pytest.mark.parametrize(
    ("room", "target", "allowed"),
    [
        ("core", "conventions", True),
        ("core", "config.schema", False),
        ("twin", "sources.assemble", True),
        ("twin", "sources.prometheus", False),
        ("twin", "sources", True),
        ("service", "twin.fleet", False),
        ("publish", "sources.samples", False),
        ("errors", "conventions", False),
        ("cli", "service.cycle", True),
        ("core", "__version__", True),
        ("core", "", True),
    ],
)
def test_the_table_is_read_as_it_is_meant(room: str, target: str, *, allowed: bool) -> None:
    """The rule that judges the others is itself judged."""
    assert may_import(room, target) is allowed


def test_relative_imports_are_seen_through() -> None:
    """Dots do not hide where a module reaches."""
    tree = ast.parse("from ..config import schema\nfrom . import fleet")
    names = [name for _, name in imports(tree, "core.plan", is_package=False)]
    assert names == [f"{PACKAGE}.config", f"{PACKAGE}.config.schema", f"{PACKAGE}.core", f"{PACKAGE}.core.fleet"]
