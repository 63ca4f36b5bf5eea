"""The operating points of a fleet's variants over the last minutes, and how a snapshot becomes one of them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray, floats
from wva_exporter.core.fleet import Role
from wva_exporter.core.queueing.observations import LARGEST, LIMITS, Observations
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.errors import InvalidValue

_LEAST_TOKENS = 1.0
_NEAR_RATIO, _NEAR_DEVIATIONS = 0.1, 2.0
"""So far from the mean of a window a steady batch is by chance: a tenth of it and two deviations of Poisson's."""

_QUEUE = 1.0

ARGUMENTS_RATIO = 0.05
"""Pods with the same arguments may still find a little more or less memory; only more than this is a change."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Observations at times that all rows share, the newest last.

    ``time`` has shape (points,), seconds by the source's clock. ``arguments``, shape (rows, points), is a number that changes
    with the engine's arguments (its KV capacity in tokens), unknown where nobody tells. ``steady``, of the same shape, are
    points that tell of one state of their engines; all are, where it is not given.
    """

    time: FloatArray
    seen: Observations
    arguments: Column
    steady: BoolArray = field(default_factory=lambda: np.ones((0, 0), dtype=np.bool_))

    def __post_init__(self) -> None:
        if self.steady.size == 0:
            object.__setattr__(self, "steady", np.ones(self.seen.shape, dtype=np.bool_))
        if self.seen.shape != (self.seen.shape[0], len(self.time)) or self.arguments.value.shape != self.seen.shape:
            raise InvalidValue(f"{len(self.time)} times, observations of shape {self.seen.shape}")
        if np.any(np.diff(self.time) < 0.0) or not np.all(np.isfinite(self.time)):
            raise InvalidValue("points stand in the order of their finite times")
        object.__setattr__(self, "time", floats(self.time))

    @classmethod
    def none(cls, rows: int) -> Points:
        """No point yet."""
        empty = Column.unknown((rows, 0))
        seen = Observations.of(np.full(rows, 1), in_tokens=empty, out_tokens=empty)
        return cls(time=np.zeros(0), seen=seen, arguments=empty)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and points."""
        return self.seen.shape

    @property
    def changed_at(self) -> Column:
        """When each row's arguments last became what they are: unknown where they did not change."""
        known = self.arguments.known
        if known.shape[1] == 0:
            return Column.unknown(known.shape[0])
        last = known.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
        now = self.arguments.value[np.arange(len(last)), last]
        other = known & (np.abs(self.arguments.value - now[:, None]) > ARGUMENTS_RATIO * np.abs(now[:, None]))
        place = known.shape[1] - 1 - np.argmax(other[:, ::-1], axis=1)
        after = np.minimum(place + 1, known.shape[1] - 1)
        return Column.of(self.time[after], other.any(axis=1))

    def joined(self, new: Points) -> Points:
        """These points and newer ones; the limits are the newer ones'.

        Raises:
            InvalidValue: other rows, or an older time.
        """
        if self.shape[0] != new.shape[0]:
            raise InvalidValue(f"{self.shape[0]} rows and {new.shape[0]} new ones")
        columns = {
            name: _beside(getattr(self.seen, name), getattr(new.seen, name)) for name in _NAMES if name not in LIMITS
        }
        return Points(
            time=np.concatenate([self.time, new.time]),
            seen=Observations(max_batch=new.seen.max_batch, max_tokens=new.seen.max_tokens, **columns),
            arguments=_beside(self.arguments, new.arguments),
            steady=np.concatenate([self.steady, new.steady], axis=1),
        )

    def since(self, time: float) -> Points:
        """Only the points that are not older."""
        return self._pick(slice(None), self.time >= time)

    def take(self, row: IntArray) -> Points:
        """Row i is the one that stood at ``row[i]``; -1 is one without any point."""
        if self.shape[0] == 0:
            return Points.none(len(row))
        picked = self._pick(np.maximum(row, 0), slice(None))
        inside = np.broadcast_to((row >= 0)[:, None], picked.shape)
        return replace(picked, seen=picked.seen.where(inside), arguments=picked.arguments.where(inside))

    def _pick(self, rows: IntArray | slice, points: BoolArray | slice) -> Points:
        def part(column: Column) -> Column:
            return Column(value=column.value[rows][:, points], known=column.known[rows][:, points])

        columns = {name: part(getattr(self.seen, name)) for name in _NAMES if name not in LIMITS}
        return Points(
            time=self.time[points],
            seen=Observations(max_batch=self.seen.max_batch[rows], max_tokens=self.seen.max_tokens[rows], **columns),
            arguments=part(self.arguments),
            steady=self.steady[rows][:, points],
        )


_NAMES = tuple(field.name for field in fields(Observations))


def _beside(left: Column, right: Column) -> Column:
    return Column(
        value=np.concatenate([left.value, right.value], axis=1), known=np.concatenate([left.known, right.known], axis=1)
    )


def point_of(snapshot: Snapshot, max_batch: IntArray, max_tokens: FloatArray | None = None) -> Points:
    """This cycle's point of each variant: its live replicas' mean, latencies and sizes weighted by requests.

    Of the replicas that are in a steady state only, where there are any.

    Args:
        snapshot: what was seen.
        max_batch: the batch limit of each variant: shape (variants,).
        max_tokens: the tokens that an iteration of each variant's engines computes at most; None: the usual number.
    """
    replicas, rows = snapshot.replicas, len(snapshot.fleet)
    live = replicas.live
    variant = replicas.variant[live]

    def of(signal: Signal) -> Column:
        column = replicas[signal]
        value, known = column.value[live], column.known[live]
        return Column.of(value, known & (np.abs(value) <= LARGEST))

    ttft, itl, waiting, gauge = (of(s) for s in (Signal.TTFT, Signal.ITL, Signal.WAITING, Signal.RUNNING))
    out = _answers(of(Signal.OUTPUT_TOKENS), snapshot.fleet.variants.role[variant])
    tokens, finished = of(Signal.GENERATION_TOKEN_RATE), of(Signal.REQUEST_RATE)
    rate, running = throughput(
        tokens=tokens, out=out, ttft=ttft, itl=itl, waiting=waiting, finished=finished, gauge=gauge
    )
    serving = rate.known & (rate.value > 0.0)  # who serves nobody says nothing of those who do
    steady = serving & (ttft.known | itl.known) & _steady(running, gauge, waiting)
    some = np.bincount(variant[steady], minlength=rows) > 0
    counted = steady | (serving & ~some[variant])
    one, weight = np.ones(len(variant)), np.maximum(rate.otherwise(0.0), 1e-12)

    def mean(column: Column, weights: FloatArray) -> Column:
        return _mean(column.where(counted), weights, variant, rows)

    seen = Observations.of(
        max_batch,
        max_tokens,
        rate_rps=mean(rate, one),
        running=mean(running, one),
        waiting=mean(waiting, one),
        in_tokens=mean(of(Signal.INPUT_TOKENS), weight),
        out_tokens=mean(out, weight),
        ttft_seconds=mean(ttft, weight),
        itl_seconds=mean(itl, weight),
        hit_ratio=mean(of(Signal.PREFIX_HIT_RATIO), weight),
    )
    arguments = mean(of(Signal.KV_CAPACITY), one)
    return Points(time=np.array([snapshot.time]), seen=seen, arguments=arguments, steady=some[:, None])


def _steady(batch: Column, gauge: Column, waiting: Column) -> BoolArray:
    """Replicas whose window tells of one state: shape (replicas,).

    Means over a minute in which a batch filled or emptied belong to no batch at all, and the law relates means of a steady
    state. The batch of the moment is then far from the window's, farther than chance takes it. Where requests wait, the time to
    the first token tells of the queue, and preempted answers are made twice.
    """
    usual = np.maximum(batch.value, 1.0)
    near = np.abs(gauge.value - batch.value) <= _NEAR_RATIO * usual + _NEAR_DEVIATIONS * np.sqrt(usual)
    return np.asarray((near | ~gauge.known | ~batch.known) & (waiting.value < _QUEUE))


def _answers(told: Column, role: IntArray) -> Column:
    """Tokens of the answer; a prefill replica makes one, whatever it says of the answer that others give: shape (replicas,)."""
    prompts_only = role == Role.PREFILL
    return Column.of(np.where(prompts_only, 1.0, told.value), told.known | prompts_only)


def _mean(column: Column, weights: FloatArray, row: IntArray, rows: int) -> Column:
    """Weighted mean of what is known of each row: shape (rows, 1)."""
    share = np.where(column.known, weights, 0.0)
    total = np.bincount(row, weights=share, minlength=rows)
    over = np.bincount(row, weights=share * column.value, minlength=rows)
    result = np.divide(over, total, out=np.zeros(rows), where=total > 0.0)
    return Column.of(result[:, None], (total > 0.0)[:, None])


def throughput(
    *, tokens: Column, out: Column, ttft: Column, itl: Column, waiting: Column, finished: Column, gauge: Column
) -> tuple[Column, Column]:
    """Requests per second and the mean batch over the window, of columns of any one shape.

    The rate is that of generated tokens over tokens per request, which does not depend on when requests happen to end; else
    that of finished requests. The batch is, by Little's law, the rate times the time from arrival to the last token, less those
    that wait: rate x TTFT + (token rate - rate) x ITL - waiting; else the gauge, which is one look at a number that jumps.
    """
    sized = tokens.known & out.known & (out.value >= _LEAST_TOKENS)
    per_request = tokens.value / np.where(sized, out.value, 1.0)
    rate = Column.of(np.where(sized, per_request, finished.value), sized | finished.known)
    timed = sized & ttft.known & itl.known
    inside = rate.value * ttft.value + (tokens.value - rate.value) * itl.value - waiting.otherwise(0.0)
    decoding = (tokens.value - rate.value) * itl.value
    batch = np.where(timed, np.maximum(inside, decoding), gauge.value)
    return rate, Column.of(batch, timed | gauge.known)
