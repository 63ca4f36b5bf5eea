"""What is wrong with the options that somebody gave the mixin: one sentence each, before anything is rendered."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from wva_exporter.artefacts.lint_alerts import SEVERITIES
from wva_exporter.artefacts.promql_tree import parse

_CHOICES = {"compat": ("corrected", "exact"), "histogram": ("classic", "native")}
_SHARES = frozenset({"kvCache", "kvSpare", "objective"})
_WINDOWS = ("windowSeconds", "longWindowSeconds")
_SCRAPES = 4
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


def wrong(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each option that the mixin does not have, that is of another kind, or that cannot work."""
    yield from _wrong(given, defaults, "")
    scrape = {**defaults, **given}["scrapeIntervalSeconds"]
    for name in _WINDOWS:
        if name in given and _positive(given[name]) and _positive(scrape) and given[name] < _SCRAPES * scrape:
            yield f"mixin option {name}: must be at least {_SCRAPES} scrapes of {scrape:g} s, not {given[name]:g}"


def unknown_alerts(severities: Mapping[str, Any], alerts: Collection[str]) -> Iterator[str]:
    """A sentence for each alert whose severity was given and that is not there."""
    for name in severities:
        if name not in alerts:
            near = get_close_matches(name, alerts, n=1)
            yield f"mixin option severities.{name}: there is no alert of this name" + (
                f"; did you mean {near[0]}?" if near else ""
            )


def _wrong(given: Mapping[str, Any], known: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, value in given.items():
        here = f"{path}{name}"
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            yield f"mixin option {here}: there is none of this name" + (
                f"; did you mean {path}{near[0]}?" if near else ""
            )
            continue
        own = known[name]
        if isinstance(own, Mapping) and own and isinstance(value, Mapping):
            yield from _wrong(value, own, f"{here}.")
        elif own is not None and _kind(own) != _kind(value):
            yield f"mixin option {here}: must be {_kind(own)}, not {_kind(value)}"
        elif allowed := _impossible(str(name), value, own):
            yield f"mixin option {here}: must be {allowed}, not {value!r}"


def _impossible(name: str, value: Any, own: object) -> str | None:
    """What the value of an option must be, if it is not."""
    match value:
        case Mapping():
            return _impossible_names(name, value)
        case list():
            return None if all(isinstance(each, str) for each in value) else "a list of text"
        case str() if own is not None:
            return _impossible_text(name, value)
    if isinstance(value, bool | None) and (own is None) == (value is None):
        return None
    return _impossible_number(name, value)


def _impossible_number(name: str, value: Any) -> str | None:
    if name in _SHARES:
        return None if 0 < value < 1 else "between 0 and 1"
    return None if _positive(value) else "a positive number"


def _impossible_names(name: str, value: Mapping[Any, Any]) -> str | None:
    if not all(isinstance(part, str) for pair in value.items() for part in pair):
        return "a mapping of names to text"
    if name == "severities" and not set(value.values()) <= set(SEVERITIES):
        return f"a mapping of alerts to {', '.join(SEVERITIES)}"
    if name == "alertLabels" and not all(_LABEL.fullmatch(label) for label in value):
        return "a mapping of label names to text"
    return None


def _impossible_text(name: str, value: str) -> str | None:
    if name in _CHOICES:
        return None if value in _CHOICES[name] else " or ".join(_CHOICES[name])
    if name.endswith("Label"):
        return None if _LABEL.fullmatch(value) else "the name of a label"
    if name.endswith("Selector"):
        return None if _selects(value) else 'matchers in PromQL, such as job="x"'
    if name == "runbookURLPattern":
        return None if value else "an address, in which {alert} stands for the alert"
    return None


def _selects(matchers: str) -> bool:
    """Whether the text can stand between the braces of a selector, and closes none of them itself."""
    try:
        alone, joined = parse(f"x{{{matchers}}}"), parse(f'x{{{matchers}{"," if matchers else ""}y="z"}}')
    except ValueError:
        return False
    return type(alone) is type(joined) and type(alone).__name__ == "VectorSelector"


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "a mapping"
        case None:
            return "nothing"
        case _:
            return "a list"
