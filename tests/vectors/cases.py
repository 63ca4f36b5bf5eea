"""Files of vectors to cases: YAML, JSON or CSV."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

Case = Mapping[str, Any]
"""One case as it stands in its file, with ``compat`` and ``defaults``."""

DEFAULTS: Mapping[str, Any] = {
    "v1_cfg": {"kvCacheThreshold": 0.8, "queueLengthThreshold": 5, "kvSpareTrigger": 0.1, "queueSpareTrigger": 3},
    "v2_cfg": {
        "kvCacheThreshold": 0.8,
        "queueLengthThreshold": 5,
        "scaleUpThreshold": 0.85,
        "scaleDownBoundary": 0.7,
    },
    "variant_defaults": {
        "cur": 0,
        "pending": 0,
        "gpr": 0,
        "cost": 0,
        "acc": "",
        "role": "",
        "min": None,
        "max": None,
    },
}
"""Of the schema, for files that bring none."""

_WHOLE_COLUMNS = ("max_batch", "max_queue", "in_tokens", "out_tokens")
_MODEL_COLUMNS = (
    *("max_batch", "max_queue", "alpha", "beta", "gamma"),
    *("in_tokens", "out_tokens", "target_ttft_ms", "target_itl_ms"),
)


class BadFile(Exception):  # noqa: N818 - reads as what it is
    """A file that is none of vectors."""


def read(path: Path) -> list[dict[str, Any]]:
    """Every case of a file, none of them twice.

    Raises:
        BadFile: it is not of a known schema, a case lacks what every case has, or an id comes twice.
        OSError: it cannot be read.
    """
    text = path.read_text(encoding="utf-8")
    cases = _rows(text) if path.suffix == ".csv" else _listed(text, path.suffix)
    if not cases:
        raise BadFile("no cases")
    ids = [case.get("id") for case in cases]
    twice = {each for each in ids if ids.count(each) > 1} if len(set(ids)) != len(ids) else set()
    if None in ids or twice:
        raise BadFile(f"ids are missing or given twice: {sorted(map(str, twice))[:3]}")
    return cases


def _listed(text: str, suffix: str) -> list[dict[str, Any]]:
    try:
        body = json.loads(text) if suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise BadFile(f"does not parse: {error}") from None
    if not isinstance(body, dict) or not isinstance(body.get("cases"), list):
        raise BadFile("has no list `cases`")
    defaults = {**DEFAULTS, **body.get("defaults", {})}
    return [
        {**case, "defaults": defaults, "compat": compat}
        for name, compat in (("cases", "exact"), ("derived_cases", "corrected"))
        for case in body.get(name) or []
    ]


def _rows(text: str) -> list[dict[str, Any]]:
    """Each row as the case of sizing that it stands for."""
    cases = []
    for row in csv.DictReader(text.splitlines()):
        lacking = [name for name in (*_MODEL_COLUMNS, "scenario", "exact_float64_rps") if row.get(name) is None]
        if lacking:
            raise BadFile(f"has no column {lacking[0]}")
        values = {name: _number(name, row[name]) for name in _MODEL_COLUMNS}
        exact = row["exact_float64_rps"]
        cases.append(
            {
                "id": f"{row['scenario']}/{row['max_batch']}",
                "group": "queueing",
                "op": "size",
                "input": {"model": "chunk", "max_tokens": 8192, "target_tps": 0, **values},
                "curve": {"throughput": float(exact)} if exact else {"error": "size: infeasible"},
                "defaults": DEFAULTS,
                "compat": "exact",
            }
        )
    return cases


def _number(column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise BadFile(f"column {column}: {text!r} is not a number") from None
    if not math.isfinite(value):
        raise BadFile(f"column {column}: {text!r} is not finite")
    return int(value) if column in _WHOLE_COLUMNS and value.is_integer() else value
