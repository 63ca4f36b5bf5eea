"""How many replicas a rate of requests needs: the least with which arrivals rarely find every batch full.

Replicas behind one router are one queue: an arrival waits only when all of them are full. With k replicas of n places each, m
requests inside spread evenly and each takes tau = a + b m/k, so the number inside follows the closed form of
``core.queueing.closed_form`` with slope b/k and limit k n. Pooling needs fewer replicas than sizing each for itself does (7 %
in the mean of a prototype), the more so the larger the fleet; with few places, as of a slow model, it asks for more than a
share of utilisation would.

An arrival that finds all places taken counts as late, whatever its promise would let it wait: a limit of memory is one of the
mean, a queue stays where it was sent, and counting on patience (P(W > t) in place of P(W > 0)) lost four points of requests
for eight percent of cost where places are few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.core.queueing.closed_form import LinearQueue

WAIT_PROBABILITY = 0.02
UTILIZATION = 0.9
"""However large the fleet, nobody runs closer to its limit."""

_CANDIDATES, _FEW = 24, 4
"""So many numbers of replicas are tried above the least; nearly always one of the first few is enough."""

_EPSILON = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Station:
    """One replica of each row, shape (rows,): tau = ``base`` + ``slope`` n seconds, ``places`` for requests.

    ``rate_rps`` is what it completes, which may be less than its places would allow: what memory holds in the mean is a place,
    what it holds most of the time is a rate. Replicas come in multiples of ``step``: 1 where they are alike; less where they
    are counted in equivalents of one of several kinds.
    """

    base_seconds: FloatArray
    slope_seconds: FloatArray
    places: FloatArray
    rate_rps: FloatArray
    step: FloatArray


def replicas_for(station: Station, rate_rps: FloatArray) -> FloatArray:
    """The least replicas for each rate: shape of ``rate_rps``, which is (rows,) or (rates, rows); 0 for the rate 0."""
    each, step = station.rate_rps, station.step
    least = np.maximum(np.ceil(rate_rps / (UTILIZATION * each * step) - _EPSILON), 1.0)
    for candidates in (_FEW, _CANDIDATES):
        counts = (least[..., None] + np.arange(candidates)) * step[:, None]
        enough = _wait_probability(station, rate_rps[..., None], counts) <= WAIT_PROBABILITY
        if enough.any(axis=-1).all():
            break
    enough[..., -1] = True
    return np.where(rate_rps > 0.0, (least + enough.argmax(axis=-1)) * step, 0.0)


def _wait_probability(station: Station, rate: FloatArray, counts: FloatArray) -> FloatArray:
    """Of an arrival, for every row and count: shape of ``counts``."""
    base, slope, places = station.base_seconds[:, None], station.slope_seconds[:, None], station.places[:, None]
    queue = LinearQueue.of(base, slope / counts, places * counts, np.zeros_like(counts))
    return queue.all_busy(np.maximum(rate, 1e-12))
