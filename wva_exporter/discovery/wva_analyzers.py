"""The list ``analyzers`` of an entry of WVA's ConfigMap: who is asked, and with which thresholds.

An analyzer goes by its ``type``, else its ``name``. Its ``parameters`` count where the same is not said beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wva_exporter.core.throughput.voting import Vote

TOKENS = "saturation"
THROUGHPUT = "throughput"
FOLDED = ("scaleUpThreshold", "scaleDownBoundary", "score", "enabled")

Entry = Mapping[str, Any]


def listed(entry: Entry) -> list[dict[str, Any]]:
    """The analyzers with their parameters folded in; none where the list is none."""
    analyzers = entry.get("analyzers") or ()
    if not isinstance(analyzers, Sequence) or isinstance(analyzers, str):
        return []
    return [_folded(each) for each in analyzers if isinstance(each, Mapping)]


def _folded(analyzer: Entry) -> dict[str, Any]:
    parameters = analyzer.get("parameters")
    more = parameters if isinstance(parameters, Mapping) else {}
    said = {name: more[name] for name in FOLDED if more.get(name) is not None}
    return {**said, **{name: value for name, value in analyzer.items() if value is not None}}


def name_of(analyzer: Entry) -> str:
    """How it is called."""
    return str(analyzer.get("type") or analyzer.get("name") or "")


def asked(entry: Entry, name: str) -> Entry | None:
    """What is said of an analyzer that is asked; None of one that is not listed or switched off."""
    found = next((each for each in listed(entry) if name_of(each) == name), None)
    return None if found is None or found.get("enabled") is False else found


def band(entry: Entry, name: str) -> tuple[float, float]:
    """The thresholds of an analyzer: its own, else those of the entry."""
    own = asked(entry, name) or {}
    up, down = (own.get(key) or entry[key] for key in ("scaleUpThreshold", "scaleDownBoundary"))
    return float(up), float(down)


def throughput_vote(entry: Entry) -> Vote | None:
    """How the throughput analyzer votes; None where it is not asked. Weights count beside that of the token analyzer."""
    own = asked(entry, THROUGHPUT)
    if own is None:
        return None
    weight = _score(own) / _score(asked(entry, TOKENS) or {})
    return Vote(scale_up=own.get("scaleUpThreshold"), scale_down=own.get("scaleDownBoundary"), score=weight)


def _score(analyzer: Entry) -> float:
    """What is not above 0 is 1."""
    score = float(analyzer.get("score") or 1.0)
    return score if score > 0 else 1.0
