"""The rendered mixin as files: rules for Prometheus in YAML, dashboards for Grafana in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from wva_exporter.artefacts.mixin import Group, Mixin

RECORDING, ALERTS = "wva-recording-rules.yaml", "wva-alerts.yaml"

_HEAD = "# Made from mixins/wva-mixin by `wva-exporter generate mixin`; change it there.\n"


def rule_files(mixin: Mixin) -> dict[str, str]:
    """The rule files by name."""
    return {RECORDING: groups_yaml(mixin.recording), ALERTS: groups_yaml(mixin.alerts)}


def dashboard_files(mixin: Mixin) -> dict[str, str]:
    """The dashboards by name: keys in order, so that a change shows as one."""
    return {
        name: json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for name, dashboard in sorted(mixin.dashboards.items())
    }


def groups_yaml(groups: Sequence[Group]) -> str:
    """A rule file. Expressions of several lines are literal blocks, keys stand in the order in which people read them."""
    body = {"groups": [{**_ordered(group), "rules": [_ordered(rule) for rule in group["rules"]]} for group in groups]}
    return _HEAD + yaml.dump(body, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


_ORDER = ("name", "interval", "record", "alert", "expr", "for", "labels", "annotations", "rules")


def _ordered(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: mapping[key] for key in sorted(mapping, key=_ORDER.index)}


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, and no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        """A reader should not have to look elsewhere."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value + "\n" if style else value, style=style)


_Dumper.add_representer(str, _text)
