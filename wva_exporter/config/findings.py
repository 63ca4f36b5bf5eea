"""What is wrong with a configuration, in lines that a person can act on: where, which key, which value, what is allowed."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wva_exporter.config.document import Document, KeyPath
from wva_exporter.config.json_schema import schema_at
from wva_exporter.config.phrases import allowed, bounds
from wva_exporter.config.schema import Settings
from wva_exporter.config.section import Section

MOST_FINDINGS = 100
_LONGEST_SHOWN = 60
_SECRET = (("prometheus", "headers"), ("prometheus", "basic_auth"))
_BOUND_ERRORS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What was validated: a document, the flags laid over it, both together as ``data``, and what sort of file it is."""

    name: str
    document: Document
    flags: Mapping[KeyPath, object]
    data: Mapping[str, object]
    file: type[Section] = Settings

    def schema(self, path: KeyPath) -> Mapping[str, Any]:
        """What may be written at a path; nothing is known of a place that such a file does not have."""
        return schema_at(path, self.file) or {}

    def value(self, path: KeyPath) -> object:
        """What was written at a path; None if nothing."""
        value: Any = self.data
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def findings(given: Input, errors: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each flaw of the text and each of pydantic's errors, in the order of the file; past a hundred a count."""
    found = [(flaw.line, _line(f"{given.name}:{flaw.line}", flaw.path, flaw.text)) for flaw in given.document.flaws]
    for error in errors:
        path, shown, text = _explained(given, error)
        found.append(_located(given, path, shown, text))
    said = list(dict.fromkeys(text for _, text in sorted(found, key=lambda finding: finding[0])))
    more = len(said) - MOST_FINDINGS
    return said if more <= 0 else [*said[:MOST_FINDINGS], f"{given.name}: and {more} more"]


def _located(given: Input, path: KeyPath, shown: KeyPath, text: str) -> tuple[int, str]:
    """A finding with the line of the nearest thing at or above its path that somebody wrote; line 0 is a flag."""
    for length in range(len(path), 0, -1):
        line = given.document.line.get(path[:length])
        if line is not None and path[:length] not in given.flags:
            return line, _line(f"{given.name}:{line}", shown, text)
        for flag in given.flags:
            if flag[:length] == path[:length]:
                return 0, _line("--" + dotted(max(flag, shown, key=len)), (), text)
    return 1, _line(f"{given.name}:1", shown, text)


def _line(label: str, path: KeyPath, text: str) -> str:
    return printable(": ".join(part for part in (label, dotted(path), text) if part))


def printable(text: str) -> str:
    """The text on one line, with escapes for what a terminal or a log would obey."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def dotted(path: KeyPath) -> str:
    """A path as people write it: ``variants[0].max``; a key that is no plain word is quoted, or hidden."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z0-9_-]{1,100}", step, re.ASCII):
            text += f".{step}"
        else:
            text += "[hidden]" if path[:2] in _SECRET else f"[{_quoted(step)}]"
    return text.removeprefix(".")


def _explained(given: Input, error: Mapping[str, Any]) -> tuple[KeyPath, KeyPath, str]:
    """Where an error of pydantic was written, where it is said to be, and what is said."""
    path: KeyPath = error["loc"]
    match error["type"]:
        case "missing":
            return path, path[:-1], f"{path[-1]} is required"
        case "extra_forbidden":
            return path, path[:-1], _unknown(path, given.schema(path[:-1]))
    value = given.value(path)
    text = _must(error, given.schema(path), value)
    if path[-1:] == ("[key]",):
        *section, name, _ = path
        what = "a key" if tuple(section) in _SECRET else f"the key {_shown((), name)}"
        return path[:-1], tuple(section), f"{what} is not allowed: {text}"
    if error["type"] == "value_error" and (value is None or isinstance(value, Mapping)):
        return path, path, text
    what = "an empty value" if value is None else _shown(path, value)
    return path, path, f"{what} is not allowed: {text}"


def _must(error: Mapping[str, Any], schema: Mapping[str, Any], value: object) -> str:
    """What is allowed instead."""
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error":
            return str(context["error"])
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must be at most {context['max_length']} characters long"
        case "string_type" if isinstance(value, bool | int | float):
            return "must be text: put it in quotes"
        case kind if kind in _BOUND_ERRORS:
            return f"must be {bounds(schema)}"
    return f"must be {allowed(schema)}"


def _unknown(path: KeyPath, section: Mapping[str, Any]) -> str:
    """That a key is unknown, and the known one that it resembles, else all that are known there."""
    known = list(section.get("properties", {}))
    plain = {_plain(name): name for name in known}
    close = difflib.get_close_matches(_plain(str(path[-1])), plain, n=1)
    advice = f"did you mean '{plain[close[0]]}'?" if close else f"known here: {', '.join(known)}"
    return f"unknown key {_shown((), path[-1])}; {advice}"


def _plain(name: str) -> str:
    """A key without what spellings differ in: ``costBudgetPerHour``, ``cost-budget-per-hour``."""
    return re.sub(r"[-_ ]", "", name).lower()[:100]


def _shown(path: KeyPath, value: object) -> str:
    """A value as it may be repeated: never a secret, never more than a line."""
    if isinstance(value, Mapping):
        return "a section of keys"
    if isinstance(value, tuple | list):
        return "a list"
    if any(path[: len(secret)] == secret for secret in _SECRET):
        return "this value"
    if isinstance(value, str):
        return "this value" if _may_hold_a_secret(path, value) else _quoted(value)
    return json.dumps(value) if isinstance(value, bool | int | float) else _quoted(str(value))


def _may_hold_a_secret(path: KeyPath, text: str) -> bool:
    """Text with a URL's user or query in it, or text where a whole section of credentials should stand."""
    return "@" in text or ("?" in text and "://" in text) or path in {("prometheus",), ("prometheus", "tls")}


def _quoted(text: str) -> str:
    cut = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    return repr(cut)
