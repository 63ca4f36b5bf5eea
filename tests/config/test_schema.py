"""The schema, the reference page and the program say the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from wva_exporter.config.json_schema import DIALECT, json_schema, schema_at
from wva_exporter.config.load import parse
from wva_exporter.config.reference import filled
from wva_exporter.errors import ConfigError

DOCS = Path(__file__).parent.parent.parent / "docs"
EXAMPLE = (DOCS / "examples" / "wva-exporter.yaml").read_text()


def accepts(text: str) -> bool:
    """Whether an editor that knows the schema finds nothing."""
    validator = jsonschema.Draft202012Validator(json_schema())
    return validator.is_valid(yaml.safe_load(text))


def keys(node: Any) -> Iterator[dict[str, Any]]:
    """Every key of every section."""
    for section in (node, *node["$defs"].values()):
        yield from section.get("properties", {}).values()


def test_the_schema_is_one_of_draft_2020_12() -> None:
    """An editor can read it."""
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT


def test_every_key_has_a_meaning() -> None:
    """What an editor shows beside a key is what the page says."""
    assert all(key["description"].endswith(".") for key in keys(json_schema()))


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE,
        "{}",
        "hold: 1h30m",
        "scrape: {targets: ['a:1']}",
        "learning: kalman",
        "variants: [{name: a, model: m, fixed: 3}]",
    ],
)
def test_the_schema_accepts_what_the_program_accepts(text: str) -> None:
    """No red line under a good file."""
    parse(text, "wva.yaml")
    assert accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "interval: 15",
        "interval: 1.5s",
        "treshold: {}",
        "policy: v9",
        "compat: strict",
        "learning: true",
        "thresholds: {kv: 2}",
        "variants: [{name: a}]",
        "variants: [{name: a, model: m, max: 0}]",
        "variants: {name: a}",
        "prometheus: {url: 'ftp://p'}",
        "prometheus: {url: 'http://u:p@p'}",
        "gpus: {A: x}",
    ],
)
def test_the_schema_refuses_what_the_program_refuses(text: str) -> None:
    """Most mistakes show while one types; what goes with what is for the program."""
    with pytest.raises(ConfigError):
        parse(text, "wva.yaml")
    assert not accepts(text)


def test_the_schema_knows_the_place_of_every_path() -> None:
    """Messages take their words from it."""
    assert schema_at(("variants", 3, "max")) is not None
    assert schema_at(("prometheus", "headers", "X")) is not None
    assert schema_at(("variants", 3, "nothing")) is None
    assert schema_at(("interval", "x")) is None


def test_the_reference_page_is_the_schema() -> None:
    """Written by `wva_exporter.config.reference.filled`; an edited or outdated table fails here."""
    page = (DOCS / "configuration.md").read_text()
    assert filled(page) == page


def test_the_page_shows_the_example_as_it_is() -> None:
    """One example, tested, in both places."""
    assert f"```yaml\n{EXAMPLE}```" in (DOCS / "configuration.md").read_text()


def test_the_page_shows_messages_as_they_are() -> None:
    """The two lines under Mistakes are the program's own words."""
    page = (DOCS / "configuration.md").read_text()
    with pytest.raises(ConfigError) as refused:
        parse("treshold: {}\nvariants: [{name: a, model: m, max: 0}]", "wva-exporter.yaml")
    for finding in refused.value.findings:
        assert finding.partition(": ")[2] in page
