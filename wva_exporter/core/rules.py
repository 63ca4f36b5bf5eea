"""The rules that bind every policy: how long a target is held, how fast it may fall, what an actuator tolerates."""

from __future__ import annotations

from dataclasses import dataclass

from wva_exporter.errors import InvalidValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Settings of the safety stages. Seconds, and ratios of replicas.

    ``hold_seconds``: how long the last decision outlives its data. ``max_down_ratio_per_minute``: the share of a target that
    may go within a minute. ``tolerance``: the dead band of the HPA that follows. ``window_seconds``: over how long load
    signals are smoothed before they are compared.
    """

    hold_seconds: float = 600.0
    max_down_ratio_per_minute: float = 0.5
    tolerance: float = 0.1
    window_seconds: float = 60.0

    def __post_init__(self) -> None:
        if not (self.hold_seconds > 0 and self.window_seconds > 0):
            raise InvalidValue("hold_seconds and window_seconds must be positive")
        if not 0 < self.max_down_ratio_per_minute <= 1:
            raise InvalidValue(f"max_down_ratio_per_minute {self.max_down_ratio_per_minute} is not within (0, 1]")
        if not 0 <= self.tolerance < 1:
            raise InvalidValue(f"tolerance {self.tolerance} is not within [0, 1)")
