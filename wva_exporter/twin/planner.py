"""Contenders that run a policy of ours: which one, with which thresholds and beliefs, through which actuator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.fleet import Thresholds
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.twin.actuators import Actuator, actuated
from wva_exporter.twin.contender import Controller
from wva_exporter.twin.fleet_rows import fleet_rows
from wva_exporter.twin.opponents.behaviours import generated
from wva_exporter.twin.planned import Believed, Cycle
from wva_exporter.twin.scenario import Scenario

SIZING = frozenset({"headroom"})
"""Policies that size by service times, which are learned for them, and that stabilise themselves.

The targets of others go through a window of 300 s on the way down.
"""

_EVERY_SECONDS, _LONG_RUN_SECONDS = 60.0, 6 * 3600.0

_SURE = 0.02
"""Spread of a belief that somebody is told to have: a few percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """A policy by its name in ``POLICIES``.

    ``scale_up`` and ``scale_down`` are thresholds of ``wva-v2``. ``parameters`` None: learned, beginning from what is guessed;
    a number: the true ones times it, and nothing is learned.
    """

    name: str
    policy: str
    scale_up: float | None = None
    scale_down: float | None = None
    actuator: Actuator = Actuator.HPA
    parameters: float | None = None
    watches: bool = True

    def controller(self, scenario: Scenario, seed: int) -> Controller:
        """The exporter and what it acts through."""
        fleet = fleet_rows(scenario, self.policy, self._thresholds())
        cycle = Cycle(scenario, fleet, self._believed(scenario), seed)
        window = 0.0 if self._sizes else 300.0
        return actuated(cycle, self.actuator, generated(down_seconds=window), scenario, seed)

    @property
    def _sizes(self) -> bool:
        return self.policy.partition("/")[0] in SIZING

    def _thresholds(self) -> Thresholds:
        usual = Thresholds.default(1)
        return Thresholds(
            kv=usual.kv,
            queue=usual.queue,
            kv_spare=usual.kv_spare,
            queue_spare=usual.queue_spare,
            scale_up=usual.scale_up if self.scale_up is None else np.array([self.scale_up]),
            scale_down=usual.scale_down if self.scale_down is None else np.array([self.scale_down]),
        )

    def _believed(self, scenario: Scenario) -> Believed:
        if self.parameters is None:
            return Believed(guess=_guessed(scenario), learns=self._sizes, every_seconds=_cadence(scenario))
        engines = [variant.spec.parameters for variant in scenario.variants]
        true = np.array(
            [[e.alpha_seconds, e.beta_seconds_per_token, e.gamma_seconds_per_resident_token] for e in engines]
        )
        mean = true * self.parameters
        return Believed(guess=Belief.of(mean, mean * _SURE), learns=False)


def _cadence(scenario: Scenario) -> float:
    """Seconds between two lessons: runs of many hours learn the same from fewer."""
    return _EVERY_SECONDS if scenario.duration_seconds <= _LONG_RUN_SECONDS else 5 * _EVERY_SECONDS


def _guessed(scenario: Scenario) -> Belief:
    """What is believed of each variant's engine before it was seen; anything, where nobody says."""
    anything = Belief.anything(1)
    rows = [anything if variant.guess is None else variant.guess for variant in scenario.variants]
    return Belief(
        mean_seconds=np.concatenate([row.mean_seconds for row in rows]),
        stddev_seconds=np.concatenate([row.stddev_seconds for row in rows]),
        known=np.concatenate([row.known for row in rows]),
    ).otherwise(Belief.anything(len(rows)))
