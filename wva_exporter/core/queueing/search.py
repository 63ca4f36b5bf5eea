"""Where a rising function of the rate reaches its target, for many rows at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy.optimize import elementwise

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray

_RATE_TOLERANCE = 1e-10
_VALUE_TOLERANCE = 1e-9
_HALVINGS = 60

RowFunction = Callable[[FloatArray, IntArray], FloatArray]
"""A value for each row at its rate."""


class Side(IntEnum):
    """Where a target lies against the values at the ends of a range."""

    BELOW = -1
    WITHIN = 0
    ABOVE = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Root:
    """``at`` where the function is zero, for rows that are ``found``; for others, its values at both ends of the range."""

    at: FloatArray
    found: BoolArray
    low: FloatArray
    high: FloatArray


def rising_root(value: RowFunction, rows: IntArray, low: FloatArray, high: FloatArray) -> Root:
    """The zero of ``value`` between ``low``, where it should not be positive, and ``high``, where it should be.

    Chandrupatla's method (inverse quadratic steps, bisection where these would not shrink the range), all rows together.
    """
    told = elementwise.find_root(
        lambda rate, row: value(rate, row.astype(np.int64)),
        (low, high),
        args=(rows.astype(np.float64),),
        tolerances={"xrtol": _RATE_TOLERANCE, "fatol": _VALUE_TOLERANCE, "xatol": 0.0, "frtol": 0.0},
    )
    found = np.isfinite(told.x) & told.success
    return Root(at=np.where(found, told.x, low), found=found, low=told.f_bracket[0], high=told.f_bracket[1])


def narrowed(
    value: RowFunction, step: RowFunction, rows: IntArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """A range halved, keeping the change of sign of ``value`` inside, until ``step`` is the same at both ends.

    ``step`` is a function of the rate with whole values at whose jumps ``value`` jumps too. A sign change that sits on a jump
    leaves a range without width.
    """
    low, high = low.copy(), high.copy()
    at_low, at_high = step(low, rows), step(high, rows)
    for _ in range(_HALVINGS):
        todo = np.flatnonzero((at_low != at_high) & (high - low > 1e-14 * high))
        if not todo.size:
            break
        middle = 0.5 * (low[todo] + high[todo])
        above = value(middle, rows[todo]) > 0.0
        at_middle = step(middle, rows[todo])
        high[todo[above]], at_high[todo[above]] = middle[above], at_middle[above]
        low[todo[~above]], at_low[todo[~above]] = middle[~above], at_middle[~above]
    return low, high


def locate(value: Callable[[float], float], low: float, high: float, target: float) -> tuple[float, Side]:
    """Where a rising function of one number reaches ``target``, and on which side of the range the target lies."""

    def excess(x: FloatArray, _: IntArray) -> FloatArray:
        return np.array([value(float(each)) - target for each in x])

    root = rising_root(excess, np.zeros(1, dtype=np.int64), np.array([low]), np.array([high]))
    if root.found[0]:
        return float(root.at[0]), Side.WITHIN
    return (low, Side.BELOW) if root.low[0] > 0.0 else (high, Side.ABOVE)
