"""How long a request waits that finds the batch full: a mixture of Erlang times, in closed form.

A request that finds n = N + k in a replica waits for k + 1 departures, each of them exponential with rate mu(N): an Erlang
time. Over the geometric weights s^k of these states, k < Q, the Erlang tails add up: with x = mu(N) t and Q(a, y) the
regularised upper incomplete gamma function,

    P(wait > t | waits) = (exp(-x (1 - s)) Q(Q, s x) - s^Q Q(Q, x)) / (1 - s^Q).
"""

from __future__ import annotations

import numpy as np
from scipy import special

from wva_exporter.core.columns import FloatArray

_FLAT = 1e-6
_FAR = 1e-250
_FRACTION_STEPS = 60
_NOTHING = 1e-12
"""A factor below this would make waits vanish and numbers overflow."""


def longer_wait(
    x: FloatArray, log_load: FloatArray, places: FloatArray, factor: FloatArray | float = 1.0
) -> FloatArray:
    """P(wait > t) of a request that waits; arrays of one shape.

    Args:
        x: mu(N) t, the time in mean departures; for a negative time the share is 1.
        log_load: log s.
        places: Q; without places nobody waits, and the share is 0.
        factor: what waits are stretched by.
    """
    nobody, before = places < 1.0, x < 0.0
    places = np.maximum(places, 1.0)
    x = np.maximum(x, 0.0) / np.maximum(factor, _NOTHING)
    load = np.exp(log_load)
    far = log_load * places
    flat = np.abs(far) < _FLAT
    first = -x * (1.0 - load) + _log_upper_gamma(places, load * x)
    second = far + _log_upper_gamma(places, x)
    scale = np.maximum(far, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        general = (np.exp(np.minimum(first - scale, 0.0)) - np.exp(second - scale)) / (
            np.exp(-scale) - np.exp(far - scale)
        )
        one_less = np.where(places > 1.0, special.gammaincc(np.maximum(places - 1.0, 1.0), x), 0.0)
        level = special.gammaincc(places, x) - x / places * one_less
    share = np.clip(np.where(flat, level, general), 0.0, 1.0)
    return np.where(nobody, 0.0, np.where(before, 1.0, share))


def longest(places: FloatArray, full_rate: FloatArray) -> FloatArray:
    """Seconds that Q departures hardly ever take: mean, forty standard deviations, and the tail of a single one."""
    return (places + 40.0 * np.sqrt(places + 1.0) + 700.0) / full_rate


def _log_upper_gamma(a: FloatArray, x: FloatArray) -> FloatArray:
    """Log of the regularised upper incomplete gamma function, also where the function itself underflows.

    There x is far above a, and Legendre's continued fraction (Lentz's method) converges in a few steps.
    """
    plain: FloatArray = special.gammaincc(a, x)
    with np.errstate(divide="ignore"):
        found: FloatArray = np.log(plain)
    far = plain < _FAR
    if far.any():
        top, y = a[far], np.minimum(x[far], 1e300)
        b = y + 1.0 - top
        c = np.full(top.shape, 1e300)
        d = 1.0 / b
        fraction = d.copy()
        for i in range(1, _FRACTION_STEPS):
            step = -i * (i - top)
            b = b + 2.0
            d = 1.0 / (step * d + b)
            c = b + step / c
            fraction = fraction * d * c
        found[far] = top * np.log(y) - y - special.gammaln(top) + np.log(fraction)
    return found
