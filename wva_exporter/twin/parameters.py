"""How fast an engine computes on its hardware and how much it can hold."""

from __future__ import annotations

from dataclasses import dataclass

from wva_exporter.errors import InvalidValue


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineParameters:
    """One engine on one kind of accelerator.

    An iteration that computes ``c`` tokens while ``r`` tokens are resident takes ``alpha + beta c + gamma r`` seconds: a fixed
    part (weights are read), a part per computed token, a part per token whose keys and values are read. Averaged over the life
    of requests with i prompt and o output tokens this is the linear law ``T(n) = alpha + n delta`` with
    ``delta = beta (i + o) / (o + 1) + gamma (i + o / 2)`` of WVA's queueing model, which fits measured engines within a few
    percent.

    One of the ``kv_blocks`` is reserved by the engine and never filled. ``max_batched_tokens`` bounds the tokens that one
    iteration computes, ``max_sequences`` the requests that run at once, ``max_model_tokens`` prompt and output of a request.

    Raises:
        InvalidValue: a number is not positive, or no block is left to use.
    """

    alpha_seconds: float
    beta_seconds_per_token: float
    gamma_seconds_per_resident_token: float
    kv_blocks: int
    block_size_tokens: int = 16
    max_sequences: int = 256
    max_batched_tokens: int = 8192
    max_model_tokens: int = 8192

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not getattr(self, name) > 0:
                raise InvalidValue(f"{name} must be positive, got {getattr(self, name)}")
        if self.kv_blocks < 2:  # noqa: PLR2004 - one is reserved, one must be left
            raise InvalidValue(f"kv_blocks must be at least 2, got {self.kv_blocks}")

    @property
    def kv_capacity_tokens(self) -> int:
        """Tokens that the KV cache can hold."""
        return (self.kv_blocks - 1) * self.block_size_tokens

    @property
    def longest_request_tokens(self) -> int:
        """Prompt and output of the longest request that can be served."""
        return min(self.max_model_tokens, self.kv_capacity_tokens)

    def iteration_seconds(self, computed_tokens: int, resident_tokens: int) -> float:
        """Duration of one iteration."""
        return (
            self.alpha_seconds
            + self.beta_seconds_per_token * computed_tokens
            + self.gamma_seconds_per_resident_token * resident_tokens
        )
