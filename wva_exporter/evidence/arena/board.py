"""The scores of a whole arena, and comparisons within it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.evidence.arena.duel import Duel, Quest, play, seek
from wva_exporter.evidence.arena.fingerprint import fingerprint
from wva_exporter.evidence.arena.intervals import Interval, difference, mean, ratio
from wva_exporter.evidence.arena.score import Score
from wva_exporter.evidence.arena.workers import spread
from wva_exporter.twin.contender import Contender
from wva_exporter.twin.scenario import Scenario

SEARCH_SEEDS = 5
"""Seeds whose load the oracle knows, at most; it is scored with all of them."""

HEAVY_REQUESTS = 15_000
"""Beyond, a run takes seconds, and means of so many requests vary less."""

HUGE_REQUESTS = 200_000
"""Beyond, a run takes minutes; one, of a day or more, is a mean of many hours."""

Watch = Callable[[str, int, int], object]
"""Told what is being done, how much of it is done, of how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A score for every scenario, contender and seed, in the order of ``seeds``; of heavy scenarios those of the first few.

    ``limits`` are the limits that took part, by scenario: as contenders, who differ from one scenario to the next.
    """

    scenarios: tuple[Scenario, ...]
    contenders: tuple[str, ...]
    seeds: tuple[int, ...]
    scores: Mapping[tuple[str, str], tuple[Score, ...]]
    limits: Mapping[str, tuple[Contender, ...]] = field(default_factory=dict)

    def column(self, scenario: str, contender: str, name: str) -> FloatArray:
        """One number of each seed."""
        return np.array([getattr(each, name) for each in self.scores[scenario, contender]], dtype=np.float64)

    def mean(self, scenario: str, contender: str, name: str) -> Interval:
        """Its mean over the seeds."""
        return mean(self.column(scenario, contender, name))

    def difference(self, scenario: str, contender: str, other: str, name: str) -> Interval:
        """How much more it is than another contender's, on the same requests."""
        return difference(self.column(scenario, contender, name), self.column(scenario, other, name))

    def ratio(self, scenario: str, contender: str, other: str, name: str) -> Interval:
        """How many times another contender's it is, on the same requests."""
        return ratio(self.column(scenario, contender, name), self.column(scenario, other, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Who meets what: ``limits`` are the names of those limits that take part beside the contenders.

    A scenario of ``HEAVY_REQUESTS`` is played with the first ``heavy_seeds`` only, where that is given, and then one of
    ``HUGE_REQUESTS`` with the first.
    """

    scenarios: Sequence[Scenario]
    contenders: Sequence[Contender]
    limits: Sequence[str]
    seeds: Sequence[int]
    heavy_seeds: int | None = None

    def seeds_of(self, scenario: Scenario) -> Sequence[int]:
        """Those that a scenario is played with."""
        if self.heavy_seeds is None:
            return self.seeds
        requests = len(scenario.requests(self.seeds[0]))
        if requests >= HUGE_REQUESTS:
            return self.seeds[:1]
        return self.seeds[: self.heavy_seeds] if requests >= HEAVY_REQUESTS else self.seeds


def hold(contest: Contest, *, folder: Path | None, workers: int, watch: Watch = lambda *_: None) -> Board:
    """Play everything that is not in the folder of results; limits first, since they are contenders then.

    Raises:
        InvalidValue: a scenario, which it names, cannot be played.
    """
    keys = [fingerprint(scenario) for scenario in contest.scenarios]
    placed = list(zip(contest.scenarios, keys, strict=True))
    entrants: list[list[Contender]] = [list(contest.contenders) for _ in placed]
    if contest.limits:
        quests = [
            Quest(scenario=scenario, key=key, seeds=tuple(contest.seeds_of(scenario)[:SEARCH_SEEDS]), folder=folder)
            for scenario, key in placed
        ]
        for mine, found in zip(entrants, spread(seek, quests, workers, _counter(watch, "limits", quests)), strict=True):
            mine += [getattr(found, name) for name in contest.limits]
    duels = [
        Duel(scenario=scenario, key=key, contender=contender, seed=seed, folder=folder)
        for (scenario, key), mine, seeds in zip(placed, entrants, map(contest.seeds_of, contest.scenarios), strict=True)
        for contender in mine
        for seed in seeds
    ]
    scores = spread(play, duels, workers, _counter(watch, "runs", duels))
    table: dict[tuple[str, str], list[Score]] = {}
    for duel, found_score in zip(duels, scores, strict=True):
        table.setdefault((duel.scenario.name, duel.contender.name), []).append(found_score)
    return Board(
        scenarios=tuple(contest.scenarios),
        contenders=(*(contender.name for contender in contest.contenders), *contest.limits),
        seeds=tuple(contest.seeds),
        scores={pair: tuple(found_scores) for pair, found_scores in table.items()},
        limits={
            scenario.name: tuple(mine[len(contest.contenders) :])
            for (scenario, _), mine in zip(placed, entrants, strict=True)
        },
    )


def _counter(watch: Watch, what: str, jobs: Sequence[object]) -> Callable[[], object]:
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        watch(what, done, len(jobs))

    watch(what, 0, len(jobs))
    return one_more
