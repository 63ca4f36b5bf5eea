"""Measure everything, print each as soon as it is there, exit 1 when one is over its budget."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bench import cycle, learning, models, one_model, process, sizing, tokens, twin
from bench.measure import Measurement, calibration


def _all() -> Iterator[Measurement]:
    yield calibration()
    yield from cycle.measurements()
    yield from one_model.measurements()
    yield from process.measurements()
    yield from sizing.measurements()
    yield from tokens.measurements()
    yield from models.measurements()
    yield from learning.measurements()
    yield from twin.measurements()


def main() -> int:
    """Print one JSON line a measurement."""
    within = True
    for measurement in _all():
        print(measurement.line, flush=True)  # noqa: T201 - its product
        within = within and measurement.ok
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
