"""The queueing cases: chains, analysis, sizing, the recommended batch limit, and the times of the service models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wva_exporter.core.queueing.analysis import Analysis, analyze
from wva_exporter.core.queueing.batch_limit import recommend
from wva_exporter.core.queueing.chain import Queue, solve
from wva_exporter.core.queueing.parity import accepts, valid_single_server
from wva_exporter.core.queueing.search import locate
from wva_exporter.core.queueing.service import (
    chunks_needed,
    decode_time,
    iteration_time,
    lines_of,
    prefill_time,
    service_time,
)
from wva_exporter.core.queueing.sizing import Sizing, Targets, size
from wva_exporter.core.queueing.system import DEFAULT_MAX_TOKENS, ServiceModel, System
from wva_exporter.errors import InvalidValue

MS = 1e-3
_FUNCTIONS = {"x^2": lambda x: x * x, "2x": lambda x: 2.0 * x}


def system(given: Mapping[str, Any]) -> System:
    """The replica of a case; a ``max_tokens`` of 0 is the default."""
    return System.of(
        ServiceModel[given["model"].upper()],
        **{f"{name}_seconds": given.get(name, 0.0) * MS for name in ("alpha", "beta", "gamma", "delta")},
        in_tokens=given["in_tokens"],
        out_tokens=given["out_tokens"],
        max_batch=given.get("max_batch", 1),
        max_queue=given.get("max_queue", 0),
        max_tokens=given.get("max_tokens") or DEFAULT_MAX_TOKENS,
    )


def targets(given: Mapping[str, Any]) -> Targets:
    """0 is no target."""
    ttft, itl, tps = given["target_ttft_ms"] * MS, given["target_itl_ms"] * MS, given["target_tps"]
    return Targets.of(ttft or None, itl or None, tps or None)


def mm1k(case: Mapping[str, Any]) -> dict[str, Any]:
    """A queue with one constant rate of service."""
    given = case["input"]
    found = solve(given["lambda_"], np.array([given["mu"]]), given["K"])
    valid = bool(valid_single_server(given["lambda_"], given["mu"], given["K"]))
    return _queue(found) | {"X": 1.0 / given["mu"], "rho": given["lambda_"] / given["mu"], "valid": valid}


def mm1sd(case: Mapping[str, Any]) -> dict[str, Any]:
    """A queue whose rate of service depends on how many are in it."""
    given = case["input"]
    found = solve(given["lambda_"], np.array(given["mu"], dtype=np.float64), given["K"])
    more = {"X": found.service, "rho": 1.0 - float(found.law[0]), "in_servers": found.in_service, "valid": True}
    return _queue(found) | more


def _queue(found: Queue) -> dict[str, Any]:
    return {
        "p": found.law.tolist(),
        "N": found.in_system,
        "Q": found.in_queue,
        "T": found.response,
        "W": found.wait,
        "throughput": found.throughput,
    }


def analysis(found: Analysis, replica: System) -> dict[str, Any]:
    """Every name that the schema has for one replica's analysis."""
    numbers = {
        "throughput": found.throughput_rps,
        "rate": found.rate_rps,
        "offered_rate": found.rate_rps,
        "avg_resp_time": found.response_seconds / MS,
        "avg_wait_time": found.wait_seconds / MS,
        "avg_serv_time": found.service_seconds / MS,
        "avg_num_in_system": found.in_system,
        "avg_num_in_serv": found.in_service,
        "avg_num_in_queue": found.in_queue,
        "rho": found.utilization_ratio,
        "avg_prefill_time": found.prefill_seconds / MS,
        "itl": found.itl_seconds / MS,
        "avg_token_time": found.itl_seconds / MS,
        "ttft": found.ttft_seconds / MS,
        "eff_conc": found.concurrency,
        "p0": found.p_empty,
        "p_empty": found.p_empty,
        "pK": found.p_block,
        "p_block": found.p_block,
    }
    return {name: float(value) for name, value in numbers.items()} | limits(found, replica)


def limits(found: Analysis | Sizing, replica: System) -> dict[str, Any]:
    """What does not depend on the load."""
    most = float(found.max_rate_rps)
    least = float(analyze(replica, 0.0).min_rate_rps)
    chunks = int(chunks_needed(replica, replica.max_batch))
    return {"rate_min": least, "rate_max": most, "max_rate": most, "chunks_at_max_batch": chunks}


def analyzed(case: Mapping[str, Any]) -> dict[str, Any]:
    """One replica under one rate; refused where the original's kind of model refuses the rate."""
    given = case["input"]
    try:
        replica = system(given)
    except InvalidValue as error:
        return {"error": f"new: {error}"}
    found = analyze(replica, given["rate_rps"])
    if not accepts(replica, found):
        return {"error": "analyze: no such rate", "rate": given["rate_rps"]} | limits(found, replica)
    return analysis(found, replica)


def sized(case: Mapping[str, Any]) -> dict[str, Any]:
    """One replica's largest rate within its targets, and what it does there."""
    given = case["input"]
    try:
        replica = system(given)
    except InvalidValue as error:
        return {"error": f"new: {error}"}
    try:
        found = size(replica, targets(given))
    except InvalidValue as error:
        return {"error": f"size: {error}"} | limits(analyze(replica, 0.0), replica)
    if not found.feasible:
        return {"error": "size: out of reach"} | limits(found, replica)
    at = analysis(analyze(replica, found.rate_rps), replica)
    return at | {
        "rate_ttft": float(found.ttft_rate_rps),
        "rate_itl": float(found.itl_rate_rps),
        "rate_tps": float(found.tps_rate_rps),
        "throughput": float(found.throughput_rps),
        "achieved_ttft": at["ttft"],
        "achieved_itl": at["itl"],
        "achieved_tps": at["throughput"] * given["out_tokens"],
    }


def optimized(case: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest batch limit near the peak rate, and how it was found."""
    given = case["input"]
    replica = system(given)
    found = recommend(replica, targets(given))
    probes = [int(limit) for limit in found.probes.tolist() if limit]
    return {
        "concurrency": int(found.max_batch),
        "feasible": bool(found.feasible),
        "throughput": float(found.throughput_rps),
        "anchor": float(found.anchor_rps),
        "m_itl": int(found.itl_batch),
        "m_tpf": int(found.prefill_batch),
        "probes": probes,
        "calls": len(probes),
    } | limits(size(replica, targets(given)), replica)


def lone_time(case: Mapping[str, Any]) -> float:
    """A prefill's or a decode step's milliseconds in a batch; 0 output tokens are meant literally."""
    given = case["input"]
    tokens = {name: np.asarray(float(given.get(f"{name}_tokens", 0.0))) for name in ("in", "out")}
    times = lines_of(
        model=np.asarray(int(ServiceModel[given["model"].upper()])),
        **{name: np.asarray(float(given.get(name, 0.0))) for name in ("alpha", "beta", "gamma", "delta")},
        prompt=tokens["in"],
        computed=tokens["in"],
        out=tokens["out"],
        chunks=np.asarray(1.0),
    )
    return float(times.prefill(given["batch"]) if case["op"] == "prefill_time" else times.decode(given["batch"]))


def primitives(case: Mapping[str, Any]) -> dict[str, Any]:
    """The times of a batch under chunked prefill."""
    given = case["input"]
    replica, batch = system(given), given["batch"]
    return {
        "chunks": int(chunks_needed(replica, batch)),
        "iter_time": float(iteration_time(replica, batch)) / MS,
        "prefill": float(prefill_time(replica, batch)) / MS,
        "itl": float(decode_time(replica, batch)) / MS,
        "service_time": float(service_time(replica, batch)) / MS,
    }


def binary_search(case: Mapping[str, Any]) -> dict[str, Any]:
    """Where a rising function reaches a target."""
    given = case["input"]
    x, side = locate(_FUNCTIONS[given["f"]], given["lo"], given["hi"], given["target"])
    return {"x": x, "ind": int(side)}


OPS = {
    ("queueing", "mm1k"): mm1k,
    ("queueing", "mm1sd"): mm1sd,
    ("queueing", "analyze"): analyzed,
    ("queueing", "size"): sized,
    ("queueing", "optimize"): optimized,
    ("unit", "prefill_time"): lone_time,
    ("unit", "decode_time"): lone_time,
    ("unit", "primitives"): primitives,
    ("unit", "binary_search"): binary_search,
}
