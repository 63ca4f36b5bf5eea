"""A large fleet as a Prometheus would tell of it: one JSON body for each query of a cycle.

1,000 variants of 500 models, four replicas each; every replica has all signals of the engine tables, a target, an owner and
a readiness, every variant a deployment and an HPA: about 85 rows a variant. Bodies of two seeds differ in every value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from wva_exporter.conventions import Signal

REPLICAS = 4
VARIANTS_OF_A_MODEL = 2
NAMESPACES = 10
BEGAN = 1_699_990_000.0
"""When the engines began to count, by the data source's clock."""

INPUTS_SEED = 20_000
"""Seeds of bodies are this plus a count, so that another fleet size has other numbers too."""

_LEVELS: Mapping[Signal, tuple[float, float]] = {
    Signal.KV_PEAK: (0.30, 0.90),
    Signal.KV: (0.20, 0.80),
    Signal.WAITING_PEAK: (0.0, 7.0),
    Signal.WAITING: (0.0, 5.0),
    Signal.RUNNING: (10.0, 200.0),
    Signal.REQUEST_RATE: (0.5, 12.0),
    Signal.GENERATION_TOKEN_RATE: (100.0, 4000.0),
    Signal.KV_CAPACITY: (1.0, 1.0),
    Signal.INPUT_TOKENS: (300.0, 900.0),
    Signal.OUTPUT_TOKENS: (100.0, 400.0),
    Signal.TTFT: (0.05, 0.8),
    Signal.ITL: (0.01, 0.04),
    Signal.PREFIX_HIT_RATIO: (0.0, 0.6),
    Signal.COVERAGE: (1.0, 1.0),
}
_WHOLE = frozenset({Signal.WAITING_PEAK, Signal.WAITING, Signal.RUNNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One variant's names."""

    number: int

    @property
    def namespace(self) -> str:
        """Both variants of a model are in one."""
        return f"llm-{self.number // VARIANTS_OF_A_MODEL % NAMESPACES}"

    @property
    def name(self) -> str:
        """Its deployment and its HPA are called so too."""
        return f"serve-{self.number:05d}"

    @property
    def model(self) -> str:
        """The model that it serves."""
        return f"org/model-{self.number // VARIANTS_OF_A_MODEL:05d}-instruct"

    @property
    def replica_set(self) -> str:
        """The owner of its pods."""
        return f"{self.name}-7d9f8b6c5d"

    @property
    def pods(self) -> list[str]:
        """Names as a ReplicaSet gives them."""
        return [f"{self.replica_set}-{letter}2x4z" for letter in "bcdfghjklm"[:REPLICAS]]


def configuration(variants: int) -> dict[str, object]:
    """The configuration file that names every variant with all that can be published of it."""
    first = [_variant(number) for number in range(0, variants, VARIANTS_OF_A_MODEL)]
    return {
        "models": [
            {"name": v.model, "namespace": v.namespace, "slo": {"ttft": "2s", "itl": f"{30 + v.number % 9}ms"}}
            for v in first
        ],
        "variants": [
            {
                "namespace": variant.namespace,
                "name": variant.name,
                "model": variant.model,
                "accelerator": "H100" if variant.number % 2 else "A100",
                "cost": 40.0 + variant.number % 7,
                "gpus_per_replica": 1,
                "min": 1,
                "max": 40,
                "workload": {"kind": "Deployment", "name": variant.name},
            }
            for variant in map(_variant, range(variants))
        ],
    }


def bodies(variants: int, seed: int, time: float) -> dict[Signal, bytes]:
    """The body of the answer to each query, by the signal that names the query; all series of one evaluation time."""
    everyone = [_variant(number) for number in range(variants)]
    rng = np.random.default_rng(INPUTS_SEED + seed)
    engines = [line for variant in everyone for line in _engine_labels(variant)]
    answers = {signal: _body(_replica_rows(signal, engines, rng), time) for signal in _LEVELS}
    answers |= {signal: _body(rows, time) for signal, rows in _counted(engines, rng, time)}
    answers[Signal.SEEN] = _body(_targets(everyone, engines), time)
    answers[Signal.WORKLOADS] = _body((row for variant in everyone for row in _workloads(variant, rng)), time)
    answers[Signal.PODS] = _body((row for variant in everyone for row in _pods(variant)), time)
    answers[Signal.ROUTER_QUEUE] = _body((row for v in everyone[::VARIANTS_OF_A_MODEL] for row in _queue(v)), time)
    return answers


Row = tuple[str, float]
"""The labels of a series as the inside of a JSON object, and its value."""


def _variant(number: int) -> Variant:
    return Variant(number=number)


def _body(rows: Iterator[Row], time: float) -> bytes:
    result = ",".join([f'{{"metric":{{{labels}}},"value":[{time:.3f},"{value:.12g}"]}}' for labels, value in rows])
    return f'{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}'.encode()


def _labels(**labels: str) -> str:
    return json.dumps(labels, separators=(",", ":"))[1:-1]


def _target_labels(variant: Variant) -> list[str]:
    return [
        _labels(
            namespace=variant.namespace,
            pod=pod,
            instance=f"10.{variant.number // 60 % 256}.{variant.number % 60}.{place}:8000",
            job="vllm",
        )
        for place, pod in enumerate(variant.pods)
    ]


def _engine_labels(variant: Variant) -> list[str]:
    more = _labels(model_name=variant.model, engine_type="vllm")
    return [f"{labels},{more}" for labels in _target_labels(variant)]


def _replica_rows(signal: Signal, engines: list[str], rng: np.random.Generator) -> Iterator[Row]:
    low, high = _LEVELS[signal]
    values = rng.uniform(low, high, len(engines))
    values = np.floor(values) if signal in _WHOLE else values
    more = {
        Signal.KV: ',"engine":"0"',
        Signal.KV_CAPACITY: ',"engine":"0","num_gpu_blocks":"27001","block_size":"16"',
    }.get(signal, "")
    return ((labels + more, value) for labels, value in zip(engines, values.tolist(), strict=True))


def _counted(engines: list[str], rng: np.random.Generator, time: float) -> Iterator[tuple[Signal, Iterator[Row]]]:
    """Every engine's sum of arrivals, and how old the scrape is that it is of: scrapes keep their pace, within 50 ms."""
    of_engine = np.random.default_rng(INPUTS_SEED)
    rate, phase = of_engine.uniform(0.5, 8.0, len(engines)), of_engine.uniform(0.5, 14.4, len(engines))
    age = phase + rng.uniform(-0.05, 0.05, len(engines))
    arrived = np.floor(rate * (time - age - BEGAN) + rng.uniform(0.0, 3.0, len(engines)))
    for signal, values in ((Signal.AGE, age), (Signal.ARRIVED, arrived)):
        yield signal, zip(engines, values.tolist(), strict=True)


def _targets(everyone: list[Variant], engines: list[str]) -> Iterator[Row]:
    targets = [labels for variant in everyone for labels in _target_labels(variant)]
    for tag in ("up_now", "up"):
        yield from ((f'{labels},"engine_type":"{tag}"', 1.0) for labels in targets)
    yield from ((labels, 1.0) for labels in engines)


def _workloads(variant: Variant, rng: np.random.Generator) -> Iterator[Row]:
    deployment = _labels(namespace=variant.namespace, deployment=variant.name)
    asked = REPLICAS + int(rng.integers(0, 2))
    yield f'"__name__":"kube_deployment_spec_replicas",{deployment}', asked
    yield f'"__name__":"kube_deployment_status_replicas",{deployment}', asked
    yield f'"__name__":"kube_deployment_status_replicas_ready",{deployment}', REPLICAS
    scaler = _labels(namespace=variant.namespace, horizontalpodautoscaler=variant.name)
    target = _labels(scaletargetref_kind="Deployment", scaletargetref_name=variant.name)
    yield f'"__name__":"kube_horizontalpodautoscaler_info",{scaler},{target}', 1
    yield f'"__name__":"kube_horizontalpodautoscaler_spec_min_replicas",{scaler}', 1
    yield f'"__name__":"kube_horizontalpodautoscaler_spec_max_replicas",{scaler}', 40


def _pods(variant: Variant) -> Iterator[Row]:
    owner = _labels(owner_kind="ReplicaSet", owner_name=variant.replica_set)
    for pod in variant.pods:
        labels = _labels(namespace=variant.namespace, pod=pod)
        yield f'"__name__":"kube_pod_owner",{labels},{owner}', 1
        yield f'"__name__":"kube_pod_status_ready",{labels},"condition":"true"', 1
    replica_set = _labels(namespace=variant.namespace, replicaset=variant.replica_set)
    above = _labels(owner_kind="Deployment", owner_name=variant.name)
    yield f'"__name__":"kube_replicaset_owner",{replica_set},{above}', 1


def _queue(variant: Variant) -> Iterator[Row]:
    yield _labels(namespace=variant.namespace, model_name=variant.model, inference_pool="pool"), 0
