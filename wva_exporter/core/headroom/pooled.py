"""How many replicas a rate of requests needs: the least with which arrivals rarely find every batch full.

Replicas behind one router are one queue: an arrival waits only when all of them are full. With k replicas of n places each, m
requests inside spread evenly and each takes tau = a + b m/k, so the number inside follows the closed form of
``core.queueing.closed_form`` with slope b/k and limit k n. Pooling needs fewer replicas than sizing each for itself does (7 %
in the mean of a prototype), the more so the larger the fleet; with few places, as of a slow model, it asks for more than a
share of utilisation would.
"""

from __future__ import annotations

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.core.queueing.closed_form import LinearQueue

WAIT_PROBABILITY = 0.01
UTILIZATION = 0.9
"""However large the fleet, nobody runs closer to its limit."""

_CANDIDATES = 24
_MANY_PLACES = 1e6
_EPSILON = 1e-9


def replicas_for(
    rate_rps: FloatArray, base_seconds: FloatArray, slope_seconds: FloatArray, batch: FloatArray, step: FloatArray
) -> FloatArray:
    """The least multiple of ``step`` replicas for each rate: shape (rows,), 0 for the rate 0.

    Args:
        rate_rps: requests per second for all of them together.
        base_seconds: a of tau, of one replica.
        slope_seconds: b of tau, of one replica.
        batch: n, the places of one replica.
        step: 1 where replicas are alike; smaller where they are counted in equivalents of one of several kinds.
    """
    each = batch / (base_seconds + slope_seconds * batch)
    least = np.maximum(np.ceil(rate_rps / (UTILIZATION * each * step) - _EPSILON), 1.0)
    counts = (least[:, None] + np.arange(_CANDIDATES)) * step[:, None]
    waits = _wait_probability(rate_rps, base_seconds, slope_seconds, batch, counts)
    enough = waits <= WAIT_PROBABILITY
    enough[:, -1] = True
    first = counts[np.arange(len(counts)), enough.argmax(axis=1)]
    return np.where(rate_rps > 0.0, first, 0.0)


def _wait_probability(
    rate: FloatArray, base: FloatArray, slope: FloatArray, batch: FloatArray, counts: FloatArray
) -> FloatArray:
    """Of an arrival, for every row and count: shape of ``counts``."""
    shape = counts.shape

    def flat(values: FloatArray) -> FloatArray:
        return np.broadcast_to(values, shape).ravel()

    queue = LinearQueue.of(
        flat(base[:, None]),
        flat(slope[:, None] / counts),
        flat(batch[:, None] * counts),
        np.full(counts.size, _MANY_PLACES),
    )
    found = queue.occupancy(flat(np.maximum(rate, 1e-12)[:, None]))
    return np.asarray(found.p_full + found.p_waiting).reshape(shape)
