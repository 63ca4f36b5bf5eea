"""Quotas of GPUs in WVA's own ConfigMap: ``limiters`` of type ``quota`` in its default entry, where ``enableLimiter`` is on.

Limiters of type ``inventory`` need nothing: where the limiter is on, what nodes have to give is a limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wva_exporter.core.allocation.quotas import UNLIMITED, Quota, Quotas, Scope
from wva_exporter.discovery.accelerators import short_name
from wva_exporter.errors import ConfigError

LARGEST = 1_048_576
_TYPES = ("gpu-inventory", "inventory", "quota")
_OTHER = {
    Scope.CLUSTER: (("namespaceQuotas", "exclude"), "is invalid for cluster scope"),
    Scope.NAMESPACE: (("quotas",), "is invalid for namespace scope; use namespaceQuotas"),
}
"""What a limiter of each scope must not set."""


def read_quotas(entry: Mapping[str, Any]) -> tuple[Quotas, ...]:
    """The sets of quotas of an entry; none where its limiter is off.

    Raises:
        ConfigError: WVA would refuse one of them; each finding names the limiter.
    """
    limiters, findings = entry.get("limiters") or [], []
    if not isinstance(limiters, list) or not all(isinstance(each, dict) for each in limiters):
        raise ConfigError(["limiters must be a list of mappings"])
    found: list[Quotas] = []
    for place, each in enumerate(limiters):
        kind = each.get("type")
        if kind not in _TYPES:
            findings.append(f"limiters[{place}]: unknown limiter type {kind!r} (valid: {', '.join(_TYPES)})")
        elif kind == "quota":
            wrong = _problems(each, {quotas.name for quotas in found})
            findings += [f"limiters[{place}] ({each.get('name', '')!r}): {text}" for text in wrong]
            if not wrong:
                found.append(_quotas(each))
    if findings:
        raise ConfigError(findings)
    return tuple(found) if entry.get("enableLimiter") is True else ()


def _problems(each: Mapping[str, Any], names: set[str]) -> list[str]:
    name, scope = each.get("name"), each.get("scope")
    wrong = [] if isinstance(name, str) and name else ["name must not be empty"]
    if name in names:
        wrong.append("duplicate limiter name")
    if scope not in tuple(Scope):
        return [*wrong, f'scope must be "cluster" or "namespace", got {scope!r}']
    keys, text = _OTHER[Scope(scope)]
    wrong += [f"{key} {text}" for key in keys if each.get(key)]
    by_namespace = each.get("namespaceQuotas") or {}
    exclude = each.get("exclude") or []
    if not isinstance(by_namespace, dict) or not isinstance(exclude, list):
        return [*wrong, "namespaceQuotas must be a mapping and exclude a list"]
    if not all(isinstance(n, str) and n for n in (*by_namespace, *exclude)):
        wrong.append("names of namespaces must not be empty")
    for quota in (each.get("quotas") or {}, *by_namespace.values()):
        wrong += _quota_problems({} if quota is None else quota)
    return wrong


def _quota_problems(quota: object) -> list[str]:
    if not isinstance(quota, dict):
        return ["quotas must be GPUs by accelerator type"]
    wrong = []
    for kind, gpus in quota.items():
        if not isinstance(kind, str) or not kind:
            wrong.append("accelerator type name must not be empty")
        if not isinstance(gpus, int) or isinstance(gpus, bool) or not UNLIMITED <= gpus <= LARGEST:
            wrong.append(f"quota value {gpus!r} is invalid; must be -1 (unlimited) or within 0 and {LARGEST}")
    return wrong


def _quotas(each: Mapping[str, Any]) -> Quotas:
    namespaces = {name: _named(quota or {}) for name, quota in (each.get("namespaceQuotas") or {}).items()}
    return Quotas(
        name=each["name"],
        scope=Scope(each["scope"]),
        cluster=_named(each.get("quotas") or {}),
        namespaces=namespaces,
        exclude=frozenset(each.get("exclude") or ()),
    )


def _named(quota: Mapping[str, int]) -> Quota:
    """By the short names that accelerators have here; two spellings of one chip have the smaller number."""
    found: dict[str, int] = {}
    for kind, gpus in quota.items():
        name = short_name(kind)
        both = [n for n in (gpus, found.get(name, UNLIMITED)) if n != UNLIMITED]
        found[name] = min(both, default=UNLIMITED)
    return found
