"""Every set of values of ``ci``, at several versions of Kubernetes: Helm takes it, and Kubernetes would take what comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from chart_release import NAMES, VERSIONS, lint, release, validate, values_of

from wva_exporter.config.load import load


def test_there_are_enough_examples() -> None:
    """A dozen at least, or the next test proves little."""
    assert len(NAMES) >= 12


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", NAMES)
def test_every_object_is_valid(name: str, version: str) -> None:
    """Known kinds and fields only, and no object twice."""
    found = release(values_of(name), version=version)
    for each in found.objects:
        validate(each, version)
    identities = [(e["kind"], e["metadata"]["namespace"], e["metadata"]["name"]) for e in found.objects]
    assert len(set(identities)) == len(identities) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_helm_has_nothing_to_say(name: str) -> None:
    """``helm lint --strict`` is silent."""
    assert lint(values_of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_program_takes_the_configuration(name: str, tmp_path: Path) -> None:
    """What the chart writes into the ConfigMap is a file that ``run`` starts with."""
    path = tmp_path / "wva-exporter.yaml"
    path.write_text(release(values_of(name)).config)
    load(path, {}).require_source()
