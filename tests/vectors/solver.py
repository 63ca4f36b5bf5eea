"""The solver's cases: whole systems, sized and solved, and the parts of that that stand alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wva_exporter.core.assignment.candidates import (
    ELSEWHERE,
    Accelerators,
    Allocation,
    Profiles,
    Servers,
    candidates,
    problem,
    transition_penalty,
    zero_load,
)
from wva_exporter.core.assignment.optimum import optimum
from wva_exporter.core.assignment.problem import NOTHING, BestEffort, Problem, Solution
from wva_exporter.core.assignment.solver import solve as solve_system
from wva_exporter.core.columns import Column, integers
from wva_exporter.core.queueing.sizing import Targets
from wva_exporter.core.queueing.system import ServiceModel, System

MS = 1e-3
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A case as the solver is given it."""

    names: tuple[str, ...]
    accelerators: tuple[str, ...]
    problem: Problem


def task(given: Json) -> Task:
    """Names looked up, units converted."""
    kinds, rows = given["accelerators"], given["servers"]
    names = tuple(each["name"] for each in kinds)
    pools = sorted({each["type"] for each in kinds})
    limits = None if given["optimizer"].get("unlimited") else [given["capacity"].get(pool, 0) for pool in pools]
    hardware = Accelerators(
        pool=integers([pools.index(each["type"]) for each in kinds]),
        multiplicity=integers([each["multiplicity"] for each in kinds]),
        cost=np.array([float(each["cost"]) for each in kinds]),
        capacity=None if limits is None else integers(limits),
    )
    servers = _servers(rows, {each["name"]: each for each in given["classes"]}, names)
    profiles = _profiles(rows, {(each["name"], each["acc"]): each for each in given["perf"]}, names)
    found = candidates(servers, hardware, profiles)
    return Task(
        names=tuple(each["name"] for each in rows),
        accelerators=names,
        problem=problem(servers, hardware, found, profiles),
    )


def _servers(rows: Sequence[Json], classes: Mapping[str, Json], names: tuple[str, ...]) -> Servers:
    targets = [_targets(row, classes) for row in rows]
    current = [row["currentAlloc"] for row in rows]
    loads = [each["load"] for each in current]

    def target(key: str, factor: float) -> Column:
        values = [None if each is None else each.get(key, 0.0) * factor or None for each in targets]
        return Column.from_optional(values)

    def accelerator(name: str) -> int:
        return NOTHING if not name else names.index(name) if name in names else ELSEWHERE

    return Servers(
        arrivals=Column.of([each["arrivalRate"] / 60.0 for each in loads]),
        in_tokens=Column.of([each["avgInTokens"] for each in loads]),
        out_tokens=Column.of([each["avgOutTokens"] for each in loads]),
        targets=Targets(
            ttft_seconds=target("slo-ttft", MS),
            itl_seconds=target("slo-itl", MS),
            tokens_per_second=target("slo-tps", 1.0),
            percentile=Column.unknown(len(rows)),
        ),
        sized=np.array([each is not None for each in targets], dtype=bool),
        priority=integers([classes.get(row["class"], {}).get("priority", 100) for row in rows]),
        minimum=integers([row["minNumReplicas"] for row in rows]),
        batch=integers([row["maxBatchSize"] for row in rows]),
        current=integers([accelerator(each["accelerator"]) for each in current]),
        current_replicas=integers([each["numReplicas"] for each in current]),
        current_cost=np.array([float(each["cost"]) for each in current]),
        pinned=np.array([bool(row["keepAccelerator"]) for row in rows], dtype=bool),
    )


def _targets(row: Json, classes: Mapping[str, Json]) -> Json | None:
    listed = classes.get(row["class"], {}).get("modelTargets", [])
    return next((each for each in listed if each["model"] == row["model"]), None)


def _profiles(rows: Sequence[Json], perf: Mapping[tuple[str, str], Json], names: tuple[str, ...]) -> Profiles:
    table = [[perf.get((row["model"], name), {}) for name in names] for row in rows]
    shape = (len(rows), len(names))

    def numbers(*path: str) -> Any:
        return np.array([[_at(cell, path) for cell in line] for line in table], dtype=float).reshape(shape)

    def whole(key: str) -> Any:
        return numbers(key).astype(np.int64)

    return Profiles(
        known=np.array([[bool(cell) for cell in line] for line in table], dtype=bool).reshape(shape),
        model=np.full(shape, ServiceModel.PD),
        alpha_seconds=numbers("decodeParms", "alpha") * MS,
        beta_seconds=numbers("decodeParms", "beta") * MS,
        gamma_seconds=numbers("prefillParms", "gamma") * MS,
        delta_seconds=numbers("prefillParms", "delta") * MS,
        per_replica=whole("accCount"),
        max_batch=whole("maxBatchSize"),
        at_tokens=whole("atTokens"),
    )


def _at(cell: Any, path: tuple[str, ...]) -> float:
    for key in path:
        cell = cell.get(key, {}) if cell else {}
    return float(cell or 0.0)


def solve(case: Json) -> dict[str, Any]:
    """Candidates and the answer of the parity solver, or corrected of ours."""
    given = case["input"]
    solver = solve_system if case.get("compat", "exact") == "exact" else optimum
    found, optimizer = task(given), given["optimizer"]
    policy = BestEffort.named(optimizer.get("saturationPolicy", "None"))
    solution = solver(found.problem, policy, delayed=bool(optimizer.get("delayedBestEffort")))
    return {
        "candidates": {
            name: {
                key: _candidate(found, row, column, key)
                for column, key in enumerate(found.accelerators)
                if found.problem.candidates.possible[row, column]
            }
            for row, name in enumerate(found.names)
        },
        "solution": {name: _allocation(found, solution, row) for row, name in enumerate(found.names)},
        "deterministic_over_5_runs": True,
    }


def _candidate(found: Task, row: int, column: int, key: str) -> dict[str, Any]:
    each = found.problem.candidates
    return {
        "acc": "" if each.idle[row, column] else key,
        "replicas": int(each.replicas[row, column]),
        "max_batch": int(each.max_batch[row, column]),
        "cost": float(each.cost[row, column]),
        "value": float(each.value[row, column]),
        "itl": float(each.itl_seconds[row, column]) / MS,
        "ttft": float(each.ttft_seconds[row, column]) / MS,
        "max_rpm": float(each.rate[row, column]) * 60.0,
    }


def _allocation(found: Task, solution: Solution, row: int) -> dict[str, Any] | None:
    column = int(solution.choice[row])
    if column == NOTHING:
        return None
    return {
        "acc": "" if found.problem.candidates.idle[row, column] else found.accelerators[column],
        "replicas": int(solution.replicas[row]),
        "cost": float(solution.cost[row]),
        "value": float(solution.value[row]),
        "saturated": bool(solution.saturated[row]),
    }


def penalty(case: Json) -> float:
    """The value of a transition."""
    current, new = case["input"]["cur"], case["input"]["new"]
    names = sorted({current["acc"], new["acc"]})

    def allocation(each: Json) -> Allocation:
        return Allocation(
            accelerator=integers([names.index(each["acc"])]),
            replicas=integers([each["replicas"]]),
            cost=np.array([float(each["cost"])]),
        )

    return float(transition_penalty(allocation(current), allocation(new))[0])


def zero_load_max_rate(case: Json) -> dict[str, float]:
    """Times and rate of a replica without load."""
    given = case["input"]
    system = System.of(
        [ServiceModel[given["model"].upper()]],
        alpha_seconds=given["alpha"] * MS,
        beta_seconds=given["beta"] * MS,
        gamma_seconds=given.get("gamma", 0.0) * MS,
        delta_seconds=given.get("delta", 0.0) * MS,
        in_tokens=1,
        out_tokens=2,
        max_batch=given["max_batch"],
        max_queue=0,
    )
    itl, ttft, rate = (float(each[0]) for each in zero_load(system))
    return {"itl": itl / MS, "ttft": ttft / MS, "req_per_ms": rate * MS, "rpm": rate * 60.0}


OPS = {
    ("solver", "solve"): solve,
    ("unit", "transition_penalty"): penalty,
    ("unit", "zero_load_max_rate"): zero_load_max_rate,
}
