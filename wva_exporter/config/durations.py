"""Durations as Prometheus writes them: ``15s``, ``500ms``, ``1h30m``.

Units stand largest first, each at most once, with whole numbers (prometheus/common, ``model/time.go``): a year is 365 days,
a week 7. A number without a unit is refused, because nobody can tell seconds from milliseconds by looking at it.
"""

from __future__ import annotations

import re

from wva_exporter.errors import InvalidValue

_MILLISECONDS = {
    "y": 365 * 24 * 3_600_000,
    "w": 7 * 24 * 3_600_000,
    "d": 24 * 3_600_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_WHOLE_ONLY = {"y", "w"}  # Prometheus writes 8d as 8d, not as 1w1d

PATTERN = "^(?=.)" + "".join(f"([0-9]+{unit})?" for unit in _MILLISECONDS) + "$"
"""What a duration looks like, in the grammar that Python, ECMAScript and JSON Schema share."""

_GRAMMAR = re.compile("".join(f"(?:([0-9]+){unit})?" for unit in _MILLISECONDS))

LONGEST_MILLISECONDS = 2**63 // 1_000_000
"""Prometheus counts nanoseconds in 64 bits: about 292 years."""


def parse_duration(text: str) -> float:
    """Seconds of a duration.

    Raises:
        InvalidValue: not a duration, or longer than Prometheus can count.
    """
    match = _GRAMMAR.fullmatch(text) if len(text) <= 64 else None  # noqa: PLR2004 - longer is never one in range
    if not text or match is None or not text.isascii():
        raise InvalidValue("must be a duration such as 500ms, 15s, 10m or 1h30m" + _hint(text))
    milliseconds = sum(
        int(count) * size for count, size in zip(match.groups(), _MILLISECONDS.values(), strict=True) if count
    )
    if milliseconds >= LONGEST_MILLISECONDS:
        raise InvalidValue("must be shorter than 292 years")
    return milliseconds / 1_000


def format_duration(seconds: float) -> str:
    """The duration of a number of seconds, rounded to whole milliseconds, in Prometheus' own spelling.

    Raises:
        InvalidValue: negative, not finite, or longer than Prometheus can count.
    """
    if not 0 <= seconds * 1_000 < LONGEST_MILLISECONDS:
        raise InvalidValue(f"no duration has {seconds} seconds")
    left = round(seconds * 1_000)
    text = ""
    for unit, size in _MILLISECONDS.items():
        if left >= size and not (unit in _WHOLE_ONLY and left % size):
            text += f"{left // size}{unit}"
            left %= size
    return text or "0s"


def _hint(text: str) -> str:
    """What to write instead where that can be guessed."""
    if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        return f"; a number needs its unit: {text}s"
    if re.fullmatch(r"([0-9]+\.[0-9]*[a-z]+)+", text, re.ASCII):
        return ", with whole numbers only"
    return ""
