"""Policy `wva-v2` through the whole plan: what it wants, what bounds it, and that nothing upsets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from fleet_builder import R, V, fleet, snapshot
from hypothesis import given
from hypothesis import strategies as st

from bench.tokens import plan_ms
from wva_exporter.conventions import Signal
from wva_exporter.core.decision import Memory, Plan
from wva_exporter.core.engine_arguments import EngineArguments
from wva_exporter.core.fleet import Fleet, Role
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.errors import Reason

SIZES: Mapping[Signal, float | None] = {Signal.INPUT_TOKENS: 400.0, Signal.OUTPUT_TOKENS: 100.0}


def r(v: str, kv: float, waiting: float = 0.0, **signals: float | None) -> R:
    """A replica of 100,000 tokens of KV cache whose requests weigh 500."""
    more = {Signal[name.upper()]: number for name, number in signals.items()}
    return R(v=v, kv=kv, waiting=waiting, signals={**SIZES, **more})


def decided(seen: Snapshot, memory: Memory | None = None) -> tuple[Plan, Memory]:
    """One cycle."""
    return plan(seen, memory, POLICIES, Rules())


def wanted(seen: Snapshot, memory: Memory | None = None) -> dict[str, float | None]:
    """The policy's own word by variant, before gates and brakes."""
    result, _ = decided(seen, memory)
    return dict(zip(seen.fleet.variants.name, result.steps[0].replicas.listed(), strict=True))


def of(*variants: V, exact: bool = False) -> Fleet:
    """A fleet under this policy."""
    return fleet(*variants, policy="wva-v2/exact" if exact else "wva-v2")


A = V(name="a", cost=10.0)
B = V(name="b", cost=30.0, accelerator="H100")


@pytest.mark.parametrize("exact", [False, True])
def test_a_full_fleet_grows_in_one_step(*, exact: bool) -> None:
    """Two hold 150,000 tokens and 40 requests of 500 wait: 170,000 over .85 are 200,000, where two carry 160,000 at most."""
    seen = snapshot(of(A, exact=exact), [r("a", 0.75, 20), r("a", 0.75, 20)])
    assert wanted(seen) == {"a": 3.0}


def test_upstream_takes_what_is_resident_in_a_queue_for_the_capacity() -> None:
    """With 6 % of the memory in use it sees a full replica, and remembers it."""
    seen = snapshot(of(A, exact=True), [r("a", 0.06, 5), r("a", 0.06, 5)])
    assert wanted(seen) == {"a": 4.0}
    _, memory = decided(seen)
    calm = snapshot(seen.fleet, [r("a", 0.06), r("a", 0.06)], time=1015.0)
    assert decided(calm, memory)[0].gauges.utilization.listed() == [1.0]
    corrected = snapshot(of(A), [r("a", 0.06, 5), r("a", 0.06, 5)])
    assert wanted(corrected) == {"a": 1.0}


def test_an_idle_fleet_shrinks_to_what_carries_the_load() -> None:
    """40,000 tokens over .7 need one replica of 80,000."""
    assert wanted(snapshot(of(A), [r("a", 0.1)] * 4)) == {"a": 1.0}


def test_between_the_thresholds_nothing_moves() -> None:
    """78 % of the capacity is neither too much nor too little."""
    result, _ = decided(snapshot(of(A), [r("a", 0.62)] * 3))
    assert result.steps[0].replicas.listed() == [3.0]
    assert result.reasons == (Reason.STEADY,)
    assert result.gauges.utilization.listed() == pytest.approx([0.775])
    assert result.gauges.required_unit == result.gauges.spare_unit == ("tokens",)


def test_replicas_on_their_way_count() -> None:
    """Nothing more is asked for while what was asked for comes."""
    seen = snapshot(of(A), [r("a", 0.8)] * 2, current={"a": 3.0}, ready={"a": 2.0}, declared=True)
    assert wanted(seen) == {"a": 3.0}


def test_a_queue_before_the_engines_is_load() -> None:
    """300 requests of 500 tokens weigh more than the two replicas have left."""
    seen = [r("a", 0.5), r("a", 0.5)]
    assert wanted(snapshot(of(A), seen)) == {"a": 2.0}
    assert wanted(snapshot(of(A), seen, router_queue=300.0)) == {"a": 4.0}


def test_roles_are_decided_apart() -> None:
    """Decode grows while prefill shrinks; a waiting request weighs its prompt there and all of itself here."""
    of_roles = of(V(name="p", role=Role.PREFILL), V(name="d", role=Role.DECODE))
    seen = snapshot(of_roles, [r("p", 0.05)] * 4 + [r("d", 0.75, 20)] * 2)
    assert wanted(seen) == {"p": 1.0, "d": 3.0}


def test_only_as_many_gpus_as_there_are() -> None:
    """The reason of what is missing is the inventory."""
    seen = replace(snapshot(of(A), [r("a", 0.79, 60)] * 2), inventory={"A100": 3})
    result, _ = decided(seen)
    assert result.steps[0].replicas.listed() == [3.0]
    assert result.reasons == (Reason.INVENTORY,)


def test_hardware_that_nobody_counts_has_no_limit_that_we_know() -> None:
    """Unknown is not zero; upstream takes it for none."""
    for exact, want in ((False, 4.0), (True, 2.0)):
        seen = replace(snapshot(of(A, exact=exact), [r("a", 0.79, 60)] * 2), inventory={"H100": 3})
        assert wanted(seen)["a"] == want


def test_a_first_wave_of_long_requests_is_weighed_by_what_runs() -> None:
    """Nothing was finished yet, so nobody knows what a request weighs; what runs holds 15,000 tokens each."""
    unknown = {"input_tokens": None, "output_tokens": None, "running": 4.0}
    seen = snapshot(of(A), [r("a", 0.6, 10, **unknown)])
    assert wanted(seen) == {"a": 4.0}


def test_an_engine_that_does_not_say_its_memory_is_taken_for_one_of_its_kind() -> None:
    """The others of the variant know."""
    seen = snapshot(of(A), [r("a", 0.75, 20), r("a", 0.75, 20, kv_capacity=None)])
    assert wanted(seen) == {"a": 3.0}


def test_nothing_goes_while_some_load_is_not_counted() -> None:
    """Of one variant nobody knows the memory: what the other could spare may be needed there."""
    variants = of(A, B)
    seen = snapshot(variants, [r("a", 0.05)] * 3 + [r("b", 0.9, kv_capacity=None)])
    assert wanted(seen) == {"a": 3.0, "b": 1.0}


def test_as_many_sequences_as_the_engine_runs_bound_its_capacity() -> None:
    """20 requests of 400 + 100 / 2 tokens are 9,000, whatever the memory would hold."""
    told = of(A)
    told = replace(told, variants=replace(told.variants, arguments=(EngineArguments(engine="vllm", sequences=20),)))
    seen = snapshot(told, [r("a", 0.09), r("a", 0.09)])
    assert wanted(seen) == {"a": 3.0}
    assert wanted(snapshot(of(A), [r("a", 0.09), r("a", 0.09)])) == {"a": 1.0}


def test_a_variant_that_never_ran_is_left_out() -> None:
    """Nobody knows what it would carry."""
    seen = snapshot(of(A, B), [r("a", 0.75, 20)] * 2, current={"b": 0.0}, declared=True)
    assert wanted(seen) == {"a": 3.0, "b": 0.0}


def test_what_a_variant_carried_is_remembered_while_it_is_gone() -> None:
    """It comes back for what it costs, also when the fleet has changed."""
    cheap = V(name="c", cost=1.0, minimum=0)
    first = snapshot(of(A, cheap), [r("a", 0.5), r("c", 0.5)], declared=True)
    _, memory = decided(first)
    seen = snapshot(of(B, A, cheap), [r("a", 0.75, 20)] * 2, time=1015.0, current={"b": 0.0, "c": 0.0}, declared=True)
    assert wanted(seen, memory) == {"b": 0.0, "a": 2.0, "c": 1.0}


@pytest.mark.parametrize("exact", [False, True])
def test_no_replica_no_word(*, exact: bool) -> None:
    """A model that nobody sees is held, not sized."""
    assert wanted(snapshot(of(A, exact=exact), [], current={"a": 3.0}, declared=True)) == {"a": None}
    assert wanted(snapshot(of(A, exact=exact), [r("a", 0.5, kv_capacity=None)])) == {"a": None}


NUMBERS = st.none() | st.sampled_from([0.0, -1.0, 1e-300, 0.5, 1.0, 7.0, 1e6, 1e18, 1e308])
SIGNALS = st.dictionaries(
    st.sampled_from(
        [
            *(Signal.KV, Signal.KV_PEAK, Signal.KV_CAPACITY, Signal.WAITING, Signal.WAITING_PEAK, Signal.RUNNING),
            *(Signal.INPUT_TOKENS, Signal.OUTPUT_TOKENS, Signal.PREFIX_HIT_RATIO),
        ]
    ),
    NUMBERS,
)


@given(
    st.lists(st.tuples(st.sampled_from("abpd"), SIGNALS, st.booleans()), max_size=8),
    st.booleans(),
    NUMBERS,
    st.none() | st.integers(0, 9),
)
def test_nothing_upsets_it(
    replicas: list[tuple[str, dict[Signal, float | None], bool]], exact: bool, queue: float | None, gpus: int | None
) -> None:
    """Negative, huge, missing: there is a plan, within bounds, and no exception."""
    variants = (A, B, V(name="p", role=Role.PREFILL, model="k"), V(name="d", role=Role.DECODE, model="k", maximum=None))
    rows = [R(v=v, signals={**SIZES, **signals}, silent=silent) for v, signals, silent in replicas]
    seen = snapshot(of(*variants, exact=exact), rows, router_queue=queue)
    seen = replace(seen, inventory={} if gpus is None else {"A100": gpus, "H100": 1})
    result, memory = decided(seen)
    again, _ = decided(replace(seen, time=1015.0), memory)
    for each in (result, again):
        assert np.all(each.target.value[each.target.known] >= 1)
        assert np.all(each.target.value[:3] <= 10)


@given(st.permutations(range(5)))
def test_the_order_of_variants_changes_nothing(order: list[int]) -> None:
    """Neither of variants nor of their replicas; upstream's memory within a cycle depends on it."""
    variants = [V(name=n, cost=10.0 + i, accelerator="A100" if i % 2 else "H100") for i, n in enumerate("abcde")]
    rows = [r(v.name, 0.5 + 0.06 * i, 3.0 * i) for i, v in enumerate(variants)]
    inventory = {"A100": 4, "H100": 4}

    def answer(places: list[int]) -> dict[str, float | None]:
        seen = snapshot(of(*(variants[i] for i in places)), [rows[i] for i in places])
        return wanted(replace(seen, inventory=inventory))

    assert answer(list(order)) == answer(list(range(5)))


@pytest.mark.parametrize("policy", ["wva-v2", "wva-v2/exact"])
def test_the_bench_decides_a_whole_fleet(policy: str) -> None:
    """It raises if it did not."""
    assert plan_ms(policy, models=5, repeats=1) > 0
