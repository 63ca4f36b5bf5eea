"""The percentage analyzer agrees with WVA's own tests, and is right where they show a fault."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from wva_exporter.core.columns import Column, integers
from wva_exporter.core.policies.wva_v1 import Stand, step
from wva_exporter.core.saturation import Limits, analyze

DATA = Path(__file__).parent.parent / "data"
CASES = yaml.safe_load((DATA / "cases" / "saturation.yaml").read_text())
CORRECTED = yaml.safe_load((DATA / "corrected.yaml").read_text())["corrected"]


def cases(area: str, kind: str) -> list[Any]:
    """Cases of one area, as parameters named by their id."""
    return [pytest.param(case, id=case["id"]) for case in CASES[kind] if case["area"] == area]


def analysis(case: Mapping[str, Any], *, exact: bool) -> dict[str, Any]:
    """Everything that a case may ask of the analyzer, computed from its replicas."""
    rows = [row for row in case["in"]["replicas"] for _ in range(row.get("repeat", 1))]
    kv = np.array([row.get("kv", 0.0) for row in rows], dtype=float)
    queue = np.array([row.get("q", 0.0) for row in rows], dtype=float)
    limits = Limits(kv=np.array([0.8]), queue=np.array([5.0]), kv_spare=np.array([0.1]), queue_spare=np.array([3.0]))
    found = analyze(kv, queue, np.zeros(len(rows), dtype=np.int64), 1, limits, exact=exact)
    by_variant: dict[str, list[float]] = {}
    for row, usage in zip(rows, kv.tolist(), strict=True):
        by_variant.setdefault(row["v"], []).append(usage)
    pods = [row.get("pod", "") for row in rows]
    return {
        "total": int(found.replicas[0]),
        "non_saturated": int(found.non_saturated[0]),
        "avg_spare_kv": float(found.spare_kv[0]),
        "avg_spare_queue": float(found.spare_queue[0]),
        "scale_up": bool(found.needs_growth[0]),
        "scale_down_safe": bool(found.may_shrink[0]),
        "saturated_pods": sorted(pod for pod, full in zip(pods, found.saturated.tolist(), strict=True) if full),
        "variant_avg_kv": {name: float(np.mean(usage)) for name, usage in by_variant.items()},
        "variant_max_kv": {name: max(usage) for name, usage in by_variant.items()},
        "replica_count": {name: len(usage) for name, usage in by_variant.items()},
    }


def assert_answers(got: Any, want: Any, where: str) -> None:
    """The listed keys, to a relative or absolute 1e-6."""
    if isinstance(want, dict):
        for key, value in want.items():
            assert_answers(got[key], value, f"{where}.{key}")
    elif isinstance(want, (bool, str, list)):
        assert got == want, where
    else:
        assert abs(got - want) <= 1e-6 * max(1.0, abs(want)), where


@pytest.mark.parametrize("case", cases("v1.analyze", "cases"))
def test_the_analysis_repeats_the_original(case: dict[str, Any]) -> None:
    """Exact mode gives what WVA's tests assert."""
    assert_answers(analysis(case, exact=True), case["out"], case["id"])


@pytest.mark.parametrize("case", cases("v1.analyze", "derived_cases"))
def test_the_analysis_is_right_where_the_original_is_not(case: dict[str, Any]) -> None:
    """Corrected mode counts a saturated replica as missing headroom."""
    assert_answers(analysis(case, exact=False), CORRECTED[case["id"]]["out"], case["id"])


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "corrected"])
@pytest.mark.parametrize("case", cases("v1.targets", "cases"))
def test_the_step_repeats_the_original(case: dict[str, Any], *, exact: bool) -> None:
    """One replica up on the cheapest, one down on the dearest, none while one is pending."""
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
    targets, _ = step(np.array([given["scale_up"]]), np.array([given["scale_down_safe"]]), stand, exact=exact)
    got = {v["n"]: int(n) for v, n in zip(variants, targets.tolist(), strict=True)}
    assert_answers(got, case["out"]["targets"], case["id"])


def test_every_v1_case_is_replayed() -> None:
    """No case of the two areas escapes the parameters above."""
    areas = [case["area"] for kind in ("cases", "derived_cases") for case in CASES[kind]]
    replayed = sum(
        len(cases(area, kind)) for area in ("v1.analyze", "v1.targets") for kind in ("cases", "derived_cases")
    )
    assert replayed == sum(area.startswith("v1.") for area in areas) == 15
