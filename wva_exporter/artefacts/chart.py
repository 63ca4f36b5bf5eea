"""The parts of the Helm chart that follow from the program: which configuration it takes, and which policies there are.

The chart refuses a key of ``config`` that the program would refuse, before anything is installed. So its schema holds the
program's own.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from wva_exporter.artefacts.behaviour import STABILISED
from wva_exporter.config.json_schema import json_schema
from wva_exporter.config.schema import Settings

_NOT_EMPTY = "^(?=.)"

CONFIG = "Settings"
"""What the definition of ``config`` is called in the chart's schema."""


def values_schema(text: str) -> str:
    """The chart's ``values.schema.json`` with today's schema of ``config`` in its definitions; the rest stays."""
    schema: dict[str, Any] = json.loads(text)
    ours = _without_lookahead(json_schema())
    definitions = ours.pop("$defs")
    ours.pop("$schema", None)
    schema["$defs"] = {**definitions, CONFIG: ours}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _without_lookahead(part: Any) -> Any:
    """The same schema for regular expressions that cannot look ahead, as those of Helm: there, "not empty" is a length."""
    if isinstance(part, list):
        return [_without_lookahead(each) for each in part]
    if not isinstance(part, dict):
        return part
    same = {name: _without_lookahead(value) for name, value in part.items()}
    pattern = same.get("pattern")
    if isinstance(pattern, str) and pattern.startswith(_NOT_EMPTY):
        same |= {"pattern": "^" + pattern.removeprefix(_NOT_EMPTY), "minLength": 1}
    return same


def policies(_: str = "") -> str:
    """The chart's ``files/policies.yaml``: the policy where none is named, and those that stabilise themselves."""
    known = {"default": Settings.model_fields["policy"].default, "stabilised": sorted(STABILISED)}
    return "# Made by `make generate`.\n" + yaml.safe_dump(known, sort_keys=False)
