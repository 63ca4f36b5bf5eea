"""One contender in one scenario with one seed: played, scored, remembered; and the limits of a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wva_exporter.errors import ConfigError, InvalidValue
from wva_exporter.evidence.arena.cache import Cache
from wva_exporter.evidence.arena.fingerprint import fingerprint, sources
from wva_exporter.evidence.arena.score import Score, score
from wva_exporter.evidence.arena.search import Limits, Search, Worth, find
from wva_exporter.twin.closed_loop import run
from wva_exporter.twin.contender import Contender
from wva_exporter.twin.planner import Planner
from wva_exporter.twin.scenario import Scenario

BUDGETS = ((40_000, 60, 5), (100_000, 25, 2))
"""Schedules that a search tries, and its seeds at most, by the requests of a run: up to so many; a long run takes seconds."""

LEAST_BUDGET = (16, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """What is played; ``key`` is the scenario's fingerprint, taken once for all duels in it, ``folder`` holds results."""

    scenario: Scenario
    key: str
    contender: Contender
    seed: int
    folder: Path | None = None


def play(duel: Duel) -> Score:
    """The score, from the folder of results if it is there.

    Raises:
        InvalidValue: the scenario, which it names, cannot be played.
    """
    if duel.folder is None:
        return _played(duel)
    code = sources(deciding=isinstance(duel.contender, Planner))
    cache, key = Cache(folder=duel.folder), fingerprint(duel.key, duel.contender, duel.seed, code)
    known = cache.get(key)
    found = None if known is None else Score.from_numbers(known)
    if found is None:
        found = _played(duel)
        cache.put(key, found.numbers())
    return found


def _played(duel: Duel) -> Score:
    try:
        return score(run(duel.scenario, duel.contender, duel.seed), duel.scenario.promise)
    except (ConfigError, InvalidValue) as error:
        raise _named(duel.scenario, error) from None


def _named(scenario: Scenario, error: Exception) -> InvalidValue:
    """What was wrong, with the name of the scenario; other than ``ConfigError`` it comes whole out of another process."""
    text = str(error).removeprefix(f"{scenario.name}: ")
    return InvalidValue(f"{scenario.name}: {text}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quest:
    """A scenario whose limits are sought, with the seeds that its oracle knows."""

    scenario: Scenario
    key: str
    seeds: tuple[int, ...]
    folder: Path | None = None


def seek(quest: Quest) -> Limits:
    """The limits; what the search plays is remembered like any duel.

    Raises:
        InvalidValue: the scenario, which it names, cannot be played.
    """
    try:
        return _sought(quest)
    except (ConfigError, InvalidValue) as error:
        raise _named(quest.scenario, error) from None


def _sought(quest: Quest) -> Limits:
    def evaluate(contender: Contender, seed: int) -> Worth:
        duel = Duel(scenario=quest.scenario, key=quest.key, contender=contender, seed=seed, folder=quest.folder)
        found = play(duel)
        return found.attainment_ratio, found.cost

    requests = len(quest.scenario.requests(quest.seeds[0]))
    budget, seeds = next((given for most, *given in BUDGETS if requests <= most), LEAST_BUDGET)
    seconds = quest.scenario.duration_seconds
    if not all(len(quest.scenario.requests(seed).between(0.0, seconds)) for seed in quest.seeds[:seeds]):
        raise InvalidValue(f"no request arrives within its {seconds:g} s")
    return find(Search(scenario=quest.scenario, seeds=quest.seeds[:seeds], evaluate=evaluate, budget=budget))
