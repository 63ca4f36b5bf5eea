"""Budgets, quotas and limiters hand out what there is, once."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.allocation.budgets import Budgets, Constraint
from wva_exporter.core.allocation.coordinator import PodPool, share
from wva_exporter.core.allocation.enforcer import Candidate, Idleness, enforce
from wva_exporter.core.allocation.limiter import Decision, Pool, trim_by_pool, trim_by_quotas
from wva_exporter.core.allocation.quotas import Quotas, Scope
from wva_exporter.core.allocation.waterfill import Share, waterfill
from wva_exporter.core.fleet import Role
from wva_exporter.core.liveness import Voice, binder, live


def test_two_providers_leave_the_smaller_budget_of_a_namespace() -> None:
    """A type that one of them does not list may not be used."""
    found = Budgets.of(
        [
            Constraint(pools={"A": (9, 0)}, namespaces={"n": {"A": (5, 1), "B": (2, 0)}}),
            Constraint(namespaces={"n": {"A": (-1, 0)}}),
        ]
    )
    assert found.namespaces == {"n": {"A": 4.0, "B": 0.0}}
    assert found.effective("n") == {"A": 4.0}
    assert found.effective("other") == {"A": 9.0}


def test_an_unlimited_pool_is_never_charged() -> None:
    """There is always as much left."""
    found = Budgets.of([Constraint(pools={"A": (-1, 3)})])
    found.take("n", {"A": 100.0})
    assert found.cluster == {"A": math.inf}


def test_gpus_that_make_no_whole_replica_stay_for_the_next() -> None:
    """Three for one of two and one of one; upstream loses the third."""
    decisions = [
        Decision(name="a", current=1, target=3, gpus=2, spare=0.1),
        Decision(name="b", current=1, target=2, spare=0.2),
    ]
    pool = Pool(3)
    trimmed = trim_by_pool(decisions, pool, exact=False)
    assert [each.target for each in trimmed.decisions] == [2, 2]
    assert (trimmed.limited_by, trimmed.allocated, pool.remaining) == ({"a": "pool"}, {"a": 2, "b": 1}, 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(1, 4)), max_size=6), st.integers(0, 20))
def test_a_limiter_never_gives_more_than_there_is(drawn: list[tuple[int, int, int]], gpus: int) -> None:
    """Nor takes anything away."""
    decisions = [Decision(name=str(i), current=c, target=t, gpus=g) for i, (c, t, g) in enumerate(drawn)]
    for exact in (True, False):
        trimmed = trim_by_pool(decisions, Pool(gpus), exact=exact)
        assert sum(trimmed.allocated.values()) <= gpus
        assert all(
            min(d.current, d.target) <= after.target <= max(d.target, d.current)
            for d, after in zip(decisions, trimmed.decisions, strict=True)
        )


def test_a_namespace_that_is_excluded_is_not_limited() -> None:
    """Whatever it asks for."""
    quotas = Quotas(name="q", scope=Scope.NAMESPACE, exclude=frozenset({"system"}))
    decision = Decision(name="a", namespace="system", accelerator="A", current=0, target=9)
    assert trim_by_quotas([decision], [quotas], exact=False).decisions[0].target == 9


def test_both_roles_come_back() -> None:
    """The cheapest of each."""
    candidates = [
        Candidate(name="p1", target=0, cost=5, role=Role.PREFILL),
        Candidate(name="p2", target=0, cost=3, role=Role.PREFILL),
        Candidate(name="d", target=0, cost=9, role=Role.DECODE),
    ]
    targets, _ = enforce(candidates, Idleness(allowed=False, requests=None), exact=False)
    assert targets == {"p1": 0, "p2": 1, "d": 1}


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=6),
    st.integers(0, 60),
)
def test_pools_never_exceed_their_quota(drawn: list[tuple[int, int, int]], quota: int) -> None:
    """And none has less than its least."""
    pools = [PodPool(name=str(i), queue=float(q), minimum=m, gpus=g) for i, (q, m, g) in enumerate(drawn)]
    most = share(quota, pools)
    if most is None:
        assert quota <= 0 or sum(p.minimum * p.gpus for p in pools) > quota
    else:
        assert sum(most[p.name] * p.gpus for p in pools) <= quota
        assert all(most[p.name] >= p.minimum for p in pools)


@given(
    st.integers(0, 40),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=6),
)
def test_waterfilling_keeps_floors_caps_and_the_budget(budget: int, drawn: list[tuple[int, int, int]]) -> None:
    """Everything is given away that somebody may take."""
    shares = [Share(key=str(i), weight=float(w), floor=f, cap=f + more) for i, (w, f, more) in enumerate(drawn)]
    parts, over = waterfill(budget, shares)
    assert all(s.floor <= parts[s.key] <= s.cap for s in shares)
    if not over:
        assert sum(parts.values()) <= budget
        wanting = [s for s in shares if s.weight > 0 and parts[s.key] < s.cap]
        assert sum(parts.values()) == budget or not wanting


def test_a_silent_analyzer_stops_counting() -> None:
    """After three intervals."""
    assert live(None, 15.0)
    assert live(45.0, 15.0)
    assert not live(45.1, 15.0)
    assert live(90.0, 0.0)


def test_the_only_other_analyzer_gives_the_units() -> None:
    """Of several none does, and the model is held."""

    def voice(name: str, *, informative: bool = True) -> Voice:
        return Voice(name=name, enabled=True, live=True, informative=informative)

    silent = voice("saturation", informative=False)
    assert binder("saturation", [voice("saturation"), voice("throughput")]) == "saturation"
    assert binder("saturation", [silent, voice("throughput")]) == "throughput"
    assert binder("saturation", [silent, voice("throughput"), voice("queueing")]) is None
    assert binder("saturation", [silent]) is None
