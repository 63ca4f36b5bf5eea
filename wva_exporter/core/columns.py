"""Columns of a fleet: numbers beside the knowledge of whether they are known.

Absence is a value here. A ``Column`` never holds NaN: where a number is unknown its place holds 0 and ``known`` is False, and
whoever forgets to look at ``known`` computes with a zero that the constructor put there, not with a NaN that spreads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wva_exporter.errors import InvalidValue

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def floats(values: ArrayLike) -> FloatArray:
    """A read-only array of float64; a copy only where it has to be."""
    array = np.asarray(values, dtype=np.float64)
    return _read_only(array)


def integers(values: ArrayLike) -> IntArray:
    """A read-only array of int64."""
    return _read_only(np.asarray(values, dtype=np.int64))


def flags(values: ArrayLike) -> BoolArray:
    """A read-only array of bool."""
    return _read_only(np.asarray(values, dtype=np.bool_))


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = np.asarray(array).view()  # of no dimension, operations give scalars
    view.setflags(write=False)
    return view


def first_of(conditions: Sequence[ArrayLike], choices: Sequence[ArrayLike], otherwise: ArrayLike) -> NDArray[Any]:
    """The choice of the first condition that holds, at each place: ``np.select`` for small arrays, several times as fast."""
    found = np.asarray(otherwise)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        found = np.where(condition, choice, found)
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """Numbers of any shape and, of the same shape, which of them are known.

    Raises:
        InvalidValue: the shapes differ, or a known number is not finite.
    """

    value: FloatArray
    known: BoolArray

    def __post_init__(self) -> None:
        if self.value.shape != self.known.shape:
            raise InvalidValue(f"values have shape {self.value.shape}, known has {self.known.shape}")
        if np.count_nonzero(np.isfinite(self.value)) != self.value.size:
            raise InvalidValue("a column holds finite numbers only; unknown places hold 0")
        object.__setattr__(self, "value", _read_only(self.value))
        object.__setattr__(self, "known", _read_only(self.known))

    @classmethod
    def of(cls, values: ArrayLike, known: ArrayLike | None = None) -> Column:
        """Known where ``known`` is true and the number is finite; without ``known``, where it is finite."""
        array = np.asarray(values, dtype=np.float64)
        mask = np.isfinite(array)
        if known is not None:
            mask = np.logical_and(mask, known)
        all_known = np.count_nonzero(mask) == array.size == mask.size  # mostly, and a copy takes a tenth of a choice
        return _checked(array.copy("K") if all_known else np.where(mask, array, 0.0), mask)

    @classmethod
    def from_optional(cls, values: Iterable[float | None]) -> Column:
        """None is unknown."""
        return cls.of([np.nan if v is None else float(v) for v in values])

    @classmethod
    def unknown(cls, shape: int | tuple[int, ...]) -> Column:
        """Nothing is known."""
        return _checked(np.zeros(shape), np.zeros(shape, dtype=np.bool_))

    def __len__(self) -> int:
        return len(self.value)

    def otherwise(self, fallback: ArrayLike) -> FloatArray:
        """The numbers, and ``fallback`` where they are unknown."""
        return np.where(self.known, self.value, fallback)

    def where(self, mask: ArrayLike) -> Column:
        """Known only where ``mask`` is true as well."""
        known = np.logical_and(self.known, mask)
        return _checked(np.where(known, self.value, 0.0), known)

    def within(self, least: float, most: float) -> Column:
        """Known only where the number lies within [least, most] as well."""
        return self.where((self.value >= least) & (self.value <= most))

    def row(self, index: int) -> Column:
        """One row of a table, which is a column."""
        return _made(self.value[index], self.known[index])

    def rows(self, index: Sequence[int]) -> Column:
        """Some rows of a table."""
        return _checked(self.value[index], self.known[index])

    def take(self, index: IntArray) -> Column:
        """The rows of ``index``; a negative index is an unknown row."""
        if len(self.value) == 0:
            return Column.unknown(index.shape)
        inside = index >= 0
        safe = np.where(inside, index, 0)
        known = self.known[safe] & inside
        return _checked(np.where(known, self.value[safe], 0.0), known)

    def listed(self) -> list[float | None]:
        """Plain numbers, None where unknown: for tables, JSON and tests."""
        return [float(v) if k else None for v, k in zip(self.value.tolist(), self.known.tolist(), strict=True)]


def _checked(value: FloatArray, known: BoolArray) -> Column:
    """A column of two arrays that nobody else has and that are known to fit: without looking at them again.

    Columns are made a hundred times a cycle, so this is worth its lines.
    """
    value, known = np.asarray(value), np.asarray(known)  # of no dimension, operations give scalars
    value.setflags(write=False)
    known.setflags(write=False)
    return _made(value, known)


def _made(value: FloatArray, known: BoolArray) -> Column:
    """A column of two arrays that nobody can write to any more, as parts of a column are."""
    column = object.__new__(Column)
    _SET_VALUE(column, value)
    _SET_KNOWN(column, known)
    return column


_SET_VALUE, _SET_KNOWN = (Column.__dict__[name].__set__ for name in ("value", "known"))
"""What fills the slots of a column that is being made; ``object.__setattr__`` does the same and looks for them first."""
