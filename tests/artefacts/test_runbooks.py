"""docs/runbooks.md has what every alert's link promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonnet_bindings import rendered_fast

from wva_exporter.artefacts.promql_tree import parse, series_of

TEXT = (Path(__file__).parents[2] / "docs" / "runbooks.md").read_text()
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]}
MIXIN = rendered_fast({"costBudgetPerHour": 1})
ALERTS = [rule for group in MIXIN.alerts for rule in group["rules"]]
RECORDS = {rule["record"] for group in MIXIN.recording for rule in group["rules"]}


def queries(section: str) -> list[str]:
    """The queries of a section, one a line."""
    return [line for block in re.findall(r"```promql\n(.*?)```", section, re.DOTALL) for line in block.splitlines()]


def test_every_alert_has_a_section_and_every_section_an_alert() -> None:
    """In the order in which the rules have them."""
    assert sorted(SECTIONS) == sorted(rule["alert"] for rule in ALERTS)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule["alert"])
def test_the_link_leads_to_its_section(alert: dict[str, dict[str, str]]) -> None:
    """An anchor is the heading in lower case."""
    address, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert address.endswith("docs/runbooks.md")
    assert anchor in {heading.lower() for heading in SECTIONS}


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_what_it_is_whom_it_hurts_what_to_ask_and_what_to_do(name: str) -> None:
    """In this order."""
    section = SECTIONS[name]
    places = [section.find(f"**{part}.**") for part in ("Meaning", "Impact", "Diagnosis", "Mitigation")]
    assert -1 not in places
    assert places == sorted(places)
    assert section.count("\n* ") >= 1


@pytest.mark.parametrize("name", SECTIONS)
def test_its_queries_can_be_pasted(name: str) -> None:
    """They parse, and what they read of us exists."""
    found = queries(SECTIONS[name])
    assert found
    for query in found:
        ours = {series for series in series_of(parse(query)) if ":wva" in series or series.startswith("wva:")}
        assert ours <= RECORDS, query
