"""The limits of a scenario, found by trying: sizes of a fluid first, then a replica or a few seconds more or less.

What is sought is the cheapest schedule whose attainment is within ``TOLERANCE`` of the best that any schedule reached, the
whole maximum all the time included. Every schedule meets the same few seeds. A search is repeatable, and what it played is
remembered, so that one that was interrupted goes on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from statistics import fmean

from wva_exporter.core.columns import FloatArray
from wva_exporter.twin.limit_sizes import Shape, demand, levels
from wva_exporter.twin.limits import Levels, ahead, behind, boosted
from wva_exporter.twin.scenario import Scenario
from wva_exporter.twin.scheduled import Scheduled

TOLERANCE = 0.005
"""Attainment that is given away for money."""

SLOW_KINDS = frozenset({"slow", "trace"})
"""Scenarios whose load has no steps."""

ORACLE, REACTIVE = LIMITS = ("oracle", "reactive")

_RESERVES = (1.0, 0.85, 1.15, 1.3, 1.6)
_BOOSTS = (1.3, 1.7, 2.5)
_SLOPE_RESERVES = (1.15, 1.3, 1.6)
_MOST_SEGMENTS = 12
"""Beyond, single segments are not moved: a trace of a day has hundreds, and shapes move them together."""

_SHIFT_SECONDS = 15.0
_NEAR_SECONDS = 90.0
_STEP = 1.2
"""A load that within three minutes grows by less has no moment at which it came."""

_MOST_BINS = 3000

Worth = tuple[float, float]
"""Attainment and cost of a run, or their means."""

Evaluate = Callable[[Scheduled, int], Worth]
Move = Callable[[Levels], Levels | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for, with which seeds, and how long: ``budget`` counts schedules that are tried."""

    scenario: Scenario
    seeds: Sequence[int]
    evaluate: Evaluate
    budget: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The two limits of a scenario, as contenders."""

    oracle: Scheduled
    reactive: Scheduled


def find(search: Search) -> Limits:
    """Search the oracle, and then with its sizes the reactive limit."""
    load = _load(search)
    wanted = _oracle(search, load)
    return Limits(oracle=_ahead(search.scenario, wanted), reactive=_reactive(search, load, wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What comes, in replicas that each variant alone would need: shape (variants, bins), from the begin of the warm-up."""

    needs: FloatArray
    bin_seconds: float
    start: float

    def levels(self, scenario: Scenario, shape: Shape) -> Levels:
        """Whole replicas for it."""
        return levels(scenario, self.needs, self.bin_seconds, shape)

    def place(self, seconds: float) -> int:
        """The bin that a time falls into; times outside count as the nearest."""
        bins: int = self.needs.shape[1]
        return min(max(int((seconds - self.start) // self.bin_seconds), 0), bins - 1)


def _load(search: Search) -> Load:
    scenario = search.scenario
    seconds = scenario.warm_seconds + scenario.duration_seconds
    bin_seconds = _SHIFT_SECONDS * max(math.ceil(seconds / _SHIFT_SECONDS / _MOST_BINS), 1)
    needs = demand(scenario, [scenario.requests(seed) for seed in search.seeds], bin_seconds)
    return Load(needs=needs, bin_seconds=bin_seconds, start=-scenario.warm_seconds)


def seen(wanted: Levels, load: Load, scenario: Scenario) -> Levels:
    """The same levels by somebody who has no foresight: before time 0 what the load of then needs, and no rise before its load.

    The oracle's levels rise a little early where that helps it, and before time 0 they are what the time after it needs.
    """
    before = tuple(variant.spec.replicas for variant in scenario.variants)
    warm = load.needs[:, : load.place(0.0)]
    if warm.size:
        row = levels(scenario, warm, load.bin_seconds, Shape()).replicas[-1]
        before = tuple(map(max, row, before))
    found = {load.start: before, 0.0: wanted.at(0.0)}
    last = 0.0
    for was, start, row in zip(wanted.replicas, wanted.starts[1:], wanted.replicas[1:], strict=False):
        if start > 0.0:
            rises = any(now > then for now, then in zip(row, was, strict=True))
            last = max(_arrival(load, start) if rises else start, last)
            found[last] = row
    times = sorted(found)
    return Levels(starts=tuple(times), replicas=tuple(found[at] for at in times)).merged()


def _arrival(load: Load, rise: float) -> float:
    """When the load comes for which there is a rise: where it passes half of its step, or the rise itself where it has none."""
    total = load.needs.sum(axis=0)
    first, last = load.place(rise - _NEAR_SECONDS), load.place(rise + _NEAR_SECONDS)
    low, high = float(total[max(first - 4, 0) : first + 1].mean()), float(total[last : last + 5].mean())
    if high < _STEP * low or first == last:
        return rise
    inside = total[first : last + 1]
    place = first + int((inside >= (low + high) / 2.0).argmax())
    return max(load.start + place * load.bin_seconds, rise)


def _ahead(scenario: Scenario, wanted: Levels) -> Scheduled:
    startups = [variant.spec.startup_seconds for variant in scenario.variants]
    return Scheduled(name=ORACLE, orders=ahead(wanted, startups))


def _behind(scenario: Scenario, wanted: Levels) -> Scheduled:
    before = [variant.spec.replicas for variant in scenario.variants]
    return Scheduled(name=REACTIVE, orders=behind(wanted, before, scenario.scrape_seconds))


@dataclass(slots=True, kw_only=True)
class _Tried:
    """Levels that were tried, and which of them is best by now.

    With the first seed alone most are told to be worse already, since all meet the same requests; these get no other seed.
    """

    search: Search
    orders: Callable[[Scenario, Levels], Scheduled]
    worth: dict[Levels, list[Worth]] = field(default_factory=dict)
    asked: set[Levels] = field(default_factory=set)
    """Orders, not what was wanted: many wants ask for the same."""

    @property
    def best(self) -> Levels:
        """The cheapest of those that attain enough."""
        means = {wanted: tuple(map(fmean, zip(*runs, strict=True))) for wanted, runs in self.worth.items()}
        top = max(attainment for attainment, _ in means.values())
        enough = [wanted for wanted, (attainment, _) in means.items() if attainment >= top - TOLERANCE]
        return min(enough, key=lambda wanted: (means[wanted][1], -means[wanted][0]))

    def improves(self, wanted: Levels) -> bool:
        """Try these; whether they are the best now."""
        contender = self.orders(self.search.scenario, wanted)
        if contender.orders in self.asked or len(self.asked) >= self.search.budget:
            return False
        self.asked.add(contender.orders)
        first, *others = self.search.seeds
        runs = [self.search.evaluate(contender, first)]
        if self.worth and _hopeless(runs[0], self.worth[self.best][0]):
            return False
        self.worth[wanted] = [*runs, *(self.search.evaluate(contender, seed) for seed in others)]
        return self.best == wanted


def _hopeless(new: Worth, best: Worth) -> bool:
    """Whether a run is worse by more than other seeds would change: attains far less, or costs more for as much."""
    return new[0] < best[0] - 3 * TOLERANCE or (new[1] > best[1] and new[0] < best[0] + TOLERANCE / 2)


def _reactive(search: Search, load: Load, oracle: Levels) -> Scheduled:
    """The oracle's sizes, asked for late; what it could not need, more replicas after a rise to clear the backlog, is tried.

    So are larger sizes where the load is slow: on a slope whoever asks for what there is now is late all the time.
    """
    scenario, tried = search.scenario, _Tried(search=search, orders=_behind)
    before, most = _ends(scenario)
    wanted = seen(oracle, load, scenario)
    tried.improves(wanted)
    if scenario.kind in SLOW_KINDS:
        for reserve in _SLOPE_RESERVES:
            tried.improves(seen(load.levels(scenario, Shape(reserve=reserve)), load, scenario))
    for factor in _BOOSTS:
        for times in (1.0, 2.0):
            tried.improves(boosted(wanted, before, most, factor=factor, seconds=times * _settling(scenario)))
    return _behind(scenario, tried.best)


def _oracle(search: Search, load: Load) -> Levels:
    """The levels at which the oracle wants its replicas ready."""
    scenario = search.scenario
    tried = _Tried(search=search, orders=_ahead)
    tried.improves(_whole(scenario))
    shape = Shape()
    for shapes in (_reserves, _windows, _finer):
        for other in shapes(shape):
            if tried.improves(load.levels(scenario, other)):
                shape = other
    cuts = _cuts(scenario, load, shape)
    while _moved(tried, _moves(scenario, cuts)):
        pass
    return tried.best


def _moved(tried: _Tried, moves: Iterator[Move]) -> bool:
    """Try each move from the best levels on, and again as long as it helps; whether any did."""
    before = tried.best
    for move in moves:
        wanted = move(tried.best)
        while wanted is not None and tried.improves(wanted):
            wanted = move(tried.best)
    return tried.best != before


def _whole(scenario: Scenario) -> Levels:
    return Levels(starts=(0.0 - scenario.warm_seconds,), replicas=(tuple(v.maximum for v in scenario.variants),))


def _reserves(shape: Shape) -> Iterator[Shape]:
    yield from (replace(shape, reserve=reserve) for reserve in _RESERVES)


def _windows(shape: Shape) -> Iterator[Shape]:
    yield from (replace(shape, window_seconds=window) for window in (30.0, 180.0))
    yield from (replace(shape, bridge_seconds=bridge) for bridge in (60.0, 900.0))


def _finer(shape: Shape) -> Iterator[Shape]:
    yield from (replace(shape, reserve=shape.reserve + step) for step in (-0.07, 0.07))


def _ends(scenario: Scenario) -> tuple[list[int], list[int]]:
    """Replicas at the begin, and at most."""
    return [v.spec.replicas for v in scenario.variants], [v.maximum for v in scenario.variants]


def _settling(scenario: Scenario) -> float:
    """How long after a rise the backlog of a start-up takes to go, about."""
    return max(variant.spec.startup_seconds for variant in scenario.variants) + 60.0


def _cuts(scenario: Scenario, load: Load, shape: Shape) -> tuple[float, ...]:
    """Where the load changes enough for a number of replicas of its own, from begin to end; few, or none but the ends."""
    for bridge in (60.0, 180.0, 600.0):
        found = load.levels(scenario, replace(shape, bridge_seconds=bridge))
        before, most = _ends(scenario)
        starts = boosted(found, before, most, factor=1.3, seconds=_settling(scenario)).starts
        if len(starts) <= _MOST_SEGMENTS:
            return (*starts, scenario.duration_seconds)
    return (-scenario.warm_seconds, scenario.duration_seconds)


def _moves(scenario: Scenario, cuts: tuple[float, ...]) -> Iterator[Move]:
    """One replica less, or more, between two cuts; then each change earlier, or later."""
    for step in (-1, 1):
        for begin, end in pairwise(cuts):
            for place in range(len(scenario.variants)):
                yield partial(_stepped, scenario, (begin, end), place, step)
    for shift in (_SHIFT_SECONDS, -_SHIFT_SECONDS):
        for segment in range(1, _MOST_SEGMENTS):
            yield partial(_shifted, segment, shift)


def _stepped(scenario: Scenario, times: tuple[float, float], place: int, step: int, wanted: Levels) -> Levels | None:
    """Another number of a variant's replicas within a time, where its bounds allow it throughout."""
    variant, (begin, end) = scenario.variants[place], times
    starts = sorted({*wanted.starts, begin, *([end] if end < scenario.duration_seconds else [])})
    rows = []
    for start in starts:
        row = list(wanted.at(start))
        if begin <= start < end:
            row[place] += step
            if not variant.minimum <= row[place] <= variant.maximum:
                return None
        rows.append(tuple(row))
    return Levels(starts=tuple(starts), replicas=tuple(rows)).merged()


def _shifted(segment: int, seconds: float, wanted: Levels) -> Levels | None:
    """One of the changes at another time, where that leaves their order."""
    if segment >= len(wanted.starts):
        return None
    starts = (*wanted.starts[:segment], wanted.starts[segment] + seconds, *wanted.starts[segment + 1 :])
    return Levels(starts=starts, replicas=wanted.replicas) if list(starts) == sorted(set(starts)) else None
