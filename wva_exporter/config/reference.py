"""The tables of ``docs/configuration.md``, written from the schema so that page and program cannot differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from wva_exporter.config.json_schema import json_schema, resolved
from wva_exporter.config.phrases import allowed

BEGIN = "<!-- keys: begin (generated, do not edit) -->"
END = "<!-- keys: end -->"


def filled(page: str) -> str:
    """The page with the tables of today between its two marks."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{tables()}\n{END}{tail}"


def tables() -> str:
    """A table for the top of the file and one for each section, in the order in which they are met."""
    parts = [_table("At the top", "", json_schema())]
    parts += [_table(f"`{path}`", path, section) for path, section in _sections("", json_schema())]
    return "\n".join(parts)


def _sections(path: str, section: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, value in section["properties"].items():
        inner = f"{path}.{name}".removeprefix(".") + ("[]" if "items" in value else "")
        reference = value.get("items", value).get("$ref")
        if reference is not None:
            node = resolved({"$ref": reference})
            yield inner, node
            yield from _sections(inner, node)


def _table(title: str, path: str, section: Mapping[str, Any]) -> str:
    required = section.get("required", ())
    about = f"{section['description'].splitlines()[0]}\n\n" if path else ""
    rows = [_row(name, resolved(value), required=name in required) for name, value in section["properties"].items()]
    heading = f"### {title}\n\n{about}| Key | Value | Unit | Default | Meaning |\n| --- | --- | --- | --- | --- |\n"
    return heading + "\n".join(rows) + "\n"


def _row(name: str, node: Mapping[str, Any], *, required: bool) -> str:
    default = node.get("default")
    shown = "required" if required else "" if default in (None, []) else f"`{_plain(default)}`"
    return f"| `{name}` | {_value(node)} | {node.get('x-unit', '')} | {shown} | {node['description']} |"


def _value(node: Mapping[str, Any]) -> str:
    if "x-kind" in node:
        return str(node["x-kind"])
    if node.get("type") == "array":
        item = resolved(node["items"])
        return "list of sections" if "properties" in item else f"list of {_value(item)}s"
    if node.get("type") == "object" and "properties" not in node:
        return f"name: {_value(resolved(node['additionalProperties']))}"
    return "section" if "properties" in node else allowed(node)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)
