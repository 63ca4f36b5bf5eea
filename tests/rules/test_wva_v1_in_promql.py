"""Policy wva-v1 in recording rules comes to the same answers as in Python, on WVA's own cases."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonnet_bindings import rendered_fast
from promtool import RuleTest, failures
from rule_fleet import (
    ENGINES,
    ROLE,
    SGLANG,
    TRTLLM,
    VLLM,
    add_decision,
    add_description,
    add_engine,
    add_exporter,
    add_workload,
    of,
)

from wva_exporter.artefacts.mixin_files import groups_yaml
from wva_exporter.core.columns import Column, integers
from wva_exporter.core.policies.wva_v1 import Stand, step
from wva_exporter.core.saturation import Limits, Saturation, analyze

DATA = Path(__file__).parent.parent / "data"
CASES = yaml.safe_load((DATA / "cases" / "saturation.yaml").read_text())
CORRECTED = yaml.safe_load((DATA / "corrected.yaml").read_text())["corrected"]

Row = tuple[str, str, float, float]
"""Variant, pod, use of the KV cache, queue."""

FULL, ROOMY, STEADY = (0.75, 2.0), (0.20, 0.0), (0.55, 1.0)
"""Replicas that make a group grow, let it shrink, and leave it as it is: share of the KV cache, queue."""

NOT_FED: Mapping[str, str] = {}
"""Cases of the two areas that no series can express, with the reason. There are none: a locked group needs no flags, since
``pending`` is what kube-state-metrics counts, and pods that report metrics (``metric_pods``) are engines."""


@pytest.fixture(scope="module", params=["exact", "corrected"])
def mode(request: pytest.FixtureRequest) -> str:
    """Whether WVA's faults are kept."""
    return str(request.param)


@cache
def rule_text(mode: str) -> str:
    """The decision's chain of rules in a mode."""
    return groups_yaml(rendered_fast({"compat": mode}).recording[:1])


def rules_in(folder: Path, mode: str) -> list[Path]:
    """The rule file of a mode, written to a folder."""
    path = folder / f"{mode}.yaml"
    path.write_text(rule_text(mode))
    return [path]


def cases(area: str, *kinds: str) -> list[Any]:
    """Cases of one area, as parameters named by their id."""
    return [
        pytest.param(case, id=case["id"])
        for kind in kinds
        for case in CASES[kind]
        if case["area"] == area and case["id"] not in NOT_FED
    ]


def rows_of(case: Mapping[str, Any]) -> list[Row]:
    """Every replica of a case."""
    given_rows = [row for row in case["in"]["replicas"] for _ in range(row.get("repeat", 1))]
    return [(row["v"], f"pod-{i}", row.get("kv", 0.0), row.get("q", 0.0)) for i, row in enumerate(given_rows)]


def in_python(rows: list[Row], mode: str) -> Saturation:
    """The analysis of one group by the exporter's own code."""
    limits = Limits(kv=np.array([0.8]), queue=np.array([5.0]), kv_spare=np.array([0.1]), queue_spare=np.array([3.0]))
    return analyze(
        np.array([row[2] for row in rows]),
        np.array([row[3] for row in rows]),
        np.zeros(len(rows), dtype=np.int64),
        1,
        limits,
        exact=mode == "exact",
    )


def feed(rows: list[Row], engine: tuple[str, str, str] = VLLM) -> RuleTest:
    """A test whose engines are these replicas."""
    test = RuleTest(seconds=97)
    for variant, pod, kv, queue in rows:
        add_engine(test, variant, pod, kv=float(kv), waiting=float(queue), engine=engine)
    return test


def expect_analysis(test: RuleTest, rows: list[Row], found: Saturation) -> None:
    """Every number of the analysis."""
    if not rows:
        for record in ("role:wva_replicas_live:count", "role:wva_needs_growth:bool", "role:wva_may_shrink:bool"):
            test.expects(record, [])
        return
    test.expects("role:wva_replicas_live:count + 0", [(ROLE, float(found.replicas[0]))])
    test.expects("role:wva_replicas_free:count + 0", [(ROLE, float(found.non_saturated[0]))])
    test.expects("role:wva_needs_growth:bool + 0", [(ROLE, float(found.needs_growth[0]))])
    test.expects("role:wva_may_shrink:bool + 0", [(ROLE, float(found.may_shrink[0]))])
    test.expects_about("role:wva_kv_cache_spare:mean", ROLE, float(found.spare_kv[0]))
    test.expects_about("role:wva_queue_spare:mean", ROLE, float(found.spare_queue[0]))


@pytest.mark.parametrize("case", cases("v1.analyze", "cases", "derived_cases"))
def test_the_rules_analyse_as_the_exporter_does(
    case: dict[str, Any], mode: str, promtool_bin: Path, tmp_path: Path
) -> None:
    """Counts, margins and both flags, fed with the case's replicas as engine series."""
    rows = rows_of(case)
    test = feed(rows)
    expect_analysis(test, rows, in_python(rows, mode))
    assert not failures(promtool_bin, test, rules_in(tmp_path, mode), tmp_path)


@pytest.mark.parametrize("engine", [SGLANG, TRTLLM], ids=lambda engine: engine[0])
@pytest.mark.parametrize("case", cases("v1.analyze", "cases", "derived_cases"))
def test_other_engines_are_analysed_alike(
    case: dict[str, Any], engine: tuple[str, str, str], promtool_bin: Path, tmp_path: Path
) -> None:
    """The same replicas under the names of another engine come to the same numbers."""
    rows = rows_of(case)
    test = feed(rows, engine)
    expect_analysis(test, rows, in_python(rows, "corrected"))
    assert not failures(promtool_bin, test, rules_in(tmp_path, "corrected"), tmp_path)


def expect_case(test: RuleTest, rows: list[Row], out: Mapping[str, Any]) -> None:
    """What a case itself asks for."""
    flags = {"scale_up": "role:wva_needs_growth:bool", "scale_down_safe": "role:wva_may_shrink:bool"}
    numbers = {"avg_spare_kv": "role:wva_kv_cache_spare:mean", "avg_spare_queue": "role:wva_queue_spare:mean"}
    counts = {"total": "role:wva_replicas_live:count", "non_saturated": "role:wva_replicas_free:count"}
    by_variant = {
        "variant_avg_kv": "variant:wva_kv_cache_usage:mean",
        "variant_max_kv": "variant:wva_kv_cache_usage:max",
    }
    for key, want in out.items():
        if key in by_variant:
            for variant, value in want.items():
                test.expects_about(by_variant[key], ROLE | {"variant_name": variant}, value)
        elif not rows:
            test.expects(f"{(flags | numbers | counts)[key]} > 0", [])
        elif key in numbers:
            test.expects_about(numbers[key], ROLE, want)
        else:
            test.expects(f"{(flags | counts)[key]} + 0", [(ROLE, float(want))])


@pytest.mark.parametrize("case", cases("v1.analyze", "cases"))
def test_the_rules_give_what_the_case_asks_for(case: dict[str, Any], promtool_bin: Path, tmp_path: Path) -> None:
    """In exact mode the rules repeat WVA's own tests, whatever our Python says."""
    rows = rows_of(case)
    test = feed(rows)
    expect_case(test, rows, case["out"])
    assert not failures(promtool_bin, test, rules_in(tmp_path, "exact"), tmp_path)


@pytest.mark.parametrize("case", cases("v1.analyze", "derived_cases"))
def test_the_rules_are_right_where_the_original_is_not(
    case: dict[str, Any], promtool_bin: Path, tmp_path: Path
) -> None:
    """In corrected mode a saturated replica counts as missing headroom."""
    rows = rows_of(case)
    test = feed(rows)
    expect_case(test, rows, CORRECTED[case["id"]]["out"])
    assert not failures(promtool_bin, test, rules_in(tmp_path, "corrected"), tmp_path)


def fleet(variants: list[dict[str, Any]], load: tuple[float, float] | None) -> RuleTest:
    """Variants whose every ready replica bears this load, or has no series, with an exporter that decides on good data."""
    test = RuleTest(seconds=97)
    add_exporter(test)
    order = sorted(range(len(variants)), key=lambda i: (variants[i].get("cost", 0), variants[i]["n"]))
    for i, variant in enumerate(variants):
        current, pending = variant.get("cur", 0), variant.get("pending", 0)
        add_description(test, variant["n"], float(order.index(i)))
        add_decision(test, variant["n"])
        add_workload(test, variant["n"], float(current), ready=float(current - pending))
        if load is not None:
            for number in range(current - pending):
                add_engine(test, variant["n"], f"{variant['n']}-{number}", kv=load[0], waiting=load[1])
    return test


@pytest.mark.parametrize("case", cases("v1.targets", "cases", "derived_cases"))
def test_the_rules_step_as_the_original_does(
    case: dict[str, Any], mode: str, promtool_bin: Path, tmp_path: Path
) -> None:
    """One up on the cheapest, one down on the dearest, none while one is pending, fed by replicas that give the flags.

    A single replica can carry no removal, so the flag that allows one needs two.
    """
    given_in = case["in"]
    load = FULL if given_in["scale_up"] else ROOMY if given_in["scale_down_safe"] else STEADY
    test = fleet(given_in["variants"], load)
    test.expects("role:wva_needs_growth:bool + 0", [(ROLE, float(given_in["scale_up"]))])
    test.expects("role:wva_may_shrink:bool + 0", [(ROLE, float(given_in["scale_down_safe"]))])
    for record in ("variant:wva_desired_replicas:v1", "wva:desired_replicas:fallback"):
        test.expects(
            f"max by (namespace, variant_name) ({record})",
            [(of(name), float(target)) for name, target in case["out"]["targets"].items()],
        )
    assert not failures(promtool_bin, test, rules_in(tmp_path, mode), tmp_path)


def test_every_v1_case_is_fed() -> None:
    """No case of the two areas escapes, and every one that cannot be fed is listed with a reason."""
    areas = [case["area"] for kind in ("cases", "derived_cases") for case in CASES[kind]]
    fed = sum(len(cases(area, "cases", "derived_cases")) for area in ("v1.analyze", "v1.targets"))
    assert fed + len(NOT_FED) == sum(area.startswith("v1.") for area in areas) == 15


@st.composite
def random_fleets(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[Row]]:
    """Up to three variants of up to four replicas, whose numbers lie on no threshold."""
    variants = []
    rows: list[Row] = []
    for number in range(draw(st.integers(1, 3))):
        name = f"v{number}"
        current = draw(st.integers(0 if number else 1, 4))
        pending = draw(st.sampled_from([0, 0, 0, 1])) if current > 1 else 0
        variants.append({"n": name, "cost": draw(st.integers(1, 3)), "cur": current, "pending": pending})
        rows += [
            (name, f"{name}-{i}", draw(st.integers(0, 32)) / 33, float(draw(st.integers(0, 7))))
            for i in range(current - pending)
        ]
    return variants, rows


@settings(max_examples=12)
@given(random_fleets())
def test_any_fleet_gets_the_same_step_from_rules_and_exporter(
    promtool_bin: Path, tmp_path_factory: pytest.TempPathFactory, drawn: tuple[list[dict[str, Any]], list[Row]]
) -> None:
    """Whatever the replicas, costs and pending ones, the recorded step is that of the exporter's code; engines are mixed."""
    variants, rows = drawn
    found = in_python(rows, "corrected")
    order = sorted(range(len(variants)), key=lambda i: (variants[i]["cost"], variants[i]["n"]))
    stand = Stand(
        group=np.zeros(len(variants), dtype=np.int64),
        rank=integers([order.index(i) for i in range(len(variants))]),
        current=integers([v["cur"] for v in variants]),
        pending=integers([v["pending"] for v in variants]),
        desired=np.zeros(len(variants), dtype=np.int64),
        minimum=np.zeros(len(variants), dtype=np.int64),
        maximum=Column.unknown(len(variants)),
        movable=np.ones(len(variants), dtype=np.bool_),
    )
    targets, _ = step(found.needs_growth, found.may_shrink, stand, exact=False)
    test = fleet(variants, None)
    for i, (name, pod, kv, queue) in enumerate(rows):
        add_engine(test, name, pod, kv=kv, waiting=queue, engine=ENGINES[i % len(ENGINES)])
    expect_analysis(test, rows, found)
    test.expects(
        "wva:desired_replicas:fallback + 0",
        [(of(v["n"]), float(n)) for v, n in zip(variants, targets.tolist(), strict=True)],
    )
    folder = tmp_path_factory.mktemp("fleet")
    assert not failures(promtool_bin, test, rules_in(folder, "corrected"), folder)
