"""Mooncake's traces: a JSON object a line with ``timestamp`` (ms), ``input_length``, ``output_length``, ``hash_ids``.

A hash stands for a block of 512 tokens and all before it, so equal leading hashes are a shared beginning. A request here has
one such beginning, while a conversation grows by turns: it is the leading blocks that as many requests have as the second
block, the first turn of a conversation. Of the prompts of the conversation trace that is 32 %; a perfect cache finds 37 %.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wva_exporter.twin.traces.recorded import Recorded, recorded
from wva_exporter.twin.traces.refusals import MOST_TOKENS, Refusals
from wva_exporter.twin.workloads.stream import NO_PREFIX

BLOCK_TOKENS = 512
_MOST = 2**63 - 1
"""What a column of 64 bits holds: of milliseconds, and of hashes."""

_MOST_DIGITS = len(str(_MOST))

_COUNTS = {"timestamp": _MOST, "input_length": MOST_TOKENS, "output_length": MOST_TOKENS}
"""What every line has, and the most that it may be."""


def read_mooncake(path: Path) -> Recorded:
    """The requests of a file with what they share.

    Raises:
        ConfigError: the file cannot be read or is refused; every finding is one line.
    """
    found: list[tuple[list[int], list[int]]] = []
    with Refusals(path) as refusals, path.open(encoding="utf-8") as lines:
        for line, text in enumerate(lines, start=1):
            if text.strip() and (request := _request(refusals, line, text)):
                found.append(request)
    users = Counter(block for _, blocks in found for block in blocks)
    return recorded(
        [numbers[0] / 1000 for numbers, _ in found],
        [numbers[1] for numbers, _ in found],
        [numbers[2] for numbers, _ in found],
        [shared_beginning(blocks, users) for _, blocks in found],
    )


def shared_beginning(blocks: Sequence[int], users: Counter[int]) -> tuple[int, int]:
    """The last block of a request's shared beginning and the tokens until then; none if nobody else has its first block."""
    if not blocks or users[blocks[0]] < 2:  # noqa: PLR2004 - itself and another
        return NO_PREFIX, 0
    length = 1
    if len(blocks) > 1 and (turns := users[blocks[1]]) > 1:
        while length < len(blocks) and users[blocks[length]] == turns:
            length += 1
    return blocks[length - 1], length * BLOCK_TOKENS


def _request(refusals: Refusals, line: int, text: str) -> tuple[list[int], list[int]] | None:
    try:
        given: Any = json.loads(text, parse_int=_whole, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):  # the latter: brackets in brackets in brackets
        given = None
    if not isinstance(given, dict):
        refusals.add(line, "not a JSON object")
        return None
    wrong = [name for name, most in _COUNTS.items() if not _is_count(given.get(name), most)]
    for name in wrong:
        if name in given:
            refusals.refuse(line, name, given[name], f"a whole number from 0 to {_COUNTS[name]}")
        else:
            refusals.add(line, f"{name} is required")
    blocks = given.get("hash_ids", [])
    if not isinstance(blocks, list) or not all(_is_count(block, _MOST) for block in blocks):
        refusals.add(line, f"hash_ids: must be a list of whole numbers from 0 to {_MOST}")
        return None
    if wrong:
        return None
    refusals.in_order(line, "timestamp", given["timestamp"], given["timestamp"])
    return [given[name] for name in _COUNTS], blocks


def _whole(text: str) -> int | str:
    """A whole number; one of more digits than any count has stays text, since Python reads only so many."""
    return int(text) if len(text) <= _MOST_DIGITS else text


def _is_count(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
