"""What one cycle costs: from bytes to answers, from answers to the exposed text, from a request to its page."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace

import yaml
from prometheus_client import CollectorRegistry

from bench.fleet import bodies, configuration
from bench.measure import Measurement, milliseconds
from wva_exporter.config.load import parse
from wva_exporter.config.schema import Settings
from wva_exporter.conventions import Signal
from wva_exporter.core.columns import Column
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.learning import Learned
from wva_exporter.engines.promql import Query, queries
from wva_exporter.publish.board import Board
from wva_exporter.publish.metrics_page import MetricsPage
from wva_exporter.service.cycle import Cycle
from wva_exporter.service.garbage import settle
from wva_exporter.service.wiring import query_settings
from wva_exporter.sources.decode import LabelMemory, decode
from wva_exporter.sources.prometheus import _split as split
from wva_exporter.sources.samples import Answer, Observation

START = 1_700_000_000.0
"""The time of the first cycle, by the data source's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Medians over the cycles after the first, which every start pays once; and what was published last."""

    decode_ms: float
    cycle_ms: float
    board: Board


def cycles(variants: int, repeats: int) -> Costs:
    """Run ``repeats`` cycles after a first one, each with answers of its own."""
    settle()
    settings = parse(yaml.safe_dump(configuration(variants)), "bench")
    asked = queries(query_settings(settings))
    cycle, board, labels = Cycle(settings), Board(), LabelMemory()
    costs = [_one(cycle, board, labels, _page(asked, settings, variants, number)) for number in range(repeats + 1)]
    if board.plan is None or len(board.plan.fleet) != variants or not board.plan.target.known.all():
        raise RuntimeError("the bench's fleet was not decided: its numbers would mean nothing")
    decoding, deciding = zip(*costs[1:], strict=True)
    return Costs(decode_ms=statistics.median(decoding), cycle_ms=statistics.median(deciding), board=board)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The body that answers each query of one cycle."""

    time: float
    variants: int
    body: dict[Signal, bytes]
    asked: tuple[Query, ...]


def _page(asked: tuple[Query, ...], settings: Settings, variants: int, number: int) -> _Page:
    time = START + number * settings.interval_seconds
    return _Page(time=time, variants=variants, body=bodies(variants, number, time), asked=asked)


def _one(cycle: Cycle, board: Board, labels: LabelMemory, page: _Page) -> tuple[float, float]:
    """Milliseconds of decoding one cycle's answers, and from those to the exposed text."""
    answers: dict[Signal, Answer] = {}
    known = Learned(belief=Belief.anything(page.variants), began_at=Column.unknown(page.variants))

    def read() -> None:
        labels.turn()
        for query in page.asked:
            decoded = decode(page.body[query.signal], labels)
            answers.update(split(query, Answer(labels=decoded.labels, value=decoded.value)))

    def decide() -> None:
        plan = cycle.decide(Observation(time=page.time, answers=answers)).plan
        board.swap(replace(plan, learned=known))

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
