"""The tables of ``docs/configuration.md`` and ``docs/scenarios.md``, written from the schema so that page and program agree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from wva_exporter.config.json_schema import json_schema, resolved
from wva_exporter.config.phrases import allowed
from wva_exporter.config.schema import Settings
from wva_exporter.config.section import Section

BEGIN = "<!-- keys: begin (generated, do not edit) -->"
END = "<!-- keys: end -->"


def filled(page: str, file: type[Section] = Settings) -> str:
    """The page with the tables of today, for a kind of file, between its two marks."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{tables(file)}\n{END}{tail}"


def tables(file: type[Section] = Settings) -> str:
    """A table for the top of the file and one for each section, in the order in which they are met."""
    return "\n".join(_Tables(file).written())


class _Tables:
    """The tables of one kind of file."""

    def __init__(self, file: type[Section]) -> None:
        self._file = file

    def written(self) -> Iterator[str]:
        schema = json_schema(self._file)
        yield self._table("At the top", "", schema)
        yield from (self._table(f"`{path}`", path, section) for path, section in self._sections("", schema))

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        return resolved(node, self._file)

    def _sections(self, path: str, section: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, value in section["properties"].items():
            inner = f"{path}.{name}".removeprefix(".") + ("[]" if "items" in value else "")
            reference = value.get("items", value).get("$ref")
            if reference is not None:
                node = self._resolved({"$ref": reference})
                yield inner, node
                yield from self._sections(inner, node)

    def _table(self, title: str, path: str, section: Mapping[str, Any]) -> str:
        required = section.get("required", ())
        about = f"{section['description'].splitlines()[0]}\n\n" if path else ""
        items = section["properties"].items()
        rows = [self._row(name, self._resolved(value), required=name in required) for name, value in items]
        heading = f"### {title}\n\n{about}| Key | Value | Unit | Default | Meaning |\n| --- | --- | --- | --- | --- |\n"
        return heading + "\n".join(rows) + "\n"

    def _row(self, name: str, node: Mapping[str, Any], *, required: bool) -> str:
        default = node.get("default")
        shown = "required" if required else "" if default in (None, []) else f"`{_plain(default)}`"
        return f"| `{name}` | {self._value(node)} | {node.get('x-unit', '')} | {shown} | {node['description']} |"

    def _value(self, node: Mapping[str, Any]) -> str:
        if "x-kind" in node:
            return str(node["x-kind"])
        if node.get("type") == "array":
            item = self._resolved(node["items"])
            return "list of sections" if "properties" in item else f"list of {self._value(item)}s"
        if node.get("type") == "object" and "properties" not in node:
            return f"name: {self._value(self._resolved(node['additionalProperties']))}"
        return "section" if "properties" in node else allowed(node)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)
