"""Replicas as queues for tests, and their chains solved the slow and certain way."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from wva_exporter.core.queueing.service import service_time
from wva_exporter.core.queueing.system import ServiceModel, System

FloatArray = NDArray[np.float64]

DEFAULTS: dict[ServiceModel, dict[str, float]] = {
    ServiceModel.PD: {"alpha": 7.47, "beta": 0.044, "gamma": 15.4, "delta": 0.000337},
    ServiceModel.ABG: {"alpha": 8.0, "beta": 0.033, "gamma": 0.000333, "delta": 0.0},
    ServiceModel.CHUNK: {"alpha": 8.0, "beta": 0.033, "gamma": 0.000333, "delta": 0.0},
}
"""Milliseconds, of an 8B model on a large GPU."""


def replica(model: ServiceModel = ServiceModel.ABG, **values: Any) -> System:
    """A replica with 16 requests at once and 32 waiting, prompts of 512 tokens and answers of 128, except as given."""
    parameters = {f"{name}_seconds": value * 1e-3 for name, value in DEFAULTS[model].items()}
    given = {"in_tokens": 512, "out_tokens": 128, "max_batch": 16, "max_queue": 32} | parameters | values
    return System.of(model, **given)


def of_line(base: float, slope: float, **values: Any) -> System:
    """A replica whose requests take base + slope n seconds in a batch of n: one decode step, no prompt."""
    line = {"alpha_seconds": base, "beta_seconds": slope, "gamma_seconds": 0.0, "delta_seconds": 0.0}
    return replica(ServiceModel.PD, **line | {"in_tokens": 0, "out_tokens": 1} | values)


def law(system: System, rate_rps: float) -> tuple[FloatArray, FloatArray]:
    """The stationary law over 0..K and the departure rates of 1..K, from the balance equations of the whole chain."""
    batch, places = int(system.max_batch), int(system.max_batch + system.max_queue)
    states = np.minimum(np.arange(1, places + 1), batch).astype(float)
    departures = states / service_time(system, states)
    generator = np.diag(np.full(places, rate_rps), 1) + np.diag(departures, -1)
    generator -= np.diag(generator.sum(axis=1))
    scale = np.abs(generator).max()
    equations = np.vstack([generator.T / scale, np.ones(places + 1)])
    found, *_ = np.linalg.lstsq(equations, np.append(np.zeros(places + 1), 1.0), rcond=None)
    return found, departures


@st.composite
def systems(draw: st.DrawFn, max_batch: int = 24, max_queue: int = 30) -> System:
    """Any replica: all models, tiny and large prompts, flat and steep curves."""
    small = {"allow_nan": False, "allow_infinity": False}
    memory = st.one_of(st.just(0.0), st.floats(1e-9, 1e-5, **small))
    model = draw(st.sampled_from(list(ServiceModel)))
    return System.of(
        model,
        alpha_seconds=draw(st.floats(1e-3, 0.05, **small)),
        beta_seconds=draw(st.one_of(st.just(0.0), st.floats(1e-7, 1e-3, **small))),
        gamma_seconds=draw(st.floats(1e-9, 1e-5, **small)) if model == ServiceModel.PD else draw(memory),
        delta_seconds=draw(st.one_of(st.just(0.0), st.floats(1e-9, 1e-5, **small))),
        in_tokens=draw(st.sampled_from([0, 1, 64, 512, 4096, 20000])),
        out_tokens=draw(st.sampled_from([1, 2, 32, 257, 2048])),
        max_batch=draw(st.integers(1, max_batch)),
        max_queue=draw(st.integers(0, max_queue)),
        max_tokens=draw(st.sampled_from([512, 2048, 8192])),
        hit_ratio=draw(st.sampled_from([0.0, 0.3, 1.0])),
    )
