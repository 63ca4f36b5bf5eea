"""Which analyzer's word counts: it must have said something, lately, and one of them gives the others their units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

INTERVALS = 3
DEFAULT_INTERVAL_SECONDS = 30.0


def live(age_seconds: float | None, interval_seconds: float) -> bool:
    """Whether an analyzer's last informative result still counts: not older than three intervals.

    ``age_seconds`` None: it was informative just now. An interval of nothing stands for 30 s.
    """
    interval = interval_seconds if interval_seconds > 0 else DEFAULT_INTERVAL_SECONDS
    return (age_seconds or 0.0) <= INTERVALS * interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """An analyzer in one cycle of one model: asked at all, live, and with a result for at least one variant."""

    name: str
    enabled: bool
    live: bool
    informative: bool

    @property
    def counts(self) -> bool:
        """Whether it may give the units."""
        return self.enabled and self.live and self.informative


def binder(anchor: str, voices: Sequence[Voice]) -> str | None:
    """The analyzer whose capacities size replicas: ``anchor`` if it counts, else the only other one that does, else nobody's.

    Without one the model is held.
    """
    counting = [voice.name for voice in voices if voice.counts]
    if anchor in counting:
        return anchor
    return counting[0] if len(counting) == 1 else None
