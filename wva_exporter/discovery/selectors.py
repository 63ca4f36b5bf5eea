"""Which pods a selector matches, for a thousand selectors at once.

Every selector against every pod would be millions of regular expressions a cycle. A selector here starts from the field that
leaves the fewest pods without any regular expression: its model, a plain word, or values that begin like its pattern does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import re2

from wva_exporter.core.declaration import Selector
from wva_exporter.core.sightings import Pod

_FIELDS = ("namespace", "pod", "instance", "job", "llm_d_ai_variant")
_SPECIAL = frozenset(".^$*+?{}[]|()\\")
_REPEATS = frozenset("*?{")


@dataclass(frozen=True, slots=True)
class _Test:
    """One field's condition: the values that may pass it, how many pods have one of them, and the condition itself."""

    field: str
    values: Sequence[str]
    pods: int
    passes: Callable[[str], bool]


class SelectorIndex:
    """Pods by the values of the fields that selectors ask for."""

    def __init__(self, pods: Sequence[Pod], namespaces: Sequence[str]) -> None:
        """``namespaces`` are those that the pods live in, their label or the default."""
        self._value: Mapping[str, list[str]] = {
            "namespace": list(namespaces),
            "pod": [pod.name for pod in pods],
            "instance": [pod.instance for pod in pods],
            "job": [pod.job for pod in pods],
            "llm_d_ai_variant": [pod.variant_label for pod in pods],
            "model": [pod.model for pod in pods],
        }
        self._rows: dict[str, dict[str, list[int]]] = {}
        self._sorted: dict[str, list[str]] = {}
        self._tests: dict[tuple[str, str], _Test] = {}

    def rows(self, selector: Selector, model: str | None = None) -> list[int]:
        """The pods of which every given field matches fully; with ``model``, of that model or of an unknown one."""
        patterns = ((name, getattr(selector, name)) for name in _FIELDS)
        tests = [self._test(name, pattern) for name, pattern in patterns if pattern is not None]
        if model is not None:
            tests.append(self._in("model", (model, "") if model else ("",)))
        if not tests:
            return list(range(len(self._value["pod"])))
        first, *others = sorted(tests, key=lambda test: test.pods)
        by_value = self._by_value(first.field)
        found = [row for value in first.values if first.passes(value) for row in by_value.get(value, ())]
        for test in others:
            values = self._value[test.field]
            found = [row for row in found if test.passes(values[row])]
        return found

    def _by_value(self, name: str) -> dict[str, list[int]]:
        if name not in self._rows:
            rows: dict[str, list[int]] = {}
            for row, value in enumerate(self._value[name]):
                rows.setdefault(value, []).append(row)
            self._rows[name] = rows
            self._sorted[name] = sorted(rows)
        return self._rows[name]

    def _in(self, name: str, values: tuple[str, ...]) -> _Test:
        by_value = self._by_value(name)
        return _Test(name, values, sum(len(by_value.get(value, ())) for value in values), values.__contains__)

    def _test(self, name: str, pattern: str) -> _Test:
        key = (name, pattern)
        if key not in self._tests:
            self._tests[key] = self._new_test(name, pattern)
        return self._tests[key]

    def _new_test(self, name: str, pattern: str) -> _Test:
        prefix = literal_prefix(pattern)
        if prefix == pattern:
            return self._in(name, (pattern,))
        by_value = self._by_value(name)
        values = _starting(self._sorted[name], prefix) if prefix else self._sorted[name]
        pods = sum(len(by_value[value]) for value in values) if prefix else len(self._value[name])
        matches = re2.compile(pattern).fullmatch
        return _Test(name, values, pods, cache(lambda value: matches(value) is not None))


def literal_prefix(pattern: str) -> str:
    """Characters with which every full match of the pattern begins; the pattern itself if it is a plain word."""
    if _alternates(pattern):
        return ""
    length = next((i for i, char in enumerate(pattern) if char in _SPECIAL), len(pattern))
    repeated = length < len(pattern) and pattern[length] in _REPEATS
    return pattern[: max(length - 1, 0)] if repeated else pattern[:length]


def _alternates(pattern: str) -> bool:
    """Whether the pattern may have alternatives outside any group; escapes and classes are not looked into."""
    if "|" not in pattern:
        return False
    if "\\" in pattern or "[" in pattern:
        return True
    depth = 0
    for char in pattern:
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            return True
    return False


def _starting(ordered: Sequence[str], prefix: str) -> Sequence[str]:
    """The values of an ordered list that begin with the prefix."""
    start = bisect_left(ordered, prefix)
    end = bisect_left(ordered, 1, lo=start, key=lambda value: int(not value.startswith(prefix)))
    return ordered[start:end]
