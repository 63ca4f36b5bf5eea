"""A model under policy ``headroom`` in the words of a test: pods that count arrivals, and engines whose times are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from deciding import RULES
from fleet_builder import R, V, fleet, snapshot

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Memory, Plan
from wva_exporter.core.fleet import Fleet, Promises
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import Snapshot

SERVICE_SECONDS = (6.7e-3, 2.1e-5, 4.9e-8)
"""alpha, beta and gamma of an 8B model on an H100."""

CYCLE_SECONDS = 15.0
SERVED_SECONDS = 3.0
"""How long a request is inside."""

LOOSE = Rules(max_down_ratio_per_minute=1.0)
"""Without a brake, so that a fall is the policy's own."""


def promised(*variants: V, ttft: float | None = 1.0, itl: float | None = 0.05) -> Fleet:
    """A fleet that is decided by ``headroom`` and promises these latencies in the mean."""
    models = len({(v.namespace, v.model) for v in variants})
    slo = Promises(
        ttft_seconds=Column.from_optional([ttft] * models),
        itl_seconds=Column.from_optional([itl] * models),
        percentile=Column.unknown(models),
    )
    return fleet(*variants, policy="headroom", slo=slo)


def believed(rows: int, spread: float = 0.05, factor: float = 1.0) -> Belief:
    """Service times that are known to a share."""
    seconds = np.tile(np.array(SERVICE_SECONDS) * factor, (rows, 1))
    return Belief.of(seconds, spread * seconds)


@dataclass(kw_only=True)
class Life:
    """Cycles of one fleet, one after the other; ``belief`` is what is known of its engines."""

    of: Fleet
    belief: Belief | None
    rules: Rules = RULES
    time: float = 1e6
    memory: Memory | None = None
    _arrived: dict[tuple[str, int], float] = field(default_factory=dict)

    def cycle(
        self,
        pods: Mapping[str, int],
        rate: float = 0.0,
        *,
        kv: float | None = None,
        waiting: float = 0.0,
        full: int = 0,
        wanted: Mapping[str, float] | None = None,
        signals: Mapping[Signal, float | None] | None = None,
        more: Mapping[str, float] | None = None,
    ) -> Plan:
        """One more: ``rate`` requests a second spread over ready ``pods``, and ``more`` over those of one variant.

        ``wanted`` replicas exist, ready or not.
        """
        made, self.memory = plan(
            self.view(pods, rate, kv=kv, waiting=waiting, full=full, wanted=wanted, signals=signals, more=more),
            self.memory,
            POLICIES,
            self.rules,
        )
        return made

    def view(
        self,
        pods: Mapping[str, int],
        rate: float,
        *,
        kv: float | None = None,
        waiting: float = 0.0,
        full: int = 0,
        wanted: Mapping[str, float] | None = None,
        signals: Mapping[Signal, float | None] | None = None,
        more: Mapping[str, float] | None = None,
    ) -> Snapshot:
        """What that cycle sees, a quarter of a minute after the one before: the first ``full`` pods had a full cache."""
        self.time += CYCLE_SECONDS
        everyone = [(name, place) for name, number in pods.items() for place in range(number)]
        replicas = []
        for number, pod in enumerate(everyone):
            each = rate / len(everyone) + (more or {}).get(pod[0], 0.0) / pods[pod[0]]
            self._arrived[pod] = self._arrived.get(pod, 1000.0) + each * CYCLE_SECONDS
            says = {
                Signal.ARRIVED: self._arrived[pod],
                Signal.REQUEST_RATE: each,
                Signal.INPUT_TOKENS: 600.0,
                Signal.OUTPUT_TOKENS: 200.0,
                **({Signal.KV: 0.95, Signal.KV_PEAK: 0.95} if number < full else {}),
                **(signals or {}),
            }
            held = min(each * SERVED_SECONDS * 700.0 / 100_000.0, 0.6) if kv is None else kv
            replicas.append(R(v=pod[0], kv=held, waiting=waiting, running=each * SERVED_SECONDS, signals=says))
        seen = snapshot(
            self.of, replicas, time=self.time, declared=True, current=wanted or dict(pods), ready=dict(pods)
        )
        return replace(seen, service=self.belief)

    def settle(self, pods: Mapping[str, int], rate: float, cycles: int = 30) -> Plan:
        """As many cycles of the same; the last plan."""
        for _ in range(cycles):
            made = self.cycle(pods, rate)
        return made


def alone(maximum: int | None = 60, **more: float) -> Life:
    """One variant ``v`` of which everything is known."""
    return Life(of=promised(V(name="v", maximum=maximum)), belief=believed(1, **more), rules=LOOSE)
