"""What a policy sees: the answers that a Prometheus would give to the queries of one cycle, and whose each pod is.

The same ``Observation`` that live sources make, so that the same code turns it into a snapshot. The fleet is declared, as with
a configuration file: variants and their workloads are known, pods are counted by kube-state-metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, FloatArray, integers
from wva_exporter.core.declaration import Workload
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.sightings import Pod
from wva_exporter.engines import kubernetes
from wva_exporter.errors import QueryFailure
from wva_exporter.sources.assemble import Membership
from wva_exporter.sources.samples import Answer, Labels, Observation
from wva_exporter.twin.observe_windows import SIGNALS, signals
from wva_exporter.twin.pod_samples import PodSamples
from wva_exporter.twin.scenario import Scenario
from wva_exporter.twin.scrapes import Scrapes, Surroundings, long_window, short_window

EPOCH_SECONDS = 1_800_000_000.0
"""Unix time at zero of the fleet's clock."""

NAMESPACE = "llm"
_JOB = "llm/vllm"
_LOOKBACK_SECONDS = 300.0
_COUNTS = (
    (kubernetes.DEPLOYMENT_SPEC, "spec"),
    (kubernetes.DEPLOYMENT_CURRENT, "current"),
    (kubernetes.DEPLOYMENT_READY, "ready"),
)
_NOTHING = Answer()
_ASKED = (
    *(Signal.KV_PEAK, Signal.KV, Signal.WAITING_PEAK, Signal.WAITING, Signal.RUNNING, Signal.ARRIVED),
    *(Signal.REQUEST_RATE, Signal.GENERATION_TOKEN_RATE, Signal.KV_CAPACITY, Signal.INPUT_TOKENS, Signal.OUTPUT_TOKENS),
    *(
        Signal.TTFT,
        Signal.ITL,
        Signal.PREFIX_HIT_RATIO,
        Signal.AGE,
        Signal.COVERAGE,
        Signal.UP,
        Signal.SEEN,
        Signal.WORKLOADS,
    ),
    *(Signal.OWNERS, Signal.PODS, Signal.ROUTER_QUEUE, Signal.ROUTER_ARRIVALS),
)
_DOWN = Answer(failure=QueryFailure.CONNECTION_REFUSED)


class Observer:
    """Looks at the scrapes of one run; labels and memberships are kept as long as the same pods are there."""

    def __init__(self, scenario: Scenario, fleet: Fleet) -> None:
        self._fleet = fleet
        self._model = scenario.model_name
        self._engine = {variant.spec.name: variant.spec.parameters for variant in scenario.variants}
        self._row = {name: row for row, name in enumerate(fleet.variants.name)}
        self._workloads = [Workload(kind="Deployment", namespace=NAMESPACE, name=name) for name in self._row]
        self._workload_labels = [
            Labels(metric=metric, namespace=NAMESPACE, deployment=name) for name in self._row for metric, _ in _COUNTS
        ]
        self._window = (scenario.scrape_seconds, short_window(scenario.scrape_seconds))
        self._long = long_window(scenario.scrape_seconds)
        self._asks_router = scenario.router.holds or any(variant.minimum == 0 for variant in scenario.variants)
        self._router_labels = (Labels(target_model_name=self._model),)
        self._known: dict[str, tuple[Labels, Labels, Labels, int]] = {}
        self._present: tuple[str, ...] = ()
        self._everyone: Sequence[Labels] = ()
        self._labels: dict[bytes, Sequence[Labels]] = {}
        self._capacity = _NOTHING
        self._members: tuple[tuple[str, ...], Membership] | None = None
        self._around: tuple[Surroundings | None, Mapping[Signal, Answer]] = (None, {})

    def observe(self, scrapes: Scrapes, now: float) -> tuple[Observation, Membership]:
        """The answers of a cycle at ``now``, seconds on the fleet's clock, and the membership that goes with them."""
        time = EPOCH_SECONDS + now
        if scrapes.down:
            failed = dict.fromkeys(_ASKED, _DOWN)
            return Observation(time=time, answers=failed), self._membership((), scrapes.surroundings)
        pods = sorted(
            (pod for pod in scrapes.pods.values() if pod.fresh and now - pod.newest_at < _LOOKBACK_SECONDS), key=_name
        )
        self._meet(pods)
        answers = {**self._surroundings(scrapes.surroundings), **self._router(scrapes, now)}
        if pods:
            answers |= self._of_engines(pods, now)
        return Observation(time=time, answers=answers), self._membership(self._present, scrapes.surroundings)

    def _meet(self, pods: Sequence[PodSamples]) -> None:
        """Make labels of pods that were not seen before, and lists of them where other pods are there than last time."""
        present = tuple([pod.pod for pod in pods])
        if present == self._present:
            return
        for pod in pods:
            if pod.pod not in self._known:
                self._known[pod.pod] = self._labels_of(pod)
        self._present = present
        self._everyone = [self._known[name][0] for name in present]
        self._labels = {}
        capacities = [self._known[name][1] for name in present]
        self._capacity = Answer(labels=capacities, value=np.ones(len(capacities)))

    def _labels_of(self, pod: PodSamples) -> tuple[Labels, Labels, Labels, int]:
        """Of its engine's series, of its cache's, of kube-state-metrics', and the row of its variant."""
        engine, row = self._engine[pod.variant], self._row[pod.variant]
        instance = f"10.{row}.{len(self._known) // 250}.{len(self._known) % 250 + 1}:8000"
        where = {"namespace": NAMESPACE, "pod": pod.pod, "instance": instance, "job": _JOB, "engine": "0"}
        own = Labels(**where, model_name=self._model, engine_type="vllm")
        cache = Labels(
            **where,
            engine_type="vllm",
            num_gpu_blocks=str(engine.kv_blocks),
            block_size=str(engine.block_size_tokens),
        )
        return own, cache, _owned(pod.pod), row

    def _of_engines(self, pods: Sequence[PodSamples], now: float) -> dict[Signal, Answer]:
        """The rows that each query has: those of the pods where its signal is known."""
        scrape, short = self._window
        found = signals(pods, now, scrape_seconds=scrape, short_seconds=short, long_seconds=self._long)
        rows = zip(SIGNALS, found.value, found.known, np.all(found.known, axis=1), strict=True)
        answers = {
            signal: Answer(labels=self._everyone, value=value) if whole else self._of_some(value, known)
            for signal, value, known, whole in rows
        }
        up = answers[Signal.AGE]
        return answers | {Signal.KV_CAPACITY: self._capacity, Signal.UP: up, Signal.SEEN: up}

    def _of_some(self, value: FloatArray, known: BoolArray) -> Answer:
        """What those pods tell that tell it."""
        key = known.tobytes()
        if key not in self._labels:
            self._labels[key] = [own for own, there in zip(self._everyone, known.tolist(), strict=True) if there]
        return Answer(labels=self._labels[key], value=value[known])

    def _membership(self, present: tuple[str, ...], around: Surroundings | None) -> Membership:
        """Pods that answer, and those that were seen once and are still listed; others are gone."""
        listed = () if around is None else around.pods
        silent = tuple([pod.pod for pod in listed if pod.pod in self._known and pod.pod not in present])
        names = (*present, *silent)
        if self._members is None or self._members[0] != names:
            rows = [self._known[name] for name in names]
            pods = [
                Pod(namespace=NAMESPACE, name=own.pod, model=self._model, job=_JOB, instance=own.instance)
                for own, *_ in rows
            ]
            variant_of = integers([row[3] for row in rows])
            members = Membership(fleet=self._fleet, pods=pods, variant_of=variant_of, workloads=self._workloads)
            self._members = (names, members)
        return self._members[1]

    def _surroundings(self, around: Surroundings | None) -> Mapping[Signal, Answer]:
        """What kube-state-metrics said in its last scrape, which is worked out once."""
        if around is None:
            return {Signal.WORKLOADS: _NOTHING, Signal.OWNERS: _NOTHING, Signal.PODS: _NOTHING}
        if self._around[0] is not around:
            counts = [getattr(around.counts[name], field) for name in self._row for _, field in _COUNTS]
            owners = [self._known[p.pod][2] if p.pod in self._known else _owned(p.pod) for p in around.pods]
            leaving = [
                Labels(metric=kubernetes.POD_DELETION, namespace=NAMESPACE, pod=pod.pod)
                for pod in around.pods
                if pod.leaving
            ]
            answers = {
                Signal.WORKLOADS: Answer(labels=self._workload_labels, value=np.array(counts, dtype=np.float64)),
                Signal.OWNERS: Answer(labels=owners, value=np.ones(len(owners))),
                Signal.PODS: Answer(labels=leaving, value=np.ones(len(leaving))),
            }
            self._around = (around, answers)
        return self._around[1]

    def _router(self, scrapes: Scrapes, now: float) -> Mapping[Signal, Answer]:
        """A router with a queue of its own shows it, and what comes to it; one without shows neither."""
        if not self._asks_router or scrapes.router is None:
            return {}
        queue = Answer(labels=self._router_labels, value=np.array([float(scrapes.router.held)]))
        arrivals = scrapes.arrival_rate(now, self._window[1])
        if arrivals is None:
            return {Signal.ROUTER_QUEUE: queue}
        rate = Answer(labels=self._router_labels, value=np.array([arrivals]))
        return {Signal.ROUTER_QUEUE: queue, Signal.ROUTER_ARRIVALS: rate}


def _name(pod: PodSamples) -> str:
    return pod.pod


def _owned(pod: str) -> Labels:
    return Labels(metric=kubernetes.POD_OWNER, namespace=NAMESPACE, pod=pod, owner_kind="ReplicaSet")
