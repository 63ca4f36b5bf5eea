"""Windows of what replicas were seen to do: the data that service parameters are learned from."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray, flags, floats, integers
from wva_exporter.core.queueing.system import DEFAULT_MAX_TOKENS
from wva_exporter.errors import InvalidValue

LIMITS = ("max_batch", "max_tokens")
"""What observations say of each row and not of each point."""

_LARGEST_BATCH = 100_000

LARGEST = 1e9
"""Beyond it a reading is a fault of its source, not a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observations:
    """Operating points of one replica of each row, the newest last: every column has shape (rows, points).

    A point needs ``in_tokens`` and ``out_tokens`` (per request) and at least one measurement: ``ttft_seconds`` and
    ``itl_seconds`` (means), ``running`` (mean number of requests in the batch), ``rate_rps`` (requests per second that go
    through). ``waiting`` is the mean number in the queue; unknown counts as an empty one. ``hit_ratio`` is the share of prompt
    tokens found in the prefix cache, 0 where unknown. ``max_batch``, and ``max_tokens`` of one iteration, have shape (rows,).
    """

    rate_rps: Column
    running: Column
    in_tokens: Column
    out_tokens: Column
    ttft_seconds: Column
    itl_seconds: Column
    waiting: Column
    hit_ratio: Column
    max_batch: IntArray
    max_tokens: FloatArray

    def __post_init__(self) -> None:
        shape = self.rate_rps.value.shape
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Column) and value.value.shape != shape:
                raise InvalidValue(f"{field.name} has shape {value.value.shape}, rate_rps has {shape}")
        if len(shape) != 2 or self.max_batch.shape != shape[:1]:  # noqa: PLR2004 - rows and points
            raise InvalidValue(f"observations of shape {shape} with batch limits of shape {self.max_batch.shape}")
        if self.max_tokens.shape != self.max_batch.shape:
            raise InvalidValue(f"{self.max_tokens.shape} budgets of tokens for {self.max_batch.shape} batch limits")
        object.__setattr__(self, "max_batch", integers(np.clip(self.max_batch, 1, _LARGEST_BATCH)))
        object.__setattr__(self, "max_tokens", floats(np.clip(self.max_tokens, 1.0, LARGEST)))

    @classmethod
    def of(cls, max_batch: IntArray, max_tokens: FloatArray | None = None, **columns: Column) -> Observations:
        """Columns by name; those not given are unknown, and numbers that cannot be measurements become so.

        ``max_tokens`` None: every engine has the usual budget.

        Raises:
            InvalidValue: tokens are missing, a name is unknown, or shapes differ.
        """
        names = {field.name for field in fields(cls)} - set(LIMITS)
        if not {"in_tokens", "out_tokens"} <= set(columns) <= names:
            raise InvalidValue(f"observations need in_tokens and out_tokens, and know {sorted(names)}")
        nothing = Column.unknown(columns["in_tokens"].value.shape)
        given = {name: _sane(name, columns.get(name, nothing)) for name in names}
        budget = np.full(len(max_batch), float(DEFAULT_MAX_TOKENS)) if max_tokens is None else max_tokens
        return cls(max_batch=max_batch, max_tokens=budget, **given)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and points."""
        rows, points = self.rate_rps.value.shape
        return rows, points

    @property
    def usable(self) -> BoolArray:
        """Which points say anything: shape (rows, points)."""
        measured = self.ttft_seconds.known | self.itl_seconds.known | self.running.known | self.rate_rps.known
        return flags(self.in_tokens.known & self.out_tokens.known & measured)

    @property
    def waiting_seconds(self) -> FloatArray:
        """Mean wait in the queue by Little's law, waiting / rate; 0 where one of the two is unknown."""
        known = self.waiting.known & self.rate_rps.known
        return floats(np.where(known, self.waiting.value / np.where(known, self.rate_rps.value, 1.0), 0.0))

    def where(self, mask: BoolArray) -> Observations:
        """Only the points of ``mask``, shape (rows, points); the others become unknown."""
        return self._each(lambda column: column.where(mask))

    def take(self, rows: IntArray | BoolArray) -> Observations:
        """Some of the rows."""
        picked = {
            field.name: Column(value=getattr(self, field.name).value[rows], known=getattr(self, field.name).known[rows])
            for field in fields(self)
            if field.name not in LIMITS
        }
        return Observations(max_batch=self.max_batch[rows], max_tokens=self.max_tokens[rows], **picked)

    def _each(self, change: object) -> Observations:
        assert callable(change)
        columns = {f.name: change(getattr(self, f.name)) for f in fields(self) if f.name not in LIMITS}
        return Observations(max_batch=self.max_batch, max_tokens=self.max_tokens, **columns)


def _sane(name: str, column: Column) -> Column:
    """The column without what cannot have been measured: rates, times and sizes are positive, shares lie within [0, 1]."""
    value = column.value
    if name == "hit_ratio":
        return column.where((value >= 0.0) & (value <= 1.0))
    least = 1.0 if name == "out_tokens" else 0.0
    positive = value >= least if name in {"out_tokens", "waiting", "in_tokens"} else value > least
    return column.where(positive & (value <= LARGEST))
