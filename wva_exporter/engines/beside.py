"""The questions about what surrounds engines: their targets, kube-state-metrics, GPUs and routers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wva_exporter.conventions import Signal
from wva_exporter.engines import kubernetes, router
from wva_exporter.engines.language import (
    ARRIVALS,
    OUTCOMES,
    REPLICA_LABELS,
    TARGET_LABELS,
    UP_NOW,
    UP_SEEN,
    Query,
    QuerySettings,
    any_of,
    any_text,
    by,
    first_of,
    quoted,
    selector,
    tagged,
)
from wva_exporter.engines.table import Engine


def seen(settings: QuerySettings, engines: Sequence[Engine]) -> str:
    """Engines with a sample within the hold time, with every label that they have."""
    names = dict.fromkeys(name for engine in engines for name in engine.presence)
    return " or ".join(f"present_over_time({selector(name, settings, settings.hold_seconds)})" for name in names)


def targets(settings: QuerySettings, engines: Sequence[Engine]) -> Query:
    """``up`` of the jobs that run engines, now and within the hold time, and the engines of that time."""

    def of(samples: str) -> str:
        return f"max by {by(TARGET_LABELS)} ({samples} and on (job, namespace) ({seen(settings, engines)}))"

    up_seen = f"present_over_time({selector('up', settings, settings.hold_seconds)})"
    rows = [tagged(of(selector("up", settings)), UP_NOW), tagged(of(up_seen), UP_SEEN)]
    rows += [tagged(f"max by {by(REPLICA_LABELS)} ({seen(settings, [engine])})", engine.name) for engine in engines]
    return Query(signal=Signal.SEEN, promql=" or ".join(rows), split={UP_NOW: Signal.UP})


def _kube(names: Sequence[str], settings: QuerySettings, *more: str) -> str:
    """Series of kube-state-metrics under their own labels, whether or not the scrape honours labels."""
    if settings.namespaces:
        wanted = any_text(settings.namespaces)
        renamed = any_of(names, settings, *more, f"exported_namespace=~{wanted}")
        own = any_of(names, settings, *more, 'exported_namespace=""', f"namespace=~{wanted}")
        series = f"({renamed} or {own})"
    else:
        series = any_of(names, settings, *more)
    for label in kubernetes.TAKEN_LABELS:
        series = f'label_replace({series}, "{label}", "$1", "exported_{label}", "(.+)")'
    return series


def _split(signals: Sequence[Signal]) -> dict[str, Signal]:
    return {name: signal for signal in signals for name in kubernetes.NAMES[signal]}


def workloads(settings: QuerySettings) -> Query:
    """Workloads and scalers, and the nodes, which have no namespace."""
    split = _split((Signal.WORKLOADS, Signal.SCALERS))
    gpus = f"resource=~{any_text(('', *kubernetes.GPU_RESOURCES))}"  # empty on every series but amounts
    nodes = _kube(kubernetes.NAMES[Signal.NODES], replace(settings, namespaces=()), gpus)
    return Query(
        signal=Signal.WORKLOADS,
        promql=f"{_kube(tuple(split), settings)} or {nodes}",
        split={**split, **_split((Signal.NODES,))},
    )


def pods(settings: QuerySettings, engines: Sequence[Engine]) -> Query:
    """Pods and replica sets of the namespaces in which engines are or lately were, not those of the whole cluster.

    All pods of such a namespace, so that one that is not listed is known to be gone; and the GPUs that pods have.
    """
    split = _split((Signal.PODS, Signal.OWNERS, Signal.POWER))
    series = _kube(tuple(split), settings, 'condition=~"|true"')  # empty on every series but readiness
    if not settings.namespaces:
        default = f'label_replace(vector(1), "namespace", {quoted(settings.default_namespace)}, "", "")'
        series += f" and on (namespace) ({seen(settings, engines)} or {default})"
    return Query(signal=Signal.PODS, promql=series, split=split)


def requests(settings: QuerySettings) -> Query:
    """The router's queue, what is offered to it and what becomes of that.

    Offered is what leaves plus what the queue grows by, not below 0: the two are not measured at the same moments.
    """
    window = settings.short_window_seconds

    def total(series: str, labels: Sequence[str] = router.MODEL_LABELS) -> str:
        return f"sum by {by(labels)} ({series})"

    def rate(name: str) -> str:
        return f"rate({selector(name, settings, window)})"

    left = [total(rate(name)) for name in router.LEFT]
    growth = [total(f"deriv({selector(name, settings, window)})") for name in router.QUEUE_SIZE]
    offered = [f"clamp_min({out} + {grown} or {out}, 0)" for out, grown in zip(left, growth, strict=True)]
    outcomes = [total(rate(name), (*router.MODEL_LABELS, router.OUTCOME_LABEL)) for name in router.LEFT]
    queue = [total(selector(name, settings), router.QUEUE_LABELS) for name in router.QUEUE_SIZE]
    rows = (
        first_of(queue, router.QUEUE_LABELS),
        tagged(first_of([*offered, *(total(rate(name)) for name in router.PASSED)], router.MODEL_LABELS), ARRIVALS),
        tagged(first_of(outcomes, router.MODEL_LABELS), OUTCOMES),
    )
    split = {ARRIVALS: Signal.ROUTER_ARRIVALS, OUTCOMES: Signal.ROUTER_OUTCOMES}
    return Query(signal=Signal.ROUTER_QUEUE, promql=" or ".join(rows), split=split)
