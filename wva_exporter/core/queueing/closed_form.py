"""The same chain without its states, where the time in service is a straight line in the batch: tau(n) = a + b n.

With rho = lambda b, r = a/b + 1 and s = lambda (a + b N)/N the weights of n <= N are those of a negative binomial law,
w(n) = C(n + r - 1, n) rho^n, and beyond N a geometric series in s. With the mean m = r rho/(1 - rho) and the probability q of N
under the whole law,

    F0 = P(n <= N) = I_{1-rho}(r, N + 1)           regularised incomplete beta function
    m F1 = sum_{n <= N} n p(n) = m F0 - q (N + r) rho/(1 - rho)
    Z = F0 + q T0,   T0 = sum_{k=1..Q} s^k         p(n) = q(n)/Z

so that a whole sizing costs one beta function an evaluation, whatever N and Q. For b = 0 (or a/b beyond all measure) the law is
Poisson's with mean lambda a. Meant for lambda <= mu(N); ``chain.StateTable`` takes the overload.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import special

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray
from wva_exporter.core.queueing.chain import Occupancy, tail

_STIRLING_FROM = 16.0
_POISSON_FROM = 1e13


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearQueue:
    """Chains with tau(n) = ``base`` + ``slope`` n seconds, ready for many rates: shape (rows,), or any that broadcast.

    ``shape`` is r; ``log_ways`` is log C(N + r - 1, N) - N log(N + r), or -log N! where the law is Poisson's (``poisson``).
    """

    base: FloatArray
    slope: FloatArray
    batch: FloatArray
    places: FloatArray
    shape: FloatArray
    log_ways: FloatArray
    poisson: BoolArray

    @classmethod
    def of(cls, base: FloatArray, slope: FloatArray, batch: FloatArray, places: FloatArray) -> LinearQueue:
        """From the line and the limits; base and slope are not negative and not both 0."""
        with np.errstate(divide="ignore", over="ignore"):
            shape = base / slope + 1.0
        poisson = ~(shape < _POISSON_FROM)
        shape = np.where(poisson, 1.0, shape)
        ways = _log_rising(shape, batch) - batch * np.log(batch + shape)
        log_ways = np.where(poisson, 0.0, ways) - special.gammaln(batch + 1.0)
        return cls(base=base, slope=slope, batch=batch, places=places, shape=shape, log_ways=log_ways, poisson=poisson)

    def take(self, rows: IntArray | BoolArray) -> LinearQueue:
        """Some of the chains."""
        return LinearQueue(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def occupancy(self, rate: FloatArray) -> Occupancy:
        """The long run under these arrival rates, 0 < rate <= mu(N): shape (rows,)."""
        at_most, at_limit, mean_below = self._law(rate)
        load = np.log(rate) + np.log(self.base / self.batch + self.slope)
        log_sum, mean_queue = tail(load, self.places)
        waiting = at_limit * np.exp(log_sum)
        total = at_most + waiting
        blocked = at_limit * np.exp(self.places * load) / total
        return Occupancy(
            throughput=rate * (1.0 - blocked),
            in_service=(mean_below + self.batch * waiting) / total,
            in_queue=waiting * mean_queue / total,
            p_empty=np.exp(self._log_empty(rate)) / total,
            p_block=blocked,
            p_full=at_limit / total,
            p_waiting=waiting / total,
        )

    def all_busy(self, rate: FloatArray) -> FloatArray:
        """The probability that an arrival finds all N places taken where any number may wait: shape (rows,).

        ``places`` is not read. With s = rate / mu(N) states from N on are a geometric series; from s = 1 on it is 1.
        """
        share = rate * (self.base / self.batch + self.slope)
        at_limit = self.at_limit(rate)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            waiting = at_limit * share / (1.0 - share)
            found = (at_limit + waiting) / (self._at_most(rate) + waiting)
        return np.where(share < 1.0, found, 1.0)

    def at_limit(self, rate: FloatArray) -> FloatArray:
        """q, the probability of exactly N under the law without a batch limit."""
        n, r = self.batch, self.shape
        rho = self._rho(rate)
        with np.errstate(divide="ignore"):
            found = np.exp(self.log_ways + n * np.log((n + r) * rho) + r * np.log1p(-rho))
        if self.poisson.any():
            mean = rate * (self.base + self.slope)
            found = np.where(self.poisson, np.exp(self.log_ways + n * np.log(mean) - mean), found)
        return found

    def _law(self, rate: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """P(n <= N), P(n = N) and the mean of n over n <= N, under the law without a batch limit."""
        r, n = self.shape, self.batch
        rho, at_limit, at_most = self._rho(rate), self.at_limit(rate), self._at_most(rate)
        mean_below = (r * at_most - (n + r) * at_limit) * rho / (1.0 - rho)
        if self.poisson.any():
            mean = rate * (self.base + self.slope)
            mean_below = np.where(self.poisson, mean * (at_most - at_limit), mean_below)
        return at_most, at_limit, mean_below

    def _at_most(self, rate: FloatArray) -> FloatArray:
        found = 1.0 - special.betainc(
            self.batch + 1.0, self.shape, self._rho(rate)
        )  # never small, and rho keeps its digits
        if self.poisson.any():
            mean = rate * (self.base + self.slope)
            found = np.where(self.poisson, special.gammaincc(self.batch + 1.0, mean), found)
        return np.asarray(found)

    def _rho(self, rate: FloatArray) -> FloatArray:
        return np.minimum(rate * self.slope, 1.0 - 1e-15)

    def _log_empty(self, rate: FloatArray) -> FloatArray:
        return np.where(self.poisson, -rate * (self.base + self.slope), self.shape * np.log1p(-self._rho(rate)))


def _log_rising(r: FloatArray, n: FloatArray) -> FloatArray:
    """Log of r (r + 1) ... (r + n - 1), that is lgamma(r + n) - lgamma(r), without cancellation for large r.

    Stirling's series of both, subtracted term by term.
    """
    big = np.maximum(r, _STIRLING_FROM)
    stirling = (big - 0.5) * np.log1p(n / big) + n * np.log(big + n) - n + _stirling(big + n) - _stirling(big)
    plain = special.gammaln(r + n) - special.gammaln(r)
    return np.where(r < _STIRLING_FROM, plain, stirling)


def _stirling(x: FloatArray) -> FloatArray:
    square = x * x
    return (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / 1680.0 / square) / square) / square) / x
