"""Requests that no engine has seen yet: those that wait in a router, those that arrive there, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import Column
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.snapshot import LARGEST_READING
from wva_exporter.engines.router import DISPATCHED
from wva_exporter.sources.samples import Labels, Observation


def router_queue(observation: Observation, fleet: Fleet) -> Column:
    """Requests in the router's queue per model: shape (models,), unknown for a model that no row names."""
    return _by_model(observation, Signal.ROUTER_QUEUE, fleet)


def offered(observation: Observation, fleet: Fleet) -> Column:
    """Requests per second that clients send, served or not, per model: shape (models,), unknown without a router's word."""
    return _by_model(observation, Signal.ROUTER_ARRIVALS, fleet)


def refused(observation: Observation, fleet: Fleet) -> Column:
    """Requests per second that left the router's queue without reaching an engine, per model: shape (models,).

    Rejected and evicted ones, and those whose client gave up; unknown where the router has no queue.
    """

    def lost(row: Labels) -> bool:
        return row.outcome != DISPATCHED

    known = _by_model(observation, Signal.ROUTER_OUTCOMES, fleet)
    if not known.known.any():
        return known
    return Column.of(_by_model(observation, Signal.ROUTER_OUTCOMES, fleet, lost).value, known.known)


def _by_model(
    observation: Observation, signal: Signal, fleet: Fleet, counted: Callable[[Labels], bool] = lambda _: True
) -> Column:
    """A router's rows summed by model.

    Routers do not know the namespace of what they route to: a row counts for the model of its own namespace if there is one,
    else for every model of that name. Absence is not zero: a router exposes a model's series only once it had a request.
    """
    answer = observation.answers.get(signal)
    if answer is None or answer.failure is not None:
        return Column.unknown(len(fleet.models))
    total = np.full(len(fleet.models), np.nan)
    places: dict[str, list[int]] = {}
    for place, name in enumerate(fleet.models.name):
        places.setdefault(name, []).append(place)
    for row, value in zip(answer.labels, answer.value.tolist(), strict=True):
        named = places.get(row.target_model_name or row.model_name, []) if counted(row) else []
        own = [place for place in named if fleet.models.namespace[place] == row.namespace]
        for place in own or named:
            total[place] = value if np.isnan(total[place]) else total[place] + value
    return Column.of(total).within(0.0, LARGEST_READING)
