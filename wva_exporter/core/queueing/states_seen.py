"""What single requests and tokens meet, state by state: for bent service times, and for overload.

An accepted request finds n < K others with probability p(n)/(1 - p(K)). If n < N it is served at once beside them, else it
waits. A token is made in a batch of n with probability proportional to n p(n).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from wva_exporter.core.columns import FloatArray, IntArray
from wva_exporter.core.queueing.chain import StateTable, tail
from wva_exporter.core.queueing.service import first_token_time, token_time
from wva_exporter.core.queueing.station import state_table
from wva_exporter.core.queueing.system import System
from wva_exporter.core.queueing.waits import longer_wait, longest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StatesSeen:
    """What single requests and tokens of some rows meet, state by state: shape (rows, states) or (rows,).

    ``arrival_seconds`` is the time to the first token, without a wait, beside n = 0..N-1 others, ``token_seconds`` the time
    between tokens in a batch of n = 1..N; ``full_rate`` is mu(N), ``wait_factor`` stretches waits.
    """

    table: StateTable
    arrival_seconds: FloatArray
    token_seconds: FloatArray
    full_rate: FloatArray
    wait_factor: FloatArray

    @classmethod
    def of(cls, system: System, wait_factor: FloatArray) -> Self:
        """From a flat system small enough for memory (``station.blocks``)."""
        batch = np.arange(1, int(system.max_batch.max(initial=1)) + 1, dtype=np.float64)
        wide = system.take(np.arange(len(system.model))[:, None])
        table = state_table(system)
        return cls(
            table=table,
            arrival_seconds=first_token_time(wide, batch - 1.0),
            token_seconds=token_time(wide, batch),
            full_rate=np.exp(-table.log_service),
            wait_factor=wait_factor,
        )

    def take(self, rows: IntArray) -> StatesSeen:
        """Some of the rows."""
        arrays: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        return StatesSeen(table=self.table.take(rows), **{name: array[rows] for name, array in arrays.items()})

    def arrivals(self, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Shares of accepted requests that find n = 0..N-1 others, (rows, states), and of those that wait, (rows,)."""
        weight, scale = self.table.weights(rate)
        log_rate = np.log(rate)
        at_last = self.table.log_last + self.table.batch * log_rate - scale
        load = log_rate + self.table.log_service
        # n = N..K-1 found: the geometric series from s^0 to s^(Q-1).
        log_sum, _ = tail(load, self.table.places)
        waits = np.exp(at_last + log_sum - load)
        states = np.arange(self.table.log_product.shape[1] - 1)
        alone = np.where(states < self.table.batch[:, None], weight[:, :-1], 0.0)
        total = alone.sum(axis=1) + waits
        return alone / total[:, None], waits / total

    def later_first_token(self, rate: FloatArray, seconds: FloatArray) -> FloatArray:
        """P(TTFT > ``seconds``) of an accepted request: shape (rows,)."""
        alone, waits = self.arrivals(rate)
        late: FloatArray = np.where(self.arrival_seconds > seconds[:, None], alone, 0.0).sum(axis=1)
        return late + waits * self._longer(rate, seconds - self._at_full(self.arrival_seconds))

    def longer_wait(self, rate: FloatArray, seconds: FloatArray) -> FloatArray:
        """P(wait > ``seconds``) of an accepted request: shape (rows,)."""
        return self.arrivals(rate)[1] * self._longer(rate, seconds)

    def slower_token(self, rate: FloatArray, seconds: FloatArray) -> FloatArray:
        """P(time between tokens > ``seconds``) of a token: shape (rows,)."""
        weight, scale = self.table.weights(rate)
        log_rate = np.log(rate)
        load = log_rate + self.table.log_service
        at_last = self.table.log_last + self.table.batch * log_rate - scale
        log_sum, _ = tail(load, self.table.places)
        share = weight[:, 1:] * np.arange(1, weight.shape[1])
        queued = self.table.batch * np.exp(at_last + log_sum)
        slow: FloatArray = np.where(self.token_seconds > seconds[:, None], share, 0.0).sum(axis=1)
        slow += np.where(self._at_full(self.token_seconds) > seconds, queued, 0.0)
        slower: FloatArray = slow / (share.sum(axis=1) + queued)
        return slower

    @property
    def longest_wait(self) -> FloatArray:
        """A wait in seconds that nobody exceeds, for all purposes."""
        return longest(self.table.places, self.full_rate) * self.wait_factor

    @property
    def slowest_first_token(self) -> FloatArray:
        """Seconds to the first token at the worst state, without a wait."""
        slowest: FloatArray = self.arrival_seconds.max(axis=1)
        return slowest

    @property
    def slowest_token(self) -> FloatArray:
        """Seconds between tokens in the worst batch."""
        slowest: FloatArray = self.token_seconds.max(axis=1)
        return slowest

    def _at_full(self, by_state: FloatArray) -> FloatArray:
        return by_state[np.arange(len(by_state)), self.table.batch.astype(np.int64) - 1]

    def _longer(self, rate: FloatArray, seconds: FloatArray) -> FloatArray:
        """P(wait > seconds) of a request that waits; 1 for a negative time."""
        load = np.log(rate) + self.table.log_service
        return longer_wait(seconds * self.full_rate, load, self.table.places, self.wait_factor)
