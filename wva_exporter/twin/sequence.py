"""A request inside an engine."""

from __future__ import annotations

from wva_exporter.twin.requests import Request


class Sequence:
    """What an engine knows of one request: when it came, how far it is, what it holds.

    ``generated`` counts the tokens from before the last admission; a sequence that was preempted computes its prompt and
    these again (recomputation, as vLLM does). ``uncomputed`` of them are still to be computed; from the iteration
    ``joined_in`` that computed the last of them it gets one token an iteration, the last one in ``ends_in`` (-1: unknown).
    ``shared_blocks`` of its blocks belong to the cache of prefixes. With ``received`` its prompt was computed elsewhere.
    """

    __slots__ = (
        "cached_tokens",
        "ends_in",
        "first_token_at",
        "generated",
        "joined_in",
        "last_token_at",
        "left",
        "preemptions",
        "queued_at",
        "received",
        "request",
        "scheduled_at",
        "shared_blocks",
        "uncomputed",
    )

    def __init__(self, request: Request, queued_at: float, *, received: bool = False) -> None:
        self.request = request
        self.queued_at = queued_at
        self.scheduled_at = queued_at
        self.first_token_at: float | None = None
        self.last_token_at = queued_at
        self.generated = 0
        self.joined_in = 0
        self.ends_in = -1
        self.preemptions = 0
        self.uncomputed = request.prompt_tokens
        self.cached_tokens = 0
        self.shared_blocks = 0
        self.received = received
        self.left = False

    @property
    def context_tokens(self) -> int:
        """Tokens that are to be resident when it goes on: its prompt and what it generated before."""
        return self.request.prompt_tokens + self.generated

    def resident_tokens(self, iteration: int) -> int:
        """Tokens it holds in the cache after ``iteration``; the newest generated token is not computed yet."""
        if self.uncomputed:
            return self.context_tokens - self.uncomputed
        return self.context_tokens + iteration - self.joined_in

    def generated_tokens(self, iteration: int) -> int:
        """Tokens of its answer after ``iteration``."""
        return self.generated if self.uncomputed else self.generated + iteration - self.joined_in + 1
