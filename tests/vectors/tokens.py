"""Areas of the token analyzer: `v2.*`, `agg`, `threshold`, and what engines' arguments say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.core.engine_arguments import EngineArguments, sglang_arguments, vllm_arguments
from wva_exporter.core.fleet import Role
from wva_exporter.core.tokens import exact, pods
from wva_exporter.core.tokens.footprint import QueueTokens, derived_tokens, router_tokens, waiting_tokens
from wva_exporter.core.tokens.history import kept, mean
from wva_exporter.core.tokens.records import Records
from wva_exporter.core.tokens.rows import Instances, Provenance, Stand, TokenAnalysis, disaggregated
from wva_exporter.core.tokens.totals import Units, required, spare, totals

from .cases import Case

ROLES = {"prefill": Role.PREFILL, "decode": Role.DECODE}
NAMES = {Role.BOTH: "both", Role.PREFILL: "prefill", Role.DECODE: "decode"}


def role_of(name: str | None) -> Role:
    """Anything else is both."""
    return ROLES.get(name or "", Role.BOTH)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysed:
    """What an analyzer made of a case."""

    names: list[str]
    stand: Stand
    found: TokenAnalysis
    queue: QueueTokens
    past: exact.Past


def analysed(case: Case, given: Mapping[str, Any]) -> Analysed:
    """`replicas`, `states`, `store`, `prior` and `sched` through the analyzer of the case's mode."""
    states = given["states"]
    names = [state["n"] for state in states]
    stand = _stand(case, given, names)
    past = exact.Past(records=_records(given, names))
    for cycle in given.get("prior", ()):
        _, past = _analyze(case, _instances(cycle["replicas"], names), stand, past)
    found, past = _analyze(case, _instances(given["replicas"], names), stand, past)
    sched = given.get("sched") or {}
    queue = router_tokens(
        _one(sched.get("size", 0)),
        _one(sched.get("bytes", 0)),
        found.averages.inputs,
        found.averages.outputs,
        found.averages.hit_ratio,
    )
    return Analysed(names=names, stand=stand, found=found, queue=queue, past=past)


def _analyze(case: Case, rows: Instances, stand: Stand, past: exact.Past) -> tuple[TokenAnalysis, exact.Past]:
    if case["compat"] == "exact":
        return exact.analyze(rows, stand, past)
    return pods.analyze(pods.merged(rows, stand), stand, past.records), past


def _one(value: float) -> FloatArray:
    return np.array([value], dtype=float)


def _stand(case: Case, given: Mapping[str, Any], names: Sequence[str]) -> Stand:
    cfg, states, store = case["defaults"]["v2_cfg"], given["states"], given.get("store", {})
    said = {row["v"]: row.get("acc", "") for row in given["replicas"]}
    for cycle in given.get("prior", ()):
        said = {**{row["v"]: row.get("acc", "") for row in cycle["replicas"]}, **said}
    return Stand(
        model=np.zeros(len(names), dtype=np.int64),
        role=np.array([role_of(state.get("role")) for state in states], dtype=np.int64),
        current=np.array([state.get("cur", 0) for state in states], dtype=float),
        pending=np.array([state.get("pending", 0) for state in states], dtype=float),
        gpus=np.array([state.get("gpr", 0) for state in states], dtype=np.int64),
        accelerator=tuple(said.get(n) or store.get(n, {}).get("acc", "") for n in names),
        arguments=tuple(_arguments(store.get(n, {}).get("params")) for n in names),
        model_name=("m",),
        kv_threshold=_one(cfg["kvCacheThreshold"]),
        queue_threshold=_one(cfg["queueLengthThreshold"]),
    )


def _arguments(params: Mapping[str, Any] | None) -> EngineArguments | None:
    if params is None:
        return None
    return EngineArguments(
        engine=params.get("engine", ""),
        memory_ratio=params.get("mem", 0.0),
        block_tokens=params.get("block", 0),
        kv_dtype=params.get("dtype", ""),
        tensor_parallel=params.get("tp", 0),
        blocks_override=params.get("blocks", 0),
        kv_tokens_override=params.get("kv_override", 0),
        sequences=params.get("S", 0),
        batched_tokens=params.get("B", 0),
    )


def _records(given: Mapping[str, Any], names: Sequence[str]) -> Records:
    store = [given.get("store", {}).get(n, {}) for n in names]
    return Records(
        effective=np.array([record.get("eff", 0) for record in store], dtype=float),
        total=np.array([record.get("total", 0) for record in store], dtype=float),
        live=np.array([record.get("from") == "live" for record in store], dtype=np.bool_),
    )


def _instances(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Instances:
    """Rows of unknown variants, and of pods that are gone, are not passed in."""
    every = [row for row in rows for _ in range(row.get("repeat", 1)) if row["v"] in names and row.get("live", True)]

    def column(key: str) -> FloatArray:
        return np.array([row.get(key, 0) for row in every], dtype=float)

    return Instances(
        variant=np.array([names.index(row["v"]) for row in every], dtype=np.int64),
        kv=column("kv"),
        tokens=column("tok"),
        total=column("total"),
        queue=column("q"),
        inputs=column("i"),
        outputs=column("o"),
        hit_ratio=column("hit"),
    )


def analysis(case: Case) -> dict[str, Any]:
    """Capacity and demand of every variant and their sums."""
    done = analysed(case, case["in"])
    found, names = done.found, done.names

    def named(values: FloatArray) -> dict[str, float]:
        return dict(zip(names, values.tolist(), strict=True))

    model, roles = found.of_models(done.stand, done.queue), found.of_roles(done.stand, done.queue)
    present = set(done.stand.role.tolist()) if disaggregated(done.stand)[0] else set()
    return {
        "prc": named(found.capacity),
        "count": named(found.count),
        "pending": named(found.pending),
        "variant_demand": named(found.demand),
        "reason": {n: Provenance(c).label for n, c in zip(names, found.provenance.tolist(), strict=True)},
        "total_demand": float(model.demand[0]),
        "supply": float(model.supply[0]),
        "anticipated": float(model.anticipated[0]),
        "role_demand": {NAMES[r]: float(roles.demand[r]) for r in Role if r in present},
        "history": {
            "|".join((*map(str, key[:3]), key[3])): mean(samples) for key, samples in done.past.history.items()
        },
    }


def sched(case: Case) -> dict[str, Any]:
    """Demand of a router's queue."""
    given = case["in"]
    queue = router_tokens(*(_one(given[key]) for key in ("size", "bytes", "i", "o", "hit")))
    by_role = {name: float(queue.of_role(role_of(name))[0]) for name in given["roles"]}
    return {"total": float(queue.total[0]), "by_role": by_role}


def waiting(case: Case) -> dict[str, Any]:
    """Demand of requests that wait at a replica."""
    given = case["in"]
    tokens = waiting_tokens(
        _one(given["q"]), _one(given["i"]), _one(given["o"]), np.array([role_of(given["role"])], dtype=np.int64)
    )
    return {"tokens": float(tokens[0])}


def fallback(case: Case) -> dict[str, Any]:
    """One replica whose KV capacity nobody knows."""
    given = case["in"]
    row = {"v": "v", "total": 0, **{key: given[key] for key in ("kv", "q", "i", "o")}}
    whole = {
        "replicas": [row],
        "states": [{"n": "v", "cur": 1, "role": given["role"]}],
        "store": {"v": {"from": "deployment", "eff": given["eff"]}},
    }
    found = analysed(case, whole).found
    if found.provenance[0] == Provenance.NO_DATA:
        return {"dropped": True}
    return {
        "effective": float(found.capacity[0]),
        "demand": float(found.demand[0]),
        "saturated": bool(found.full[0]),
        "dropped": False,
    }


def estimate(case: Case) -> dict[str, Any]:
    """Capacity that an engine's arguments allow."""
    return {"tokens": float(derived_tokens(*(_one(case["in"][key]) for key in ("B", "S", "i", "o")))[0])}


def median(case: Case) -> dict[str, Any]:
    """Of the capacities of one variant."""
    values = np.array(case["in"]["values"], dtype=float)
    middle, _ = exact.medians(values, np.zeros(len(values), dtype=np.int64), 1)
    return {"median": int(middle[0])}


def rolling(case: Case) -> dict[str, Any]:
    """What is kept of samples, and its mean."""
    samples = kept(map(float, case["in"]["values"]), case["in"]["window"])
    return {"avg": mean(samples), "len": len(samples)}


def _told(arguments: EngineArguments) -> dict[str, Any]:
    return {
        "mem": arguments.memory_ratio,
        "block": arguments.block_tokens,
        "dtype": arguments.kv_dtype,
        "tp": arguments.tensor_parallel,
        "blocks": arguments.blocks_override,
        "kv_override": arguments.kv_tokens_override,
        "S": arguments.sequences,
        "max_model_len": arguments.model_tokens,
        "B": arguments.batched_tokens,
    }


def parse_vllm(case: Case) -> dict[str, Any]:
    """A vLLM command line."""
    return _told(vllm_arguments(case["in"]["args"], case["in"].get("env")))


def parse_sglang(case: Case) -> dict[str, Any]:
    """An SGLang command line."""
    return _told(sglang_arguments(case["in"]["args"]))


def load_target(case: Case) -> dict[str, Any]:
    """The record learned from a command line."""
    records = Records.of_arguments((vllm_arguments(case["in"]["args"], case["in"].get("env")),))
    return {"total": float(records.total[0]), "eff": float(records.effective[0])}


def aggregate(case: Case) -> dict[str, Any]:
    """Sums over a model's variants, and over each of its roles."""
    variants = case["in"]["variants"]
    names = {"count": "count", "pending": "pending", "capacity": "prc", "demand": "demand"}
    units = Units(**{name: np.array([v.get(key, 0) for v in variants], dtype=float) for name, key in names.items()})
    role = np.array([role_of(v.get("role")) for v in variants], dtype=np.int64)
    of_model = totals(units, np.zeros_like(role), 1)
    of_role = totals(units, role, len(Role))
    present = {NAMES[r]: r for r in map(Role, role.tolist())}
    return {
        **{key: float(getattr(of_model, key)[0]) for key in ("supply", "anticipated", "demand")},
        "roles": {
            name: {key: float(getattr(of_role, key)[r]) for key in ("supply", "anticipated", "demand")}
            for name, r in present.items()
            if set(present) != {"both"}
        },
    }


def threshold(case: Case) -> dict[str, Any]:
    """What is missing and what is free."""
    given, cfg = case["in"], case["defaults"]["v2_cfg"]
    up, down = given.get("up", cfg["scaleUpThreshold"]), given.get("down", cfg["scaleDownBoundary"])
    demand = _one(given["demand"])
    return {
        "rc": float(required(demand, _one(given["anticipated"]), _one(up), given.get("rc0", 0.0))[0]),
        "sc": float(spare(demand, _one(given["supply"]), _one(down), given.get("sc0", 0.0))[0]),
    }


AREAS = {
    "v2.analyze": analysis,
    "v2.sched": sched,
    "v2.waiting": waiting,
    "v2.fallback": fallback,
    "v2.estimate": estimate,
    "v2.median": median,
    "v2.rolling": rolling,
    "v2.parse_vllm": parse_vllm,
    "v2.parse_sglang": parse_sglang,
    "v2.load_target": load_target,
    "agg": aggregate,
    "threshold": threshold,
}
