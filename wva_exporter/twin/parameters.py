"""How fast an engine computes on its hardware and how much it can hold."""

from __future__ import annotations

from dataclasses import dataclass

from wva_exporter.errors import InvalidValue

_POSITIVE = ("alpha_seconds", "block_size_tokens", "max_sequences", "max_batched_tokens", "max_model_tokens")
_NOT_NEGATIVE = (
    "beta_seconds_per_token",
    "gamma_seconds_per_resident_token",
    "prefill_beta_seconds_per_token",
    "ttft_overhead_seconds",
    "handover_seconds",
    "max_waiting",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineParameters:
    """One engine on one kind of accelerator.

    An iteration that computes ``c`` tokens while ``r`` tokens are resident takes ``alpha + beta c + gamma r`` seconds: a fixed
    part (weights are read), a part per computed token, a part per token whose keys and values are read. Averaged over the life
    of requests with i prompt and o output tokens this is the linear law ``T(n) = alpha + n delta`` with
    ``delta = beta (i + o) / (o + 1) + gamma (i + o / 2)`` of WVA's queueing model, which fits measured engines within a few
    percent. Tokens of prompts may have a beta of their own; None: they have not.

    One of the ``kv_blocks`` is reserved by the engine and never filled. ``max_batched_tokens`` bounds the tokens that one
    iteration computes: a longer prompt is computed in chunks. ``max_sequences`` bounds the requests that run at once,
    ``max_waiting`` those that wait for it (None: nothing does), ``max_model_tokens`` prompt and output of a request.

    ``ttft_overhead_seconds`` is what a client waits longer for its first token than the engine takes: the network, the words
    made tokens. ``handover_seconds`` is the way of the keys and values of a prompt to the engine that generates the answer,
    where the two are not the same.

    Raises:
        InvalidValue: a number is negative, one that must be positive is not, or no block is left to use.
    """

    alpha_seconds: float
    beta_seconds_per_token: float
    gamma_seconds_per_resident_token: float
    kv_blocks: int
    block_size_tokens: int = 16
    max_sequences: int = 256
    max_batched_tokens: int = 8192
    max_model_tokens: int = 8192
    max_waiting: int | None = None
    prefill_beta_seconds_per_token: float | None = None
    ttft_overhead_seconds: float = 0.0
    handover_seconds: float = 0.0

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise InvalidValue(f"{name} must be positive, got {getattr(self, name)}")
        for name in _NOT_NEGATIVE:
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise InvalidValue(f"{name} must not be negative, got {value}")
        if self.kv_blocks < 2:  # noqa: PLR2004 - one is reserved, one must be left
            raise InvalidValue(f"kv_blocks must be at least 2, got {self.kv_blocks}")

    @property
    def usable_blocks(self) -> int:
        """Blocks that can be filled."""
        return self.kv_blocks - 1

    @property
    def kv_capacity_tokens(self) -> int:
        """Tokens that the KV cache can hold."""
        return self.usable_blocks * self.block_size_tokens

    @property
    def longest_request_tokens(self) -> int:
        """Prompt and output of the longest request that can be served."""
        return min(self.max_model_tokens, self.kv_capacity_tokens)

    @property
    def seconds_per_prompt_token(self) -> float:
        """The beta of prompts."""
        own = self.prefill_beta_seconds_per_token
        return self.beta_seconds_per_token if own is None else own

    def iteration_seconds(self, decoded_tokens: int, prompt_tokens: int, resident_tokens: int) -> float:
        """Duration of one iteration that continues so many answers and computes so many tokens of prompts."""
        prompts = self.seconds_per_prompt_token * prompt_tokens if prompt_tokens else 0.0
        return (
            self.alpha_seconds
            + self.beta_seconds_per_token * decoded_tokens
            + prompts
            + self.gamma_seconds_per_resident_token * resident_tokens
        )
