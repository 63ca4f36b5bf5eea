"""The throughput analyzer's vote in the live policy `wva-v2`: when it adds replicas, keeps them, or has nothing to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from fleet_builder import R, V, fleet, snapshot

from wva_exporter.conventions import Signal
from wva_exporter.core.allocation.sharing import Sharing
from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Memory
from wva_exporter.core.engine_arguments import EngineArguments
from wva_exporter.core.fleet import Fleet, Role
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import policies
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.core.throughput.voting import Vote

A = V(name="a", maximum=20)
SIZES: Mapping[Signal, float | None] = {Signal.INPUT_TOKENS: 400.0, Signal.OUTPUT_TOKENS: 200.0}


def r(v: str, kv: float, rate: float) -> R:
    """A replica of 100,000 tokens of KV cache: at .85 it runs 170 requests with an ITL of 68 ms, 2,488 tokens a second."""
    more = {Signal.REQUEST_RATE: rate, Signal.GENERATION_TOKEN_RATE: rate * 200.0, Signal.TTFT: 0.1}
    return R(v=v, kv=kv, signals={**SIZES, **more, Signal.ITL: 0.006 + 0.0733 * kv})


def without(row: R, *signals: Signal) -> R:
    """The same replica, silent about these."""
    return replace(row, signals={**row.signals, **dict.fromkeys(signals)})


def wanted(seen: Snapshot, vote: Vote | None = None, memory: Memory | None = None) -> dict[str, float | None]:
    """The policy's own word by variant."""
    result, _ = plan(seen, memory, policies(Sharing(), vote), Rules())
    return dict(zip(seen.fleet.variants.name, result.steps[0].replicas.listed(), strict=True))


def of(*variants: V, exact: bool = False) -> Fleet:
    """A fleet under this policy."""
    return fleet(*variants, policy="wva-v2/exact" if exact else "wva-v2")


def arriving(seen: Snapshot, rate: float) -> Snapshot:
    """Requests per second that a router sees."""
    return replace(seen, offered=Column.from_optional([rate] * len(seen.fleet.models)))


@pytest.mark.parametrize("exact", [False, True])
def test_it_adds_replicas_where_tokens_a_second_are_short_and_memory_is_not(*, exact: bool) -> None:
    """60 requests of 200 tokens over .85 are 14,118 a second: six, where the tokens that two hold leave a quarter free."""
    seen = arriving(snapshot(of(A, exact=exact), [r("a", 0.6, 10.0)] * 2), 60.0)
    assert wanted(seen) == {"a": 2.0}
    assert wanted(seen, Vote()) == {"a": 6.0}


@pytest.mark.parametrize("exact", [False, True])
def test_replicas_go_only_when_it_agrees(*, exact: bool) -> None:
    """60,000 tokens over .7 fit into two; the 5,000 a second of 25 requests over .7 need three."""
    seen = arriving(snapshot(of(A, exact=exact), [r("a", 0.15, 10.0)] * 4), 25.0)
    assert wanted(seen) == {"a": 2.0}
    assert wanted(seen, Vote()) == {"a": 3.0}


def test_its_own_thresholds_count() -> None:
    """12,000 tokens a second over .4 are 30,000: thirteen."""
    seen = arriving(snapshot(of(A), [r("a", 0.6, 10.0)] * 2), 60.0)
    assert wanted(seen, Vote(scale_up=0.4, scale_down=0.2)) == {"a": 13.0}


@pytest.mark.parametrize("lacking", [(Signal.ITL,), (Signal.REQUEST_RATE, Signal.OUTPUT_TOKENS)])
def test_where_it_knows_nothing_tokens_alone_decide(lacking: tuple[Signal, ...]) -> None:
    """It neither asks for replicas nor keeps any."""
    seen = snapshot(of(A), [without(r("a", 0.15, 50.0), *lacking)] * 4)
    assert wanted(seen, Vote()) == wanted(seen) == {"a": 2.0}


def test_without_a_router_what_replicas_finish_is_the_demand() -> None:
    """Upstream takes a silent router for no demand, and lets all go that the tokens let go."""
    for exact, want in ((False, 4.0), (True, 2.0)):
        seen = snapshot(of(A, exact=exact), [r("a", 0.15, 8.0)] * 4)
        assert wanted(seen, Vote()) == {"a": want}


def test_as_many_sequences_as_the_engine_runs_bound_what_it_carries() -> None:
    """Eight at once, not 170, where somebody said so: 895 tokens a second of the 9,412."""
    rows, free = [r("a", 0.01, 2.0)] * 2, of(A)
    for given, want in ((True, 11.0), (False, 4.0)):
        said = EngineArguments(engine="vllm", sequences=8, sequences_given=given)
        told = replace(free, variants=replace(free.variants, arguments=(said,)))
        assert wanted(arriving(snapshot(told, rows), 40.0), Vote()) == {"a": want}


def test_roles_are_heard_apart() -> None:
    """Prefill is short of prompts a second; decode, which nobody can time, is left to its tokens."""
    pair = of(V(name="p", role=Role.PREFILL, maximum=20), V(name="d", role=Role.DECODE, maximum=20))
    rows = [r("p", 0.4, 30.0)] * 2 + [without(r("d", 0.6, 30.0), Signal.ITL)] * 2
    seen = arriving(snapshot(pair, rows), 60.0)
    assert wanted(seen) == {"p": 2.0, "d": 2.0}
    both = wanted(seen, Vote())
    assert both["d"] == 2.0
    assert (both["p"] or 0.0) > 2.0


def test_what_it_learned_follows_its_variant() -> None:
    """Into a fleet with others before it; an idle replica then carries what it carried."""
    policy = policies(Sharing(), Vote())
    memory: Memory | None = None
    for cycle in range(12):
        rows = [r("a", 0.2 + 0.05 * cycle, 10.0)] * 2
        _, memory = plan(arriving(snapshot(of(A), rows, time=1000.0 + 15 * cycle), 20.0), memory, policy, Rules())
    grown = of(V(name="0", model="other"), A)
    seen = snapshot(grown, [r("0", 0.6, 10.0), *[without(r("a", 0.0, 0.0), Signal.ITL)] * 2], time=1200.0)
    kept = arriving(seen, 60.0)
    assert (wanted(kept, Vote(), memory)["a"] or 0.0) > 2.0
    assert wanted(kept, Vote())["a"] == 1.0
