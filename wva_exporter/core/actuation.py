"""What an actuator makes of a target."""

from __future__ import annotations

import numpy as np

from wva_exporter.core.columns import Column


def expected(target: Column, current: Column, tolerance: float) -> Column:
    """Replicas after an HPA's next sync: those there are while |target / current - 1| <= tolerance, else the target.

    Shape (variants,), known where both are. From nothing any target is a step.
    """
    known = target.known & current.known
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(current.value > 0, target.value / current.value, np.inf)
    ignored = np.abs(ratio - 1.0) <= tolerance
    return Column.of(np.where(ignored, current.value, target.value), known)
