"""Our solver: nobody served less, nothing dearer than the greedy one, and as good as trying everything."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product

import numpy as np
from assignment_builder import S, problem, problems
from hypothesis import given, settings
from hypothesis import strategies as st

from wva_exporter.core.assignment.optimum import optimum
from wva_exporter.core.assignment.problem import NOTHING, BestEffort, Problem, Solution
from wva_exporter.core.assignment.solver import greedy, unlimited
from wva_exporter.core.columns import IntArray

policies = st.sampled_from(list(BestEffort))


def by_trying_everything(given_problem: Problem) -> tuple[tuple[int, ...], float]:
    """The most servers in full by priority, and the least cost of those, over all assignments."""
    candidates = given_problem.candidates
    options = [[NOTHING, *np.flatnonzero(row).tolist()] for row in candidates.possible]
    found = []
    for choice in product(*options):
        chosen = np.array(choice)
        replicas = np.array([0 if c == NOTHING else candidates.replicas[i, c] for i, c in enumerate(choice)])
        solution = Solution.of(given_problem, chosen, replicas)
        if np.all(solution.units_used(given_problem) <= given_problem.capacity):
            found.append((tuple(-n for n in solution.served(given_problem)), float(solution.cost.sum())))
    served, cost = min(found)
    return tuple(-n for n in served), cost


def test_scarcity_counts_where_greed_sees_money_only() -> None:
    """The cheap pool carries one of two; greed gives it to the one that could go elsewhere for little more."""
    flexible, bound = S(replicas=(2, 2), cost=(2.0, 9.0)), S(replicas=(2, None), cost=(3.0, 0.0), priority=1)
    both = problem([flexible, bound, S(replicas=(2, None), cost=(3.0, 0.0))], [2, 2])
    assert greedy(both).served(both) <= optimum(both).served(both) == (2,)


def test_a_server_that_needs_no_replica_gets_just_that() -> None:
    """Scaled to zero, not forgotten."""
    solved = optimum(problem([S(replicas=(0,), demand=0.0)], [5]))
    assert (solved.choice.tolist(), solved.replicas.tolist(), solved.full.tolist()) == ([0], [0], [True])


def test_a_part_goes_where_it_carries_most() -> None:
    """Four of five accelerators of one kind carry more than one of two of the other, whatever they cost."""
    one = problem([S(replicas=(2, 5), cost=(10.0, 50.0))], [1, 4])
    assert greedy(one, BestEffort.PRIORITY_EXHAUSTIVE).choice.tolist() == [0]
    solved = optimum(one, BestEffort.PRIORITY_EXHAUSTIVE)
    assert (solved.choice.tolist(), solved.replicas.tolist()) == ([1], [4])


def test_nobody_at_all_is_solved() -> None:
    """Empty systems, and servers without a candidate."""
    assert len(optimum(problem([], [])).choice) == 0
    assert optimum(problem([S(replicas=(None,))], [3])).choice.tolist() == [NOTHING]


def test_without_limits_the_cheapest_is_taken() -> None:
    """Nothing is scarce, so cost alone decides."""
    free = problem([S(replicas=(5, 2)), S(replicas=(1, 4))], None)
    assert optimum(free).choice.tolist() == unlimited(free).choice.tolist() == [1, 0]


@settings(max_examples=60)
@given(problems(servers=5))
def test_it_is_as_good_as_trying_everything(given_problem: Problem) -> None:
    """Served by priority, then cost, over every assignment there is."""
    solved = optimum(given_problem)
    served, cost = by_trying_everything(given_problem)
    assert solved.served(given_problem) == served
    assert solved.cost.sum() <= cost * (1.0 + 1e-6)


@settings(max_examples=60)
@given(problems(servers=8), policies, st.booleans())
def test_never_fewer_served_and_never_dearer_than_greed(
    given_problem: Problem, policy: BestEffort, delayed: bool
) -> None:
    """By priority, the first difference is in its favour; if there is none, so is the cost."""
    theirs, ours = greedy(given_problem, policy, delayed=delayed), optimum(given_problem, policy, delayed=delayed)
    assert given_problem.capacity is not None
    assert np.all(ours.units_used(given_problem) <= given_problem.capacity)
    assert ours.served(given_problem) >= theirs.served(given_problem)
    if policy is BestEffort.NONE and ours.served(given_problem) == theirs.served(given_problem):
        assert ours.cost.sum() <= theirs.cost.sum() * (1.0 + 1e-6)


@settings(max_examples=40)
@given(problems(servers=5), policies, st.integers(0, 2**32 - 1))
def test_the_order_of_servers_does_not_matter(given_problem: Problem, policy: BestEffort, seed: int) -> None:
    """Shuffled, as many are served at the same cost."""
    order = np.random.default_rng(seed).permutation(len(given_problem))
    shuffled = _reordered(given_problem, order)
    one, other = optimum(given_problem, policy), optimum(shuffled, policy)
    assert one.served(given_problem) == other.served(shuffled)
    assert abs(one.cost.sum() - other.cost.sum()) <= 1e-4 * max(1.0, one.cost.sum())


def _reordered(given_problem: Problem, order: IntArray) -> Problem:
    """The same servers in another order."""
    candidates = given_problem.candidates
    moved = replace(candidates, **{f.name: getattr(candidates, f.name)[order] for f in fields(candidates)})
    return replace(
        given_problem,
        candidates=moved,
        priority=given_problem.priority[order],
        demand=given_problem.demand[order],
        units=given_problem.units[order],
    )
