"""The traps of a KEDA ScaledObject."""

from __future__ import annotations

from collections.abc import Iterator

from wva_exporter.artefacts.reading import answers_without, asked, computes, is_promql, one_element
from wva_exporter.artefacts.traps import Traps, is_one
from wva_exporter.discovery.fields import Path

_TRIGGERS: Path = ("spec", "triggers")
_FALLBACK: Path = ("spec", "fallback")
_QUERY_KEY = {"prometheus": "query", "metrics-api": "valueLocation"}
_THRESHOLD_KEY = {"prometheus": "threshold", "metrics-api": "targetValue"}
_ACTIVATION_KEY = {"prometheus": "activationThreshold", "metrics-api": "activationTargetValue"}
_KEEPS = ("currentReplicasIfHigher", "currentReplicas")


def lint_scaled_object(traps: Traps) -> bool:
    """Complain of every trap; whether the object is one of ours at all."""
    ours = list(_ours(traps))
    if not ours:
        if traps.managed:
            traps.unread()
        return traps.managed
    for path, kind in ours:
        _trigger(traps, path, kind)
    triggers = traps.at(_TRIGGERS)
    formula = traps.at(("spec", "advanced", "scalingModifiers", "formula"))
    if isinstance(triggers, list) and len(triggers) > 1 and not formula:
        traps.say(_TRIGGERS, f"has {len(triggers)} triggers", "the largest wins: the others keep it from going down")
    _fallback(traps)
    if traps.at(("spec", "minReplicaCount")) is None:
        traps.say(("spec", "minReplicaCount"), "is missing", "KEDA takes 0 for it; write the fewest replicas")
    least, most = traps.at(("spec", "minReplicaCount")), traps.at(("spec", "maxReplicaCount"))
    if isinstance(least, int) and isinstance(most, int) and least > most:
        traps.say(("spec", "maxReplicaCount"), f"is {most}", f"KEDA refuses less than minReplicaCount, {least}")
    traps.behaviour(("spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"), ("spec", "maxReplicaCount"))
    return True


def _ours(traps: Traps) -> Iterator[tuple[Path, str]]:
    """The place of each trigger that reads one of our series, and its type."""
    triggers = traps.at(_TRIGGERS)
    for i in range(len(triggers) if isinstance(triggers, list) else 0):
        kind = traps.text((*_TRIGGERS, i, "type"))
        if kind in _QUERY_KEY and asked(traps.text((*_TRIGGERS, i, "metadata", _QUERY_KEY[kind]))):
            yield (*_TRIGGERS, i), kind


def _trigger(traps: Traps, path: Path, kind: str) -> None:
    metadata: Path = (*path, "metadata")
    _type(traps, path)
    threshold: Path = (*metadata, _THRESHOLD_KEY[kind])
    if not is_one(traps.text(threshold)):
        traps.say(threshold, f"is {traps.text(threshold) or 'missing'}", 'write "1": the target is divided by it')
    activation: Path = (*metadata, _ACTIVATION_KEY[kind])
    if traps.text(activation) not in ("", "0", "0.0"):
        traps.say(activation, f"is {traps.text(activation)}", 'write "0": a smaller target counts as no target')
    place: Path = (*metadata, _QUERY_KEY[kind])
    query = traps.text(place)
    if kind == "prometheus":
        _prometheus(traps, metadata, query)
    elif traps.text((*metadata, "format")) != "prometheus":
        given = traps.text((*metadata, "format")) or "missing, which is json"
        traps.say((*metadata, "format"), f"is {given}", "write prometheus")
    for each in asked(query)[:1]:
        traps.whose(place, each, stored=kind == "prometheus")


def _type(traps: Traps, path: Path) -> None:
    inside: Path = (*path, "metadata", "metricType")
    if traps.at(inside) is not None:
        traps.say(inside, "is not looked at in metadata", "write metricType: AverageValue beside type")
    given = traps.text((*path, "metricType"))
    if given not in ("", "AverageValue"):
        traps.say(
            (*path, "metricType"),
            f"is {given}",
            "write AverageValue: Value multiplies the target by the replicas that there are, without end",
        )


def _prometheus(traps: Traps, metadata: Path, query: str) -> None:
    null: Path = (*metadata, "ignoreNullValues")
    if traps.text(null).lower() != "false":
        traps.say(null, f"is {traps.text(null) or 'missing'}", 'write "false": a missing series is read as 0 otherwise')
    _query(traps, (*metadata, "query"), query)
    unsafe: Path = (*metadata, "unsafeSsl")
    if traps.text(unsafe).lower() == "true":
        traps.say(unsafe, "trusts any certificate", "whoever stands between can scale; give authenticationRef a CA")


def _query(traps: Traps, place: Path, query: str) -> None:
    if not is_promql(query):
        traps.say(place, "is not PromQL", "every poll is an error")
        return
    if not one_element(query):
        traps.say(
            place,
            "does not take the largest of what it selects",
            "KEDA errs on two series, or adds them up; aggregate it with max",
        )
    if answers_without(query):
        traps.say(place, "answers a number where the target is missing", "take out what stands beside `or`")
    if computes(query):
        traps.say(place, "computes with the target", "it is the number of replicas already")


def _fallback(traps: Traps) -> None:
    if traps.at(_FALLBACK) is None:
        traps.say(
            _FALLBACK, "is missing", "an error ends at the minimum; write failureThreshold, replicas and behavior"
        )
        return
    replicas: Path = (*_FALLBACK, "replicas")
    least = traps.at(replicas)
    if isinstance(least, bool) or not isinstance(least, int) or least < 1:
        traps.say(replicas, f"is {traps.text(replicas) or 'missing'}", "write 1 or more: with 0 KEDA leaves it out")
    behavior: Path = (*_FALLBACK, "behavior")
    if traps.text(behavior) not in _KEEPS:
        given = traps.text(behavior) or "missing, which is static"
        traps.say(behavior, f"is {given}", f"write {_KEEPS[0]}: the fleet falls to fallback.replicas otherwise")
