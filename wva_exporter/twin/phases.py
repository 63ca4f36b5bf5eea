"""When things happen that happen once a period: each at its own moment of it, and the same moment for every contender."""

from __future__ import annotations

import math
import zlib


def phase(name: str, period_seconds: float) -> float:
    """Where in its period something of this name happens: within [0, period), as Prometheus spreads its scrapes by hash."""
    return zlib.crc32(name.encode()) / 2.0**32 * period_seconds


def first_after(start: float, offset: float, period_seconds: float) -> float:
    """The first time not before ``start`` that lies ``offset`` into a period."""
    return offset + period_seconds * math.ceil((start - offset) / period_seconds)
