"""The body of an instant query to labels and numbers, without trusting it.

A fleet of 1,000 variants is 80,000 series a cycle. Their labels are the same in every query and every cycle, so that each
distinct text of labels is decoded once and remembered while it keeps coming: half the time and a tenth of the memory.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import msgspec
import numpy as np

from wva_exporter.core.columns import FloatArray, floats
from wva_exporter.errors import QueryFailure
from wva_exporter.sources.failures import ApiError, BadAnswer, of_error_type, one_line
from wva_exporter.sources.samples import Labels

MAX_WARNINGS = 10
"""Warnings of one answer that are kept: that there is one is what matters."""

_PARTIAL = "the source says that its answer is partial"
_REMARK = "PromQL info:"
"""Some versions list remarks on a query's style among their warnings; the answer is whole nevertheless."""


_NO_VALUE = (0.0, "")
"""What a native histogram has in the place of a time and a number."""


class _Sample(msgspec.Struct, gc=False):
    metric: msgspec.Raw
    value: tuple[float, str] = _NO_VALUE


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: list[_Sample]


class _Answer(msgspec.Struct, rename="camel"):
    data: _Data
    warnings: list[str] | None = None
    is_partial: bool = False  # VictoriaMetrics' word


class _Kind(msgspec.Struct, rename="camel"):
    result_type: str


class _Envelope(msgspec.Struct, rename="camel"):
    status: str
    data: _Kind | None = None


_ANSWER = msgspec.json.Decoder(_Answer)
_LABELS = msgspec.json.Decoder(Labels)
_UNREADABLE = (ValueError, RecursionError)  # malformed, mistyped, not UTF-8; nested without end


class LabelMemory:
    """Labels by their JSON text. ``turn`` forgets what did not come since the last turn, so that it cannot grow for ever."""

    def __init__(self) -> None:
        self._now: dict[bytes, Labels] = {}
        self._before: dict[bytes, Labels] = {}

    def __len__(self) -> int:
        return len(self._now)

    def of(self, text: bytes) -> Labels:
        """The labels that this text means; the same object for the same text."""
        labels = self._now.get(text)
        if labels is None:
            labels = self._before.pop(text, None)  # popped, so that no text is kept twice
            self._now[text] = labels = _shared(_LABELS.decode(text)) if labels is None else labels
        return labels

    def turn(self) -> None:
        """Begin a cycle."""
        self._before, self._now = self._now, {}


def _shared(labels: Labels) -> Labels:
    """The same labels of the same few strings: a pod is named in every query, a namespace by every pod."""
    return Labels(*map(sys.intern, msgspec.structs.astuple(labels)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """A vector: ``labels[i]`` has ``value[i]``, all finite. ``time`` is its newest sample's, None without any."""

    labels: tuple[Labels, ...]
    value: FloatArray
    time: float | None
    warnings: tuple[str, ...]
    dropped: int


def decode(body: bytes | bytearray, memory: LabelMemory) -> Decoded:
    """The vector in an answer with status 200. Native histograms are left out, NaN and infinities too, and counted.

    Raises:
        BadAnswer: it is not the API's JSON, it is an error, or no vector.
    """
    try:
        answer = _ANSWER.decode(body)
    except _UNREADABLE as error:
        raise _explained(body, error) from None
    if answer.data.result_type != "vector":
        raise BadAnswer(QueryFailure.PARSE_ERROR, f"the answer is a {answer.data.result_type}, not a vector")
    samples = [sample for sample in answer.data.result if sample.value is not _NO_VALUE]
    try:
        labels = tuple([memory.of(bytes(sample.metric)) for sample in samples])
        value = np.array([float(sample.value[1]) for sample in samples], dtype=np.float64)
    except _UNREADABLE as error:
        raise BadAnswer(QueryFailure.PARSE_ERROR, f"a sample cannot be read: {error}") from None
    finite = np.isfinite(value)
    if not finite.all():
        labels = tuple(row for row, kept in zip(labels, finite.tolist(), strict=True) if kept)
    return Decoded(
        labels=labels,
        value=floats(value[finite]),
        time=max((sample.value[0] for sample in samples), default=None),
        warnings=_warnings(answer),
        dropped=len(finite) - len(labels),
    )


def _warnings(answer: _Answer) -> tuple[str, ...]:
    said = [one_line(text) for text in (answer.warnings or ())[:MAX_WARNINGS] if not text.startswith(_REMARK)]
    return (*said, _PARTIAL) if answer.is_partial else tuple(said)


def _explained(body: bytes | bytearray, error: Exception) -> BadAnswer:
    """Why a body with status 200 is no vector; nothing of it is repeated but an error that the API itself words."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        if envelope.status == "error":
            return of_error_type(msgspec.json.decode(body, type=ApiError))
        if envelope.data is not None and envelope.data.result_type != "vector":
            return BadAnswer(QueryFailure.PARSE_ERROR, f"the answer is a {envelope.data.result_type}, not a vector")
    except _UNREADABLE:
        pass
    return BadAnswer(QueryFailure.PARSE_ERROR, f"not the JSON of Prometheus' API: {error}")
