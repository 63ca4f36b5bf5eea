"""How far waits are from those of exponentially distributed work, because requests vary less or more in size.

Up to the batch limit requests share the engine like processors do, and how full it is does not depend on the distribution of
their sizes. Waiting does: in heavy traffic the queue grows with the mean work left in a request that is being served, that is
by (1 + c^2)/2 against exponential sizes, c^2 being the squared coefficient of variation (variance over squared mean) of the
work (Pollaczek-Khinchine; Zhang, Dai and Zwart 2011 for limited processor sharing). Constant sizes halve the wait.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from wva_exporter.core.columns import Column, FloatArray
from wva_exporter.core.queueing.service import chunks_needed, lines
from wva_exporter.core.queueing.system import System
from wva_exporter.errors import InvalidValue

_STEP = 0.01


def squared_variation(upper_tokens: ArrayLike, cumulative_count: ArrayLike) -> Column:
    """Squared coefficient of variation of a token histogram as Prometheus keeps it; unknown where nothing was counted.

    Each bucket is taken as evenly filled between its bounds; what lies beyond the last finite bound, as twice that bound.

    Args:
        upper_tokens: upper bounds of the buckets, rising, shape (buckets,); the last is infinite.
        cumulative_count: requests up to each bound, shape (..., buckets); a row that is not finite, or falls, is unknown.

    Raises:
        InvalidValue: the bounds do not rise, are not at least two, do not end with infinity, or shapes differ.
    """
    upper = np.asarray(upper_tokens, dtype=np.float64)
    cumulative = np.asarray(cumulative_count, dtype=np.float64)
    if upper.ndim != 1 or len(upper) < 2 or not np.isposinf(upper[-1]) or not np.all(np.diff(upper) > 0.0):  # noqa: PLR2004 - one finite
        raise InvalidValue("bucket bounds rise and end with infinity")
    if not upper[0] >= 0.0 or cumulative.shape[-1:] != upper.shape:
        raise InvalidValue(
            f"counts of shape {cumulative.shape} for {len(upper)} buckets of bounds that are not negative"
        )
    high = np.append(upper[:-1], 2.0 * upper[-2])
    low = np.concatenate([[0.0], upper[:-2], [high[-1]]])
    finite = np.all(np.isfinite(cumulative), axis=-1)
    count = np.diff(np.where(finite[..., None], cumulative, 0.0), axis=-1, prepend=0.0)
    total = count.sum(axis=-1)
    mean_each, square_each = (low + high) / 2.0, (low * low + low * high + high * high) / 3.0
    known = finite & np.all(count >= 0.0, axis=-1) & (total > 0.0)
    safe = np.where(known, total, 1.0)
    mean, square = (count @ mean_each) / safe, (count @ square_each) / safe
    known &= mean > 0.0
    return Column.of(np.maximum(square / np.where(known, mean * mean, 1.0) - 1.0, 0.0), known)


def wait_factor(system: System, in_variation: ArrayLike, out_variation: ArrayLike) -> FloatArray:
    """(1 + c^2)/2 of the time in service, from the squared variations of prompt and output lengths: the system's shape.

    The time in service is taken as linear in both lengths around their means, and the lengths as independent, so that
    c^2 = e_in^2 c_in^2 + e_out^2 c_out^2 with the elasticities e of tau at half the batch limit. Where a variation is unknown
    (not finite, or negative) it counts as 1, that of exponential lengths; lengths of one token do not vary.

    Raises:
        InvalidValue: the shapes do not go together.
    """
    batch = np.maximum(system.max_batch / 2.0, 1.0)
    chunks = chunks_needed(system, batch)
    try:
        each = [np.broadcast_to(np.asarray(v, dtype=np.float64), system.shape) for v in (in_variation, out_variation)]
    except ValueError as error:
        raise InvalidValue(f"variations do not stretch to the system's shape {system.shape}") from error
    total = np.zeros(system.shape)
    for name, given in zip(("in_tokens", "out_tokens"), each, strict=True):
        variation = np.where(np.isfinite(given) & (given >= 0.0), given, 1.0)
        varies = getattr(system, name) > 1.0
        up, down = (lines(system.scaled(name, 1.0 + step), chunks).service(batch) for step in (_STEP, -_STEP))
        elasticity = np.where(varies, up - down, 0.0) / np.where(varies, up + down, 1.0) / _STEP
        total += elasticity * elasticity * variation
    return (1.0 + total) / 2.0
