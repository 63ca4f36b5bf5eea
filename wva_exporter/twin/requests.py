"""A request and what became of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from wva_exporter.errors import InvalidValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A prompt that arrives and the tokens that its answer will have. Its client leaves if the first token takes too long."""

    arrival_seconds: float
    prompt_tokens: int
    output_tokens: int
    patience_seconds: float = math.inf

    def __post_init__(self) -> None:
        if self.prompt_tokens < 1 or self.output_tokens < 1:
            raise InvalidValue(f"a request has tokens: got {self.prompt_tokens} and {self.output_tokens}")

    @property
    def deadline_seconds(self) -> float:
        """When its client leaves."""
        return self.arrival_seconds + self.patience_seconds


class Ending(StrEnum):
    """How a request ended."""

    SERVED = "served"
    TIMED_OUT = "timed_out"
    """Its client left before the first token."""
    LOST = "lost"
    """Its replica stopped while it was inside."""
    REFUSED = "refused"
    """It is longer than any replica can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A request at its end. ``ttft_seconds`` is what its client saw, None if there was no first token."""

    request: Request
    ending: Ending
    at_seconds: float
    ttft_seconds: float | None = None
