"""The queueing-model analyzer's cases: one variant, one cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wva_exporter.core.columns import Column, integers
from wva_exporter.core.queueing.analyzer import Found, Standing, Traffic, analyze
from wva_exporter.core.queueing.filter import Observations
from wva_exporter.core.queueing.slo import Slo
from wva_exporter.core.queueing.tuning import Learned, tune

MS = 1e-3


def qm_analyze(case: Mapping[str, Any]) -> dict[str, Any]:
    """Capacity, demand and supply of the one variant; with tuning on, the SLO is the one before it."""
    data = case["data"]
    rows, stored = data["replicas"], data["params"]
    learned = _learned(stored)
    found = before = analyze(_traffic(rows), _standing(data, learned))
    if "tuning on" in data["name"]:
        learned, _ = tune(learned, np.zeros(len(rows), dtype=np.int64), _observations(rows))
        found = analyze(_traffic(rows), _standing(data, learned))
    return _answer(data, found, before) | {"params_after": _parameters(learned, stored)}


def _learned(stored: Mapping[str, Any] | None) -> Learned:
    nothing = Learned.nothing(1)
    if stored is None:
        return nothing
    return Learned(
        parameters=Column.of([[stored["Alpha"] * MS, stored["Beta"] * MS, stored["Gamma"] * MS]]),
        covariance=nothing.covariance,
        nis=Column.of([stored["NIS"]]),
    )


def _parameters(learned: Learned, stored: Mapping[str, Any] | None) -> list[float] | None:
    if not learned.parameters.known.all():
        return None
    nis = float(learned.nis.value[0]) if learned.nis.known[0] else float((stored or {}).get("NIS", 0.0))
    return [*(learned.parameters.value[0] / MS).tolist(), nis]


def _traffic(rows: list[Mapping[str, Any]]) -> Traffic:
    def column(key: str) -> Column:
        return Column.of([row[key] for row in rows])

    return Traffic(
        variant=np.zeros(len(rows), dtype=np.int64),
        arrivals=column("ArrivalRate"),
        in_tokens=column("AvgInputTokens"),
        out_tokens=column("AvgOutputTokens"),
        ttft_seconds=column("AvgTTFT"),
        itl_seconds=column("AvgITL"),
    )


def _observations(rows: list[Mapping[str, Any]]) -> Observations:
    def column(key: str) -> Any:
        return np.array([row[key] for row in rows], dtype=float)

    return Observations(
        rate_rps=column("ArrivalRate"),
        in_tokens=column("AvgInputTokens"),
        out_tokens=column("AvgOutputTokens"),
        max_batch=integers(column("MaxBatchSize").astype(np.int64)),
        ttft_seconds=column("AvgTTFT"),
        itl_seconds=column("AvgITL"),
    )


def _standing(data: Mapping[str, Any], learned: Learned) -> Standing:
    given = data["slo"] if not data["slo_multiplier"] else None
    pending = float(data["pending"])
    return Standing(
        model=np.zeros(1, dtype=np.int64),
        ready=np.array([max(0.0, data["current"] - pending)]),
        pending=np.array([pending]),
        max_batch=Column.from_optional([data["replicas"][0]["MaxBatchSize"] or None]),
        parameters=learned.parameters,
        slo=Slo(
            ttft_seconds=Column.from_optional([given and given["TargetTTFT"] * MS]),
            itl_seconds=Column.from_optional([given and given["TargetITL"] * MS]),
        ),
        multiplier=np.array([float(data["slo_multiplier"])]),
    )


def _answer(data: Mapping[str, Any], found: Found, before: Found) -> dict[str, Any]:
    def first(column: Column) -> float | None:
        return column.listed()[0]

    slo = None
    if before.slo.known[0]:
        slo = {
            "TargetTTFT": float(before.slo.ttft_seconds.value[0]) / MS,
            "TargetITL": float(before.slo.itl_seconds.value[0]) / MS,
        }
    return {
        "slo": slo,
        "vc": [{"PerReplicaCapacity": first(found.capacity), "ReplicaCount": int(data["current"] - data["pending"])}],
        "total_demand": first(found.demand),
        "total_supply": first(found.supply),
        "anticipated": first(found.anticipated),
        "required": first(found.required),
        "spare": first(found.spare),
        "utilization": first(found.utilization),
        "hold": bool(found.hold[0]),
    }


OPS = {("queueing_model_analyzer", "qm_analyze"): qm_analyze}
