"""WVA's own settings as declarations: the ConfigMap of its saturation engine, for whoever comes from there.

Each key of the map is an entry: ``default``, or ``model#namespace`` for what differs there. An entry with analyzers is of the
second version (tokens), one without of the first (percentages).

WVA fills its defaults into every entry before it lays one over the other, so that an override of one number resets all the
others to built-in ones. ``exact`` does the same; otherwise what somebody wrote stays, and defaults come last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from wva_exporter.core.allocation.sharing import Sharing
from wva_exporter.core.declaration import ModelDeclaration
from wva_exporter.core.throughput.voting import Vote
from wva_exporter.discovery.documents import Document, read_documents
from wva_exporter.discovery.wva_analyzers import TOKENS, band, listed, name_of, throughput_vote
from wva_exporter.discovery.wva_quotas import read_quotas
from wva_exporter.errors import ConfigError

NAME = "wva-saturation-scaling-config"
DEFAULT = "default"
SEPARATOR = "#"

V1_DEFAULTS: Mapping[str, float] = MappingProxyType(
    {"kvCacheThreshold": 0.80, "queueLengthThreshold": 5.0, "kvSpareTrigger": 0.10, "queueSpareTrigger": 3.0}
)
V2_DEFAULTS: Mapping[str, float] = MappingProxyType({"scaleUpThreshold": 0.85, "scaleDownBoundary": 0.70})
PRIORITY = 1.0
_LIMITS = {"kvCacheThreshold": 1.0, "kvSpareTrigger": 1.0}
_NUMBERS = (*V1_DEFAULTS, *V2_DEFAULTS, "priority")
_SWITCHES = ("enableLimiter", "enableRescale")

Entry = Mapping[str, Any]


def of_tokens(entry: Entry) -> bool:
    """Whether the entry is of the second version."""
    return bool(entry.get("analyzers")) or entry.get("analyzerName") == TOKENS


def problems(entry: Entry) -> list[str]:
    """What WVA refuses of an entry as it stands; a number that is not there is 0."""
    wrong = [f"{name} must be a number" for name in _NUMBERS if not _is_number(entry.get(name, 0))]
    wrong += [f"{name} must be true or false" for name in _SWITCHES if not _is_switch(entry.get(name))]
    if wrong or not _is_list(entry):
        return wrong or ["analyzers must be a list of mappings"]
    value = {name: float(entry.get(name, 0)) for name in _NUMBERS}
    for name in V1_DEFAULTS:
        most = _LIMITS.get(name)
        if most is not None and not 0 <= value[name] <= most:
            wrong.append(f"{name} must be between 0 and 1, got {value[name]:.2f}")
        elif most is None and not value[name] >= 0:
            wrong.append(f"{name} must be >= 0, got {value[name]:.1f}")
    if value["kvCacheThreshold"] < value["kvSpareTrigger"]:
        wrong.append(
            f"kvCacheThreshold ({value['kvCacheThreshold']:.2f}) should be >= "
            f"kvSpareTrigger ({value['kvSpareTrigger']:.2f})"
        )
    if not value["priority"] >= 0:
        wrong.append(f"priority must be >= 0, got {value['priority']:.2f}")
    if of_tokens(entry):
        wrong += _pair(value["scaleUpThreshold"], value["scaleDownBoundary"], "")
        wrong += _of_analyzers(entry, value)
    return wrong


def _of_analyzers(entry: Entry, value: Mapping[str, float]) -> list[str]:
    """The pair that each analyzer ends up with: its own numbers, else the entry's."""
    wrong: list[str] = []
    for each in listed(entry):
        whose = f"analyzer {name_of(each)!r}"
        own = [each.get(name) or value[name] for name in V2_DEFAULTS]
        if not _is_switch(each.get("enabled")):
            wrong.append(f"{whose}: enabled must be true or false")
        if not all(map(_is_number, (*own, each.get("score", 0)))):
            wrong.append(f"{whose}: thresholds and score must be numbers")
        elif own != [value[name] for name in V2_DEFAULTS]:
            wrong += _pair(own[0], own[1], f"{whose}: ")
    return wrong


def _pair(up: float, down: float, whose: str) -> list[str]:
    wrong = [
        f"{whose}{name} must be in (0, 1], got {number:.2f}"
        for name, number in zip(V2_DEFAULTS, (up, down), strict=True)
        if not 0 < number <= 1
    ]
    if not wrong and up <= down:
        wrong.append(f"{whose}scaleUpThreshold ({up:.2f}) must be > scaleDownBoundary ({down:.2f})")
    return wrong


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_switch(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _is_list(entry: Entry) -> bool:
    analyzers = entry.get("analyzers") or ()
    return (
        isinstance(analyzers, Sequence)
        and not isinstance(analyzers, str)
        and all(isinstance(each, Mapping) for each in analyzers)
    )


def filled(entry: Entry) -> dict[str, Any]:
    """The entry with WVA's defaults where a number is 0 or absent; those of the token analyzer only where it asks for it."""
    result = dict(entry)
    defaults = {**V1_DEFAULTS, "priority": PRIORITY, **(V2_DEFAULTS if of_tokens(entry) else {})}
    for name, value in defaults.items():
        result[name] = result.get(name) or value
    return result


def resolve(entries: Mapping[str, Entry], model: str, namespace: str, *, exact: bool) -> dict[str, Any]:
    """What holds for a model of a namespace: its own entry over the default one.

    ``exact``: a 0 counts as not given. A pair of thresholds that the merge turned upside down becomes the default pair.
    """
    base = entries.get(DEFAULT, {})
    over = entries.get(f"{model}{SEPARATOR}{namespace}", {})
    if exact:
        merged = filled({**base, **{name: value for name, value in over.items() if value}})
    else:
        merged = {**V1_DEFAULTS, "priority": PRIORITY, **_given(base), **_given(over)}
    for name, value in V2_DEFAULTS.items():
        merged[name] = merged.get(name) or value
    if merged["scaleUpThreshold"] <= merged["scaleDownBoundary"]:
        merged.update(V2_DEFAULTS)
    return merged


def _given(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class WvaSettings:
    """What WVA's ConfigMap says: how models are decided that it names, ``fallback`` for all others, scarce GPUs."""

    models: tuple[ModelDeclaration, ...] = ()
    fallback: ModelDeclaration | None = None
    sharing: Sharing = field(default_factory=Sharing)
    throughput: Vote | None = None


def read_settings(paths: Iterable[Path]) -> WvaSettings:
    """The settings in the first map of WVA's name among files and folders; none where there is none.

    Raises:
        ConfigError: a file cannot be read, an entry is refused, or there are several maps.
    """
    findings: list[str] = []
    maps = [
        each
        for each in read_documents(paths, ("ConfigMap",), findings)
        if (each.body.get("metadata") or {}).get("name") == NAME
    ]
    if len(maps) > 1:
        findings.append(
            f"{maps[1].where(('metadata', 'name'))}: a second ConfigMap {NAME}; there is one in {maps[0].where()}"
        )
    entries = _entries(maps[0], findings) if maps else {}
    if findings:
        raise ConfigError(findings)
    return _settings(entries)


def _entries(document: Document, findings: list[str]) -> dict[str, Entry]:
    """The map's entries, each found to be one that WVA takes."""
    entries: dict[str, Entry] = {}
    for key, text in (document.body.get("data") or {}).items():
        where = f"{document.where(('data', key))}: ConfigMap {NAME}: data[{key}]"
        try:
            entry = yaml.safe_load(text) if isinstance(text, str) else None
        except yaml.YAMLError:
            entry = None
        if not isinstance(entry, dict):
            findings.append(f"{where}: must be YAML text of a mapping")
            continue
        findings += [f"{where}: {text}" for text in (*problems(filled(entry)), *_quota_problems(key, entry))]
        entries[str(key)] = entry
    return entries


def _quota_problems(key: str, entry: Entry) -> list[str]:
    """Quotas count in the default entry only."""
    try:
        read_quotas(entry if key == DEFAULT else {})
    except ConfigError as error:
        return list(error.findings)
    return []


def _settings(entries: Mapping[str, Entry]) -> WvaSettings:
    if not entries:
        return WvaSettings()
    version = "wva-v2" if of_tokens(entries.get(DEFAULT, {})) else "wva-v1"
    models = [
        _declaration(name, namespace, resolve(entries, name, namespace, exact=False), version)
        for name, separator, namespace in (key.rpartition(SEPARATOR) for key in entries)
        if separator
    ]
    fallback = _declaration("", None, resolve(entries, "", "", exact=False), version)
    return WvaSettings(
        models=tuple(models),
        fallback=fallback if DEFAULT in entries else None,
        sharing=_sharing(entries.get(DEFAULT, {})),
        throughput=throughput_vote(entries.get(DEFAULT, {})),
    )


def _sharing(entry: Entry) -> Sharing:
    """The switches of the default entry. In WVA nothing is rescaled without the limiter."""
    limiter = entry.get("enableLimiter") is True
    return Sharing(
        limiter=limiter or None, rescale=limiter and entry.get("enableRescale") is True, quotas=read_quotas(entry)
    )


def _declaration(name: str, namespace: str | None, entry: Entry, policy: str) -> ModelDeclaration:
    """One entry in the words of core. The analyzer is chosen for the whole cluster, by the default entry."""
    scale_up, scale_down = band(entry, TOKENS)
    return ModelDeclaration(
        name=name,
        namespace=namespace,
        policy=policy,
        kv_threshold=float(entry["kvCacheThreshold"]),
        queue_threshold=float(entry["queueLengthThreshold"]),
        kv_spare=float(entry["kvSpareTrigger"]),
        queue_spare=float(entry["queueSpareTrigger"]),
        scale_up=scale_up,
        scale_down=scale_down,
        priority=float(entry["priority"]),
    )
