"""The JSON Schema of the file, for editors, for messages and for the reference page."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from wva_exporter.config.schema import Settings
from wva_exporter.config.section import Section

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(file: type[Section] = Settings, title: str = "wva-exporter configuration") -> dict[str, Any]:
    """Draft 2020-12 of a kind of file; ``x-unit`` and ``x-kind`` say what a number counts and what a text is."""
    schema = file.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": DIALECT, **_without_null(schema), "title": title}


@cache
def _schema(file: type[Section]) -> dict[str, Any]:
    return json_schema(file)


def resolved(node: Mapping[str, Any], file: type[Section] = Settings) -> Mapping[str, Any]:
    """What a node refers to, with what it says itself on top."""
    while "$ref" in node:
        target = _schema(file)["$defs"][node["$ref"].rpartition("/")[2]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def schema_at(path: tuple[str | int, ...], file: type[Section] = Settings) -> Mapping[str, Any] | None:
    """The schema of the value at a path of the file; None where the file has no such place."""
    node: Mapping[str, Any] = _schema(file)
    for step in path:
        inner: Any = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
        if inner is None and isinstance(step, str):
            inner = node.get("additionalProperties") or next(iter(node.get("patternProperties", {}).values()), None)
        if not isinstance(inner, Mapping):
            return None
        node = resolved(inner, file)
    return node


def _without_null(node: Any) -> Any:
    """The same schema without null: an absent key is written by leaving it out."""
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    bare = {key: _without_null(value) for key, value in node.items() if not (key == "default" and value is None)}
    if "properties" in node:  # what is called "title" or "anyOf" in there is a key of the file
        bare["properties"] = {name: _untitled(_without_null(value)) for name, value in node["properties"].items()}
    choices = bare.get("anyOf", ())
    if {"type": "null"} in choices:
        (only,) = (choice for choice in choices if choice != {"type": "null"})
        del bare["anyOf"]
        bare = {**only, **bare}
    return bare


def _untitled(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "title"}
