"""values.yaml, its schema, its README and the program know the same values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import helm_python
import jsonschema
import yaml
from chart_reference import CHART, described, filled, given, schema, values

from wva_exporter import __version__
from wva_exporter.artefacts import chart

FREE_MAPS = {"global", "webConfig.content"}


def sections(part: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every part of the schema that describes a mapping, with its dotted name."""
    if part.get("type") == "object":
        yield path, part
    for name, inner in part.get("properties", {}).items():
        yield from sections(inner, f"{path}.{name}" if path else name)


def test_every_value_has_a_default_and_every_default_is_allowed() -> None:
    """Neither file has a value that the other lacks."""
    known = dict(described(schema()))
    defaults = dict(given(values(), frozenset(known)))
    assert set(defaults) == set(known)
    jsonschema.Draft202012Validator(schema()).validate(values())


def test_every_value_is_described_and_closed() -> None:
    """A sentence each; unknown names are refused wherever names are known."""
    assert all(text.endswith(".") for text in dict(described(schema())).values())
    for path, part in sections({**schema(), "$defs": {}}):
        assert part["additionalProperties"] is False or "properties" not in part, path


def test_the_readme_has_every_value() -> None:
    """Its table is made of the other two; `make generate` writes it."""
    text = (CHART / "README.md").read_text()
    assert text == filled(text)
    assert all(f"| `{name}` |" in text for name, _ in described(schema()))


def test_the_schema_of_config_is_the_programs() -> None:
    """A key that the program refuses is refused by the chart; `make generate` keeps them equal."""
    text = (CHART / "values.schema.json").read_text()
    assert text == chart.values_schema(text)


def test_the_chart_knows_the_policies() -> None:
    """Which one is the default, and which need no window in the actuator."""
    assert (CHART / "files" / "policies.yaml").read_text() == chart.policies()


def test_the_chart_installs_this_version() -> None:
    """Its tag is that of the image."""
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__
    assert helm_python.Chart.load(CHART).name == "wva-exporter"
