"""Sizes as ServeGen publishes them: for every six hours of a client, how often each number of tokens was seen.

A JSON object by the seconds from which on an entry holds, each with ``input_tokens`` and ``output_tokens``. A law is the text
of a mapping from tokens to their share, ``"{62: 0.25, 66: 0.75}"``, or ``"{}"`` where there were no requests; then the entry
before goes on. Reasoning models also have a ``reason_ratio``, a share of the ``output_tokens``: to an engine these are like
others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from wva_exporter.errors import ConfigError, InvalidValue
from wva_exporter.twin.traces.refusals import NUMBER, Refusals, count, number
from wva_exporter.twin.workloads.stream import FloatArray, IntArray

HALVES = ("input_tokens", "output_tokens")
_SUM_TOLERANCE = 1e-5
_LAW = 'tokens and shares that sum to 1, such as "{62: 0.25, 66: 0.75}"'


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Law:
    """Sizes in tokens, rising, and the share of requests up to each, 1 at the last: shape (sizes,) both."""

    tokens: IntArray
    until: FloatArray

    @classmethod
    def of(cls, shares: dict[int, float]) -> Self | None:
        """From the share of each size; requests of no token failed, and nobody knows what they would have been: None if all."""
        seen = sorted((tokens, share) for tokens, share in shares.items() if tokens > 0 and share > 0)
        if not seen:
            return None
        until = np.cumsum([share for _, share in seen])
        return cls(tokens=np.array([tokens for tokens, _ in seen]), until=until / until[-1])

    def at(self, chances: FloatArray) -> IntArray:
        """The sizes at these chances within [0, 1)."""
        return self.tokens[np.searchsorted(self.until, chances, side="right")]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenSizes:
    """From when on which laws hold: ``start_seconds`` has shape (times,), beside it a law of prompts and one of answers each.

    Raises:
        InvalidValue: there is none, or not one for each time.
    """

    start_seconds: FloatArray
    prompt_laws: Sequence[Law]
    output_laws: Sequence[Law]

    def __post_init__(self) -> None:
        if not 0 < len(self.start_seconds) == len(self.prompt_laws) == len(self.output_laws):
            raise InvalidValue("sizes need a law of prompts and one of answers for each time, and at least one time")

    def prompts(self, recorded: FloatArray, generator: np.random.Generator) -> IntArray:
        """The tokens of a prompt at each of these recorded times."""
        return self._drawn(self.prompt_laws, recorded, generator)

    def outputs(self, recorded: FloatArray, generator: np.random.Generator) -> IntArray:
        """The tokens of an answer at each of these recorded times."""
        return self._drawn(self.output_laws, recorded, generator)

    def _drawn(self, laws: Sequence[Law], recorded: FloatArray, generator: np.random.Generator) -> IntArray:
        place, chances = held(self.start_seconds, recorded), generator.random(len(recorded))
        tokens = np.ones(len(recorded), dtype=np.int64)
        for each in np.unique(place).tolist():
            tokens[place == each] = laws[each].at(chances[place == each])
        return tokens


def held(start_seconds: FloatArray, recorded: FloatArray) -> IntArray:
    """Which entry holds at each recorded time: the last that has begun, before them all the first."""
    return np.maximum(np.searchsorted(start_seconds, recorded, side="right") - 1, 0)


def read_seen_sizes(path: Path) -> SeenSizes:
    """The sizes of a client's published file.

    Raises:
        ConfigError: the file cannot be read, is refused or has no sizes; every finding is one line with file and key.
    """
    starts, laws = list[float](), list[tuple[Law, Law]]()
    with Refusals(path) as refusals:
        for when, entry in _entries(refusals, path.read_text(encoding="utf-8")):
            at = refusals.time(None, "times", number, when, f"seconds, {NUMBER}")
            found = [_law(refusals, f"{when}.{half}", entry.get(half)) for half in HALVES]
            if at is not None and found[0] is not None and found[1] is not None:
                starts.append(at)
                laws.append((found[0], found[1]))
    if not starts:
        raise ConfigError([f"{path}: there is no time with sizes of prompts and answers"])
    prompts, outputs = zip(*laws, strict=True)
    return SeenSizes(start_seconds=np.array(starts), prompt_laws=prompts, output_laws=outputs)


def _entries(refusals: Refusals, text: str) -> list[tuple[str, dict[str, Any]]]:
    try:
        given: Any = json.loads(text, object_pairs_hook=_once, parse_int=str)  # of any length: none is used
    except json.JSONDecodeError as error:
        refusals.add(error.lineno, f"not valid JSON: {error.msg}")
        return []
    except (ValueError, RecursionError) as error:
        refusals.add(None, f"not valid JSON: {error}")
        return []
    if not isinstance(given, dict):
        refusals.add(1, "not a JSON object by the seconds of its times")
        return []
    for when, entry in given.items():
        if not isinstance(entry, dict):
            refusals.add(None, f"{when}: must be an object with {' and '.join(HALVES)}")
    return [(when, entry) for when, entry in given.items() if isinstance(entry, dict)]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} is given twice")
    return found


def _law(refusals: Refusals, name: str, text: object) -> Law | None:
    """The law of a half; None where nothing was seen, and a finding where it is no law."""
    if not isinstance(text, str):
        refusals.add(None, f"{name}: {'is required' if text is None else 'is not text'}: must be {_LAW}")
        return None
    shares = refusals.field(None, name, _shares, text, _LAW)
    return None if shares is None else Law.of(shares)


def _shares(text: str) -> dict[int, float]:
    """The share of each number of tokens; empty where there were no requests.

    Raises:
        ValueError: the text is no such mapping.
    """
    inside = text.strip()
    if not (inside.startswith("{") and inside.endswith("}")):
        raise ValueError(text)
    pairs = [pair.partition(":") for pair in inside[1:-1].split(",")] if inside[1:-1].strip() else []
    shares = {count(tokens): number(share) for tokens, _, share in pairs}
    if len(shares) != len(pairs) or (shares and abs(sum(shares.values()) - 1.0) > _SUM_TOLERANCE):
        raise ValueError(text)
    return shares
