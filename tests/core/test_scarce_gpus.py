"""GPUs that are short, through the whole plan: WVA's limiter under `wva-v1` and `wva-v2`, and its rescale under `wva-v2`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from fleet_builder import R, V, fleet, snapshot
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.conventions import Signal
from wva_exporter.core.allocation.quotas import Quotas, Scope
from wva_exporter.core.allocation.sharing import Sharing
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import policies
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import REASONS, Snapshot
from wva_exporter.errors import Reason

SIZES: Mapping[Signal, float | None] = {Signal.INPUT_TOKENS: 400.0, Signal.OUTPUT_TOKENS: 100.0}
LIMITED = Sharing(limiter=True)
RESCALED = Sharing(limiter=True, rescale=True)


def r(v: str, kv: float, waiting: float = 0.0) -> R:
    """A replica of 100,000 tokens of KV cache whose requests weigh 500."""
    return R(v=v, kv=kv, waiting=waiting, signals=SIZES)


def word(seen: Snapshot, sharing: Sharing) -> dict[str, tuple[float | None, Reason]]:
    """What the policy wants of each variant, and why, before gates and brakes."""
    result, _ = plan(seen, None, policies(sharing), Rules())
    step = result.steps[0]
    reasons = [REASONS[code] for code in step.reason.tolist()]
    return dict(zip(seen.fleet.variants.name, zip(step.replicas.listed(), reasons, strict=True), strict=True))


def counts(seen: Snapshot, sharing: Sharing) -> dict[str, float | None]:
    """The numbers alone."""
    return {name: replicas for name, (replicas, _) in word(seen, sharing).items()}


def weighty(of: Fleet, *priority: float) -> Fleet:
    """The same fleet with these priorities of its models."""
    return replace(of, models=replace(of.models, priority=np.array(priority)))


def with_gpus(of: Fleet, replicas: Sequence[R], **gpus: int) -> Snapshot:
    """What was seen where there are so many GPUs."""
    return replace(snapshot(of, replicas), inventory=gpus)


# wva-v1

TWO = (V(name="a", model="m"), V(name="b", model="n"))
BUSY = [r("a", 0.75), r("a", 0.75), r("b", 0.79), r("b", 0.79)]


@pytest.mark.parametrize("policy", ["wva-v1", "wva-v1/exact"])
def test_percentages_keep_to_the_gpus_where_the_limiter_is_on(policy: str) -> None:
    """One GPU is left for two: the fuller model gets it, the other reads why not. WVA's limiter is off unless switched on."""
    seen = with_gpus(fleet(*TWO, policy=policy), BUSY, A100=5)
    assert counts(seen, Sharing()) == {"a": 3.0, "b": 3.0}
    assert word(seen, LIMITED) == {"a": (2.0, Reason.INVENTORY), "b": (3.0, Reason.NO_HEADROOM)}


@pytest.mark.parametrize("policy", ["wva-v1", "wva-v1/exact"])
def test_the_limiter_takes_nothing_away(policy: str) -> None:
    """Four run where there are two GPUs, or none: somebody counts wrong, and they serve."""
    for gpus in (0, 2):
        assert counts(with_gpus(fleet(*TWO, policy=policy), BUSY, A100=gpus), LIMITED) == {"a": 2.0, "b": 2.0}


def test_without_anybody_who_counts_gpus_there_is_no_limit() -> None:
    """Unknown is never zero; of a type that is not among those counted only WVA says that there are none."""
    for policy, want in (("wva-v1", 3.0), ("wva-v1/exact", 2.0)):
        assert counts(with_gpus(fleet(*TWO, policy=policy), BUSY), LIMITED) == {"a": 3.0, "b": 3.0}
        assert counts(with_gpus(fleet(*TWO, policy=policy), BUSY, H100=8), LIMITED) == {"a": want, "b": want}


def test_a_variant_that_names_no_hardware_has_the_only_one_there_is() -> None:
    """As in WVA; among several kinds it may have any, as far as we know."""
    unnamed = fleet(V(name="a", accelerator=""), policy="wva-v1")
    full = [r("a", 0.79)] * 2
    assert counts(with_gpus(unnamed, full, A100=2), LIMITED) == {"a": 2.0}
    assert counts(with_gpus(unnamed, full, A100=2, H100=0), LIMITED) == {"a": 3.0}


def test_gpus_of_models_that_others_decide_are_in_use() -> None:
    """WVA would not see them and promise two GPUs that are taken."""
    both = fleet(*TWO, policy="wva-v1")
    seen = with_gpus(replace(both, models=replace(both.models, policy=("wva-v1", "headroom"))), BUSY, A100=4)
    assert word(seen, LIMITED)["a"] == (2.0, Reason.INVENTORY)
    exact = replace(seen.fleet.models, policy=("wva-v1/exact", "headroom"))
    assert counts(replace(seen, fleet=replace(seen.fleet, models=exact)), LIMITED)["a"] == 3.0


def test_quotas_bind_percentages_too() -> None:
    """Beside the inventory; in `exact` they stand for it."""
    three = (Quotas(name="q", scope=Scope.CLUSTER, cluster={"A100": 5}),)
    for policy, want in (("wva-v1", {"a": 2.0, "b": 2.0}), ("wva-v1/exact", {"a": 2.0, "b": 3.0})):
        seen = with_gpus(fleet(*TWO, policy=policy), BUSY, A100=4)
        assert counts(seen, Sharing(limiter=True, quotas=three)) == want
        assert counts(seen, Sharing(limiter=True, quotas=three)) == want, "a cycle leaves nothing in the quotas"


# wva-v2


@pytest.mark.parametrize(("limiter", "corrected", "exact"), [(None, 3.0, 4.0), (True, 3.0, 3.0), (False, 4.0, 4.0)])
def test_tokens_keep_to_the_gpus_unless_told_otherwise(limiter: bool | None, corrected: float, exact: float) -> None:
    """Without a word from anybody WVA's own mode does as WVA: it looks at no GPU."""
    for policy, want in (("wva-v2", corrected), ("wva-v2/exact", exact)):
        seen = with_gpus(fleet(V(name="a"), policy=policy), [r("a", 0.79, 60)] * 2, A100=3)
        assert min(counts(seen, Sharing(limiter=limiter))["a"] or 0.0, 4.0) == want


def contested(policy: str = "wva-v2", *, gpus: int = 6, busy: float = 0.6) -> Snapshot:
    """Model m holds five of six GPUs and needs them; n holds one, weighs three times as much and needs more than all."""
    of = weighty(fleet(*TWO, policy=policy), 1.0, 3.0)
    return with_gpus(of, [r("a", busy)] * 5 + [r("b", 0.79, 400)], A100=gpus)


def test_who_holds_gpus_keeps_them_unless_rescale_is_on() -> None:
    """The important one waits for what becomes free."""
    assert word(contested(), LIMITED) == {"a": (5.0, Reason.STEADY), "b": (1.0, Reason.INVENTORY)}


@pytest.mark.parametrize("policy", ["wva-v2", "wva-v2/exact"])
def test_rescale_takes_gpus_from_the_less_important(policy: str) -> None:
    """Only what is free already is promised: the other grows when the first has gone."""
    first = counts(contested(policy), RESCALED)
    assert first["a"] is not None
    assert first["a"] < 5.0
    assert first["b"] == 1.0
    of = contested(policy).fleet
    left = int(first["a"])
    second = counts(with_gpus(of, [r("a", 0.79)] * left + [r("b", 0.79, 400)], A100=6), RESCALED)
    assert second == {"a": float(left), "b": 6.0 - left}


def test_who_gives_up_replicas_reads_why() -> None:
    """And who still lacks some reads what is lacking."""
    assert word(contested(), RESCALED)["a"][1] is Reason.RESCALE
    assert word(contested(), RESCALED)["b"][1] is Reason.INVENTORY


def test_nothing_is_rescaled_while_there_is_enough() -> None:
    """Or while nobody counts GPUs: then each has what it needs."""
    assert counts(contested(gpus=40), RESCALED) == counts(contested(gpus=40), LIMITED)
    unknown = replace(contested(), inventory={})
    assert counts(unknown, RESCALED) == counts(unknown, LIMITED)


def test_the_last_replica_is_not_given_away() -> None:
    """However important the other is."""
    of = weighty(contested().fleet, 0.001, 1000.0)
    assert counts(replace(contested(), fleet=of), RESCALED)["a"] == 1.0


def test_a_need_is_weighed_by_its_gpus_and_not_by_its_tokens() -> None:
    """Of equal priority and equal need; the engines of one hold ten times the tokens in the same GPUs."""
    of = fleet(*TWO, policy="wva-v2")
    large = [R(v="a", kv=0.79, waiting=100.0, signals={**SIZES, Signal.KV_CAPACITY: 1e6}) for _ in range(3)]
    small = [r("b", 0.79, 100.0) for _ in range(3)]
    seen = with_gpus(of, large + small, A100=6)
    assert counts(seen, RESCALED) == {"a": 3.0, "b": 3.0}


@given(
    st.tuples(st.integers(1, 8), st.floats(0.0, 1.0)),
    st.tuples(st.integers(1, 8), st.floats(0.0, 1.0)),
    st.integers(0, 24),
    st.floats(0.1, 10.0),
)
def test_no_more_gpus_are_promised_than_there_are(
    m: tuple[int, float], n: tuple[int, float], gpus: int, priority: float
) -> None:
    """Beyond what runs already, whoever wants what: a model is so many replicas and how full they are."""
    of = weighty(fleet(*TWO, policy="wva-v2"), priority, 1.0)
    seen = with_gpus(of, [r("a", m[1], 50)] * m[0] + [r("b", n[1], 5)] * n[0], A100=gpus)
    for name in ("wva-v1", "wva-v1/exact", "wva-v2", "wva-v2/exact"):
        named = replace(seen, fleet=replace(of, models=replace(of.models, policy=(name, name))))
        wanted = counts(named, RESCALED)
        grown = sum(max((wanted[v] or 0.0) - have, 0.0) for v, have in (("a", m[0]), ("b", n[0])))
        assert grown <= max(gpus - m[0] - n[0], 0)
        assert all((count or 0.0) >= 1.0 for count in wanted.values())
