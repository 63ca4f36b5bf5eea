"""The filter's cases: first guesses, steps, and the two probes at which the original dies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from wva_exporter.core.columns import Column, integers
from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.filter import Filter, Observations, Outcome, guess, step
from wva_exporter.core.queueing.system import ServiceModel, System
from wva_exporter.core.queueing.tuning import Learned, tune

MS = 1e-3
DATA = Path(__file__).parent.parent / "data" / "cases" / "queueing.yaml"
PROBED = (5 * MS, 0.05 * MS, 5e-5 * MS)
"""Parameters of both probes, with 512/128 tokens and a batch of 256."""


def observations(*environments: Mapping[str, Any]) -> Observations:
    """Environments of the schema: rates per minute, times in ms."""

    def column(key: str, factor: float = 1.0) -> Any:
        return np.array([factor * each[key] for each in environments], dtype=float)

    return Observations(
        rate_rps=column("Lambda", 1.0 / 60.0),
        in_tokens=column("AvgInputToks"),
        out_tokens=column("AvgOutputToks"),
        max_batch=integers([each["MaxBatchSize"] for each in environments]),
        ttft_seconds=column("AvgTTFT", MS),
        itl_seconds=column("AvgITL", MS),
    )


def guess_init_state(case: Mapping[str, Any]) -> dict[str, Any]:
    """Alpha, beta, gamma in ms, or null."""
    found = guess(observations(case["data"]["in"]))
    if not found.known.all():
        return {"state": None, "error": "guess: no positive parameters"}
    return {"state": (found.value[0] / MS).tolist()}


@cache
def first_environments() -> Mapping[str, Mapping[str, Any]]:
    """The environment of step 0 of each filter: its size sets the measurement noise of all steps."""
    cases = yaml.safe_load(DATA.read_text(encoding="utf-8"))["cases"]
    steps = [case["data"] for case in cases if case["op"] == "ekf"]
    return {data["name"]: data["env"] for data in steps if data["step"] == 0}


def ekf(case: Mapping[str, Any]) -> dict[str, Any]:
    """One step; the filter stands where it began, because every step before was rejected."""
    data = case["data"]
    start = np.array([data["init"]]) * MS
    first = observations(data["env"] if data["step"] == 0 else first_environments().get(data["name"], data["env"]))
    around = np.array([data["min"]]) * MS * 100.0 if "min" in data else start
    filters, told = step(Filter.of(start, first, around=around), observations(data["env"]))
    found = {
        "x": (filters.state[0] / MS).tolist(),
        "P": (filters.covariance[0] / MS**2).tolist(),
        "outcome": Outcome(int(told.outcome[0])).name.lower(),
        "validation_failed": bool(told.outcome[0] != Outcome.UPDATED),
    }
    if not told.nis.known[0]:
        return found | {"error": f"update: {found['outcome']}"}
    return found | {
        "y": (told.innovation.value[0] / MS).tolist(),
        "S": (told.spread.value[0] / MS**2).tolist(),
        "nis": float(told.nis.value[0]),
    }


def crash_probe(case: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of parameters at which the original dies: of the filter near its limit, of the cycle beyond it."""
    most = float(analyze(_probed(), 1.0).max_rate_rps[0])
    busy = _environment(0.997 * most, 200.0, 30.0)
    if "99.7" in case["data"]["name"]:
        pods: Sequence[Mapping[str, Any]] = [busy]
    else:
        pods = [_environment(3.0, 34.0, 6.5), _environment(2.0 * most, 1000.0, 30.0)]
    stored = Learned(parameters=Column.of([PROBED]), covariance=Column.unknown((1, 3, 3)), nis=Column.unknown(1))
    learned, outcome = tune(stored, np.zeros(len(pods), dtype=np.int64), observations(*pods))
    alone, _ = tune(stored, np.zeros(1, dtype=np.int64), observations(*pods[:1]))
    before = PROBED if len(pods) == 1 else alone.parameters.value[0]
    return {
        "crashed": False,
        "parameters": (learned.parameters.value[0] / MS).tolist(),
        "kept": bool(np.allclose(learned.parameters.value[0], before, rtol=0.0, atol=0.0)),
        "outcomes": [Outcome(int(each)).name.lower() for each in outcome],
    }


def _probed() -> System:
    alpha, beta, gamma = PROBED
    return System.of(
        [ServiceModel.ABG],
        alpha_seconds=alpha,
        beta_seconds=beta,
        gamma_seconds=gamma,
        in_tokens=512,
        out_tokens=128,
        max_batch=256,
        max_queue=2560,
    )


def _environment(rate_rps: float, ttft_ms: float, itl_ms: float) -> dict[str, float]:
    return {
        "Lambda": rate_rps * 60.0,
        "AvgInputToks": 512,
        "AvgOutputToks": 128,
        "MaxBatchSize": 256,
        "AvgTTFT": ttft_ms,
        "AvgITL": itl_ms,
    }


OPS = {
    ("queueing_model_analyzer", "guess_init_state"): guess_init_state,
    ("queueing_model_analyzer", "ekf"): ekf,
    ("queueing_model_analyzer", "crash_probe"): crash_probe,
}
