"""What one decision of policy ``headroom`` costs for one model, as a back-test makes thousands of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from deciding import RULES
from fleet_builder import R, V, fleet, snapshot

from bench.measure import Measurement, median_milliseconds
from wva_exporter.conventions import Signal
from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Memory, Plan
from wva_exporter.core.fleet import Promises
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.snapshot import Snapshot

REPLICAS = 20
INTERVAL_SECONDS = 15.0
_WARM, _MEASURED = 30, 60
_SERVICE_SECONDS = (6.7e-3, 2.1e-5, 4.9e-8)


def measurements() -> Iterator[Measurement]:
    """The median over cycles, each with numbers of its own."""
    cycles = Cycles(_WARM + _MEASURED)
    for _ in range(_WARM):
        cycles.one()
    yield Measurement(name="plan_one_ms", value=median_milliseconds([cycles.one] * _MEASURED), unit="ms", budget=1.2)


class Cycles:
    """Cycles of one model with twenty replicas, served one after the other; what they see is made before."""

    def __init__(self, number: int) -> None:
        slo = Promises(ttft_seconds=Column.of([1.0]), itl_seconds=Column.of([0.04]), percentile=Column.unknown(1))
        self._fleet = fleet(V(name="v", maximum=60), policy="headroom", slo=slo)
        self._views = iter([self._view(place) for place in range(number)])
        self._memory: Memory | None = None
        self.plans: list[Plan] = []

    def one(self) -> None:
        """The next."""
        made, self._memory = plan(next(self._views), self._memory, POLICIES, RULES)
        self.plans.append(made)

    def _view(self, number: int) -> Snapshot:
        rng = np.random.default_rng(number)
        running = rng.integers(10, 40, REPLICAS).tolist()
        seconds = np.array([_SERVICE_SECONDS]) * rng.uniform(0.999, 1.001, (1, 3))
        replicas = [
            R(v="v", kv=float(rng.uniform(0.2, 0.6)), running=float(n), signals=_signals(rng, number)) for n in running
        ]
        seen = snapshot(self._fleet, replicas, time=1e6 + INTERVAL_SECONDS * number, declared=True)
        return replace(seen, service=Belief.of(seconds, 0.1 * seconds))


def _signals(rng: np.random.Generator, number: int) -> dict[Signal, float | None]:
    return {
        Signal.ARRIVED: float(round(4.0 * INTERVAL_SECONDS * number + 100.0 + rng.uniform(0.0, 15.0))),
        Signal.AGE: float(rng.uniform(4.9, 5.1)),
        Signal.REQUEST_RATE: float(rng.uniform(3.0, 5.0)),
        Signal.INPUT_TOKENS: float(rng.uniform(595, 605)),
        Signal.OUTPUT_TOKENS: float(rng.uniform(198, 202)),
    }
