"""Whether every live load signal agrees that a model may shrink.

A utilisation that falls while the queue, the running requests or the tokens rise is the sign of an overload, not of idleness
(a fleet was once scaled down in the middle of one because its CPUs waited). So a decrease needs all of them to be known, and
none of them to be rising above its own recent level.
"""

from __future__ import annotations

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, Column, FloatArray
from wva_exporter.core.snapshot import Snapshot

LOAD_SIGNALS = (Signal.REQUEST_RATE, Signal.RUNNING, Signal.WAITING, Signal.GENERATION_TOKEN_RATE)
RISE_RATIO = 1.25
RISE_FLOOR = 1.0
"""A level rises when it exceeds its smoothed self by a quarter and one unit more: less is the noise of a small fleet."""


def load(snapshot: Snapshot) -> Column:
    """Total of each load signal per model: shape (models, signals), known where every live replica knows it.

    The router's queue counts as waiting where it is known: a request that no engine has seen is load too.
    """
    replicas, models = snapshot.replicas, len(snapshot.fleet.models)
    live = replicas.live
    model = snapshot.fleet.variants.model[replicas.variant[live]]
    count, signals = np.bincount(model, minlength=models), len(LOAD_SIGNALS)
    columns = replicas.rows(LOAD_SIGNALS)
    place = (model + models * np.arange(signals)[:, np.newaxis]).ravel()
    totals: FloatArray = np.zeros((models, signals))
    totals[:, LOAD_SIGNALS.index(Signal.WAITING)] = snapshot.router_queue.value
    loads, knowing = (
        np.bincount(place, weights=each[:, live].ravel(), minlength=signals * models).reshape(signals, models).T
        for each in (columns.value, columns.known)
    )
    known = (count > 0)[:, np.newaxis] & (knowing == count[:, np.newaxis])
    totals += loads
    return Column.of(totals, known)


def agree(now: Column, smoothed: Column) -> BoolArray:
    """Which models may shrink as far as their load signals say: shape (models,)."""
    rising = smoothed.known & (now.value > RISE_RATIO * smoothed.value + RISE_FLOOR)
    return np.asarray((now.known & ~rising).all(axis=1))


def smooth(now: Column, smoothed: Column, elapsed_seconds: float, window_seconds: float) -> Column:
    """The exponentially weighted level after this cycle; an unknown value leaves the level as it was."""
    weight = 1.0 - np.exp(-max(elapsed_seconds, 0.0) / window_seconds)
    moved: FloatArray = smoothed.value + weight * (now.value - smoothed.value)
    value = np.where(now.known, np.where(smoothed.known, moved, now.value), smoothed.value)
    return Column.of(value, now.known | smoothed.known)
