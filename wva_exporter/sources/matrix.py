"""The body of a range query to numbers at evenly spaced instants: a stretch of the past as a row of observations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from wva_exporter.core.columns import FloatArray, floats
from wva_exporter.errors import InvalidValue, QueryFailure
from wva_exporter.sources.decode import LabelMemory
from wva_exporter.sources.failures import BadAnswer
from wva_exporter.sources.samples import Answer, Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Instants of the past: the first, in seconds since the epoch, how far apart and how many."""

    start: float
    step_seconds: float
    count: int

    def __post_init__(self) -> None:
        if not (self.step_seconds > 0.0 and self.count > 0 and np.isfinite(self.start)):
            raise InvalidValue(f"{self.count} instants every {self.step_seconds} s from {self.start} are no span")

    @property
    def instants(self) -> FloatArray:
        """All of them, the oldest first."""
        return floats(self.start + self.step_seconds * np.arange(self.count))

    @property
    def end(self) -> float:
        """The last of them."""
        return self.start + self.step_seconds * (self.count - 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """A row a series, a column an instant; NaN, and nothing else, where a series had no finite sample."""

    labels: tuple[Labels, ...]
    value: FloatArray

    def answers(self) -> Iterator[Answer]:
        """What an instant query would have said at each instant."""
        there = np.isfinite(self.value)
        for place in range(self.value.shape[1]):
            rows = np.flatnonzero(there[:, place])
            yield Answer(labels=[self.labels[row] for row in rows.tolist()], value=floats(self.value[rows, place]))


class _Series(msgspec.Struct, gc=False):
    metric: msgspec.Raw
    values: list[tuple[float, str]] = []


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: list[_Series]


class _Answer(msgspec.Struct):
    data: _Data


_ANSWER = msgspec.json.Decoder(_Answer)


def decode_matrix(body: bytes | bytearray, span: Span, memory: LabelMemory) -> Matrix:
    """The matrix in an answer with status 200; samples outside of the span are left out.

    Raises:
        BadAnswer: it is not the API's JSON, or no matrix.
    """
    try:
        data = _ANSWER.decode(body).data
        if data.result_type != "matrix":
            raise BadAnswer(QueryFailure.PARSE_ERROR, f"the answer is a {data.result_type}, not a matrix")
        labels = tuple([memory.of(bytes(series.metric)) for series in data.result])
        value = np.full((len(labels), span.count), np.nan)
        for row, series in enumerate(data.result):
            pairs = np.array([(time, float(text)) for time, text in series.values]).reshape(-1, 2)
            place = np.rint((pairs[:, 0] - span.start) / span.step_seconds)
            inside = (place >= 0) & (place < span.count)
            value[row, place[inside].astype(np.int64)] = pairs[inside, 1]
    except (ValueError, RecursionError) as error:  # malformed, mistyped, not UTF-8; nested without end
        raise BadAnswer(QueryFailure.PARSE_ERROR, f"not the JSON of a range: {error}") from None
    return Matrix(labels=labels, value=np.where(np.isfinite(value), value, np.nan))
