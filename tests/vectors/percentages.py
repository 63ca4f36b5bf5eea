"""Areas of the percentage analyzer: `v1.*`."""

from __future__ import annotations

from typing import Any

import numpy as np

from wva_exporter.core.columns import Column, integers
from wva_exporter.core.policies.wva_v1 import Stand, step
from wva_exporter.core.saturation import Limits, analyze

from .cases import Case


def _exact(case: Case) -> bool:
    return bool(case["compat"] == "exact")


def analysis(case: Case) -> dict[str, Any]:
    """One role group's headroom."""
    rows = [row for row in case["in"]["replicas"] for _ in range(row.get("repeat", 1))]
    kv = np.array([row.get("kv", 0.0) for row in rows], dtype=float)
    queue = np.array([row.get("q", 0.0) for row in rows], dtype=float)
    cfg = case["defaults"]["v1_cfg"]
    limits = Limits(
        kv=np.array([cfg["kvCacheThreshold"]], dtype=float),
        queue=np.array([cfg["queueLengthThreshold"]], dtype=float),
        kv_spare=np.array([cfg["kvSpareTrigger"]], dtype=float),
        queue_spare=np.array([cfg["queueSpareTrigger"]], dtype=float),
    )
    found = analyze(kv, queue, np.zeros(len(rows), dtype=np.int64), 1, limits, exact=_exact(case))
    usage: dict[str, list[float]] = {}
    for row, share in zip(rows, kv.tolist(), strict=True):
        usage.setdefault(row["v"], []).append(share)
    pods = [row.get("pod", "") for row in rows]
    return {
        "total": int(found.replicas[0]),
        "non_saturated": int(found.non_saturated[0]),
        "avg_spare_kv": float(found.spare_kv[0]),
        "avg_spare_queue": float(found.spare_queue[0]),
        "scale_up": bool(found.needs_growth[0]),
        "scale_down_safe": bool(found.may_shrink[0]),
        "saturated_pods": sorted(pod for pod, full in zip(pods, found.saturated.tolist(), strict=True) if full),
        "variant_avg_kv": {name: float(np.mean(shares)) for name, shares in usage.items()},
        "variant_max_kv": {name: max(shares) for name, shares in usage.items()},
        "replica_count": {name: len(shares) for name, shares in usage.items()},
    }


def targets(case: Case) -> dict[str, Any]:
    """One step of one role group."""
    given = case["in"]
    variants = given["variants"]
    order = sorted(range(len(variants)), key=lambda i: (variants[i].get("cost", 0), variants[i]["n"]))
    stand = Stand(
        group=np.zeros(len(variants), dtype=np.int64),
        rank=integers([order.index(i) for i in range(len(variants))]),
        current=integers([v.get("cur", 0) for v in variants]),
        pending=integers([v.get("pending", 0) for v in variants]),
        desired=integers([v.get("desired", 0) for v in variants]),
        minimum=integers([v.get("min") or 0 for v in variants]),
        maximum=Column.from_optional([v.get("max") or None for v in variants]),
        movable=np.ones(len(variants), dtype=np.bool_),
    )
    found, _ = step(np.array([given["scale_up"]]), np.array([given["scale_down_safe"]]), stand, exact=_exact(case))
    return {"targets": {v["n"]: int(n) for v, n in zip(variants, found.tolist(), strict=True)}}


AREAS = {"v1.analyze": analysis, "v1.targets": targets}
