"""What the default policy has to reach, held against a board: each demand with the scenarios that miss it, and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wva_exporter.evidence.arena.board import Board
from wva_exporter.evidence.arena.search import LIMITS, ORACLE, REACTIVE, SLOW_KINDS, TOLERANCE
from wva_exporter.twin.scenario import Scenario

OURS = "headroom"
DEFAULT_HPA, SLOW_HPA, V1 = "hpa", "hpa-120s", "wva-v1"

NEAR = 0.10
"""Default HPA's distance in good requests below which it is said to be as good at a point of the paper."""

MEAN_COST = 1.3
POINTS, COST_SHARE = 0.01, 0.03
"""By how much an opponent has to be better, in attainment and in cost, to count as better on both."""

_HOUR_SECONDS = 3600.0
_NOISE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One demand; ``misses`` are sentences, none where it holds; ``checked`` counts what it was held against."""

    text: str
    checked: int
    misses: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing misses it, and there was something that could."""
        return self.checked > 0 and not self.misses


def demands(board: Board) -> list[Demand]:
    """All demands that this board's contenders allow to check."""
    feasible = [scenario for scenario in board.scenarios if scenario.feasible]
    slow = [scenario for scenario in feasible if scenario.kind in SLOW_KINDS]
    cold = [s for s in feasible if s.name.startswith("paper-") and s.name.endswith("-cold")]
    warm = [s for s in feasible if s.name.startswith("paper-") and s.name.endswith("-warm")]
    good, cost, failed = "attainment_ratio", "cost", "failed_ratio"
    asked = [
        _ratio(board, feasible, (good, REACTIVE), least=0.98, text="attainment at least 98 % of the reactive limit's"),
        _mean_cost(board, feasible),
        _ratio(board, feasible, (cost, ORACLE), most=1.6, text="cost at most 1.6 times the oracle's in any scenario"),
        _ratio(board, slow, (good, ORACLE), least=0.99, text="slow loads: attainment at least 99 % of the oracle's"),
        _ratio(board, slow, (cost, ORACLE), most=1.3, text="slow loads: cost at most 1.3 times the oracle's"),
        _no_better_opponent(board, feasible),
        _no_dominating_opponent(board, feasible),
        _ratio(
            board, cold, ("good_rps", SLOW_HPA), least=1.3, text="paper, cold: 1.3 times the good requests of hpa-120s"
        ),
        _ratio(
            board, cold, (failed, SLOW_HPA), most=0.4, text="paper, cold: at most 0.4 times the failures of hpa-120s"
        ),
        _ratio(board, warm, (failed, SLOW_HPA), most=0.12, text="paper, warm: at most 0.12 times its failures"),
        _ratio(board, [*cold, *warm], ("good_rps", V1), least=2.0, text="paper: twice the good requests of wva-v1"),
        _ratio(
            board,
            [*cold, *warm],
            ("cost_per_1000_good", DEFAULT_HPA),
            most=1.05,
            text="paper: a good request costs at most 1.05 times what it costs default HPA",
        ),
        _reversals(board, board.scenarios),
        _reversals_an_hour(board, [scenario for scenario in board.scenarios if scenario.kind == "trace"]),
    ]
    return [demand for demand in asked if demand.checked]


def as_good_as_default_hpa(board: Board) -> list[str]:
    """The paper's points at which default HPA serves nearly as many requests well as we do."""
    found = []
    for scenario in board.scenarios:
        if scenario.name.startswith("paper-") and {OURS, DEFAULT_HPA} <= set(board.contenders):
            share = board.ratio(scenario.name, OURS, DEFAULT_HPA, "good_rps").mean
            if abs(share - 1.0) <= NEAR:
                found.append(f"{scenario.name} ({share:.2f})")
    return found


def beaten_limits(board: Board) -> list[str]:
    """Contenders that are better than what is possible, beyond noise: a mistake in a limit, or in the twin."""
    found = []
    for scenario, limit, name in _pairs(board):
        attains = board.difference(scenario.name, name, limit, "attainment_ratio")
        costs = board.ratio(scenario.name, name, limit, "cost")
        if limit == ORACLE and attains.above(TOLERANCE + _NOISE):
            found.append(f"{scenario.name}: {name} attains {100 * attains.mean:.1f} points more than the {limit}")
        elif attains.above(0.0) and costs.below(1.0 - _NOISE):
            found.append(
                f"{scenario.name}: {name} attains {100 * attains.mean:.1f} points more than the {limit} limit"
                f" at {costs.mean:.2f} times its cost"
            )
    return found


def better_on_both(board: Board, scenario: str, name: str) -> bool:
    """Whether an opponent attains more and costs less than we do, by more than the margins."""
    attains = board.difference(scenario, name, OURS, "attainment_ratio").mean
    return attains > POINTS and board.ratio(scenario, name, OURS, "cost").mean < 1.0 - COST_SHARE


def opponents(board: Board) -> list[str]:
    """Everybody but us and the limits."""
    return [name for name in board.contenders if name not in {OURS, *LIMITS}]


def _pairs(board: Board) -> Iterator[tuple[Scenario, str, str]]:
    for scenario in board.scenarios:
        for limit in LIMITS:
            for name in board.contenders:
                if limit in board.contenders and name not in LIMITS:
                    yield scenario, limit, name


def _ratio(
    board: Board,
    scenarios: Iterable[Scenario],
    what: tuple[str, str],
    *,
    text: str,
    least: float = -math.inf,
    most: float = math.inf,
) -> Demand:
    """Our number over another contender's, in each scenario; both zero is fine."""
    number, other = what
    checked, misses = 0, []
    for scenario in scenarios:
        if not {OURS, other} <= set(board.contenders):
            continue
        checked += 1
        ours, theirs = (board.mean(scenario.name, name, number).mean for name in (OURS, other))
        share = board.ratio(scenario.name, OURS, other, number).mean
        if not (least <= share <= most) and not (ours == 0.0 and most < math.inf):
            misses.append(
                f"{scenario.name} {share:.3f}"
                if math.isfinite(share)
                else f"{scenario.name} ({ours:.3g} to {theirs:.3g})"
            )
    return Demand(text=text, checked=checked, misses=tuple(misses))


def _mean_cost(board: Board, scenarios: list[Scenario]) -> Demand:
    text = "cost at most 1.3 times the oracle's in the mean"
    if not scenarios or not {OURS, ORACLE} <= set(board.contenders):
        return Demand(text=text, checked=0, misses=())
    share = sum(board.ratio(s.name, OURS, ORACLE, "cost").mean for s in scenarios) / len(scenarios)
    return Demand(text=f"{text}: {share:.2f}", checked=1, misses=() if share <= MEAN_COST else (f"{share:.3f}",))


def _no_better_opponent(board: Board, scenarios: list[Scenario]) -> Demand:
    text = "no opponent is better by more than 1 point of attainment and 3 % of cost at once"
    against = opponents(board) if OURS in board.contenders else []
    misses = [
        f"{scenario.name}: {name} (+{100 * board.difference(scenario.name, name, OURS, 'attainment_ratio').mean:.1f} points,"
        f" {board.ratio(scenario.name, name, OURS, 'cost').mean:.2f} of the cost)"
        for scenario in scenarios
        for name in against
        if better_on_both(board, scenario.name, name)
    ]
    return Demand(text=text, checked=len(scenarios) * len(against), misses=tuple(misses))


def _no_dominating_opponent(board: Board, scenarios: list[Scenario]) -> Demand:
    against, misses = opponents(board) if OURS in board.contenders else [], []
    for name in against:
        attains = [board.difference(s.name, name, OURS, "attainment_ratio").mean for s in scenarios]
        costs = [board.ratio(s.name, name, OURS, "cost").mean for s in scenarios]
        if sum(attains) > 0.0 and sum(costs) < len(scenarios):
            misses.append(f"{name} (+{100 * sum(attains) / len(attains):.2f} points, {sum(costs) / len(costs):.2f})")
    checked = len(against) if scenarios else 0
    return Demand(text="no opponent is better on both in the mean", checked=checked, misses=tuple(misses))


def _reversals(board: Board, scenarios: Iterable[Scenario]) -> Demand:
    checked, misses = 0, []
    for scenario in scenarios:
        if {OURS, DEFAULT_HPA} <= set(board.contenders):
            checked += 1
            more = board.difference(scenario.name, OURS, DEFAULT_HPA, "reversals").mean
            if more > 1.0:
                misses.append(f"{scenario.name} +{more:.1f}")
    return Demand(
        text="at most one reversal more than HPA with its window of 300 s", checked=checked, misses=tuple(misses)
    )


def _reversals_an_hour(board: Board, scenarios: list[Scenario]) -> Demand:
    each = {s.name: board.mean(s.name, OURS, "reversals").mean * _HOUR_SECONDS / s.duration_seconds for s in scenarios}
    misses = tuple(f"{name} {rate:.1f}" for name, rate in each.items() if rate > 1.0)
    return Demand(text="traces: at most one reversal an hour", checked=len(each), misses=misses)
