"""Errors travel between processes and stay what they were."""

import pickle

import pytest

from wva_exporter.errors import ConfigError


@pytest.mark.parametrize("findings", [["a.yaml:3: hold: too short", "a.yaml:7: unknown key"], ["one"], []])
def test_a_refused_configuration_keeps_its_findings_on_the_way_to_another_process(findings: list[str]) -> None:
    """Each whole, not letter by letter, and the same text."""
    error = ConfigError(findings)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.findings, str(copy)) == (tuple(findings), "\n".join(findings))
    assert str(error) == str(copy)


def test_findings_do_not_change_with_the_list_they_came_in() -> None:
    """Whoever collected them may go on collecting."""
    found = ["one"]
    error = ConfigError(found)
    found.append("two")
    assert (str(error), pickle.loads(pickle.dumps(error)).findings) == ("one", ("one",))
