"""How far a policy may go where nobody said how far."""

from __future__ import annotations

import numpy as np

from wva_exporter.core.columns import Column, FloatArray

LEAST = 4.0


def growth_limit(current: Column) -> FloatArray:
    """What one cycle may ask at most of a variant without a maximum: max(2 x current, 4), shape (variants,)."""
    return np.maximum(2.0 * current.value, LEAST)
