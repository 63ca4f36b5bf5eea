"""The parity solver: who goes first, who goes where, who is left with a part."""

from __future__ import annotations

import numpy as np
import pytest
from assignment_builder import S, problem, problems
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.assignment.problem import NOTHING, BestEffort, Problem, Solution
from wva_exporter.core.assignment.solver import greedy, solve, unlimited
from wva_exporter.errors import InvalidValue

policies = st.sampled_from(list(BestEffort))


def got(solution: Solution) -> list[tuple[int, int]]:
    """Accelerator and replicas of each server."""
    return list(zip(solution.choice.tolist(), solution.replicas.tolist(), strict=True))


def test_without_limits_everyone_takes_the_least_value() -> None:
    """Accelerators are as many as anybody wants."""
    assert got(unlimited(problem([S(replicas=(5, 2)), S(replicas=(1, 4))], None))) == [(1, 2), (0, 1)]


def test_a_server_that_can_run_nowhere_gets_nothing() -> None:
    """No candidate is no allocation, not zero replicas of something."""
    assert got(unlimited(problem([S(replicas=(None, None))], None))) == [(NOTHING, 0)]


def test_nobody_and_nothing_to_run_on_is_an_answer_too() -> None:
    """Empty systems are solved."""
    assert got(solve(problem([], []))) == []
    assert got(solve(problem([S(replicas=())], []))) == [(NOTHING, 0)]


def test_who_would_lose_most_by_its_second_choice_goes_first() -> None:
    """Of equal priority, the larger gap between the two best candidates is served before the other."""
    small, large = S(replicas=(2, 2), cost=(2.0, 3.0)), S(replicas=(2, 2), cost=(2.0, 9.0))
    assert got(greedy(problem([small, large], [2, 2]))) == [(1, 2), (0, 2)]


def test_priority_comes_before_everything() -> None:
    """However much the other would lose."""
    first, second = S(replicas=(2, 2), cost=(2.0, 3.0)), S(replicas=(2, None), priority=2)
    assert got(greedy(problem([second, first], [2, 0]))) == [(NOTHING, 0), (0, 2)]


def test_round_robin_shares_what_is_left() -> None:
    """Seven replicas for two that want nine and eight: four and three."""
    two = problem([S(replicas=(9,)), S(replicas=(8,), priority=10)], [7])
    assert got(greedy(two, BestEffort.ROUND_ROBIN, delayed=True)) == [(0, 4), (0, 3)]
    assert got(greedy(two, BestEffort.PRIORITY_EXHAUSTIVE, delayed=True)) == [(0, 7), (NOTHING, 0)]
    assert got(greedy(two, BestEffort.NONE)) == [(NOTHING, 0), (NOTHING, 0)]


def test_immediate_best_effort_takes_what_a_lower_priority_could_have_used() -> None:
    """Delayed, the lower priority is served in full first."""
    tight = problem([S(replicas=(9,)), S(replicas=(5,), priority=2)], [7])
    assert got(greedy(tight, BestEffort.PRIORITY_EXHAUSTIVE)) == [(0, 7), (NOTHING, 0)]
    assert got(greedy(tight, BestEffort.PRIORITY_EXHAUSTIVE, delayed=True)) == [(0, 2), (0, 5)]


def test_a_part_costs_its_part() -> None:
    """Cost and value shrink with the replicas; a server with a part is saturated."""
    part = greedy(problem([S(replicas=(4,), cost=(100.0,))], [3]), BestEffort.PRIORITY_EXHAUSTIVE)
    assert (part.cost[0], part.value[0], bool(part.saturated[0]), bool(part.full[0])) == (75.0, 75.0, True, False)


def test_the_original_forgets_servers_that_need_no_replica() -> None:
    """Zero replicas on no accelerator is passed over in limited mode, and chosen without limits."""
    idle = S(replicas=(0,), demand=0.0)
    assert got(greedy(problem([idle], [5]))) == [(NOTHING, 0)]
    assert got(unlimited(problem([idle], None))) == [(0, 0)]


@pytest.mark.parametrize("name", ["", "none", "priorityexhaustive", "PriorityExhaustive ", "best"])
def test_any_other_word_is_no_best_effort(name: str) -> None:
    """Names are case sensitive, as in the original."""
    assert BestEffort.named(name) is BestEffort.NONE


def test_impossible_problems_are_refused() -> None:
    """A negative capacity, and greed without limits."""
    with pytest.raises(InvalidValue, match="not negative"):
        problem([S(replicas=(1,))], [-1])
    with pytest.raises(InvalidValue, match="needs capacities"):
        greedy(problem([S(replicas=(1,))], None))


def check_fits(solved: Solution, given_problem: Problem) -> None:
    """Within the pools, on a candidate, with no more replicas than it asked for."""
    assert given_problem.capacity is not None
    assert np.all(solved.units_used(given_problem) <= given_problem.capacity)
    rows = np.flatnonzero(solved.choice != NOTHING)
    at = solved.choice[rows]
    assert np.all(given_problem.candidates.possible[rows, at])
    assert np.all(solved.replicas[rows] <= given_problem.candidates.replicas[rows, at])
    assert np.all(solved.replicas[solved.choice == NOTHING] == 0)


@given(problems(), policies, st.booleans())
def test_every_solution_fits(given_problem: Problem, policy: BestEffort, delayed: bool) -> None:
    """Whatever the problem, no pool is overdrawn and nobody gets what they did not ask for."""
    solved = greedy(given_problem, policy, delayed=delayed)
    check_fits(solved, given_problem)
    if policy is BestEffort.NONE:
        assert np.all(solved.full == (solved.choice != NOTHING))


@given(problems(), policies)
def test_best_effort_takes_nothing_from_those_served_in_full(given_problem: Problem, policy: BestEffort) -> None:
    """Delayed, a policy only adds to what none gives."""
    none, some = greedy(given_problem), greedy(given_problem, policy, delayed=True)
    assert np.all(some.full >= none.full)
    assert np.all(some.replicas[none.full] == none.replicas[none.full])
