"""A long list of requests as columns: a fortnight of them is millions, and an object each would not fit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.requests import Request

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CHUNK = 4096
NO_PREFIX = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stream(Sequence[Request]):
    """Requests in the order of their arrival; each becomes a ``Request`` when it is read.

    All columns have shape (requests,): arrivals in seconds, tokens of prompts and answers, and where given the number of the
    shared beginning (``NO_PREFIX``: none) and its tokens. All clients wait ``patience_seconds`` for their first token.

    Raises:
        InvalidValue: columns differ in length, arrivals are out of order, or somebody asks for no token.
    """

    arrival_seconds: FloatArray
    prompt_tokens: IntArray
    output_tokens: IntArray
    patience_seconds: float = math.inf
    prefix: IntArray | None = None
    prefix_tokens: IntArray | None = None

    def __post_init__(self) -> None:
        columns = [self.arrival_seconds, self.prompt_tokens, self.output_tokens]
        columns += [column for column in (self.prefix, self.prefix_tokens) if column is not None]
        if len({column.shape for column in columns}) != 1 or (self.prefix is None) != (self.prefix_tokens is None):
            raise InvalidValue(f"columns of shapes {[column.shape for column in columns]}")
        if np.any(np.diff(self.arrival_seconds) < 0):
            raise InvalidValue("requests must stand in the order of their arrival")
        if len(self) and min(self.prompt_tokens.min(), self.output_tokens.min()) < 1:
            raise InvalidValue("every request has tokens")
        for column in columns:
            column.flags.writeable = False

    def __len__(self) -> int:
        return len(self.arrival_seconds)

    @overload
    def __getitem__(self, index: int) -> Request: ...
    @overload
    def __getitem__(self, index: slice) -> Stream: ...
    def __getitem__(self, index: int | slice) -> Request | Stream:
        if isinstance(index, slice):
            return self._at(index)
        place = range(len(self))[index]
        return next(iter(self._at(slice(place, place + 1))))

    def __iter__(self) -> Iterator[Request]:
        for start in range(0, len(self), _CHUNK):
            yield from self._requests(slice(start, start + _CHUNK))

    def between(self, start: float, end: float) -> Stream:
        """The requests that arrive from ``start`` to before ``end``."""
        first, last = np.searchsorted(self.arrival_seconds, (start, end))
        return self._at(slice(int(first), int(last)))

    def _at(self, part: slice) -> Stream:
        return Stream(
            arrival_seconds=self.arrival_seconds[part],
            prompt_tokens=self.prompt_tokens[part],
            output_tokens=self.output_tokens[part],
            patience_seconds=self.patience_seconds,
            prefix=None if self.prefix is None else self.prefix[part],
            prefix_tokens=None if self.prefix_tokens is None else self.prefix_tokens[part],
        )

    def _requests(self, part: slice) -> Iterator[Request]:
        """Plain Python numbers: numpy's own would slow down everything that meets them."""
        arrivals = self.arrival_seconds[part].tolist()
        tokens = (self.prompt_tokens[part].tolist(), self.output_tokens[part].tolist())
        shared = [NO_PREFIX] * len(arrivals) if self.prefix is None else self.prefix[part].tolist()
        lengths = [0] * len(arrivals) if self.prefix_tokens is None else self.prefix_tokens[part].tolist()
        for at, prompt, output, prefix, length in zip(arrivals, *tokens, shared, lengths, strict=True):
            yield Request(
                arrival_seconds=at,
                prompt_tokens=prompt,
                output_tokens=output,
                patience_seconds=self.patience_seconds,
                prefix=None if prefix == NO_PREFIX else prefix,
                prefix_tokens=length,
            )


def merged(first: Stream, second: Stream) -> Stream:
    """The requests of one and then those of the other, which all arrive later; the latter's patience holds for both."""
    shared = first.prefix is not None or second.prefix is not None
    return Stream(
        arrival_seconds=np.concatenate([first.arrival_seconds, second.arrival_seconds]),
        prompt_tokens=np.concatenate([first.prompt_tokens, second.prompt_tokens]),
        output_tokens=np.concatenate([first.output_tokens, second.output_tokens]),
        patience_seconds=second.patience_seconds,
        prefix=np.concatenate([_prefixes(first), _prefixes(second)]) if shared else None,
        prefix_tokens=np.concatenate([_shared_tokens(first), _shared_tokens(second)]) if shared else None,
    )


def _prefixes(stream: Stream) -> IntArray:
    return np.full(len(stream), NO_PREFIX) if stream.prefix is None else stream.prefix


def _shared_tokens(stream: Stream) -> IntArray:
    return np.zeros(len(stream), dtype=np.int64) if stream.prefix_tokens is None else stream.prefix_tokens
