"""The best assignment there is: most servers served in full, priority by priority, then most of the rest, then least cost.

Greedy ranks by money alone and never looks at what is scarce: on 1,000 servers and 8 accelerators it leaves a quarter of them
unserved that could all be. Here each step of that order is a mixed integer program, solved to the optimum by HiGHS
(``scipy.optimize.milp``), and what it reached becomes a constraint of the next.

With y[s, a] = 1 where server s gets all it needs on accelerator a, and n[s, a] the replicas it gets there otherwise::

    sum over a of (y[s, a] + z[s, a]) <= 1          one accelerator a server, z[s, a] = 1 where it gets a part
    n[s, a] <= (wanted[s, a] - 1) z[s, a]
    sum over the pool of wanted units y + units n <= capacity
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from wva_exporter.core.assignment.problem import NOTHING, BestEffort, Problem, Solution
from wva_exporter.core.assignment.solver import solve
from wva_exporter.core.columns import FloatArray, IntArray

KEPT = 1e-7
"""Relative give of what an earlier step reached, so that rounding does not make the next infeasible."""

TIE_RATIO = 1e-6
"""Weight of value beside cost: it decides between assignments of equal cost, and gives up a millionth at most."""

EXACT_PAIRS = 2000
LARGE_GAP = 1e-4
"""Up to so many pairs the proof is carried to the end; beyond, to this relative distance, which leaves counts exact."""


def optimum(problem: Problem, best_effort: BestEffort = BestEffort.NONE, *, delayed: bool = False) -> Solution:
    """The best assignment, with the interface of ``solver.solve``; never worse than that, which it falls back to.

    Servers that cannot all be served in full share what is left, by priority, so that the share of their load that is carried
    is largest; with ``ROUND_ROBIN`` regardless of priority. Fairness among equals is no aim. ``delayed`` makes no difference:
    whoever can be served in full comes before anybody's part. Of equally good ones the cheapest, then that of least value.
    """
    found = solve(problem, best_effort, delayed=delayed)
    if not len(problem) or not problem.candidates.possible.any():
        return found
    program = _Program(problem=problem, partial=problem.capacity is not None and best_effort is not BestEffort.NONE)
    priorities = np.unique(problem.priority)
    steps = [-program.full_service(problem.priority == each) for each in priorities]
    if program.partial:
        together = best_effort is BestEffort.ROUND_ROBIN
        groups = [problem.priority > 0] if together else [problem.priority == each for each in priorities]
        steps += [-program.part_service(group) for group in groups]
    price = program.price(problem.candidates.cost) + TIE_RATIO * program.price(problem.candidates.value)
    for objective in [*steps, price]:
        if not program.improve(objective):
            break
    best = program.solution()
    return found if best is None or _worse(best, found, problem) else best


def _worse(best: Solution, found: Solution, problem: Problem) -> bool:
    """Whether the greedy answer is to be preferred: the program was cut short, or its gap was larger than the gain.

    Costs compare only where nobody was served in part: there a lower cost may be less service.
    """
    ours, theirs = best.served(problem), found.served(problem)
    in_part = np.any(found.replicas[~found.full] > 0) or np.any(best.replicas[~best.full] > 0)
    dearer = float(best.cost.sum()) > float(found.cost.sum()) * (1.0 + TIE_RATIO)
    return ours < theirs or (ours == theirs and not in_part and dearer)


@dataclass(slots=True, kw_only=True)
class _Program:
    """Variables y, and with ``partial`` also z and n, one of each for each possible pair of a server and an accelerator."""

    problem: Problem
    partial: bool
    server: IntArray = field(init=False)
    accelerator: IntArray = field(init=False)
    rows: csr_array = field(init=False)
    most: FloatArray = field(init=False)
    values: FloatArray | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.server, self.accelerator = np.nonzero(self.problem.candidates.possible)
        blocks = [(self._one_each(), np.ones(len(self.problem)))]
        if self.problem.capacity is not None:
            blocks.append((self._pools(), self.problem.capacity.astype(np.float64)))
        if self.partial:
            blocks.append((self._parts(), np.zeros(self.pairs)))
        self.rows = vstack([matrix for matrix, _ in blocks], format="csr")
        self.most = np.concatenate([limit for _, limit in blocks])

    @property
    def pairs(self) -> int:
        """Possible pairs of a server and an accelerator."""
        return len(self.server)

    @property
    def wanted(self) -> FloatArray:
        """Replicas that each pair needs."""
        return self.problem.candidates.replicas[self.server, self.accelerator].astype(np.float64)

    def improve(self, objective: FloatArray) -> bool:
        """Minimise one objective under all that was reached before, and keep what it reached; False if no answer came."""
        if not objective.any():
            return True
        width = len(objective)
        most = np.ones(width)
        if self.partial:
            most[2 * self.pairs :] = np.maximum(self.wanted - 1.0, 0.0)
        result = milp(
            objective,
            integrality=np.ones(width),
            bounds=Bounds(np.zeros(width), most),
            constraints=LinearConstraint(self.rows, -np.inf, self.most),
            options={"mip_rel_gap": 0.0 if self.pairs <= EXACT_PAIRS else min(LARGE_GAP, 0.5 / len(self.problem))},
        )
        if not result.success:
            return False
        self.values = np.round(result.x)
        reached = float(objective @ self.values)
        self.rows = vstack([self.rows, csr_array(objective[np.newaxis, :])], format="csr")
        self.most = np.append(self.most, reached + KEPT * abs(reached))
        return True

    def full_service(self, servers: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> FloatArray:
        """One for each of these servers that gets all it needs."""
        return self._spread(full=servers[self.server].astype(np.float64))

    def part_service(self, servers: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> FloatArray:
        """The load of these servers that a part of their replicas carries; a server without load counts a little."""
        load = np.maximum(self.problem.demand[self.server], 1e-3) / np.maximum(self.wanted, 1.0)
        return self._spread(replicas=np.where(servers[self.server], load, 0.0))

    def price(self, table: FloatArray) -> FloatArray:
        """The sum of a number of the candidates, a part of it for a part of the replicas."""
        each = table[self.server, self.accelerator]
        return self._spread(full=each, replicas=each / np.maximum(self.wanted, 1.0))

    def solution(self) -> Solution | None:
        """What the last objective found."""
        if self.values is None:
            return None
        choice = np.full(len(self.problem), NOTHING)
        replicas = np.zeros(len(self.problem), dtype=np.int64)
        full = self.values[: self.pairs] > 0.0
        choice[self.server[full]] = self.accelerator[full]
        replicas[self.server[full]] = self.wanted[full]
        if self.partial:
            count = self.values[2 * self.pairs :]
            some = count > 0.0
            choice[self.server[some]], replicas[self.server[some]] = self.accelerator[some], count[some]
        return Solution.of(self.problem, choice, replicas)

    def _spread(self, full: FloatArray | None = None, replicas: FloatArray | None = None) -> FloatArray:
        """Coefficients of all variables."""
        none = np.zeros(self.pairs)
        head = none if full is None else full
        return np.concatenate([head, none, none if replicas is None else replicas]) if self.partial else head

    def _one_each(self) -> csr_array:
        return self._table(self.server, len(self.problem), choices=np.ones(self.pairs))

    def _pools(self) -> csr_array:
        problem = self.problem
        assert problem.capacity is not None
        units = problem.units[self.server, self.accelerator].astype(np.float64)
        pool = problem.pool[self.accelerator]
        needed = problem.needed[self.server, self.accelerator].astype(np.float64)
        return self._table(pool, len(problem.capacity), full=needed, replicas=units)

    def _parts(self) -> csr_array:
        """Replicas of a part only where a part is chosen, and of a candidate that takes something from a pool."""
        takes = self.problem.needed[self.server, self.accelerator] > 0
        most = np.where(takes, np.maximum(self.wanted - 1.0, 0.0), 0.0)
        return self._table(np.arange(self.pairs), self.pairs, parts=-most, replicas=np.ones(self.pairs))

    def _table(
        self,
        row: IntArray,
        rows: int,
        *,
        choices: FloatArray | None = None,
        full: FloatArray | None = None,
        parts: FloatArray | None = None,
        replicas: FloatArray | None = None,
    ) -> csr_array:
        """A sparse matrix, a coefficient for each pair and kind of variable, in the pair's row; ``choices``: y and z alike."""
        none = np.zeros(self.pairs)
        kinds = [full if choices is None else choices]
        if self.partial:
            kinds += [parts if choices is None else choices, replicas]
        values = np.concatenate([none if kind is None else kind for kind in kinds])
        columns = np.arange(len(values))
        return csr_array((values, (np.tile(row, len(kinds)), columns)), shape=(rows, len(values)))
