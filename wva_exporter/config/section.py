"""What every section of the file has in common: frozen, closed to unknown keys, and an empty key is a key not given.

What one key rules out about another is checked on the values as they were written, beside the check of each value, so that
one finding never hides another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from wva_exporter.config.document import KeyPath
from wva_exporter.config.durations import parse_duration
from wva_exporter.errors import InvalidValue

Given = Mapping[str, object]
"""The keys of a section as they were written."""

Problem = tuple[KeyPath, str]
"""Where keys do not go together, from the section, and what must hold instead."""


class Section(BaseModel):
    """A mapping of known keys.

    Built from plain data with ``model_validate``: durations are text there, as in the file. Pydantic does not show values in
    what it says of errors, because some are secrets.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """What is wrong between keys; left out where the value itself is already refused."""
        del given
        return ()

    @model_validator(mode="wrap")
    @classmethod
    def _everything_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, Mapping):
            return handler(data)
        known = {field.alias or name for name, field in cls.model_fields.items()}
        given = {key: value for key, value in data.items() if value is not None or key not in known}
        found: list[Any] = []
        try:
            section = handler(given)
        except ValidationError as error:
            found = [{"ctx": {}, **details} for details in error.errors(include_url=False)]
        wrong = {details["loc"] for details in found}
        found += [
            {"type": "value_error", "loc": path, "input": None, "ctx": {"error": ValueError(text)}}
            for path, text in cls.problems(given)
            if path not in wrong
        ]
        if found:
            raise ValidationError.from_exception_data(cls.__name__, found, hide_input=True)
        return section


def key(text: str, default: Any = ..., *, name: str | None = None, unit: str = "") -> Any:
    """A key of a section: its meaning, its default as the file would write it, its name there, its unit."""
    extra: dict[str, JsonValue] | None = {"x-unit": unit} if unit else None
    if isinstance(default, type):
        return Field(default_factory=default, alias=name, description=text, json_schema_extra=extra)
    return Field(default, alias=name, description=text, json_schema_extra=extra)


def number_of(given: Given, name: str, default: float | None = None) -> float | None:
    """The number written under a key; None if what is written there is not one."""
    value = given.get(name, default)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def count_of(given: Given, name: str, default: int | None = None) -> int | None:
    """The whole number written under a key; None if what is written there is not one."""
    value = given.get(name, default)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def seconds_of(given: Given, name: str, defaults: Mapping[str, str]) -> float | None:
    """The seconds of the duration written under a key; None if what is written there is not one."""
    value = given.get(name, defaults.get(name))
    try:
        return parse_duration(value) if isinstance(value, str) else None
    except InvalidValue:
        return None


def section_of(given: Given, name: str) -> Given:
    """The section written under a key; an empty one if what is written there is not one."""
    return _without_empty(given.get(name))


def sections_of(given: Given, name: str) -> list[tuple[int, Given]]:
    """The sections of the list written under a key, each with its place in it."""
    value = given.get(name)
    items = value if isinstance(value, tuple | list) else ()
    return [(place, _without_empty(item)) for place, item in enumerate(items)]


def _without_empty(value: object) -> Given:
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, Mapping) else {}
