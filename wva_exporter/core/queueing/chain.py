"""Where a queue with state-dependent service spends its time, computed state by state.

A birth-death chain over n = 0..K requests in a replica: arrivals at a constant rate lambda, lost in state K; departures at rate
mu(n), constant beyond the batch limit N. Its stationary law is p(n) = p(0) prod_{j<=n} lambda / mu(j).

Everything is done in logarithms, so that neither a long queue nor an absurd overload can overflow, and the states beyond N,
where the weights are a geometric series, are summed in closed form: K does not matter for the cost.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.errors import InvalidValue

_SERIES_BELOW = 0.1
_NOTHING = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Occupancy:
    """How full queues are in the long run: arrays of one shape.

    ``throughput`` is in the unit of the arrival rate; ``in_service`` is the mean of min(n, N), ``in_queue`` of what is above;
    ``p_empty``, ``p_block`` and ``p_waiting`` are the probabilities of n = 0, n = K and n > N; ``p_full`` of n = N.
    """

    throughput: FloatArray
    in_service: FloatArray
    in_queue: FloatArray
    p_empty: FloatArray
    p_block: FloatArray
    p_full: FloatArray
    p_waiting: FloatArray

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Occupancy:
        """Room for answers that are filled in by parts."""
        return cls(**{field.name: np.zeros(shape) for field in fields(cls)})

    def put(self, rows: object, part: Occupancy) -> None:
        """Fill some rows in."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(part, field.name)


def tail(log_load: FloatArray, places: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log of sum_{k=1..Q} s^k, and the mean of k under these weights, for s = exp(``log_load``) and Q = ``places``.

    The sum is s (s^Q - 1)/(s - 1); the mean is Q h(Q u) - h(u) + 1 with u = log s and h(x) = 1/(1 - e^-x) - 1/x, which is
    smooth in 0, so that nothing cancels near s = 1. Without places the sum is empty: log -inf, mean 0.
    """
    u = log_load
    big = np.maximum(places, 1.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        size = np.abs(u)
        ratio = np.where(size < _NOTHING, big, np.expm1(-big * size) / np.expm1(-size))
        total = np.where(u > 0.0, big * u, u) + np.log(ratio)
        mean = big * _half_rise(big * u) - _half_rise(u) + 1.0
    none = places < 1.0
    return np.where(none, -np.inf, total), np.where(none, 0.0, mean)


def _half_rise(x: FloatArray) -> FloatArray:
    """1/(1 - exp(-x)) - 1/x, which is 1/2 in 0; the Bernoulli series near there."""
    square = x * x
    series = 0.5 + x / 12.0 * (1.0 - square / 60.0 * (1.0 - square / 42.0 * (1.0 - square / 40.0)))
    return np.where(np.abs(x) < _SERIES_BELOW, series, -1.0 / np.expm1(-x) - 1.0 / x)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StateTable:
    """Chains whose departure rates are given state by state, ready to be asked for many arrival rates.

    ``log_product`` is sum_{j<=n} log(1/mu(j)) for n = 0..N along the last axis, -inf beyond a row's own N; ``log_last`` is the
    value at N and ``log_service`` log(1/mu(N)); ``batch`` is N, ``places`` Q: shape (rows,).
    """

    log_product: FloatArray
    log_last: FloatArray
    log_service: FloatArray
    batch: FloatArray
    places: FloatArray

    @classmethod
    def of(cls, mean_departure: FloatArray, batch: FloatArray, places: FloatArray) -> StateTable:
        """From 1/mu(1), 1/mu(2), ...: shape (rows, largest batch); entries beyond a row's batch are not read.

        Raises:
            InvalidValue: a time between departures is not a positive number, or no state serves.
        """
        rows, states = mean_departure.shape
        inside = np.arange(1, states + 1) <= batch[:, None]
        if states < 1 or not np.all(~inside | ((mean_departure > 0.0) & np.isfinite(mean_departure))):
            raise InvalidValue("times between departures are positive and finite")
        steps = np.log(np.where(inside, mean_departure, 1.0))
        product = np.concatenate([np.zeros((rows, 1)), np.cumsum(steps, axis=1)], axis=1)
        last = np.arange(rows), batch.astype(np.int64)
        log_last, log_service = product[last], steps[last[0], last[1] - 1]
        product[:, 1:][~inside] = -np.inf
        return cls(log_product=product, log_last=log_last, log_service=log_service, batch=batch, places=places)

    def take(self, rows: object) -> StateTable:
        """Some of the chains."""
        return StateTable(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def weights(self, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """exp(log p(n) - m) for n = 0..N, unnormalised, and the scale m, which is the largest of all K + 1 states' logs."""
        log_rate = np.log(rate)
        log_weight = self.log_product + np.arange(self.log_product.shape[1]) * log_rate[:, None]
        load = log_rate + self.log_service
        at_last = self.log_last + self.batch * log_rate
        scale = np.maximum(log_weight.max(axis=1), at_last + np.maximum(load, 0.0) * self.places)
        return np.exp(log_weight - scale[:, None]), scale

    def occupancy(self, rate: FloatArray) -> Occupancy:
        """The long run under these arrival rates, all positive: shape (rows,)."""
        weight, scale = self.weights(rate)
        log_rate = np.log(rate)
        load = log_rate + self.log_service
        log_full = self.log_last + self.batch * log_rate - scale
        log_sum, mean = tail(load, self.places)
        full, waiting = np.exp(log_full), np.exp(log_full + log_sum)
        states = np.arange(weight.shape[1])
        under = np.where(states < self.batch[:, None], weight, 0.0).sum(axis=1)
        total = under + full + waiting
        # Departures are arrivals that found room: summed over the states below K, so that nothing cancels in overload.
        below, _ = tail(load, self.places - 1.0)
        room = under + np.where(self.places >= 1.0, full + np.exp(log_full + below), 0.0)
        return Occupancy(
            throughput=rate * room / total,
            in_service=(weight @ states + self.batch * waiting) / total,
            in_queue=waiting * mean / total,
            p_empty=weight[:, 0] / total,
            p_block=np.exp(log_full + self.places * load) / total,
            p_full=full / total,
            p_waiting=waiting / total,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Queue:
    """One chain in full: its law over 0..K, and the means that follow. ``response`` = mean time in it, and so on.

    Times are in the unit that the rates are per; an empty queue (rate 0) has the times of a request that comes alone.
    """

    law: FloatArray
    throughput: float
    in_system: float
    in_service: float
    in_queue: float
    response: float
    wait: float
    service: float


def solve(rate: float, departure_rates: FloatArray, places: int) -> Queue:
    """The chain with room for ``places`` requests, departures at ``departure_rates[n - 1]`` in state n, the last one repeated.

    M/M/1/K is the case of a single departure rate. Requests beyond as many as there are rates wait.

    Raises:
        InvalidValue: a rate is negative or not finite, a departure rate is not positive, or there is no place.
    """
    if not (np.isfinite(rate) and rate >= 0.0 and places >= 1 and departure_rates.size):
        raise InvalidValue("a queue has a finite arrival rate that is not negative, a place and a departure rate")
    rates = departure_rates[:places].astype(np.float64)
    if not (np.all(np.isfinite(rates)) and np.all(rates > 0.0)):
        raise InvalidValue("departure rates are positive and finite")
    every = np.concatenate([rates, np.full(places - len(rates), rates[-1])])
    if rate == 0.0:
        law, alone = np.concatenate([[1.0], np.zeros(places)]), 1.0 / float(rates[0])
        nothing = {"throughput": 0.0, "in_system": 0.0, "in_service": 0.0, "in_queue": 0.0}
        return Queue(law=law, response=alone, wait=0.0, service=alone, **nothing)
    table = StateTable.of(1.0 / every[None, :], np.array([float(places)]), np.zeros(1))
    weight = table.weights(np.array([rate]))[0][0]
    law = weight / weight.sum()
    states = np.arange(places + 1)
    throughput = float(rate * law[:-1].sum())
    in_service = float(np.minimum(states, len(rates)) @ law)
    in_queue = float(np.maximum(states - len(rates), 0) @ law)
    return Queue(
        law=law,
        throughput=throughput,
        in_system=float(states @ law),
        in_service=in_service,
        in_queue=in_queue,
        response=(in_service + in_queue) / throughput,
        wait=in_queue / throughput,
        service=in_service / throughput,
    )
