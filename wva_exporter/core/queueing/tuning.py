"""One cycle of WVA's tuner: the filter of each variant takes the observations of its busy replicas, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.queueing.filter import (
    DEFAULT_STATE_SECONDS,
    PARAMETERS,
    Filter,
    Observations,
    Outcome,
    guess,
    step,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """Alpha, beta, gamma of each variant in seconds (variants, 3), covariances (variants, 3, 3), the last NIS (variants,)."""

    parameters: Column
    covariance: Column
    nis: Column

    @classmethod
    def nothing(cls, variants: int) -> Learned:
        """No variant was ever observed."""
        return cls(
            parameters=Column.unknown((variants, PARAMETERS)),
            covariance=Column.unknown((variants, PARAMETERS, PARAMETERS)),
            nis=Column.unknown(variants),
        )


def tune(learned: Learned, variant: IntArray, seen: Observations) -> tuple[Learned, IntArray]:
    """What is learned after this cycle, and the ``Outcome`` of each replica's observation: shape (replicas,).

    A variant without parameters begins at the guess from its first usable replica, else at the defaults, and stays within a
    factor of 100 of that for this cycle, later of the defaults. Rejected observations leave their NIS behind, as in the
    original; overloaded ones leave nothing.
    """
    outcome = np.full(len(variant), Outcome.UNUSABLE)
    usable = np.flatnonzero(seen.usable)
    turn = _turns(variant[usable])
    first = usable[turn == 0]
    if first.size == 0:
        return learned, outcome
    rows = variant[first]
    known = learned.parameters.known[rows].all(axis=1)
    began = guess(seen.take(first))
    start = np.where(known[:, np.newaxis], learned.parameters.value[rows], began.otherwise(DEFAULT_STATE_SECONDS))
    around = np.where(known[:, np.newaxis], DEFAULT_STATE_SECONDS, start)
    kept = Column.of(learned.covariance.value[rows], learned.covariance.known[rows] & known[:, np.newaxis, np.newaxis])
    filters = Filter.of(start, seen.take(first), around=around, covariance=kept)
    nis = Column.of(learned.nis.value[rows], learned.nis.known[rows])

    place = np.full(int(rows.max()) + 1, -1)
    place[rows] = np.arange(len(rows))
    for number in range(int(turn.max()) + 1):
        replicas = usable[turn == number]
        at = place[variant[replicas]]
        moved, told = step(_rows(filters, at), seen.take(replicas))
        filters, nis = _put(filters, moved, at), _set(nis, told.nis, at)
        outcome[replicas] = told.outcome
    return _stored(learned, rows, filters, nis), outcome


def _stored(learned: Learned, rows: IntArray, filters: Filter, nis: Column) -> Learned:
    everywhere = np.zeros(len(learned.nis), dtype=np.bool_)
    everywhere[rows] = True
    return Learned(
        parameters=_written(learned.parameters, rows, filters.state, everywhere),
        covariance=_written(learned.covariance, rows, filters.covariance, everywhere),
        nis=_set(learned.nis, nis, rows),
    )


def _written(column: Column, rows: IntArray, value: FloatArray, known: BoolArray) -> Column:
    values = column.value.copy()
    values[rows] = value
    mask = column.known.copy()
    mask[known] = True
    return Column(value=values, known=mask)


def _set(column: Column, other: Column, at: IntArray) -> Column:
    """The other's rows where it knows them."""
    values, known = column.value.copy(), column.known.copy()
    values[at] = np.where(other.known, other.value, values[at])
    known[at] |= other.known
    return Column(value=values, known=known)


def _turns(variant: IntArray) -> IntArray:
    """How many rows before it belong to the same variant."""
    order = np.argsort(variant, kind="stable")
    grouped = variant[order]
    turn = np.empty(len(variant), dtype=np.int64)
    turn[order] = np.arange(len(variant)) - np.searchsorted(grouped, grouped)
    return turn


def _rows(filters: Filter, at: IntArray) -> Filter:
    return Filter(
        state=filters.state[at],
        covariance=filters.covariance[at],
        process=filters.process[at],
        measurement=filters.measurement[at],
        lowest=filters.lowest[at],
        highest=filters.highest[at],
    )


def _put(filters: Filter, moved: Filter, at: IntArray) -> Filter:
    state, covariance = filters.state.copy(), filters.covariance.copy()
    state[at], covariance[at] = moved.state, moved.covariance
    return Filter(
        state=state,
        covariance=covariance,
        process=filters.process,
        measurement=filters.measurement,
        lowest=filters.lowest,
        highest=filters.highest,
    )
