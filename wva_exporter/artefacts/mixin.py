"""The mixin rendered: jsonnet gives values, Python writes them, so that every jsonnet binding gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import _jsonnet

from wva_exporter.artefacts.mixin_options import unknown_alerts, wrong
from wva_exporter.errors import ConfigError

Group = Mapping[str, Any]
Evaluate = Callable[[str, str, Path], str]
"""``evaluate(name, source, import_folder)`` gives JSON."""

_RENDER = """
local mixin = (import 'mixin.libsonnet') + { _config+:: %s };
{
  recording: if std.objectHasAll(mixin, 'prometheusRules') then mixin.prometheusRules.groups else [],
  alerts: if std.objectHasAll(mixin, 'prometheusAlerts') then mixin.prometheusAlerts.groups else [],
  dashboards: if std.objectHasAll(mixin, 'grafanaDashboards') then mixin.grafanaDashboards else {},
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixin:
    """Groups of recording rules and of alerts as Prometheus has them, and dashboards by their file name."""

    recording: tuple[Group, ...]
    alerts: tuple[Group, ...]
    dashboards: Mapping[str, Mapping[str, Any]]

    @property
    def rules(self) -> Iterator[Mapping[str, Any]]:
        """Every rule of every group, recording rules first."""
        for group in (*self.recording, *self.alerts):
            yield from group["rules"]


def folder() -> Path:
    """Where the mixin is: in the installed package, or beside it in a working copy."""
    installed = Path(str(files("wva_exporter"))) / "wva-mixin"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "mixins" / "wva-mixin"


def evaluate(name: str, source: str, imports: Path) -> str:
    """The JSON of a jsonnet text."""
    return str(_jsonnet.evaluate_snippet(name, source, jpathdir=[str(imports)]))


def render(options: Mapping[str, Any] | None = None, *, evaluate: Evaluate = evaluate) -> Mixin:
    """The mixin with these options in place of its own.

    Raises:
        ConfigError: an option that it does not have, or one that jsonnet cannot work with.
    """
    given = dict(options or {})
    if findings := list(wrong(given, defaults())):
        raise ConfigError(findings)
    try:
        made = json.loads(evaluate("mixin", _RENDER % _override(given), folder()))
    except RuntimeError as error:
        raise ConfigError([f"the mixin cannot be rendered: {str(error).splitlines()[0]}"]) from None
    alerts = {rule["alert"] for group in made["alerts"] for rule in group["rules"]}
    if findings := list(unknown_alerts(given.get("severities", {}), alerts)):
        raise ConfigError(findings)
    return Mixin(
        recording=tuple(_tidy(group) for group in made["recording"]),
        alerts=tuple(_tidy(group) for group in made["alerts"]),
        dashboards=made["dashboards"],
    )


def _tidy(group: Group) -> Group:
    """The group with expressions that have no empty line and no blank at the end of a line."""

    def tidy(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())

    return {**group, "rules": [{**rule, "expr": tidy(rule["expr"])} for rule in group["rules"]]}


@cache
def defaults() -> Mapping[str, Any]:
    """The options of ``config.libsonnet`` with their own values."""
    source = "(import 'mixin.libsonnet')._config"
    return dict(json.loads(evaluate("defaults", source, folder())))


def _override(options: Mapping[str, Any]) -> str:
    """Options as a jsonnet object: a mapping changes the fields that it names and leaves the others."""
    fields = (
        f"{json.dumps(name)}+: {_override(value)}"
        if isinstance(value, Mapping)
        else f"{json.dumps(name)}: {_text(value)}"
        for name, value in options.items()
    )
    return "{" + ", ".join(fields) + "}"


def _text(value: object) -> str:
    return json.dumps(value, allow_nan=False)
