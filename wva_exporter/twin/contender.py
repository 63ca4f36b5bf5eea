"""What every contender is: a controller that from time to time looks at the fleet's surroundings and asks for replicas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from wva_exporter.twin.phases import first_after, phase
from wva_exporter.twin.scenario import Scenario
from wva_exporter.twin.stage import Stage

NEVER = float("inf")


class Controller(Protocol):
    """Acts at ``next_at``, seconds on the fleet's clock, and thereby moves it on; infinite: never again."""

    @property
    def next_at(self) -> float:
        """When it wants to act next."""
        ...

    @property
    def desired(self) -> Mapping[str, int]:
        """Replicas that it wants, by variant; for those that are not in it, what was asked for last stands."""
        ...

    def act(self, stage: Stage) -> None:
        """Do what is to be done at ``stage.now``."""
        ...


class Contender(Protocol):
    """Somebody who scales: it makes a new controller for every run."""

    @property
    def name(self) -> str:
        """How tables call it."""
        ...

    @property
    def watches(self) -> bool:
        """Whether it needs scrapes; one that does not is run without them."""
        ...

    def controller(self, scenario: Scenario, seed: int) -> Controller:
        """A controller for one run. Whoever sees the future takes it from ``scenario.requests(seed)``."""
        ...


class Clock:
    """Rings once a period, from the first time of a scenario on, at the moment of the period that its name and seed give."""

    def __init__(self, name: str, *, seed: int, period_seconds: float, start: float) -> None:
        self._period = period_seconds
        self.next_at = first_after(start, phase(f"{name}/{seed}", period_seconds), period_seconds)

    def rung(self) -> None:
        """It rang; the next time is a period later."""
        self.next_at += self._period


class Together:
    """Controllers that act as one; of those that are due at once the first acts first."""

    def __init__(self, parts: Sequence[Controller]) -> None:
        self._parts = tuple(parts)
        self.next_at = self._soonest()
        """When the next of them acts; they act only here."""

    @property
    def desired(self) -> Mapping[str, int]:
        """What they want; of two that speak of a variant the first is heard."""
        return {name: wanted for part in reversed(self._parts) for name, wanted in part.desired.items()}

    def act(self, stage: Stage) -> None:
        """Let those act that are due."""
        for part in self._parts:
            if part.next_at <= stage.now:
                part.act(stage)
        self.next_at = self._soonest()

    def _soonest(self) -> float:
        return min((part.next_at for part in self._parts), default=NEVER)
