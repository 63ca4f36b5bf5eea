"""Observations in the words of a test: rows by signal, each a value and the labels that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.errors import QueryFailure
from wva_exporter.sources.samples import Answer, Labels, Observation

Row = tuple[float, dict[str, str]]

NAMESPACE, MODEL = "llm", "llama"


def of_pod(pod: str, value: float, **labels: str) -> Row:
    """A row of an engine's pod."""
    own = {"namespace": NAMESPACE, "pod": pod, "instance": f"{pod}:8000", "job": "vllm", "model_name": MODEL}
    return value, {**own, "engine_type": "vllm", **labels}


def answer(*rows: Row, failure: QueryFailure | None = None, warnings: Sequence[str] = ()) -> Answer:
    """The answer to one query."""
    return Answer(
        labels=[_labels(labels) for _, labels in rows],
        value=np.array([value for value, _ in rows], dtype=float),
        failure=failure,
        warnings=tuple(warnings),
    )


def _labels(given: Mapping[str, str]) -> Labels:
    return Labels(**given)


def observation(
    answers: Mapping[Signal, Answer] | None = None, *, pods: Sequence[str] = (), time: float = 1000.0
) -> Observation:
    """Pods with everything that a decision needs, unless ``answers`` says otherwise."""
    levels = {
        Signal.KV_PEAK: 0.5,
        Signal.KV: 0.4,
        Signal.WAITING_PEAK: 1.0,
        Signal.WAITING: 0.0,
        Signal.RUNNING: 8.0,
        Signal.REQUEST_RATE: 2.0,
        Signal.GENERATION_TOKEN_RATE: 200.0,
        Signal.AGE: 5.0,
        Signal.COVERAGE: 1.0,
        Signal.SEEN: 1.0,
        Signal.UP: 1.0,
    }
    whole = {signal: answer(*(of_pod(pod, level) for pod in pods)) for signal, level in levels.items()}
    capacity = answer(*(of_pod(pod, 1.0, num_gpu_blocks="101", block_size="16", engine="0") for pod in pods))
    return Observation(time=time, answers={**whole, Signal.KV_CAPACITY: capacity, **(answers or {})})
