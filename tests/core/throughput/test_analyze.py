"""The corrections of the throughput analyzer, each by the fault that it puts right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from throughput_builder import FULL, KV_TOKENS, A, B, R, fitted, run, view

from wva_exporter.core.columns import Column, integers
from wva_exporter.core.fleet import Role
from wva_exporter.core.throughput.itl import Tier
from wva_exporter.core.throughput.memory import Memory
from wva_exporter.core.throughput.view import Readings
from wva_exporter.errors import InvalidValue

DECODE_AND_BOTH = (Role.DECODE, Role.BOTH)
SPLIT = (Role.DECODE, Role.PREFILL)


def test_concurrency_is_capped_by_the_maximum_of_sequences() -> None:
    """With 90 % prefix hits the cache would hold 1451 requests; the engine runs 256, which fill .15 of it."""
    one = view([R(hit=0.9, sequences=256.0)], time=200.0, arrivals=[20.0])
    capped, _ = run([one], memory=fitted(hit=0.9))
    uncapped, _ = run([one], memory=fitted(exact=True, hit=0.9), exact=True)
    assert capped.per_replica.value[0] == pytest.approx(256 / (A * 256 * 600 / KV_TOKENS + B))
    assert uncapped.per_replica.value[0] == pytest.approx(21317.6586)


def test_an_unknown_maximum_of_sequences_caps_nothing() -> None:
    """Unknown is neither zero nor somebody's default."""
    found, _ = run([view([R(hit=0.9)], time=200.0)], memory=fitted(hit=0.9))
    assert found.per_replica.value[0] == pytest.approx(21317.6586)


def test_drift_is_measured_against_the_start_of_the_window() -> None:
    """Five steps of 15 %: the original's window keeps its 15 points of five kinds of work, ours those of the last."""
    growing = [view([R(il=5000.0 * 1.15**i)], time=200.0 + 15.0 * i) for i in range(1, 6)]
    ours, _ = run(growing, memory=fitted())
    theirs, _ = run(growing, memory=fitted(exact=True), exact=True)
    assert ours.samples.tolist() == [2]
    assert ours.line.tier.tolist() == [Tier.PINNED]
    assert theirs.samples.tolist() == [15]


def test_lengths_that_swing_within_their_range_are_no_drift() -> None:
    """Up and down by 15 % around the start: the window stays."""
    swinging = [view([R(il=5000.0 * (1.15 if i % 2 else 0.87))], time=200.0 + 15.0 * i) for i in range(4)]
    assert run(swinging, memory=fitted())[0].samples.tolist() == [14]


def test_demand_is_split_by_supply() -> None:
    """Three decode replicas and one that does both carry 8000 as 6000 and 2000; the original gives each role half."""
    four = view([R(), R(), R(), R(v=1)], time=200.0, roles=DECODE_AND_BOTH, arrivals=[40.0])
    ours, _ = run([four], memory=fitted(roles=DECODE_AND_BOTH))
    theirs, _ = run([four], memory=fitted(exact=True, roles=DECODE_AND_BOTH), exact=True)
    shares = [Role.BOTH, Role.DECODE]
    assert ours.totals.role_demand.value[0, shares].tolist() == pytest.approx([2000.0, 6000.0])
    assert theirs.totals.role_demand.value[0, shares].tolist() == pytest.approx([4000.0, 4000.0])


def test_a_silent_router_is_no_absence_of_demand() -> None:
    """Two replicas at .95 make 5613 tokens per second: that much is asked, whoever sent it."""
    busy = view([R(k=0.95), R(k=0.95)], time=200.0)
    ours, _ = run([busy], memory=fitted())
    theirs, _ = run([busy], memory=fitted(exact=True), exact=True)
    assert ours.totals.demand.value[0] == pytest.approx(5613.22524)
    assert theirs.totals.demand.listed() == [0.0]


def test_a_router_that_counts_nothing_beside_busy_replicas_is_silent_too() -> None:
    """Requests that pass it by are requests."""
    found, _ = run([view([R(k=0.95)], time=200.0, arrivals=[0.0])], memory=fitted())
    assert found.totals.demand.value[0] > 2700.0


def test_completions_that_fall_behind_do_not_hide_the_load() -> None:
    """Where too much is asked less is finished: the larger of the two is the demand."""
    slow = view([R(k=0.95, completions=2.0)], time=200.0)
    assert run([slow], memory=fitted())[0].totals.demand.value[0] > 2700.0
    assert run([slow], memory=fitted(exact=True), exact=True)[0].demand.value[0] == pytest.approx(400.0)


def test_nothing_that_tells_a_demand_leaves_it_unknown() -> None:
    """No router, no replica: not zero."""
    found, _ = run([view([], time=200.0)], memory=fitted())
    assert found.totals.demand.listed() == [None]


def test_a_queue_that_nobody_can_weigh_leaves_demand_unknown() -> None:
    """Requests wait, and no replica ever told how long one takes: the demand is not what arrives alone."""
    found, _ = run([view([], arrivals=[0.0], queue=[10.0])])
    assert found.totals.demand.listed() == [None]


def test_a_model_without_replicas_has_a_demand_to_wake_for() -> None:
    """Arrivals count at the remembered length, and a queue at the remembered latency."""
    found, _ = run([view([], time=200.0, arrivals=[3.0], queue=[10.0])], memory=fitted())
    assert found.line.tier.tolist() == [Tier.REMEMBERED]
    assert found.per_replica.value[0] == pytest.approx(FULL)
    assert found.totals.demand.value[0] == pytest.approx(600.0 + 10.0 / (2.0 * (A * 0.85 + B)))


def test_idle_replicas_keep_the_capacity_they_were_seen_to_have() -> None:
    """An idle engine tells nothing of its speed; the original then has no capacity at all."""
    idle = [view([R(k=0.0)], time=200.0 + 1900.0 * i) for i in range(2)]
    ours, _ = run(idle, memory=fitted())
    theirs, _ = run(idle, memory=fitted(exact=True), exact=True)
    assert ours.per_replica.listed() == [pytest.approx(FULL)]
    assert ours.totals.supply.known[0]
    assert theirs.per_replica.listed() == [None]


def test_a_variant_that_was_never_busy_makes_supply_unknown() -> None:
    """Its replicas are there, and nobody knows what they carry."""
    found, _ = run([view([R(k=0.0)], arrivals=[15.0])])
    assert found.totals.supply.listed() == [None]


def test_prefill_replicas_have_a_supply_of_their_own() -> None:
    """A prompt that takes 0.2 s alone is seen at 0.4 s when 2.5 a second come: 0.85 / 0.2 prompts a second, in tokens."""
    decode = R(v=0)
    prefill = R(v=1, itl=None, ol=None, ttft=0.4, completions=2.5, il=2000.0)
    found, memory = run([view([decode, prefill], time=200.0, roles=SPLIT, arrivals=[2.5])], memory=fitted(roles=SPLIT))
    assert memory.prompt_seconds.listed() == [None, pytest.approx(0.2)]
    assert found.totals.role_supply.value[0, Role.PREFILL] == pytest.approx(0.85 / 0.2 * 2000.0)
    assert found.totals.role_demand.value[0, Role.PREFILL] == pytest.approx(2.5 * 2000.0)
    assert found.totals.supply.value[0] == pytest.approx(FULL)
    assert found.totals.demand.value[0] == pytest.approx(500.0)


def test_an_overloaded_prefill_replica_carries_what_goes_through() -> None:
    """Where TTFT grows without bound, capacity is the rate of what is finished."""
    swamped = R(v=1, itl=None, ol=None, ttft=300.0, completions=4.0, il=2000.0)
    found, _ = run([view([R(), swamped], time=200.0, roles=SPLIT, arrivals=[9.0])], memory=fitted(roles=SPLIT))
    supply, demand = (column.value[0, Role.PREFILL] for column in (found.totals.role_supply, found.totals.role_demand))
    assert supply == pytest.approx(0.85 * 4.0 * 2000.0, rel=1e-3)
    assert demand == pytest.approx(18000.0)


def test_prefill_that_was_never_seen_has_an_unknown_supply() -> None:
    """Not zero, and not that of decoding; the model's own sums do not wait for it."""
    silent = R(v=1, itl=None, ol=None)
    found, _ = run([view([R(), silent], time=200.0, roles=SPLIT, arrivals=[6.0])], memory=fitted(roles=SPLIT))
    assert not found.totals.role_supply.known[0, Role.PREFILL]
    assert found.totals.supply.known[0]


def test_a_prompt_time_is_remembered_through_a_lull() -> None:
    """Nothing comes for a cycle: the capacity stays."""
    decode, prefill = R(v=0), R(v=1, itl=None, ol=None, ttft=0.4, completions=2.5, il=2000.0)
    lull = R(v=1, itl=None, ol=None, il=None)
    cycles = [view([decode, each], time=200.0 + 15.0 * i, roles=SPLIT) for i, each in enumerate((prefill, lull))]
    found, _ = run(cycles, memory=fitted(roles=SPLIT))
    assert found.totals.role_supply.value[0, Role.PREFILL] == pytest.approx(0.85 / 0.2 * 2000.0)


@pytest.mark.parametrize(("cycles", "samples"), [(2, 12), (3, 0), (4, 1)])
def test_a_token_rate_that_keeps_contradicting_empties_the_window(cycles: int, samples: int) -> None:
    """Three in a row; the B that was fitted survives."""
    wrong = [view([R(generated=100.0)], time=200.0 + 15.0 * i) for i in range(cycles)]
    found, memory = run(wrong, memory=fitted())
    assert found.samples.tolist() == [samples]
    assert memory.base.value[0] == pytest.approx(B)


def test_one_agreement_forgives_contradictions() -> None:
    """The count is of cycles in a row."""
    right = 0.5 * KV_TOKENS / 4600.0 / (A * 0.5 + B)
    rates = [100.0, 100.0, right, 100.0, 100.0]
    cycles = [view([R(generated=rate)], time=200.0 + 15.0 * i) for i, rate in enumerate(rates)]
    assert run(cycles, memory=fitted())[0].samples.tolist() == [15]


def test_a_variant_unseen_for_an_hour_is_forgotten() -> None:
    """Old lines are no lines."""
    found, memory = run([view([], time=10_000.0, arrivals=[3.0])], memory=fitted())
    assert found.per_replica.listed() == [None]
    assert len(memory.samples) == 0


def test_memory_follows_its_variants_to_other_rows() -> None:
    """A variant that comes before the others leaves them what they learned; one that goes takes its own."""
    both = (Role.BOTH, Role.BOTH)
    first = run([view([R(v=1, k=k)], time=15.0 * i, roles=both) for i, k in enumerate((0.2, 0.4, 0.8))])[1]
    moved = first.moved(integers([1, -1, 0]))
    assert moved.samples.count(3).tolist() == [3, 0, 0]
    assert moved.shape.known.tolist() == [True, False, False]
    assert first.moved(integers([0])).samples.count(1).tolist() == [0]
    assert len(Memory.empty(0).moved(integers([-1, -1]))) == 2


def test_impossible_views_are_refused() -> None:
    """A replica of a variant that is not there, and columns of different lengths."""
    with pytest.raises(InvalidValue, match="variant outside"):
        view([R(v=1)])
    good = view([R()]).replicas
    with pytest.raises(InvalidValue, match="kv_usage has shape"):
        Readings(**{name: getattr(good, name) for name in good.__slots__} | {"kv_usage": Column.unknown(2)})
    with pytest.raises(InvalidValue, match="router queues"):
        view([R()], queue=[1.0, 2.0])


strange = st.one_of(st.none(), st.floats(-1e300, 1e300), st.sampled_from([0.0, 0.5, 1.0, 200.0, 1e-300]))
anything = st.builds(
    R,
    v=st.integers(0, 1),
    k=strange,
    itl=strange,
    il=strange,
    ol=strange,
    hit=strange,
    kv=strange,
    ttft=strange,
    arrivals=strange,
    completions=strange,
    generated=strange,
    sequences=strange,
    stale=st.booleans(),
)


@given(st.lists(st.lists(anything, max_size=4), min_size=1, max_size=4), strange, strange, st.booleans())
def test_no_reading_whatever_raises(
    cycles: list[list[R]], arrivals: float | None, queue: float | None, exact: bool
) -> None:
    """Whatever replicas and routers say, the answer is finite numbers and what is known of them; capacities are positive."""
    views = [
        view(rows, time=15.0 * i, roles=SPLIT, arrivals=[arrivals], queue=[queue]) for i, rows in enumerate(cycles)
    ]
    found, memory = run(views, exact=exact)
    assert np.all(found.per_replica.value[found.per_replica.known] > 0.0)
    assert np.all(memory.samples.usage <= 0.85)


@given(st.permutations(range(3)))
def test_the_order_of_variants_does_not_matter(order: list[int]) -> None:
    """The same fleet in other rows has the same capacities and sums."""
    rows = [R(v=0, k=0.3), R(v=0, k=0.7), R(v=1, k=0.5, ol=400.0), R(v=2, k=0.6, il=900.0)]
    roles = (Role.BOTH, Role.DECODE, Role.BOTH)
    place = [order.index(v) for v in range(3)]
    moved = [R(v=place[r.v], k=r.k, il=r.il, ol=r.ol) for r in rows]
    found = run([view(rows, roles=roles, arrivals=[9.0])])[0]
    other = run([view(moved, roles=[roles[v] for v in order], arrivals=[9.0])])[0]
    np.testing.assert_allclose(other.per_replica.value[place], found.per_replica.value)
    np.testing.assert_allclose(other.totals.role_demand.value, found.totals.role_demand.value)


def test_models_do_not_mix() -> None:
    """Two models in one view are two models alone."""
    roles = (Role.BOTH, Role.BOTH)
    rows = [R(v=0, k=0.4), R(v=1, k=0.8)]
    together = run([view(rows, roles=roles, model=[0, 1], arrivals=[5.0, None], queue=[None, 7.0])])
    alone = run([view([R(k=0.8)], queue=[7.0])])
    assert together[0].totals.demand.value[1] == alone[0].totals.demand.value[0]
