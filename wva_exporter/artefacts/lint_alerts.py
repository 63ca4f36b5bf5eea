"""Faults of alerts: what an operator at night would miss."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser as tree

from wva_exporter.artefacts.label_flow import LabelSet
from wva_exporter.artefacts.promql_tree import Node, bare, is_filter, walk

SEVERITIES = ("critical", "warning", "info")
_NAME = re.compile(r"WVA(?:[A-Z][a-z0-9]*)+")
_LABEL = re.compile(r"\$labels\.([a-zA-Z_][a-zA-Z0-9_]*)")
_DURATION = re.compile(r"[1-9][0-9]*[mh]")


def alert_faults(alert: Mapping[str, Any], node: Node, labels: LabelSet) -> Iterator[str]:
    """A clause for each fault. ``labels`` are those of the expression's rows."""
    annotations = alert.get("annotations", {})
    yield from _name_faults(alert)
    yield from _annotation_faults(annotations)
    for text in annotations.values():
        for label in dict.fromkeys(_LABEL.findall(text)):
            if not labels.may_have(label):
                yield f"speaks of the label {label}, which its rows never have"
    if not _compares(node):
        yield "fires on whatever exists: it compares nothing"


def _name_faults(alert: Mapping[str, Any]) -> Iterator[str]:
    if not _NAME.fullmatch(alert["alert"]):
        yield "is not called WVASomething"
    if alert.get("labels", {}).get("severity") not in SEVERITIES:
        yield f"has a severity that is none of {', '.join(SEVERITIES)}"
    if not _DURATION.fullmatch(alert.get("for", "")):
        yield "fires on one sample: it has no `for` of minutes"


def _annotation_faults(annotations: Mapping[str, str]) -> Iterator[str]:
    for name in ("summary", "description", "runbook_url"):
        if not annotations.get(name):
            yield f"has no {name}"
    summary = annotations.get("summary", "")
    if "{{" in summary or not summary.endswith("."):
        yield "has a summary that is no static sentence"


def _compares(node: Node) -> bool:
    """Whether a comparison that drops rows, or an absence, decides that it fires."""
    node = bare(node)
    if isinstance(node, tree.Call) and node.func.name in {"label_replace", "label_join"}:
        return _compares(node.args[0])
    if isinstance(node, tree.BinaryExpr) and str(node.op) in {"and", "or", "unless"}:
        both = (_compares(node.lhs), _compares(node.rhs))
        return all(both) if str(node.op) == "or" else any(both)
    return is_filter(node) or any(
        isinstance(each, tree.Call) and each.func.name in {"absent", "absent_over_time"} for each in walk(node)
    )
