"""What a case of the schema of queueing.yaml asks for: which of its values count, and how closely."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .cases import Case
from .expectation import Expectation, Kind, Path

_OF_THE_LOAD_FREE = ("rate", "offered_rate", "rate_min", "rate_max", "chunks_at_max_batch")
"""What an original whose answer is wrong still says rightly: it does not depend on the chain."""

_PROBABILITIES = ("p", "p0", "pK", "p_empty", "p_block")
_FLAT = ("abg-def-k21",)


Within = Mapping[str, float]
"""Absolute tolerances by key."""


def wants(case: Case, corrected: Mapping[str, Any] | None) -> list[Expectation]:
    """The expectations of a case; ``corrected`` is its corrected answer, if it has one.

    Raises:
        LookupError, ValueError: the case has none of the expectations of the schema.
    """
    if "curve" in case:
        return _curve(case)
    if case["group"] == "queueing":
        return _chain(case, corrected)
    if corrected is not None:
        return list(_leaves(corrected, (), 1e-5, source=("corrected",)))
    return _OF_GROUP[case["group"]](case)


def _near(path: Path, want: float, relative: float, absolute: float = 0.0, source: Path | None = None) -> Expectation:
    tolerance = relative * abs(want) + absolute
    return Expectation(path=path, want=want, kind=Kind.NEAR, tolerance=tolerance, source=source)


def _leaves(want: Any, path: Path, relative: float, source: Path, absolute: float = 0.0) -> Iterator[Expectation]:
    """Every leaf: numbers within a relative tolerance, whole ones among them too, the rest exactly."""
    if isinstance(want, dict):
        for key, value in want.items():
            yield from _leaves(value, (*path, key), relative, (*source, key), absolute)
    elif isinstance(want, list):
        yield Expectation(path=path, want=len(want), kind=Kind.LENGTH)
        for place, value in enumerate(want):
            yield from _leaves(value, (*path, place), relative, (*source, place), absolute)
    elif isinstance(want, int | float) and not isinstance(want, bool):
        yield _near(path, want, relative, absolute, source)
    else:
        yield Expectation(path=path, want=want, source=source)


def _refusal(error: Any, source: Path | None = None) -> Expectation:
    """A refusal at the stage that ``error`` names, or none."""
    stage = error.partition(":")[0] if isinstance(error, str) else None
    return Expectation(path=("error",), want=stage, kind=Kind.STAGE, source=source)


def _curve(case: Case) -> list[Expectation]:
    curve = case["curve"]
    refusal = _refusal(curve.get("error"))
    if "error" in curve:
        return [refusal]
    return [refusal, _near(("throughput",), curve["throughput"], 1e-5, source=("curve", "throughput"))]


def _chain(case: Case, corrected: Mapping[str, Any] | None) -> list[Expectation]:
    """Group ``queueing``: the exact values first, the original's for what they lack."""
    exact = dict(case.get("exact_float64") or {})
    original = dict(case["expect_go"])
    root = "exact_float64"
    if corrected is not None:
        exact, root = dict(corrected), "corrected"
    if corrected is not None or case.get("go_defect"):
        if not exact and "error" not in original:
            raise ValueError("the original is wrong here, and nobody says what is right")
        kept = _OF_THE_LOAD_FREE + (() if exact else ("error",))
        original = {key: value for key, value in original.items() if key in kept}
    both = {**original, **exact}
    found = [_refusal(both.get("error"))]
    for key, want in both.items():
        if key == "error":
            continue
        own = key in exact
        source = (root if own else "expect_go", key)
        if own and case["op"] in ("analyze", "size"):
            found += _exact(case, key, want, both, source)
        else:
            found += _original(case, key, want, both, source)
    return found


def _exact(case: Case, key: str, want: Any, all_: Mapping[str, Any], source: Path) -> Iterator[Expectation]:
    if case["op"] == "analyze":
        floor = 1e-9 if key in (*_PROBABILITIES, "avg_num_in_queue", "avg_wait_time") else 0.0
        yield from _leaves(want, (key,), 1e-8, source, floor)
        return
    relative = 2e-4 if case["id"] in _FLAT else 5e-6
    absolute = {
        "avg_wait_time": 2e-7 * all_.get("avg_resp_time", 0.0),
        "avg_num_in_queue": 2e-7 * all_.get("avg_num_in_serv", 0.0),
    }.get(key, 0.0)
    if key in _PROBABILITIES:
        relative, absolute = max(relative, 5e-5), 1e-9
    yield from _leaves(want, (key,), relative, source, absolute)


def _original(case: Case, key: str, want: Any, all_: Mapping[str, Any], source: Path) -> Iterator[Expectation]:
    """The original computes in float32."""
    relative = 2e-4 if case["id"] in _FLAT else 1e-5
    whole = key in (*_COUNTS, "probes")
    if whole or isinstance(want, bool):
        yield from _leaves(want, (key,), 0.0, source)
    elif key in _PROBABILITIES:
        yield from _leaves(want, (key,), 5e-5, source, 1e-9)
    else:
        waits = 2e-7 * all_.get("avg_resp_time", 0.0) if key in ("avg_wait_time", "ttft", "achieved_ttft") else 0.0
        yield from _leaves(want, (key,), relative, source, waits)


_COUNTS = ("concurrency", "calls", "m_itl", "m_tpf", "chunks_at_max_batch")


def _unit(want: Any) -> list[Expectation]:
    if not isinstance(want, dict):
        return [_unit_leaf((), want, ("expect",))]
    return [_unit_leaf((key,), value, ("expect", key)) for key, value in want.items()]


def _unit_leaf(path: Path, want: Any, source: Path) -> Expectation:
    if isinstance(want, float) and not isinstance(want, bool):
        relative, absolute = (0.0, 1e-6) if path == ("x",) else (4e-6, 0.0)
        return _near(path, want, relative, absolute, source)
    return Expectation(path=path, want=want, source=source)


_SOLVER = {"cost": 1e-6, "value": 1e-6, "itl": 1e-6, "ttft": 2e-5, "max_rpm": 1e-5}


def _solver(want: Mapping[str, Any]) -> list[Expectation]:
    """Candidates as listed and no others; the solution, which is unique in every case."""
    found: list[Expectation] = []
    for server, listed in want["candidates"].items():
        keyed = listed if isinstance(listed, dict) else {each["key"]: each for each in listed}
        found.append(Expectation(path=("candidates", server), want=tuple(keyed), kind=Kind.KEYS))
        for place, (key, fields) in enumerate(keyed.items()):
            source = ("expect_go", "candidates", server, key if isinstance(listed, dict) else place)
            found += _allocation(fields, ("candidates", server, key), source)
    found.append(Expectation(path=("solution",), want=tuple(want["solution"]), kind=Kind.KEYS))
    for server, fields in want["solution"].items():
        path, source = ("solution", server), ("expect_go", "solution", server)
        found += [Expectation(path=path, want=None)] if fields is None else _allocation(fields, path, source)
    return found


def _allocation(fields: Mapping[str, Any], path: Path, source: Path) -> Iterator[Expectation]:
    for key, want in fields.items():
        if key == "key":
            continue
        if key in _SOLVER:
            yield _near((*path, key), want, _SOLVER[key], source=(*source, key))
        else:
            yield Expectation(path=(*path, key), want=want, source=(*source, key))


def _throughput(want: Mapping[str, Any]) -> list[Expectation]:
    """To the nine digits printed; a variant or a role that is not listed must be absent."""
    found = [Expectation(path=(key,), want=tuple(want[key]), kind=Kind.KEYS) for key in ("roles", "variants")]
    return [*found, *_leaves(dict(want), (), 1e-8, ("expect_go",))]


def _guess(data: Mapping[str, Any]) -> list[Expectation]:
    if data["state"] is None:
        return [Expectation(path=("state",), want=None)]
    return list(_leaves(data["state"], ("state",), 4e-6, ("data", "state")))


def _filter(data: Mapping[str, Any]) -> list[Expectation]:
    """One step; Q = diag((0.05 init)^2) scales the tolerance of P."""
    if "error" in data:
        raise ValueError("the original fails here: the case needs a corrected answer")
    noise = [(0.05 * value) ** 2 for value in data["init"]]
    found = [Expectation(path=("validation_failed",), want=data["validation_failed"])]
    found += [_near(("y", i), want, 0.0, 1e-5, ("data", "y", i)) for i, want in enumerate(data["y"])]
    found += [_near(("x", i), want, 1e-6, source=("data", "x", i)) for i, want in enumerate(data["x"])]
    found += [_near(("S", i, j), want, 3e-5, source=("data", "S", i, j)) for i, j, want in _cells(data["S"])]
    found += [
        _near(("P", i, j), want, 0.0, 1e-5 * math.sqrt(noise[i] * noise[j]), ("data", "P", i, j))
        for i, j, want in _cells(data["P"])
    ]
    return [*found, _near(("nis",), data["nis"], 3e-5, 1e-7, ("data", "nis"))]


def _cells(matrix: Sequence[Sequence[float]]) -> Iterator[tuple[int, int, float]]:
    return ((i, j, value) for i, row in enumerate(matrix) for j, value in enumerate(row))


def _analysis(data: Mapping[str, Any]) -> list[Expectation]:
    """Capacity and demand of the one variant; supply is what is ready, not what is desired as in the original."""
    if "error" in data:
        raise ValueError("the original fails here: the case needs a corrected answer")
    found = [_near(("slo", key), want, 1e-5, source=("data", "slo", key)) for key, want in (data["slo"] or {}).items()]
    (variant,) = data["vc"]
    capacity, ready = variant["PerReplicaCapacity"], variant["ReplicaCount"]
    found += [
        _near(("vc", 0, "PerReplicaCapacity"), capacity, 1e-5, source=("data", "vc", 0, "PerReplicaCapacity")),
        Expectation(path=("vc", 0, "ReplicaCount"), want=ready, source=("data", "vc", 0, "ReplicaCount")),
        _near(("total_demand",), data["total_demand"], 1e-5, source=("data", "total_demand")),
        _near(("total_supply",), ready * capacity, 1e-5),
        _near(("anticipated",), (ready + data["pending"]) * capacity, 1e-5),
    ]
    for place, want in enumerate(data.get("params_after") or ()):
        source = ("data", "params_after", place)
        found.append(_near(("params_after", place), want, 1e-5, source=source))
    return found


def _crash(data: Mapping[str, Any]) -> list[Expectation]:
    raise ValueError(f"the original crashed ({data.get('panic') or data.get('result')}): needs a corrected answer")


_OF_GROUP: Mapping[str, Callable[[Case], list[Expectation]]] = {
    "unit": lambda case: _unit(case["expect"]),
    "solver": lambda case: _solver(case["expect_go"]),
    "throughput_analyzer": lambda case: _throughput(case["expect_go"]),
    "queueing_model_analyzer": lambda case: _OF_DATA[case["op"]](case["data"]),
}

_OF_DATA: Mapping[str, Callable[[Mapping[str, Any]], list[Expectation]]] = {
    "guess_init_state": _guess,
    "ekf": _filter,
    "qm_analyze": _analysis,
    "crash_probe": _crash,
}
