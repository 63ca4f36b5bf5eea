"""Fleets and snapshots in the words of a test: variants by name, replicas by (KV share, waiting requests)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from wva_exporter.conventions import REPLICA_SIGNALS, Input, Signal
from wva_exporter.core.columns import Column, flags, integers
from wva_exporter.core.fleet import Fleet, Models, Origin, Promises, Role, Thresholds, Variants
from wva_exporter.core.snapshot import REASON_CODE, Counts, Inputs, Presence, Replicas, Snapshot
from wva_exporter.errors import Reason

NAMESPACE = "llm"
MODEL = "llama"


@dataclass(frozen=True, kw_only=True)
class V:
    """A variant as a test names it."""

    name: str
    model: str = MODEL
    namespace: str = NAMESPACE
    accelerator: str = "A100"
    role: Role = Role.BOTH
    cost: float | None = 10.0
    minimum: int = 1
    maximum: int | None = 10
    paused: bool = False
    fixed: int | None = None


@dataclass(frozen=True, kw_only=True)
class R:
    """A replica as a test names it; load signals follow from its running and waiting requests unless given."""

    v: str
    kv: float = 0.3
    waiting: float = 0.0
    running: float = 4.0
    silent: bool = False
    coverage: float = 1.0
    signals: Mapping[Signal, float | None] = field(default_factory=dict)


def fleet(*variants: V, policy: str = "wva-v1", retention: float | None = None, slo: Promises | None = None) -> Fleet:
    """A fleet of these variants; models in the order in which they are first named."""
    keys = list(dict.fromkeys((v.namespace, v.model) for v in variants))
    return Fleet(
        models=Models(
            namespace=tuple(k[0] for k in keys),
            name=tuple(k[1] for k in keys),
            policy=(policy,) * len(keys),
            thresholds=Thresholds.default(len(keys)),
            priority=np.ones(len(keys)),
            zero_retention_seconds=Column.from_optional([retention] * len(keys)),
            slo=slo or Promises.none(len(keys)),
        ),
        variants=Variants(
            namespace=tuple(v.namespace for v in variants),
            name=tuple(v.name for v in variants),
            accelerator=tuple(v.accelerator for v in variants),
            model=integers([keys.index((v.namespace, v.model)) for v in variants]),
            role=integers([v.role for v in variants]),
            cost=Column.from_optional([v.cost for v in variants]),
            gpus_per_replica=integers([1] * len(variants)),
            minimum=integers([v.minimum for v in variants]),
            maximum=Column.from_optional([v.maximum for v in variants]),
            paused=flags([v.paused for v in variants]),
            fixed=Column.from_optional([v.fixed for v in variants]),
            origin=integers([Origin.CONFIGURED] * len(variants)),
        ),
    )


def snapshot(
    of: Fleet,
    replicas: Sequence[R],
    *,
    time: float = 1000.0,
    current: Mapping[str, float | None] | None = None,
    ready: Mapping[str, float] | None = None,
    declared: bool = False,
    trouble: Reason = Reason.NONE,
    covered: bool = True,
    router_queue: float | None = None,
    partial: bool = False,
) -> Snapshot:
    """What was seen: ``current`` and ``ready`` by variant name default to the replicas given."""
    models = len(of.models)
    return Snapshot(
        time=time,
        fleet=of,
        replicas=_replicas(of, replicas),
        counts=_counts(of, _replicas(of, replicas), current or {}, ready or {}, declared=declared),
        inputs=Inputs(
            age_seconds=Column.unknown((models, len(Input))), missing=np.zeros((models, len(Input)), dtype=bool)
        ),
        trouble=integers([REASON_CODE[trouble]] * models),
        covered=flags([covered] * models),
        router_queue=Column.from_optional([router_queue] * models),
        offered=Column.unknown(models),
        refused=Column.unknown(models),
        partial=partial,
    )


def _replicas(of: Fleet, replicas: Sequence[R]) -> Replicas:
    row = {name: i for i, name in enumerate(of.variants.name)}
    return Replicas(
        pod=tuple(f"{r.v}-{i}" for i, r in enumerate(replicas)),
        variant=integers([row[r.v] for r in replicas]),
        presence=integers([Presence.SILENT if r.silent else Presence.LIVE for r in replicas]),
        signals=_signals(replicas),
    )


def _counts(
    of: Fleet, replicas: Replicas, current: Mapping[str, float | None], ready: Mapping[str, float], *, declared: bool
) -> Counts:
    seen = np.bincount(replicas.variant, minlength=len(of))
    names = of.variants.name
    exist = [current.get(name, float(seen[i]) if seen[i] else None) for i, name in enumerate(names)]
    settled = exist if declared else [float(seen[i]) if seen[i] else None for i in range(len(of))]
    return Counts(
        spec=Column.from_optional(exist if declared else [None] * len(of)),
        current=Column.from_optional(exist),
        ready=Column.from_optional([ready.get(name, n) for name, n in zip(names, settled, strict=True)]),
        declared=flags([declared] * len(of)),
        disputed=flags([False] * len(of)),
    )


def _signals(replicas: Sequence[R]) -> Column:
    table = np.full((len(REPLICA_SIGNALS), len(replicas)), np.nan)
    for place, r in enumerate(replicas):
        if r.silent:
            continue
        numbers: dict[Signal, float | None] = {
            Signal.KV_PEAK: r.kv,
            Signal.KV: r.kv,
            Signal.WAITING_PEAK: r.waiting,
            Signal.WAITING: r.waiting,
            Signal.RUNNING: r.running,
            Signal.REQUEST_RATE: r.running / 4.0,
            Signal.GENERATION_TOKEN_RATE: r.running * 25.0,
            Signal.KV_CAPACITY: 100_000.0,
            Signal.AGE: 5.0,
            Signal.COVERAGE: r.coverage,
            **r.signals,
        }
        for signal, number in numbers.items():
            if number is not None:
                table[REPLICA_SIGNALS.index(signal), place] = number
    return Column.of(table)
