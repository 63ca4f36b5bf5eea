"""The table of the chart's README: every value with its default and what it is for, from values.yaml and its schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent.parent / "charts" / "wva-exporter"
_TABLE = re.compile(r"(<!-- values: [^>]*-->\n).*(<!-- /values -->)", re.DOTALL)
_WHOLE = ("config", "global")
"""Values that are described elsewhere, or by nobody here."""


def values() -> dict[str, Any]:
    """The defaults."""
    found: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return found


def schema() -> dict[str, Any]:
    """What may be given."""
    found: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    return found


def described(part: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Every value that may be given, by its dotted name, and its description; sections are opened."""
    for name, inner in part["properties"].items():
        place = f"{path}.{name}" if path else name
        if "properties" in inner and name not in _WHOLE:
            yield from described(inner, place)
        elif name != "global":
            yield place, inner["description"]


def given(part: Mapping[str, Any], known: frozenset[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every default by its dotted name, as deep as the schema names values."""
    for name, value in part.items():
        place = f"{path}.{name}" if path else name
        if place in known or not isinstance(value, dict):
            yield place, value
        else:
            yield from given(value, known, place)


def filled(text: str) -> str:
    """The README with today's table."""
    rows = dict(described(schema()))
    defaults = dict(given(values(), frozenset(rows)))
    table = "".join(
        f"| `{name}` | `{json.dumps(defaults.get(name), ensure_ascii=False)}` | {text} |\n"
        for name, text in rows.items()
    )
    return _TABLE.sub(lambda found: f"{found[1]}| value | default | meaning |\n|---|---|---|\n{table}{found[2]}", text)
