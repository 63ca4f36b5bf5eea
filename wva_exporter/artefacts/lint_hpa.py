"""The traps of a HorizontalPodAutoscaler."""

from __future__ import annotations

from collections.abc import Iterator

from wva_exporter.artefacts.behaviour import ZERO_GATE
from wva_exporter.artefacts.reading import SERIES, Asked
from wva_exporter.artefacts.traps import Traps, is_one
from wva_exporter.discovery.fields import Path

_METRICS: Path = ("spec", "metrics")
_MANAGED_BY: Path = ("metadata", "labels", "app.kubernetes.io/managed-by")


def lint_hpa(traps: Traps) -> bool:
    """Complain of every trap; whether the object is one of ours at all, and somebody's own, not what KEDA made of another."""
    if traps.text(_MANAGED_BY) == "keda-operator":
        return False
    ours = list(_ours(traps))
    if not ours:
        if traps.managed:
            traps.unread()
        return traps.managed
    if traps.text(("apiVersion",)) != "autoscaling/v2":
        traps.say(("apiVersion",), f"is {traps.text(('apiVersion',)) or 'missing'}", "write autoscaling/v2")
    for path, source in ours:
        _metric(traps, path, source)
    metrics = traps.at(_METRICS)
    if isinstance(metrics, list) and len(metrics) > 1:
        traps.say(
            _METRICS, f"has {len(metrics)} metrics", "an HPA takes the largest: the others keep it from going down"
        )
    minimum: Path = ("spec", "minReplicas")
    if traps.at(minimum) == 0 and not traps.cluster.has(ZERO_GATE):
        traps.say(
            minimum,
            "is 0",
            f"refused before Kubernetes 1.37 without the feature gate {ZERO_GATE}; write 1, or use KEDA",
        )
    traps.behaviour(("spec", "behavior"), ("spec", "maxReplicas"))
    return True


def _ours(traps: Traps) -> Iterator[tuple[Path, str]]:
    """The place of each metric that reads one of our series, and the key of what it holds."""
    metrics = traps.at(_METRICS)
    for i in range(len(metrics) if isinstance(metrics, list) else 0):
        for source in ("external", "object", "pods"):
            if traps.text((*_METRICS, i, source, "metric", "name")) in SERIES:
                yield (*_METRICS, i), source


def _metric(traps: Traps, path: Path, source: str) -> None:
    if source != "external":
        traps.say((*path, source), f"reads the target as a metric of {source}", "write type External")
        return
    target: Path = (*path, "external", "target")
    kind = traps.text((*target, "type"))
    if kind != "AverageValue":
        traps.say(
            (*target, "type"),
            f"is {kind or 'missing'}",
            "write AverageValue: Value multiplies the target by the replicas that there are, without end",
        )
    elif not is_one(traps.text((*target, "averageValue"))):
        traps.say((*target, "averageValue"), f"is {traps.text((*target, 'averageValue')) or 'missing'}", 'write "1"')
    traps.whose((*path, "external", "metric"), _asked(traps, (*path, "external", "metric")))


def _asked(traps: Traps, path: Path) -> Asked:
    """The selector as if it were one of a query."""
    selector: Path = (*path, "selector")
    labels = traps.at((*selector, "matchLabels"))
    equal = {str(k): str(v) for k, v in labels.items()} if isinstance(labels, dict) else {}
    other: set[str] = set()
    expressions = traps.at((*selector, "matchExpressions"))
    for each in expressions if isinstance(expressions, list) else ():
        if not isinstance(each, dict):
            continue
        key, values = str(each.get("key")), each.get("values")
        if each.get("operator") == "In" and isinstance(values, list) and len(values) == 1:
            equal[key] = str(values[0])
        else:
            other.add(key)
    return Asked(series=traps.text((*path, "name")), equal=equal, other=frozenset(other))
