"""Operating points that somebody measured: one a row of a CSV file, or one an instant and replica of a Prometheus range."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wva_exporter.core.columns import Column, FloatArray, IntArray
from wva_exporter.core.queueing.observations import LARGEST, LIMITS, Observations
from wva_exporter.errors import ConfigError

REQUIRED = ("rps", "in_tokens", "out_tokens", "ttft_ms_measured", "itl_ms_measured")
OPTIONAL = ("running",)
_MILLI = 1000.0
LEAST_ITL_MS = 0.1
"""A model of a billion parameters takes ten times as long for a token."""

LEAST_TTFT_STEPS = 0.5
"""The first token takes an iteration, as any other, and the prompt."""

MOST_CELLS = 400_000
"""Points times workloads that are fitted: more take minutes and gigabytes and tell nothing more."""

_LONGEST_SHOWN = 60
_RANGE = {
    **dict.fromkeys((*REQUIRED, *OPTIONAL), f"a number above 0, at most {LARGEST:g}"),
    "out_tokens": f"a number within [1, {LARGEST:g}]",
}
"""What a cell may hold: beyond it nobody measured anything, and a point that is left out silently would be a surprise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """Points of replicas of one model on one kind of hardware, in one row: shape (1, points), and the workload of each.

    ``workload``, shape (points,), numbers shapes of requests that differ by less than a factor of the square root of two or so;
    ``names`` says which they are, as ``input/output`` tokens.
    """

    seen: Observations
    workload: IntArray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.workload)

    def thinned(self) -> Measured:
        """Every so many-th point, where there are more than can be fitted; workloads that lose their last one are left out."""
        stride = -(-len(self) * len(self.names) // MOST_CELLS)
        if stride <= 1:
            return self
        kept = np.arange(0, len(self), stride)
        names, workload = np.unique(self.workload[kept], return_inverse=True)
        columns = {
            name: Column(value=column.value[:, kept], known=column.known[:, kept])
            for name in Observations.__dataclass_fields__
            if name not in LIMITS
            for column in (getattr(self.seen, name),)
        }
        seen = Observations(max_batch=self.seen.max_batch, max_tokens=self.seen.max_tokens, **columns)
        return Measured(seen=seen, workload=workload, names=tuple(self.names[row] for row in names.tolist()))


def measured(seen: Observations) -> Measured:
    """The usable points of some rows as one row, with their workloads: lengths rounded to powers of two.

    Raises:
        ConfigError: no point can be used.
    """
    usable = seen.usable & seen.ttft_seconds.known & seen.itl_seconds.known & seen.rate_rps.known
    if not usable.any():
        raise ConfigError(["no point has a rate, tokens, TTFT and ITL: nothing can be fitted"])

    def flat(column: Column) -> Column:
        return Column(value=column.value[usable][None, :], known=column.known[usable][None, :])

    columns = {name: flat(getattr(seen, name)) for name in Observations.__dataclass_fields__ if name not in LIMITS}
    one = Observations(max_batch=seen.max_batch[:1], max_tokens=seen.max_tokens[:1], **columns)
    tokens = zip(_power(one.in_tokens.value[0]), _power(one.out_tokens.value[0]), strict=True)
    of = [f"{prompt}/{output}" for prompt, output in tokens]
    names = tuple(dict.fromkeys(of))
    return Measured(seen=one, workload=np.array([names.index(name) for name in of]), names=names)


def _power(tokens: FloatArray) -> list[int]:
    exponents = np.round(np.log2(np.maximum(tokens, 1.0))).astype(np.int64)
    return [2**exponent for exponent in exponents.tolist()]


def read_csv(path: Path, max_batch: int) -> Measured:
    """Points from a file with the columns of ``REQUIRED`` and, where known, ``running``; times in milliseconds.

    Raises:
        ConfigError: the file cannot be read or a cell is no positive number; file, line and column are named.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            header = [name.strip() for name in rows.fieldnames or ()]
            rows.fieldnames = header
            missing = [name for name in REQUIRED if name not in header]
            if missing:
                text = f"column {missing[0]} is missing; needed, separated by commas: {', '.join(REQUIRED)}"
                raise ConfigError([f"{path}:1: {text}"])
            twice = [name for name in (*REQUIRED, *OPTIONAL) if list(header).count(name) > 1]
            if twice:
                raise ConfigError([f"{path}:1: column {twice[0]} is given twice"])
            numbers = _numbers(path, rows)
            if not numbers[REQUIRED[0]]:
                raise ConfigError([f"{path}: holds no point below its header"])
            _plausible(path, numbers)
            return measured(_observations(numbers, max_batch))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError([f"{path}: is no CSV text: {error}"]) from None


def _plausible(path: Path, found: Mapping[str, list[float]]) -> None:
    """Refuse times in another unit, or in each other's columns.

    Raises:
        ConfigError: half of the times are such that no engine shows.
    """
    ttft, itl = np.array(found["ttft_ms_measured"]), np.array(found["itl_ms_measured"])
    step = float(np.median(itl))
    if step < LEAST_ITL_MS:
        text = f"half of the times are at most {step:.3g} ms, and no engine is so fast: are they seconds?"
        raise ConfigError([f"{path}: itl_ms_measured: {text}"])
    if float(np.median(ttft / itl)) < LEAST_TTFT_STEPS:
        text = "half of the first tokens come sooner than one more token: are the columns of TTFT and ITL swapped?"
        raise ConfigError([f"{path}: ttft_ms_measured: {text}"])


def _numbers(path: Path, rows: csv.DictReader[str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in (*REQUIRED, *OPTIONAL)}
    wrong: list[str] = []
    for row in rows:
        if None in row:  # where DictReader leaves what has no column
            wrong.append(f"{path}:{rows.line_num}: more cells than columns")
        for name, into in found.items():
            text = row.get(name)
            if name in OPTIONAL and not text:
                into.append(math.nan)
                continue
            value = _number(name, text)
            if value is None:
                shown = "an empty cell" if not text else repr(text[:_LONGEST_SHOWN])
                wrong.append(f"{path}:{rows.line_num}: {name}: {shown} is not allowed: must be {_RANGE[name]}")
            into.append(value or math.nan)
    if wrong:
        raise ConfigError(wrong[:20])
    return found


def _number(name: str, text: str | None) -> float | None:
    """The number in a cell; None if it cannot have been measured, which also refuses NaN."""
    try:
        value = float(text or "") if "_" not in (text or "") else math.nan
    except ValueError:
        return None
    least = 1.0 if name == "out_tokens" else 1e-9
    return value if least <= value <= LARGEST else None


def _observations(found: Mapping[str, Iterable[float]], max_batch: int) -> Observations:
    def column(name: str, unit: float = 1.0) -> Column:
        return Column.of(np.array([list(found[name])]) / unit)

    return Observations.of(
        np.array([max_batch]),
        rate_rps=column("rps"),
        running=column("running"),
        in_tokens=column("in_tokens"),
        out_tokens=column("out_tokens"),
        ttft_seconds=column("ttft_ms_measured", _MILLI),
        itl_seconds=column("itl_ms_measured", _MILLI),
    )
