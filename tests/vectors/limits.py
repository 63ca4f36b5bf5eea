"""Areas of what bounds decisions: limiters, quotas, the enforcer, the coordinator, liveness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wva_exporter.core.allocation.coordinator import PodPool, share
from wva_exporter.core.allocation.enforcer import Candidate, Idleness, enforce
from wva_exporter.core.allocation.limiter import Decision, Pool, Trimmed, trim_by_pool, trim_by_quotas
from wva_exporter.core.allocation.quotas import Quotas, Scope
from wva_exporter.core.liveness import live

from .cases import Case
from .tokens import role_of


def _exact(case: Case) -> bool:
    return bool(case["compat"] == "exact")


def _decisions(case: Case) -> list[Decision]:
    defaults = case["defaults"]["variant_defaults"]
    every = [{**defaults, **each} for each in case["in"]["decisions"]]
    return [
        Decision(
            name=each["n"],
            namespace=each.get("ns", "default"),
            accelerator=each["acc"],
            current=each["cur"],
            target=each["tgt"],
            gpus=each["gpr"] if each["gpr"] > 0 else 1,
            cost=float(each["cost"]),
            spare=float(each.get("spare", 0)),
            minimum=each["min"] or 0,
            maximum=each["max"] or None,
        )
        for each in every
    ]


def _targets(trimmed: Trimmed) -> dict[str, int]:
    return {each.name: each.target for each in trimmed.decisions}


def pool(case: Case) -> dict[str, Any]:
    """One pool of GPUs."""
    decisions, free = _decisions(case), Pool(case["in"]["remaining"])
    trimmed = trim_by_pool(decisions, free, exact=_exact(case))
    return {
        "targets": _targets(trimmed),
        "alloc": {each.name: trimmed.allocated.get(each.name, 0) for each in decisions},
        "limited": {each.name: each.name in trimmed.limited_by for each in decisions},
        "remaining": free.remaining,
    }


def _quotas(given: Mapping[str, Any], name: str = "") -> Quotas:
    return Quotas(
        name=given.get("name", name),
        scope=Scope(given["scope"]),
        cluster=given.get("quotas", {}),
        namespaces=given.get("ns_quotas", {}),
        exclude=frozenset(given.get("exclude", ())),
    )


def quota(case: Case) -> dict[str, Any]:
    """Sets of quotas in turn."""
    limiters = [_quotas(each) for each in case["in"]["limiters"]]
    trimmed = trim_by_quotas(_decisions(case), limiters, exact=_exact(case))
    return {"targets": _targets(trimmed), "limited_by": trimmed.limited_by}


def alloc(case: Case) -> dict[str, Any]:
    """Requests for GPUs in their order."""
    given = case["in"]
    quotas = _quotas(given)
    for accelerator, gpus in given.get("used", {}).items():
        quotas.use("", accelerator, gpus)
    return {"granted": [quotas.grant(*each) for each in given["requests"]]}


def enforcer(case: Case) -> dict[str, Any]:
    """The last word on a model; where a decision names no role, its name may be one."""
    given, defaults = case["in"], case["defaults"]["variant_defaults"]
    candidates = [
        Candidate(
            name=each["n"],
            target=each["tgt"],
            cost=float({**defaults, **each}["cost"]),
            minimum=each.get("min") or 0,
            role=role_of(each.get("role", each["n"])),
        )
        for each in given["decisions"]
    ]
    requests = None if given["requests"] == "error" else float(given["requests"])
    idleness = Idleness(allowed=given["enabled"], requests=requests, engines=tuple(given.get("engines", ())))
    targets, applied = enforce(candidates, idleness, exact=_exact(case))
    return {"targets": targets, "applied": applied}


def coordinator(case: Case) -> dict[str, Any]:
    """One quota between pools."""
    pools = [
        PodPool(
            name=each["n"],
            queue=None if each["q"] == "error" else float(each["q"]),
            minimum=each.get("min", 1),
            gpus=each.get("gpr", 1),
        )
        for each in case["in"]["pools"]
    ]
    most = share(case["in"]["quota"], pools)
    return {"unchanged": True} if most is None else {**most, "unchanged": False}


def liveness(case: Case) -> dict[str, Any]:
    """Age against interval."""
    return {"live": live(case["in"]["age_s"], case["in"]["interval_s"])}


AREAS = {
    "limiter.greedy_sat": pool,
    "limiter.quota": quota,
    "quota.alloc": alloc,
    "enforcer": enforcer,
    "coordinator": coordinator,
    "liveness": liveness,
}
