"""Requests that wait in a router, before any engine has seen them."""

from __future__ import annotations

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import Column
from wva_exporter.core.fleet import Fleet
from wva_exporter.sources.samples import Observation


def router_queue(observation: Observation, fleet: Fleet) -> Column:
    """The router's queue per model: shape (models,), unknown for a model that no row names.

    Routers do not know the namespace of what they route to: a row counts for the model of its own namespace if there is one,
    else for every model of that name. Absence is not zero: a router exposes a model's queue only once it had a request.
    """
    answer = observation.answers.get(Signal.ROUTER_QUEUE)
    total = np.full(len(fleet.models), np.nan)
    if answer is None or answer.failure is not None:
        return Column.of(total)
    places: dict[str, list[int]] = {}
    for place, name in enumerate(fleet.models.name):
        places.setdefault(name, []).append(place)
    for row, value in zip(answer.labels, answer.value.tolist(), strict=True):
        named = places.get(row.target_model_name or row.model_name, [])
        own = [place for place in named if fleet.models.namespace[place] == row.namespace]
        for place in own or named:
            total[place] = value if np.isnan(total[place]) else total[place] + value
    return Column.of(total, total >= 0)
