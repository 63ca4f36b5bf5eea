"""What a measurement is, how it is printed, and the yardstick that lets budgets be read on another machine."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number, its unit and what it may be at most; without a budget it only informs."""

    name: str
    value: float
    unit: str
    budget: float | None = None

    @property
    def ok(self) -> bool:
        """Within the budget."""
        return self.budget is None or self.value <= self.budget

    @property
    def line(self) -> str:
        """One JSON object on one line."""
        fields = {"name": self.name, "value": round(self.value, 3), "unit": self.unit, "budget": self.budget}
        return json.dumps(fields | {"ok": self.ok})


def milliseconds(work: Callable[[], object]) -> float:
    """Processor time that one call takes, in all threads: what else the machine does counts as little as it can."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000.0


def median_milliseconds(calls: Iterable[Callable[[], object]]) -> float:
    """The median over calls, each of which brings its own input."""
    return statistics.median(milliseconds(call) for call in calls)


def calibration() -> Measurement:
    """A fixed piece of numpy and JSON work: divide a budget by this number to compare machines."""
    numbers = np.random.default_rng(1).random(100_000)
    rows = [
        {"metric": {"pod": f"p-{i}", "namespace": "n"}, "value": [1.0, str(x)]} for i, x in enumerate(numbers[:5000])
    ]

    def work() -> None:
        for _ in range(10):
            order = np.argsort(numbers)
            np.bincount(order % 1000, weights=numbers)
            json.loads(json.dumps(rows))

    return Measurement(name="calibration_ms", value=median_milliseconds([work] * 5), unit="ms")
