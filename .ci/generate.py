"""Writes every committed file that is made from others; ``--check`` writes nothing and names those that are out of date."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from wva_exporter.artefacts import chart
from wva_exporter.artefacts.mixin import render
from wva_exporter.artefacts.mixin_files import dashboard_files, rule_files
from wva_exporter.artefacts.names_libsonnet import names_libsonnet
from wva_exporter.cli import scenario_list
from wva_exporter.config.json_schema import json_schema
from wva_exporter.config.reference import filled
from wva_exporter.config.scenario import ScenarioFile
from wva_exporter.engines.libsonnet import engines_libsonnet

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import chart_reference  # noqa: E402 - neither is what describes the chart
import fault_table  # noqa: E402 - the tests that prove the rows are not part of the package

GENERATED: Mapping[str, Callable[[str], str]] = {
    "README.md": fault_table.filled,
    "charts/wva-exporter/files/policies.yaml": chart.policies,
    "charts/wva-exporter/values.schema.json": chart.values_schema,
    "charts/wva-exporter/README.md": chart_reference.filled,
    "docs/configuration.md": filled,
    "docs/configuration.schema.json": lambda _: json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
    "docs/scenarios.md": lambda page: scenario_list.filled(filled(page, ScenarioFile)),
    "mixins/wva-mixin/lib/engines.libsonnet": lambda _: engines_libsonnet(),
    "mixins/wva-mixin/lib/names.libsonnet": lambda _: names_libsonnet(),
}
"""Each file by its path, with what makes the new text from the old one."""


def mixin_files() -> dict[str, str]:
    """What is made from the mixin: for people, and for the chart in the two forms of honorLabels."""
    plain, renamed = render(), render({"honorLabels": False})
    chart_files = "charts/wva-exporter/files"
    folders = {
        "rules": rule_files(plain),
        "dashboards": dashboard_files(plain),
        f"{chart_files}/rules/honor-labels": rule_files(plain),
        f"{chart_files}/rules/exported-namespace": rule_files(renamed),
        f"{chart_files}/dashboards/honor-labels": dashboard_files(plain),
        f"{chart_files}/dashboards/exported-namespace": dashboard_files(renamed),
    }
    return {f"{folder}/{name}": text for folder, files in folders.items() for name, text in files.items()}


def sources() -> dict[str, str]:
    """Each file of ``GENERATED`` with its new text."""
    paths = {name: ROOT / name for name in GENERATED}
    return {
        name: make(paths[name].read_text(encoding="utf-8") if paths[name].exists() else "")
        for name, make in GENERATED.items()
    }


def outdated(texts: Mapping[str, str]) -> dict[Path, str]:
    """The files that are not what they should be, with their new text."""
    made = {ROOT / name: text for name, text in texts.items()}
    return {path: text for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text}


def main(arguments: list[str]) -> int:
    """Write them, or only name them. The mixin comes last: it is rendered from some of the others."""
    check = arguments == ["--check"]
    stale: list[Path] = []
    for make in (sources, mixin_files):
        for path, text in outdated(make()).items():
            stale.append(path)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: {'out of date; type: make generate' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
