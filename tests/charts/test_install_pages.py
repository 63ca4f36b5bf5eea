"""What the pages about installing tell people to write is what the program and the chart take."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from chart_reference import CHART
from chart_release import VERSIONS, release, validate, values_of

from wva_exporter.cli import main
from wva_exporter.config.load import load

ROOT = Path(__file__).parent.parent.parent
PAGES = ("docs/install.md", "docs/backends.md", "docs/migrating-from-wva.md", "charts/wva-exporter/README.md")
PLAIN = ROOT / "docs" / "examples" / "kubernetes.yaml"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^ {4}(wva-exporter .*?)(?: +#.*)?$|`(wva-exporter [^`]*)`", re.MULTILINE)
_HELMS = ("helm.sh/chart", "app.kubernetes.io/managed-by")


class _Blocks(yaml.SafeDumper):
    """Writes text of several lines as people do."""

    def represent_text(self, text: str) -> yaml.Node:
        """A block where it has lines."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Blocks.add_representer(str, _Blocks.represent_text)


def blocks(page: str, language: str, title: str = "") -> list[str]:
    """The examples of a page in a language, those that begin with a comment of this title."""
    found = _BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    return [text for name, text in found if name == language and text.startswith(title)]


def commands() -> Iterator[str]:
    """Every command of ours that the pages name, without what the reader has to fill in."""
    for page in PAGES:
        for line, inline in _COMMAND.findall((ROOT / page).read_text(encoding="utf-8")):
            yield (line or inline).strip()


@pytest.mark.parametrize("text", [text for page in PAGES for text in blocks(page, "yaml", "# values.yaml")])
def test_values_on_the_pages_make_a_release(text: str) -> None:
    """And every object of it is valid."""
    for each in release(yaml.safe_load(text), version=VERSIONS[-1]).objects:
        validate(each, VERSIONS[-1])


def test_the_charts_own_example_makes_a_release() -> None:
    """The one at the top of its README."""
    (text,) = blocks("charts/wva-exporter/README.md", "yaml")
    assert release(yaml.safe_load(text)).one("ScaledObject")["metadata"]["name"] == "llama-a100"


@pytest.mark.parametrize("text", [text for page in PAGES for text in blocks(page, "yaml", "# wva-exporter.yaml")])
def test_configurations_on_the_pages_are_taken(text: str, tmp_path: Path) -> None:
    """Those that are commented out too."""
    path = tmp_path / "wva-exporter.yaml"
    for form in (text, re.sub(r"^# (\w+: )", r"\1", text, flags=re.MULTILINE)):
        path.write_text(form)
        load(path, {}).require_source()


def test_queries_on_the_pages_parse() -> None:
    """Also under the grammar of Prometheus 3."""
    (query,) = blocks("docs/migrating-from-wva.md", "promql")
    promql_parser.parse(query)


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_commands_on_the_pages_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every sub-command and every flag: with --help added, argparse takes them all."""
    words = shlex.split(command)[1:]
    with pytest.raises(SystemExit) as ended:
        main([*(word for word in words if not word.startswith("-")), "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for flag in (word.partition("=")[0] for word in words if word.startswith("-")):
        assert flag in shown, f"{flag} is no flag of {command}"


def test_links_of_the_pages_lead_somewhere() -> None:
    """Files that exist, headings that exist."""
    for page in PAGES:
        folder = (ROOT / page).parent
        for target in re.findall(r"\]\(([^)]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            name, _, anchor = target.partition("#")
            path = folder / name if name else ROOT / page
            assert path.exists(), f"{page}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
                slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
                assert anchor in slugs, f"{page}: {target}"


def plain() -> str:
    """What the chart makes of the one value that is needed, without what Helm says of itself."""
    things = release(values_of("minimal")).objects
    return "# The chart's defaults as plain YAML. Set the Prometheus in the ConfigMap.\n" + yaml.dump_all(
        [_without_helm(each) for each in things], Dumper=_Blocks, sort_keys=False, width=1000
    )


def _without_helm(thing: Any) -> Any:
    if isinstance(thing, dict):
        kept = {k: _without_helm(v) for k, v in thing.items() if k not in _HELMS and not k.startswith("checksum/")}
        return {k: v for k, v in kept.items() if k != "annotations" or v}
    return [_without_helm(each) for each in thing] if isinstance(thing, list) else thing


def test_the_plain_objects_are_the_charts() -> None:
    """``GOLDEN=write`` writes them anew."""
    if os.environ.get("GOLDEN") == "write":
        PLAIN.write_text(plain())
    assert PLAIN.read_text() == plain()
    for each in yaml.safe_load_all(PLAIN.read_text()):
        validate(each, VERSIONS[0])


def test_every_example_of_the_chart_says_what_it_is() -> None:
    """Its first line is a sentence."""
    for path in (CHART / "ci").glob("*.yaml"):
        assert re.match(r"# [A-Z].*\.\n", path.read_text()), path.name
