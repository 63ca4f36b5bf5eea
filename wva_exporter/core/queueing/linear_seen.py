"""What single requests and tokens meet where the time in service is one line: shares in closed form, whatever N and Q.

Under the law of ``closed_form`` P(n >= k) = I_rho(k, r), and n p(n) is m times the same law with r + 1 at n - 1, so that

    P(finds at least k others) ~ I_rho(k, r) - I_rho(N, r) + q (1 + s + ... + s^(Q-1))          of the K states below the last
    P(token in a batch above k) ~ m (I_rho(k, r + 1) - I_rho(N, r + 1)) + N q (s + ... + s^Q)    of all states

up to the same expressions for k = 0. Times rise with the batch, so a time is exceeded from some k on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from scipy import special

from wva_exporter.core.columns import FloatArray, IntArray
from wva_exporter.core.queueing.chain import tail
from wva_exporter.core.queueing.closed_form import LinearQueue
from wva_exporter.core.queueing.service import first_token_time, token_time
from wva_exporter.core.queueing.system import System
from wva_exporter.core.queueing.waits import longer_wait, longest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearSeen:
    """Some rows with straight lines, for rates up to mu(N): shape (rows,)."""

    system: System
    linear: LinearQueue
    wait_factor: FloatArray

    @classmethod
    def of(cls, system: System, linear: LinearQueue, wait_factor: FloatArray) -> Self:
        """The same rows of each."""
        return cls(system=system, linear=linear, wait_factor=wait_factor)

    def take(self, rows: IntArray) -> LinearSeen:
        """Some of the rows."""
        parts: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return LinearSeen(
            system=parts["system"].take(rows), linear=parts["linear"].take(rows), wait_factor=self.wait_factor[rows]
        )

    @property
    def full_rate(self) -> FloatArray:
        """mu(N), departures per second of a full batch."""
        return self.linear.batch / (self.linear.base + self.linear.slope * self.linear.batch)

    @property
    def longest_wait(self) -> FloatArray:
        """A wait in seconds that nobody exceeds, for all purposes."""
        return longest(self.linear.places, self.full_rate) * self.wait_factor

    @property
    def slowest_first_token(self) -> FloatArray:
        """Seconds to the first token beside the fullest batch, without a wait."""
        return first_token_time(self.system, self.linear.batch - 1.0)

    @property
    def slowest_token(self) -> FloatArray:
        """Seconds between tokens in the full batch."""
        return token_time(self.system, self.linear.batch)

    def early_arrivals(self, seconds: FloatArray) -> FloatArray:
        """How many of the states n = 0..N-1 give a first token within these seconds."""
        return _count(lambda n: first_token_time(self.system, n), self.linear.batch, seconds)

    def quick_batches(self, seconds: FloatArray) -> FloatArray:
        """How many of the batches n = 1..N make a token within these seconds."""
        return _count(lambda n: token_time(self.system, n + 1.0), self.linear.batch, seconds)

    def later_first_token(self, rate: FloatArray, seconds: FloatArray, early: FloatArray | None = None) -> FloatArray:
        """P(TTFT > ``seconds``) of an accepted request; ``early`` = ``early_arrivals(seconds)`` where it is known."""
        k = self.early_arrivals(seconds) if early is None else early
        full, waiting = self._waiting(rate)
        beyond = self._at_least(k, rate) - full
        at_full = first_token_time(self.system, self.linear.batch - 1.0)
        late = np.maximum(beyond, 0.0) + waiting * self._longer(rate, seconds - at_full)
        return late / (1.0 - full + waiting)

    def longer_wait(self, rate: FloatArray, seconds: FloatArray) -> FloatArray:
        """P(wait > ``seconds``) of an accepted request."""
        full, waiting = self._waiting(rate)
        return waiting * self._longer(rate, seconds) / (1.0 - full + waiting)

    def slower_token(self, rate: FloatArray, seconds: FloatArray, quick: FloatArray | None = None) -> FloatArray:
        """P(time between tokens > ``seconds``) of a token; ``quick`` = ``quick_batches(seconds)`` where it is known."""
        k = self.quick_batches(seconds) if quick is None else quick
        batch = self.linear.batch
        log_sum, _ = tail(self._load(rate), self.linear.places)
        queued = batch * self.linear.at_limit(rate) * np.exp(log_sum)
        mean, every = self._mean(rate), self._tokens_above(batch, rate)
        slow = mean * (self._tokens_above(k, rate) - every) + np.where(k < batch, queued, 0.0)
        share: FloatArray = np.maximum(slow, 0.0) / (mean * (1.0 - every) + queued)
        return share

    def _load(self, rate: FloatArray) -> FloatArray:
        return np.log(rate / self.full_rate)

    def _waiting(self, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """P(n >= N) under the unlimited law, and the weight of the states N..K-1, in which an accepted request waits."""
        load = self._load(rate)
        log_sum, _ = tail(load, self.linear.places)
        return self._at_least(self.linear.batch, rate), self.linear.at_limit(rate) * np.exp(log_sum - load)

    def _longer(self, rate: FloatArray, seconds: FloatArray) -> FloatArray:
        return longer_wait(seconds * self.full_rate, self._load(rate), self.linear.places, self.wait_factor)

    def _mean(self, rate: FloatArray) -> FloatArray:
        """m, the mean batch if there were no limit."""
        return rate * (self.linear.base + self.linear.slope) / (1.0 - np.minimum(rate * self.linear.slope, 1.0 - 1e-15))

    def _at_least(self, k: FloatArray, rate: FloatArray) -> FloatArray:
        """P(n >= k) under the unlimited law."""
        return self._upper(k, self.linear.shape, rate)

    def _tokens_above(self, k: FloatArray, rate: FloatArray) -> FloatArray:
        """Share of the tokens that the unlimited law makes in batches above k."""
        return self._upper(k, self.linear.shape + 1.0, rate)

    def _upper(self, k: FloatArray, shape: FloatArray, rate: FloatArray) -> FloatArray:
        one = np.maximum(k, 1.0)
        found = special.betainc(one, shape, np.minimum(rate * self.linear.slope, 1.0 - 1e-15))
        if self.linear.poisson.any():
            mean = rate * (self.linear.base + self.linear.slope)
            found = np.where(self.linear.poisson, special.gammainc(one, mean), found)
        return np.where(k < 1.0, 1.0, found)


def _count(time: Callable[[FloatArray], FloatArray], states: FloatArray, seconds: FloatArray) -> FloatArray:
    """How many of the states 0, 1, ..., ``states`` - 1 take no longer than ``seconds``, for times that rise with the state."""
    low, high = np.zeros(len(states)), states.copy()
    for _ in range(64):
        if np.all(low >= high):
            break
        middle = np.floor((low + high) / 2.0)
        within = (low < high) & (time(np.minimum(middle, states - 1.0)) <= seconds)
        low, high = np.where(within, middle + 1.0, low), np.where(within | (low >= high), high, middle)
    return low
