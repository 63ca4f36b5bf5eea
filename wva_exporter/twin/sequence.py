"""A request inside an engine."""

from __future__ import annotations

from wva_exporter.twin.requests import Request


class Sequence:
    """What an engine knows of one request: when it came, how far it is, which iteration took it in last.

    ``generated`` counts the tokens from before the last admission; a sequence that was preempted computes its prompt and
    these again (recomputation, as vLLM does).
    """

    __slots__ = (
        "admitted_in",
        "first_token_at",
        "generated",
        "last_token_at",
        "preemptions",
        "queued_at",
        "request",
        "scheduled_at",
    )

    def __init__(self, request: Request, queued_at: float) -> None:
        self.request = request
        self.queued_at = queued_at
        self.scheduled_at = queued_at
        self.first_token_at: float | None = None
        self.last_token_at = queued_at
        self.generated = 0
        self.admitted_in = 0
        self.preemptions = 0

    @property
    def context_tokens(self) -> int:
        """Tokens that its admission computes and makes resident."""
        return self.request.prompt_tokens + self.generated

    @property
    def last_iteration(self) -> int:
        """The iteration that generates its last token if it is not preempted before: one token an iteration."""
        return self.admitted_in + self.request.output_tokens - self.generated - 1

    def resident_tokens(self, iteration: int) -> int:
        """Tokens it holds in the cache after ``iteration``; the newest generated token is not computed yet."""
        return self.context_tokens + iteration - self.admitted_in

    def generated_tokens(self, iteration: int) -> int:
        """Tokens of its answer after ``iteration``, in which it was running."""
        return self.generated + iteration - self.admitted_in + 1

    def is_overdue(self, clock: float) -> bool:
        """Whether its client has left without having seen a token."""
        return self.first_token_at is None and self.request.deadline_seconds < clock
