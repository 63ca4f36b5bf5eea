"""How fast HPAs are let: what people set in ``behavior``."""

from __future__ import annotations

from dataclasses import replace

from wva_exporter.twin.hpa import DEFAULT_DOWN, DEFAULT_UP, Behavior, Direction, Policy, Unit

_AT_ONCE = (Policy(unit=Unit.PODS, value=100, period_seconds=15.0),)
_HALF_A_MINUTE = (Policy(unit=Unit.PERCENT, value=50, period_seconds=60.0),)


def windows(up_seconds: float = 0.0, down_seconds: float = 300.0) -> Behavior:
    """Kubernetes' default policies with other stabilisation windows."""
    return Behavior(
        up=replace(DEFAULT_UP, stabilization_seconds=up_seconds),
        down=replace(DEFAULT_DOWN, stabilization_seconds=down_seconds),
    )


def generated(down_seconds: float) -> Behavior:
    """What our manifests set: up at once, down after the window by at most half of the replicas a minute."""
    return Behavior(
        up=Direction(stabilization_seconds=0.0, policies=_AT_ONCE),
        down=Direction(stabilization_seconds=down_seconds, policies=_HALF_A_MINUTE),
    )
