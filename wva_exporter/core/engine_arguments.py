"""What the command line of an inference engine says about its capacity: text to values.

Flags are read as the engines' own parsers do: ``--key=value`` or ``--key value``, hyphens or underscores, and the text after
the first ``sh -c`` or ``bash -c`` is a command line of its own. A flag nobody knows is passed over; a value that is no number
leaves the default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wva_exporter.errors import InvalidValue

_WORD = re.compile(r"""(?:[^\s"']+|"[^"]*"|'[^']*')+""")
_SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash")
_OFF = ("false", "0", "no")

DEFAULT_SEQUENCES = 256
DEFAULT_MEMORY_RATIO = 0.9
CHUNK_TOKENS = 8192
"""Tokens of one iteration with chunked prefill: vLLM since V1, SGLang."""

V0_CHUNK_TOKENS = 2048
LEAST_UNCHUNKED_TOKENS = 2048

Flags = Mapping[str, str | None]
"""Flags by name with hyphens; None where a flag stands alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineArguments:
    """What decides how much an engine can carry; 0 where nothing is said.

    ``memory_ratio`` is the share of the GPU's memory that the engine takes, ``block_tokens`` the tokens of one KV block,
    ``blocks_override`` and ``kv_tokens_override`` a KV cache of fixed size, ``batched_tokens`` the most tokens of one iteration
    as they take effect, ``sequences`` the most requests that run at once, ``sequences_given`` whether somebody said so: newer
    engines choose by the hardware what older ones had as a fixed default.

    Raises:
        InvalidValue: a count is negative.
    """

    engine: str
    memory_ratio: float = DEFAULT_MEMORY_RATIO
    block_tokens: int = 16
    kv_dtype: str = "auto"
    tensor_parallel: int = 1
    blocks_override: int = 0
    kv_tokens_override: int = 0
    sequences: int = DEFAULT_SEQUENCES
    sequences_given: bool = True
    model_tokens: int = 0
    batched_tokens: int = CHUNK_TOKENS

    def __post_init__(self) -> None:
        if min(self.block_tokens, self.sequences, self.batched_tokens, self.model_tokens) < 0:
            raise InvalidValue("counts of engine arguments are not negative")

    @property
    def kv_tokens(self) -> int:
        """Tokens that the KV cache holds, where the arguments fix it; else 0."""
        return self.blocks_override * self.block_tokens or self.kv_tokens_override

    @property
    def kin(self) -> tuple[object, ...]:
        """What two engines must share for a measurement of one to say something about the other."""
        return (
            self.engine,
            self.memory_ratio,
            self.block_tokens,
            self.kv_dtype,
            self.tensor_parallel,
            self.blocks_override,
            self.kv_tokens_override,
            self.batched_tokens,
        )


def vllm_arguments(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> EngineArguments:
    """A vLLM server's; V1 unless ``VLLM_USE_V1`` is 0.

    The most tokens of an iteration: as given, else 8192 with chunked prefill (2048 in V0), else the model's length, at least
    2048. V1 chunks by itself, V0 on demand.
    """
    flags = _flags(arguments)
    v1 = (environment or {}).get("VLLM_USE_V1", "1") != "0"
    length = _whole(flags, 0, "max-model-len")
    if _switched(flags, "enable-chunked-prefill", otherwise=v1):
        effective = CHUNK_TOKENS if v1 else V0_CHUNK_TOKENS
    else:
        effective = max(length, LEAST_UNCHUNKED_TOKENS)
    return EngineArguments(
        engine="vllm",
        memory_ratio=_number(flags, DEFAULT_MEMORY_RATIO, "gpu-memory-utilization"),
        block_tokens=_whole(flags, 16, "block-size"),
        kv_dtype=_text(flags, "auto", "kv-cache-dtype"),
        tensor_parallel=_whole(flags, 1, "tensor-parallel-size", "tp"),
        blocks_override=_whole(flags, 0, "num-gpu-blocks-override"),
        sequences=_whole(flags, DEFAULT_SEQUENCES, "max-num-seqs"),
        sequences_given="max-num-seqs" in flags,
        model_tokens=length,
        batched_tokens=_whole(flags, 0, "max-num-batched-tokens") or effective,
    )


def sglang_arguments(arguments: Sequence[str]) -> EngineArguments:
    """An SGLang server's; ``--chunked-prefill-size`` of 0 or less turns chunking off."""
    flags = _flags(arguments)
    length = _whole(flags, 0, "context-length")
    chunk = _signed(flags, CHUNK_TOKENS, "chunked-prefill-size")
    unchunked = _whole(flags, 0, "max-prefill-tokens") or max(length, LEAST_UNCHUNKED_TOKENS)
    return EngineArguments(
        engine="sglang",
        memory_ratio=_number(flags, DEFAULT_MEMORY_RATIO, "mem-fraction-static"),
        block_tokens=_whole(flags, 1, "page-size"),
        kv_dtype=_text(flags, "auto", "kv-cache-dtype"),
        tensor_parallel=_whole(flags, 1, "tp-size", "tp", "tensor-parallel-size"),
        kv_tokens_override=_whole(flags, 0, "max-total-tokens"),
        sequences=_whole(flags, DEFAULT_SEQUENCES, "max-running-requests"),
        sequences_given="max-running-requests" in flags,
        model_tokens=length,
        batched_tokens=chunk if chunk > 0 else unchunked,
    )


def _flags(arguments: Sequence[str]) -> Flags:
    words = _words(arguments)
    found: dict[str, str | None] = {}
    for place, word in enumerate(words):
        if not word.startswith("-"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        follows = words[place + 1] if place + 1 < len(words) else "--"
        alone = follows.startswith("--")
        found[name.replace("_", "-")] = value if equals else None if alone else follows
    return found


def _words(arguments: Sequence[str]) -> list[str]:
    """The arguments, or those inside the command line that a shell is given."""
    for place, word in enumerate(arguments[:-1]):
        if word == "-c" and (place == 0 or arguments[place - 1] in _SHELLS):
            return [re.sub(r"[\"']", "", each) for each in _WORD.findall(arguments[place + 1])]
    return list(arguments)


def _given(flags: Flags, names: Sequence[str]) -> str | None:
    return next((value for name in names if (value := flags.get(name)) is not None), None)


def _text(flags: Flags, default: str, *names: str) -> str:
    return _given(flags, names) or default


def _number(flags: Flags, default: float, *names: str) -> float:
    text = _given(flags, names)
    try:
        value = default if text is None else float(text)
    except ValueError:
        return default
    return value if 0.0 <= value <= 1.0 else default


def _signed(flags: Flags, default: int, *names: str) -> int:
    text = _given(flags, names)
    return int(text) if text is not None and re.fullmatch(r"[+-]?[0-9]{1,12}", text) else default


def _whole(flags: Flags, default: int, *names: str) -> int:
    value = _signed(flags, default, *names)
    return value if value >= 0 else default


def _switched(flags: Flags, name: str, *, otherwise: bool) -> bool:
    """A flag that turns something on, or off by ``--no-``; the last word where both are there is the latter."""
    if f"no-{name}" in flags:
        return False
    if name not in flags:
        return otherwise
    return (flags[name] or "true").lower() not in _OFF
