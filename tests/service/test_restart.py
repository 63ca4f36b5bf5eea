"""A restart with nothing but a Prometheus: the next plan and lesson are those of an exporter that never stopped."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import structlog
from observation_builder import answer, observation, of_pod

from wva_exporter.config.durations import parse_duration
from wva_exporter.config.load import parse
from wva_exporter.conventions import LEARNING_MEMORY, MODEL_PARAMETER, MODEL_PARAMETER_STDDEV, Signal
from wva_exporter.core.decision import Plan
from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.filter import Outcome
from wva_exporter.core.queueing.kalman_learning import kalman_learn
from wva_exporter.core.queueing.learning import Learning
from wva_exporter.core.queueing.points import point_of
from wva_exporter.core.queueing.system import ServiceModel, System
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.publish.exposition import families
from wva_exporter.publish.scalings import Scalings
from wva_exporter.publish.selfmetrics import SelfMetrics
from wva_exporter.service.cycle import Cycle
from wva_exporter.service.knowledge import Known
from wva_exporter.service.learning import Learner, batch_limits, token_budgets
from wva_exporter.service.logs import Log
from wva_exporter.sources.learned import learned_of
from wva_exporter.sources.matrix import Span
from wva_exporter.sources.prometheus import PrometheusSource
from wva_exporter.sources.samples import Answer, Labels, Observation

START = 1_700_000_400.0
STEP = 15.0
STOPS = (45, 79, 81)
"""Cycles after which the exporter is started anew: within ten minutes, at their end and after the next began."""

PODS = ("llama-0", "llama-1", "llama-2")
IN_TOKENS, OUT_TOKENS = 1024.0, 256.0
ENGINE = System.of(
    ServiceModel.CHUNK,
    alpha_seconds=6.7e-3,
    beta_seconds=2.1e-5,
    gamma_seconds=5e-8,
    in_tokens=IN_TOKENS,
    out_tokens=OUT_TOKENS,
    max_batch=256,
    max_queue=2560,
)
SETTINGS = """
prometheus: {url: 'http://prometheus.test:9090'}
default_namespace: llm
policy: wva-v2
models: [{name: llama, slo: {ttft: 1s, itl: 20ms}}]
variants: [{name: llama, model: llama, selector: {pod: 'llama-.*'}, max: 12, cost: 10}]
"""
KALMAN = f"{SETTINGS}learning: kalman\n"


def seen(number: int) -> Observation:
    """What three engines said in the cycle of this number: their load comes and goes a little."""
    says = analyze(ENGINE, (0.5 + 0.2 * np.sin(number / 3.0)) * float(analyze(ENGINE, 0.0).max_rate_rps))
    rate = float(says.throughput_rps)
    values = {
        Signal.REQUEST_RATE: rate,
        Signal.GENERATION_TOKEN_RATE: rate * OUT_TOKENS,
        Signal.INPUT_TOKENS: IN_TOKENS,
        Signal.OUTPUT_TOKENS: OUT_TOKENS,
        Signal.TTFT: float(says.ttft_seconds),
        Signal.ITL: float(says.itl_seconds),
        Signal.RUNNING: float(says.in_service),
        Signal.WAITING: 0.0,
        Signal.KV_PEAK: 0.62,
        Signal.KV: 0.62,
    }
    rows = {signal: answer(*(of_pod(pod, value) for pod in PODS)) for signal, value in values.items()}
    return observation(rows, pods=PODS, time=START + STEP * number)


@dataclass
class Archive(PrometheusSource):
    """A Prometheus that scraped the engines always, and our page after each plan."""

    now: float = START
    pages: list[tuple[float, Answer]] = field(default_factory=list)

    def keep(self, plan: Plan) -> None:
        """Scrape the page of a plan, a second after it was published."""
        wanted = {metric.name for metric in LEARNING_MEMORY}
        samples = [s for f in families(plan, shadow=False, scalings=Scalings.none().after(plan)) for s in f.samples]
        labels = ("namespace", "variant_name", "parameter")
        rows = [
            (s.value, {"metric": s.name} | {n: s.labels.get(n, "") for n in labels})
            for s in samples
            if s.name in wanted
        ]
        self.pages.append((plan.time + 1.0, Answer(labels=[Labels(**row) for _, row in rows], value=_values(rows))))

    async def observe(self) -> Observation:
        """What the engines say now."""
        return seen(round((self.now - START) / STEP))

    async def ask(self, promql: str) -> Answer:
        """The page scraped last before the offset."""
        offset = re.search(r"offset ([0-9a-z]+)", promql)
        at = self.now - (0.0 if offset is None else parse_duration(offset.group(1)))
        before = [page for time, page in self.pages if time <= at]
        return before[-1] if before else Answer()

    async def past(self, span: Span) -> list[Observation]:
        """What the engines said then."""
        return [seen(round((time - START) / STEP)) for time in span.instants.tolist()]

    async def close(self) -> None:
        """Nothing to give back."""


def _values(rows: list[tuple[float, dict[str, str]]]) -> np.ndarray:
    return np.array([value for value, _ in rows])


class Exporter:
    """Cycles and learning, as the loop runs them, over an archive."""

    def __init__(self, archive: Archive, settings_text: str = SETTINGS) -> None:
        settings = parse(settings_text, "wva.yaml")
        self.archive, self.metrics = archive, SelfMetrics()
        self.cycle = Cycle(settings)
        self.learner = Learner(settings, self.metrics, cast("Log", structlog.stdlib.get_logger()))

    async def run(self, number: int) -> Plan:
        """One cycle; the plan that it publishes."""
        self.archive.now = START + STEP * number
        outcome = await self.cycle.run(self.archive, self._known)
        self.learner.take(outcome, self.archive)
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        return outcome.plan

    async def _known(self, snapshot: Snapshot) -> Known | None:
        return await self.learner.known(snapshot, self.archive)

    @property
    def faults(self) -> float | None:
        """Of learning."""
        labels = {"component": "learning", "error_type": "fit"}
        return self.metrics.registry.get_sample_value("wva_errors_total", labels)


async def test_the_next_plan_and_the_next_lesson_are_the_same() -> None:
    """To the last bit, on both sides of a ten-minute boundary; the page after a restart repeats the one before it."""
    archive = object.__new__(Archive)
    archive.now, archive.pages = START, []
    steady, restarted = Exporter(archive), {}
    last = await steady.run(0)
    for number in range(1, 83):
        if number in STOPS:
            restarted[number] = Exporter(archive)
            assert beliefs(await restarted[number].run(number)) == beliefs(last)
        archive.keep(last := await steady.run(number))
        if number - 1 in restarted:
            again = await restarted[number - 1].run(number)
            assert again.target.listed() == last.target.listed()
            assert again.reasons == last.reasons
            assert beliefs(again) == beliefs(last)
            assert again.recommended_limit is not None
            assert last.recommended_limit is not None
            assert again.recommended_limit.listed() == last.recommended_limit.listed()
            assert last.recommended_limit.known.all()
            assert restarted[number - 1].faults == 0.0
    assert steady.faults == 0.0
    assert len(restarted) == len(STOPS)


async def test_the_filter_goes_on_from_the_last_page() -> None:
    """The page after a restart repeats the one before it, and the next lesson moves that a step, not the catalogue's guess."""
    archive = object.__new__(Archive)
    archive.now, archive.pages = START, []
    steady = Exporter(archive, KALMAN)
    await steady.run(0)
    for number in range(1, 31):
        archive.keep(await steady.run(number))
    restarted = Exporter(archive, KALMAN)
    first, second = await restarted.run(31), await restarted.run(32)
    assert first.learned is not None
    assert second.learned is not None
    page = archive.pages[-1][1]
    assert {labels.metric for labels in page.labels} == {MODEL_PARAMETER.name, MODEL_PARAMETER_STDDEV.name}
    assert learned_of(first.fleet, page).belief.mean_seconds.tolist() == first.learned.belief.mean_seconds.tolist()
    archive.now = START + STEP * 31
    snapshot = restarted.cycle.look(seen(31))[1]
    point = point_of(snapshot, batch_limits(first.fleet), token_budgets(first.fleet))
    past = replace(Learning.start(len(first.fleet), START), latest=first.learned)
    expected, outcome = kalman_learn(past, point, Belief.unknown(len(first.fleet)))
    assert outcome.tolist() == [Outcome.UPDATED]
    assert second.learned.belief.mean_seconds.tolist() == expected.latest.belief.mean_seconds.tolist()
    assert restarted.faults == steady.faults == 0.0


def beliefs(plan: Plan) -> tuple[object, ...]:
    """All that was published of learning, which is something."""
    assert plan.learned is not None
    belief = plan.learned.belief
    assert belief.known.all()
    return belief.mean_seconds.tolist(), belief.stddev_seconds.tolist(), plan.learned.began_at.listed()
