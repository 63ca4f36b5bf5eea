"""Learning beside the cycles: what a stream of snapshots teaches, what is published of it, and what a fault leaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import structlog
from core.learning.engines import START, Law
from fleet_builder import R, V, fleet, snapshot

from wva_exporter.config.catalogue import load_catalogue
from wva_exporter.config.load import parse
from wva_exporter.config.schema import Settings
from wva_exporter.conventions import Signal
from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Plan
from wva_exporter.core.engine_arguments import CHUNK_TOKENS, DEFAULT_SEQUENCES, vllm_arguments
from wva_exporter.core.fleet import Fleet, Promises
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import POLICIES
from wva_exporter.core.queueing.advice import LARGEST_LIMIT
from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.learning import Learned, Learning
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.errors import ConfigError, QueryFailure
from wva_exporter.publish.selfmetrics import SelfMetrics
from wva_exporter.service import learning as module
from wva_exporter.service.cycle import Outcome
from wva_exporter.service.learning import Learner, batch_limits, restored, rows_in, token_budgets
from wva_exporter.service.logs import Log
from wva_exporter.sources.samples import Answer, Observation

LAW = Law()
FLEET = fleet(V(name="served"), V(name="idle", model="other"))


class Nowhere:
    """A source that remembers nothing."""

    name = "scrape"

    async def observe(self) -> Observation:
        """Nothing."""
        return Observation(time=START, answers={})

    async def close(self) -> None:
        """Nothing to give back."""


@dataclass
class Stage:
    """A learner and the cycles that it is shown."""

    learner: Learner
    metrics: SelfMetrics
    told: list[Any] = field(default_factory=list)

    async def cycle(self, seen: Snapshot, *, reachable: bool = True) -> Learned | None:
        """What was published with the plan of one cycle of what was learned."""
        return (await self.plan_of(seen, reachable=reachable)).learned

    async def plan_of(self, seen: Snapshot, *, reachable: bool = True) -> Plan:
        """One cycle, learned from to its end; the plan that was published."""
        known = await self.learner.known(seen, Nowhere()) if reachable else None
        result, _ = plan(seen, None, POLICIES, RULES)
        answer = Answer() if reachable else Answer(failure=QueryFailure.TIMEOUT)
        outcome = Outcome(
            observation=Observation(time=seen.time, answers={Signal.KV: answer}),
            catalogue=cast("Any", None),
            snapshot=seen,
            plan=result
            if known is None
            else replace(result, learned=known.learned, recommended_limit=known.recommended_limit),
        )
        self.learner.take(outcome, Nowhere())
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others)
        return outcome.plan

    @property
    def errors(self) -> float | None:
        """How many faults were counted."""
        labels = {"component": "learning", "error_type": "fit"}
        return self.metrics.registry.get_sample_value("wva_errors_total", labels)


LOG = cast("Log", structlog.stdlib.get_logger())
RULES = Rules(hold_seconds=600.0, max_down_ratio_per_minute=0.5, tolerance=0.1, window_seconds=60.0)


@pytest.fixture
def stage() -> Stage:
    """Fresh, with the usual settings; what it logs stands in ``told``."""
    metrics = SelfMetrics()
    told: list[Any] = []

    def keep(_logger: object, method: str, line: Any) -> str:
        told.append((method, line["event"]))
        raise structlog.DropEvent

    log = cast("Log", structlog.wrap_logger(logging.getLogger("test"), processors=[keep]))
    return Stage(Learner(Settings(), metrics, log), metrics, told)


def seen(number: int, of: Fleet = FLEET, load: float | None = None, **more: Any) -> Snapshot:
    """The cycle of this number: one replica of ``served`` at a load that comes and goes."""
    share = 0.5 + 0.3 * np.sin(number / 2.0) if load is None else load
    says = analyze(LAW.system(LAW.seconds), LAW.capacity() * share)
    rate = float(says.throughput_rps)
    signals = {
        Signal.REQUEST_RATE: rate,
        Signal.GENERATION_TOKEN_RATE: rate * LAW.out_tokens,
        Signal.INPUT_TOKENS: LAW.in_tokens,
        Signal.OUTPUT_TOKENS: LAW.out_tokens,
        Signal.TTFT: float(says.ttft_seconds),
        Signal.ITL: float(says.itl_seconds),
    }
    one = R(v="served", running=float(says.in_service), waiting=float(says.in_queue), signals=signals)
    return snapshot(of, [one], time=START + 15.0 * number, **more)


async def test_a_variant_is_known_after_ten_minutes(stage: Stage) -> None:
    """Its capacity follows from what is published; one that serves nothing has nothing published."""
    learned = None
    for number in range(42):
        learned = await stage.cycle(seen(number))
    assert learned is not None
    assert learned.belief.known.tolist() == [True, False]
    assert LAW.capacity(learned.belief.mean_seconds[0]) == pytest.approx(LAW.capacity(), rel=0.05)
    assert stage.errors == 0


async def test_the_filter_learns_where_it_is_asked_for(stage: Stage) -> None:
    """A step a point, published like any other knowledge; settings that ask for the window later go on from there."""
    asked = parse("learning: kalman", "wva.yaml")
    filtering = Stage(Learner(asked, stage.metrics, LOG), stage.metrics)
    for number in range(20):
        learned, other = await filtering.cycle(seen(number)), await stage.cycle(seen(number))
    assert learned is not None
    assert other is not None
    assert learned.belief.known.tolist() == [True, False]
    assert learned.belief.mean_seconds[0].tolist() != other.belief.mean_seconds[0].tolist()
    assert LAW.capacity(learned.belief.mean_seconds[0]) == pytest.approx(LAW.capacity(), rel=0.25)
    await filtering.learner.follow(Settings(), load_catalogue())
    kept, moved = await filtering.cycle(seen(20)), await filtering.cycle(seen(21))
    assert kept is not None
    assert moved is not None
    assert kept.belief.known.tolist() == moved.belief.known.tolist() == [True, False]
    assert LAW.capacity(moved.belief.mean_seconds[0]) == pytest.approx(LAW.capacity(), rel=0.05)
    assert stage.errors == 0


async def test_what_a_cycle_taught_is_published_with_the_next(stage: Stage) -> None:
    """Learning comes after publishing, so that no decision waits for it."""
    first, second = await stage.cycle(seen(0)), await stage.cycle(seen(1))
    assert first is not None
    assert not first.belief.known.any()
    assert second is not None
    assert second.belief.known.tolist() == [True, False]


async def test_a_promise_brings_a_recommended_batch_limit(stage: Stage) -> None:
    """Once the engine is known well enough; the variant that serves nothing gets none, nor where nothing is promised."""
    promised = Promises(
        ttft_seconds=Column.of([1.0, 1.0]), itl_seconds=Column.of([0.02, 0.02]), percentile=Column.unknown(2)
    )
    of = fleet(V(name="served"), V(name="idle", model="other"), slo=promised)
    advice = [await stage.plan_of(seen(number, of)) for number in range(42)]
    assert advice[0].recommended_limit is not None
    assert advice[0].recommended_limit.listed() == [None, None]
    last = advice[-1].recommended_limit
    assert last is not None
    assert last.known.tolist() == [True, False]
    assert 1 < last.value[0] <= LARGEST_LIMIT
    without = await stage.plan_of(seen(42))
    without = await stage.plan_of(seen(43))
    assert without.recommended_limit is not None
    assert without.recommended_limit.listed() == [None, None]


async def test_rows_that_move_take_their_knowledge_along(stage: Stage) -> None:
    """Also while nothing is learned; a variant that serves another model than before is a new one."""
    for number in range(3):
        before = await stage.cycle(seen(number))
    moved = fleet(V(name="new"), V(name="served"))
    after = await stage.cycle(seen(3, moved))
    assert before is not None
    assert after is not None
    assert after.belief.known.tolist() == [False, True]
    other = fleet(V(name="served", model="another"))
    assert rows_in(moved, other).tolist() == [-1]
    assert rows_in(moved, moved).tolist() == [0, 1]


async def test_a_source_that_is_silent_teaches_nothing(stage: Stage) -> None:
    """Neither before the first answer nor between two."""
    assert await stage.cycle(seen(0), reachable=False) is None
    for number in range(1, 4):
        await stage.cycle(seen(number))
    before = await stage.learner.known(seen(4), Nowhere())
    await stage.cycle(seen(4), reachable=False)
    after = await stage.learner.known(seen(5), Nowhere())
    assert before is not None
    assert after is not None
    assert after.learned is before.learned


async def test_cycles_that_follow_fast_bring_fewer_points(stage: Stage) -> None:
    """Windows of a minute that lie a second apart tell one story, not sixty."""
    await stage.cycle(seen(0))
    known = await stage.cycle(replace(seen(1), time=START + 1.0))
    still = await stage.cycle(replace(seen(1), time=START + 2.0))
    assert known is not None
    assert still is not None
    assert still.belief.mean_seconds.tolist() == known.belief.mean_seconds.tolist()


async def test_a_clock_that_is_set_back_does_not_end_learning(stage: Stage) -> None:
    """The points are forgotten, what was learned from them is not."""
    for number in range(100, 105):
        await stage.cycle(seen(number))
    await stage.cycle(seen(1))
    learned = await stage.cycle(seen(2))
    assert stage.errors == 0
    assert learned is not None
    assert learned.belief.known[0]


async def test_a_fault_is_counted_and_told_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are published with what was learned before."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    await stage.cycle(seen(0))
    before = await stage.cycle(seen(1))
    monkeypatch.setattr(module, "learn", broken)
    for number in range(2, 5):
        after = await stage.cycle(seen(number))
    assert stage.errors == 3
    assert [method for method, _ in stage.told] == ["error"]
    assert before is not None
    assert after is not None
    assert after.belief.known.tolist() == before.belief.known.tolist()


async def test_hostile_numbers_are_no_fault(stage: Stage) -> None:
    """Zero, negative and huge readings teach nothing and break nothing."""
    for number, value in enumerate((0.0, -1.0, 1e308, 1e-308)):
        signals = dict.fromkeys((Signal.TTFT, Signal.ITL, Signal.OUTPUT_TOKENS, Signal.GENERATION_TOKEN_RATE), value)
        one = R(v="served", signals={**signals, Signal.INPUT_TOKENS: value})
        await stage.cycle(snapshot(FLEET, [one], time=START + 15.0 * number))
    assert stage.errors == 0
    assert stage.told == []


async def test_an_own_catalogue_is_where_learning_starts(tmp_path: Path) -> None:
    """The first belief of a variant follows from the operator's own profile; a bad one is refused at once."""
    own = tmp_path / "own.yaml"
    own.write_text(
        "profiles: [{model: llama, accelerator: A100, alpha_ms: 50, beta_ms: 1, gamma_ms: 0.01, source: us}]\n"
    )
    stage = Stage(
        Learner(parse("catalogue: {file: own.yaml}", str(tmp_path / "wva.yaml")), SelfMetrics(), LOG), SelfMetrics()
    )
    plain = Stage(Learner(Settings(), SelfMetrics(), LOG), SelfMetrics())
    for each in (stage, plain):
        await each.cycle(seen(0))
    believed, assumed = await stage.cycle(seen(1)), await plain.cycle(seen(1))
    assert believed is not None
    assert assumed is not None
    assert believed.belief.mean_seconds[0, 1] > 2.0 * assumed.belief.mean_seconds[0, 1]
    own.write_text("profiles:\n  - {model: llama}\n")
    with pytest.raises(ConfigError, match=r"own\.yaml:2: profiles\[0\]: accelerator is required"):
        Learner(parse("catalogue: {file: own.yaml}", str(tmp_path / "wva.yaml")), SelfMetrics(), LOG)


async def test_leaving_off_ends_the_task(stage: Stage) -> None:
    """At the end of the program and before the source is exchanged."""
    await stage.cycle(seen(0))
    await stage.learner.follow(Settings(), load_catalogue())
    await stage.learner.close()


def test_the_batch_limit_is_what_the_engine_was_told() -> None:
    """Else vLLM's default; 0 is no limit that anybody means."""
    assert batch_limits(FLEET).tolist() == [DEFAULT_SEQUENCES, DEFAULT_SEQUENCES]
    told = (vllm_arguments(["--max-num-seqs=32"]), None)
    assert batch_limits(with_arguments(told)).tolist() == [32, DEFAULT_SEQUENCES]
    assert batch_limits(with_arguments((vllm_arguments(["--max-num-seqs=0"]), None)))[0] == DEFAULT_SEQUENCES


def test_the_token_budget_is_what_the_engine_was_told() -> None:
    """Long prompts take as many iterations as it says, so learning has to know it."""
    told = (vllm_arguments(["--max-num-batched-tokens=2048"]), None)
    assert token_budgets(with_arguments(told)).tolist() == [2048.0, CHUNK_TOKENS]


async def test_an_absurd_command_line_is_no_fault(stage: Stage) -> None:
    """A limit beyond all engines counts as the largest that any has."""
    of = with_arguments((vllm_arguments(["--max-num-seqs=999999999999", "--max-num-batched-tokens=1"]), None))
    for number in range(2):
        known = await stage.cycle(seen(number, of))
    assert stage.errors == 0
    assert known is not None
    assert known.belief.known[0]


def with_arguments(told: Sequence[Any]) -> Fleet:
    """The fleet with these command lines."""
    return Fleet(models=FLEET.models, variants=replace(FLEET.variants, arguments=tuple(told)))


def test_without_a_past_the_last_belief_is_where_learning_starts() -> None:
    """A variant whose points are read back starts from the belief before them instead, which holds none of them."""
    old, new = Belief.anything(2), Belief.of(np.full((2, 3), 0.001), 0.0001)
    state = replace(Learning.start(2, START), latest=replace(Learned.nothing(2), belief=new), older=old, newer=old)
    with_past = restored(state, FLEET, [seen(0), seen(1, fleet(V(name="served")))])
    assert with_past.points.seen.usable.tolist() == [[True, True], [False, False]]
    assert with_past.older.mean_seconds[0].tolist() == old.mean_seconds[0].tolist()
    assert with_past.older.mean_seconds[1].tolist() == new.mean_seconds[1].tolist()
    assert restored(state, FLEET, []).newer.mean_seconds.tolist() == new.mean_seconds.tolist()
