"""What one cycle costs: from bytes to answers, from answers to the exposed text, from a request to its page."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import yaml
from prometheus_client import CollectorRegistry

from bench.fleet import bodies, configuration
from bench.measure import Measurement, milliseconds
from wva_exporter.config.load import parse
from wva_exporter.config.schema import Settings
from wva_exporter.conventions import Signal
from wva_exporter.core.columns import Column
from wva_exporter.core.explanation import Unit
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.learning import Learned
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.engines.promql import Query, queries
from wva_exporter.publish.board import Board
from wva_exporter.publish.metrics_page import MetricsPage
from wva_exporter.service.cycle import Cycle
from wva_exporter.service.garbage import settle
from wva_exporter.service.knowledge import Known
from wva_exporter.service.wiring import query_settings
from wva_exporter.sources.decode import LabelMemory, decode
from wva_exporter.sources.prometheus import _split as split
from wva_exporter.sources.samples import Answer, Observation

START = 1_700_000_000.0
"""The time of the first cycle, by the data source's clock."""

SERVICE_SECONDS = (6.7e-3, 2.1e-5, 4.9e-8)
"""Measured parameters of an 8B model on an H100; every variant differs from them, and moves a little in every cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Medians over the cycles after the first, which every start pays once; and what was published last.

    ``by_time`` says that the last cycle decided every variant by requests per second and not by its caches.
    """

    decode_ms: float
    cycle_ms: float
    board: Board
    by_time: bool


def cycles(variants: int, repeats: int) -> Costs:
    """Run ``repeats`` cycles after a first one, each with answers of its own."""
    settle()
    settings = parse(yaml.safe_dump(configuration(variants)), "bench")
    asked = queries(query_settings(settings))
    cycle, board, labels = Cycle(settings), Board(), LabelMemory()
    with asyncio.Runner() as runner:
        costs = [
            _one(cycle, board, labels, _page(asked, settings, variants, number), runner)
            for number in range(repeats + 1)
        ]
    if board.plan is None or len(board.plan.fleet) != variants or not board.plan.target.known.all():
        raise RuntimeError("the bench's fleet was not decided: its numbers would mean nothing")
    decoding, deciding = zip(*costs[1:], strict=True)
    why = board.plan.explanation
    return Costs(
        decode_ms=statistics.median(decoding),
        cycle_ms=statistics.median(deciding),
        board=board,
        by_time=why is not None and bool(np.all(why.unit == Unit.REQUESTS_PER_SECOND)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The body that answers each query of one cycle."""

    time: float
    variants: int
    body: dict[Signal, bytes]
    asked: tuple[Query, ...]
    known: Known

    async def knowledge(self, _snapshot: Snapshot) -> Known:
        """What is believed of the engines in this cycle."""
        return self.known


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A source that was asked before."""

    observation: Observation
    name: str = "told"

    async def observe(self) -> Observation:
        """The answers."""
        return self.observation

    async def close(self) -> None:
        """Nothing to give back."""


def _page(asked: tuple[Query, ...], settings: Settings, variants: int, number: int) -> _Page:
    time = START + number * settings.interval_seconds
    return _Page(
        time=time, variants=variants, body=bodies(variants, number, time), asked=asked, known=_known(variants, number)
    )


def _known(variants: int, number: int) -> Known:
    """Service times of every variant, learned to a tenth, and a little different in every cycle."""
    own = np.random.default_rng(0).uniform(0.7, 1.4, (variants, 3))
    seconds = np.array(SERVICE_SECONDS) * own * np.random.default_rng(number + 1).uniform(0.98, 1.02, (variants, 3))
    belief = Belief.of(seconds, 0.1 * seconds)
    return Known(
        learned=Learned(belief=belief, began_at=Column.unknown(variants)),
        recommended_limit=Column.unknown(variants),
        belief=belief,
    )


def _one(cycle: Cycle, board: Board, labels: LabelMemory, page: _Page, runner: asyncio.Runner) -> tuple[float, float]:
    """Milliseconds of decoding one cycle's answers, and from those to the exposed text."""
    answers: dict[Signal, Answer] = {}

    async def publish(source: _Told) -> None:  # returns nothing: a runner spells out what its task returns
        board.swap((await cycle.run(source, page.knowledge)).plan)

    def read() -> None:
        labels.turn()
        for query in page.asked:
            decoded = decode(page.body[query.signal], labels)
            answers.update(split(query, Answer(labels=decoded.labels, value=decoded.value)))

    def decide() -> None:
        source = _Told(observation=Observation(time=page.time, answers=answers))
        runner.run(publish(source))

    return milliseconds(read), milliseconds(decide)


def measurements() -> list[Measurement]:
    """Everything that is measured in this process."""
    small = cycles(1_000, repeats=7)
    page = MetricsPage(small.board, CollectorRegistry())
    plain, compressed = (_scrape_ms(small.board, page, encoding) for encoding in ("identity", "gzip"))
    large = cycles(10_000, repeats=3)
    return [
        Measurement(name="decode_1000_ms", value=small.decode_ms, unit="ms", budget=150),
        Measurement(name="cycle_1000_ms", value=small.cycle_ms, unit="ms", budget=350),
        Measurement(name="scrape_1000_ms", value=max(plain, compressed), unit="ms", budget=100),
        Measurement(name="cycle_growth", value=large.cycle_ms / small.cycle_ms, unit="ratio", budget=12),
    ]


def _scrape_ms(board: Board, page: MetricsPage, encoding: str) -> float:
    """The first scrape after a swap, which makes what later ones reuse: the median of five."""
    times = []
    for _ in range(5):
        assert board.plan is not None
        board.swap(board.plan)
        times.append(milliseconds(_request(page, encoding)))
    return statistics.median(times)


def _request(page: MetricsPage, encoding: str) -> Callable[[], object]:
    return lambda: asyncio.run(page.answer(accept="text/plain", accept_encoding=encoding))
