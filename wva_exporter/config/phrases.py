"""A JSON Schema in plain words: what a key takes. The same words stand in messages and on the reference page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a section of keys",
}
_BOUNDS = {
    "exclusiveMinimum": "more than",
    "minimum": "at least",
    "exclusiveMaximum": "less than",
    "maximum": "at most",
}


def kind(schema: Mapping[str, Any]) -> str:
    """What sort of value it is: ``a whole number``, ``one of both, prefill, decode``."""
    if "enum" in schema:
        return " or ".join(str(choice) for choice in schema["enum"])
    return _KINDS.get(schema.get("type", ""), "something else")


def bounds(schema: Mapping[str, Any]) -> str:
    """Between what a number lies: ``more than 0 and at most 1``; empty where there is no bound."""
    return " and ".join(f"{word} {schema[name]:.10g}" for name, word in _BOUNDS.items() if name in schema)


def allowed(schema: Mapping[str, Any]) -> str:
    """Sort and bounds together."""
    return ", ".join(part for part in (kind(schema), bounds(schema)) if part)
