"""The throughput analyzer's cases, and the line that it fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wva_exporter.core.columns import Column, integers
from wva_exporter.core.fleet import Role
from wva_exporter.core.throughput.analyze import Throughput, analyze
from wva_exporter.core.throughput.itl import Tier, acceptable
from wva_exporter.core.throughput.memory import Memory
from wva_exporter.core.throughput.view import Readings, View

CYCLE_SECONDS = 15.0
_ROLES = {"": Role.BOTH, "both": Role.BOTH, "decode": Role.DECODE, "prefill": Role.PREFILL}
_REASONS = {
    Tier.FITTED: "T1-ols",
    Tier.PINNED: "T2-pinned",
    Tier.DEFAULT: "T2-default",
    Tier.FAILED: "T2-failed",
    Tier.REMEMBERED: "T-sfz",
}


def analyze_sequence(case: Mapping[str, Any]) -> dict[str, Any]:
    """The state after the last cycle."""
    cycles = case["input"]["cycles"]
    exact = case.get("compat", "exact") == "exact"
    names = sorted({row["V"] for cycle in cycles for row in [*cycle["R"], *cycle["S"]]})
    memory = Memory.empty(len(names))
    sequences = case["input"].get("max_sequences", np.nan)
    for number, cycle in enumerate(cycles):
        shown = view(cycle, names, number * CYCLE_SECONDS, sequences, exact=exact)
        found, memory = analyze(shown, memory, exact=exact)
    roles = {state["V"]: state.get("Role", "") for state in cycles[-1]["S"]}
    return answer(found, names, roles)


def view(cycle: Mapping[str, Any], names: list[str], time: float, sequences: float, *, exact: bool) -> View:
    """One cycle as the analyzer is shown it; no signal at all of a router is a silent one.

    ``sequences`` is what every engine runs at once: a key of our corrected inputs, which the schema lacks.
    """
    rows, states = cycle["R"], {state["V"]: state for state in cycle["S"]}
    silent = not exact and not cycle.get("HasQ") and not cycle.get("AR")

    def column(key: str) -> Column:
        return Column.of([row.get(key, 0.0) for row in rows])

    return View(
        time=time,
        replicas=Readings(
            variant=integers([names.index(row["V"]) for row in rows]),
            stale=np.array([bool(row.get("Stale", False)) for row in rows], dtype=bool),
            kv_usage=column("K"),
            kv_capacity_tokens=column("KV"),
            itl_seconds=column("ITL"),
            ttft_seconds=Column.unknown(len(rows)),
            input_tokens=column("IL"),
            output_tokens=column("OL"),
            prefix_hit_ratio=column("HR"),
            max_sequences=Column.of(np.full(len(rows), float(sequences))),
            arrivals=column("AR"),
            completions=column("RR"),
            generated_tokens=column("GPS"),
        ),
        model=np.zeros(len(names), dtype=np.int64),
        role=integers([_ROLES[states.get(name, {}).get("Role", "")] for name in names]),
        pending=np.array([float(states.get(name, {}).get("Pend", 0)) for name in names]),
        configured=np.array([name in states for name in names], dtype=bool),
        arrivals=Column.of([cycle.get("AR", 0.0)], [not silent]),
        router_queue=Column.of([cycle.get("Queue", 0.0)], [bool(cycle.get("HasQ"))]),
    )


def answer(found: Throughput, names: list[str], roles: Mapping[str, str]) -> dict[str, Any]:
    """The analysis under the names of the schema; roles are spelled as in the case."""
    totals = found.totals
    supply, demand = totals.supply.listed()[0], totals.demand.listed()[0]
    split = bool(totals.split[0])
    role = {
        name: {
            "supply": float(totals.role_supply.value[0, code]),
            "anticipated": float(totals.role_anticipated.value[0, code]),
            "demand": float(totals.role_demand.value[0, code]),
        }
        for name, code in (("both", Role.BOTH), ("decode", Role.DECODE), ("prefill", Role.PREFILL))
        if split and totals.role_supply.known[0, code]
    }
    return {
        "total_supply": supply,
        "total_anticipated": totals.anticipated.listed()[0],
        "total_demand": demand,
        "utilization": 0.0 if not supply or demand is None else demand / supply,
        "roles": role,
        "variants": {
            name: _variant(found, row) | {"role": roles.get(name, "")}
            for row, name in enumerate(names)
            if found.per_replica.known[row]
        },
    }


def _variant(found: Throughput, row: int) -> dict[str, Any]:
    per_replica, replicas = float(found.per_replica.value[row]), int(found.replicas[row])
    return {
        "replicas": replicas,
        "pending": int(found.pending[row]),
        "prc": per_replica,
        "cap": replicas * per_replica,
        "demand": float(found.demand.value[row]),
        "reason": _REASONS[Tier(int(found.line.tier[row]))],
        "A": float(found.line.slope[row]),
        "B": float(found.line.base[row]),
        "samples": int(found.samples[row]),
        "kvreq": float(found.shape.kv_tokens[row]),
    }


def valid_itl_model(case: Mapping[str, Any]) -> bool:
    """Whether a line is accepted."""
    given = case["input"]
    return bool(acceptable(np.array([float(given["A"])]), np.array([float(given["B"])]))[0])


OPS = {("throughput_analyzer", "analyze_sequence"): analyze_sequence, ("unit", "valid_itl_model"): valid_itl_model}
