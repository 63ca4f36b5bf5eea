"""A request and what became of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from wva_exporter.errors import InvalidValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A prompt that arrives and the tokens that its answer will have. Its client leaves if the first token takes too long.

    The first ``prefix_tokens`` of the prompt are those of every request with the same ``prefix``, a shared beginning that an
    engine may still have in its cache.

    Raises:
        InvalidValue: no token in the prompt or the answer, or a shared beginning that is longer than the prompt.
    """

    arrival_seconds: float
    prompt_tokens: int
    output_tokens: int
    patience_seconds: float = math.inf
    prefix: int | None = None
    prefix_tokens: int = 0

    def __post_init__(self) -> None:
        if self.prompt_tokens < 1 or self.output_tokens < 1:
            raise InvalidValue(f"a request has tokens: got {self.prompt_tokens} and {self.output_tokens}")
        if not 0 <= self.prefix_tokens <= self.prompt_tokens:
            raise InvalidValue(f"{self.prefix_tokens} tokens of a prompt of {self.prompt_tokens} are shared")

    @property
    def deadline_seconds(self) -> float:
        """When its client leaves."""
        return self.arrival_seconds + self.patience_seconds


class Ending(StrEnum):
    """How a request ended."""

    SERVED = "served"
    TIMED_OUT = "timed_out"
    """Its client left before the first token, or it had not ended hours after the last one came."""
    LOST = "lost"
    """Its replica stopped while it was inside."""
    REFUSED = "refused"
    """It is longer than any replica can hold, or the queue that it came to was full."""

    @property
    def code(self) -> int:
        """Its place among the endings, which is how arrays hold it."""
        return tuple(Ending).index(self)


class Outcome(NamedTuple):
    """A request at its end, as its client saw it.

    ``ttft_seconds`` is None if there was no first token; ``itl_seconds``, the mean time between its tokens, is None unless it
    was served with two tokens or more.
    """

    request: Request
    ending: Ending
    at_seconds: float
    ttft_seconds: float | None = None
    itl_seconds: float | None = None
