"""One contender in one scenario with one seed: played, scored, remembered; and the limits of a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
    """The score, from the folder of results if it is there."""
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
    return score(run(duel.scenario, duel.contender, duel.seed), duel.scenario.promise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quest:
    """A scenario whose limits are sought, with the seeds that its oracle knows."""

    scenario: Scenario
    key: str
    seeds: tuple[int, ...]
    folder: Path | None = None


def seek(quest: Quest) -> Limits:
    """The limits; what the search plays is remembered like any duel."""

    def evaluate(contender: Contender, seed: int) -> Worth:
        duel = Duel(scenario=quest.scenario, key=quest.key, contender=contender, seed=seed, folder=quest.folder)
        found = play(duel)
        return found.attainment_ratio, found.cost

    requests = len(quest.scenario.requests(quest.seeds[0]))
    budget, seeds = next((given for most, *given in BUDGETS if requests <= most), LEAST_BUDGET)
    return find(Search(scenario=quest.scenario, seeds=quest.seeds[:seeds], evaluate=evaluate, budget=budget))
