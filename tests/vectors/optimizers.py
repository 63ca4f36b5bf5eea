"""Areas of the optimizers: `opt.*`, `rescale.*` and the whole chain `e2e`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from wva_exporter.core.allocation.budgets import Budgets, Constraint, effective
from wva_exporter.core.allocation.cost_aware import cost_aware
from wva_exporter.core.allocation.greedy import within_budgets
from wva_exporter.core.allocation.least_cost import decide
from wva_exporter.core.allocation.request import Offer, Request, Word
from wva_exporter.core.allocation.rescale import Switches
from wva_exporter.core.allocation.waterfill import Share, split, waterfill
from wva_exporter.core.fleet import Role
from wva_exporter.core.tokens.totals import required, spare

from .cases import Case
from .tokens import analysed, role_of


def _exact(case: Case) -> bool:
    return bool(case["compat"] == "exact")


def request(model: Mapping[str, Any], defaults: Mapping[str, Any]) -> Request:
    """A model of a case."""
    roles = {role_of(name): said for name, said in model.get("roles", {}).items()}
    extra = model.get("extra_analyzers", [])
    own = roles or {Role.BOTH: model}
    words = [
        Word(
            score=model.get("score", 0),
            required={role: float(said.get("rc", 0)) for role, said in own.items()},
            spare={role: float(said.get("sc", 0)) for role, said in own.items()},
            total_required=float(model.get("rc", 0)),
        )
    ]
    words += [
        Word(
            score=each.get("score", 0),
            required={Role.BOTH: float(each.get("rc", 0))},
            spare={Role.BOTH: float(each.get("sc", 0))},
            total_required=float(each.get("rc", 0)),
        )
        for each in extra
    ]
    return Request(
        model=model.get("id", "m"),
        namespace=model.get("ns", "default"),
        priority=model.get("priority", 0),
        words=tuple(words),
        offers=tuple(_offer({**defaults, **variant}, extra) for variant in model["variants"]),
        demand={role: float(said.get("demand", 0)) for role, said in own.items()},
        total_demand=float(model.get("demand", 0)),
        disaggregated=bool(roles),
    )


def _offer(variant: Mapping[str, Any], extra: list[Mapping[str, Any]]) -> Offer:
    return Offer(
        name=variant["n"],
        role=role_of(variant["role"]),
        accelerator=variant["acc"],
        cost=float(variant["cost"]),
        capacity=(float(variant["prc"]), *(float(each.get("prc", {}).get(variant["n"], 0)) for each in extra)),
        current=variant["cur"],
        pending=variant["pending"],
        gpus=variant["gpr"] if variant["gpr"] > 0 else 1,
        minimum=variant["min"] or 0,
        maximum=variant["max"] or None,
    )


def _requests(case: Case) -> list[Request]:
    return [request(model, case["defaults"]["variant_defaults"]) for model in case["in"]["models"]]


def _constraints(given: list[Mapping[str, Any]]) -> list[Constraint]:
    def pool(said: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
        return {kind: (float(limit), float(used)) for kind, (limit, used) in said.items()}

    return [
        Constraint(
            pools=pool(each.get("pools", {})),
            namespaces={name: pool(said) for name, said in each.get("ns", {}).items()},
        )
        for each in given
    ]


def unlimited(case: Case) -> dict[str, Any]:
    """Without hardware limits."""
    requests = _requests(case)
    return {"targets": cost_aware(requests) if _exact(case) else decide(requests, None).targets}


def limited(case: Case) -> dict[str, Any]:
    """Within budgets."""
    requests, budgets = _requests(case), Budgets.of(_constraints(case["in"]["constraints"]))
    if not _exact(case):
        return {"targets": decide(requests, budgets).targets}
    said = case["in"].get("rescale", {})
    switches = Switches(cluster=said.get("cluster", False), namespaces=said.get("namespaces", {}))
    return {"targets": within_budgets(requests, budgets, switches)}


def _finite(free: float) -> float:
    return -1.0 if math.isinf(free) else free


def effective_available(case: Case) -> dict[str, Any]:
    """Budget of a namespace within that of the cluster."""
    cluster, own = (
        {kind: math.inf if free < 0 else float(free) for kind, free in case["in"][key].items()}
        for key in ("cluster", "ns")
    )
    return {kind: _finite(free) for kind, free in effective(cluster, own).items()}


def merge_constraints(case: Case) -> dict[str, Any]:
    """What several providers leave free."""
    return {kind: _finite(free) for kind, free in Budgets.of(_constraints(case["in"]["constraints"])).cluster.items()}


def fill(case: Case) -> dict[str, Any]:
    """Dividing a budget between models."""
    shares = [
        Share(key=m["id"], weight=math.prod(m["w"]), floor=m["floor"], cap=m["cap"]) for m in case["in"]["models"]
    ]
    parts, over = waterfill(case["in"]["budget"], shares)
    return {"targets": parts, "over": over}


def by_role(case: Case) -> dict[str, Any]:
    """Dividing a model's part between its roles."""
    given = case["in"]
    return dict(split(given["total"], given["roles"], given["weight"], given["fallback"], given["floor"]))


def chain(case: Case) -> dict[str, Any]:
    """Analysis, thresholds and optimizer in turn, of one model."""
    given, cfg = case["in"], case["defaults"]["v2_cfg"]
    done = analysed(case, given["analyzer"])
    totals = done.found.of_models(done.stand, done.queue)
    up, down = (np.array([float(cfg[key])]) for key in ("scaleUpThreshold", "scaleDownBoundary"))
    lacking = float(required(totals.demand, totals.anticipated, up)[0])
    free = float(spare(totals.demand, totals.supply, down)[0])
    capacity = dict(zip(done.names, done.found.capacity.tolist(), strict=True))
    model = {
        "rc": lacking,
        "sc": free,
        "variants": [
            {
                "n": state["n"],
                "prc": capacity[state["n"]],
                "cur": state.get("cur", 0),
                "pending": state.get("pending", 0),
                "cost": given["cost"].get(state["n"], 0),
            }
            for state in given["analyzer"]["states"]
        ],
    }
    return {"rc": lacking, "sc": free, **unlimited({**case, "in": {"models": [model]}})}


AREAS = {
    "e2e": chain,
    "rescale.waterfill": fill,
    "rescale.split": by_role,
    "opt.cost_aware": unlimited,
    "opt.greedy_score": limited,
    "opt.effective_available": effective_available,
    "opt.merge_constraints": merge_constraints,
}
