"""Cycles of the throughput analyzer from a few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import Column, integers
from wva_exporter.core.fleet import Role
from wva_exporter.core.throughput.analyze import Throughput, analyze
from wva_exporter.core.throughput.memory import Memory
from wva_exporter.core.throughput.view import Readings, View

A, B = 0.073, 0.006
"""The line on which every replica lies unless it says otherwise."""

KV_TOKENS = 1_024_000.0
SEED_USAGES = tuple(0.2 + 0.05 * i for i in range(10))
"""Ten observations that spread enough for a fit."""

FULL = 0.85 * KV_TOKENS / 4600.0 / (A * 0.85 + B)
"""Tokens per second of a full replica at 5000/200 tokens and 10 % prefix hits: 2780.564."""


@dataclass(frozen=True, slots=True, kw_only=True)
class R:
    """A replica; None is unknown."""

    v: int = 0
    k: float | None = 0.5
    itl: float | None = -1.0
    il: float | None = 5000.0
    ol: float | None = 200.0
    hit: float | None = 0.1
    kv: float | None = KV_TOKENS
    ttft: float | None = None
    arrivals: float | None = None
    completions: float | None = None
    generated: float | None = None
    sequences: float | None = None
    stale: bool = False

    @property
    def itl_seconds(self) -> float | None:
        """Its own, or that of the line."""
        return A * (self.k or 0.0) + B if self.itl == -1.0 else self.itl


def view(
    replicas: Sequence[R],
    *,
    time: float = 0.0,
    roles: Sequence[Role] = (Role.BOTH,),
    pending: Sequence[float] | None = None,
    model: Sequence[int] | None = None,
    arrivals: Sequence[float | None] = (None,),
    queue: Sequence[float | None] = (None,),
) -> View:
    """One cycle of as many variants as roles, all configured, and as many models as arrivals."""

    def column(name: str) -> Column:
        return Column.from_optional([getattr(each, name) for each in replicas])

    return View(
        time=time,
        replicas=Readings(
            variant=integers([each.v for each in replicas]),
            stale=np.array([each.stale for each in replicas], dtype=bool),
            kv_usage=column("k"),
            kv_capacity_tokens=column("kv"),
            itl_seconds=column("itl_seconds"),
            ttft_seconds=column("ttft"),
            input_tokens=column("il"),
            output_tokens=column("ol"),
            prefix_hit_ratio=column("hit"),
            max_sequences=column("sequences"),
            arrivals=column("arrivals"),
            completions=column("completions"),
            generated_tokens=column("generated"),
        ),
        model=integers(model or [0] * len(roles)),
        role=integers(roles),
        pending=np.array(pending or [0.0] * len(roles), dtype=float),
        configured=np.ones(len(roles), dtype=bool),
        arrivals=Column.from_optional(arrivals),
        router_queue=Column.from_optional(queue),
    )


def run(views: Sequence[View], *, exact: bool = False, memory: Memory | None = None) -> tuple[Throughput, Memory]:
    """All cycles in turn: the last analysis, and what is remembered."""
    remembered = memory or Memory.empty(len(views[0]))
    for each in views:
        found, remembered = analyze(each, remembered, exact=exact)
    return found, remembered


def fitted(*, exact: bool = False, roles: Sequence[Role] = (Role.BOTH,), **replica: float) -> Memory:
    """What is remembered after every variant was observed often and widely enough."""
    every = [
        view([R(v=v, k=k, **replica) for v in range(len(roles))], time=15.0 * i, roles=roles)
        for i, k in enumerate(SEED_USAGES)
    ]
    return run(every, exact=exact)[1]
