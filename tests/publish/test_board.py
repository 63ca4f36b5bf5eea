"""The swap of one Plan for the next, and the page that is made of it."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from publish.plans import CHEAP, DEAR, plan_of

from wva_exporter.publish.board import Board
from wva_exporter.publish.metrics_page import Answer, MetricsPage
from wva_exporter.publish.selfmetrics import SelfMetrics

PROMETHEUS_ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


def board_with(*plans: object) -> Board:
    """A board after these Plans."""
    board = Board()
    for plan in plans or (plan_of(),):
        board.swap(plan)  # type: ignore[arg-type]
    return board


async def ask(board: Board, *, accept: str = "", encoding: str = "", only: tuple[str, ...] = ()) -> Answer:
    """The page as a scraper with these headers gets it."""
    page = MetricsPage(board, SelfMetrics().registry)
    return await page.answer(accept=accept, accept_encoding=encoding, only=only)


def test_before_the_first_plan_nothing_is_published() -> None:
    """No series stands in for a decision."""
    board = Board()
    assert board.text() == board.text(openmetrics=True) == b""
    assert board.plan is None
    assert not board.ready


def test_a_first_cycle_without_a_plan_makes_ready_and_publishes_nothing() -> None:
    """A dependency that is down is not the program's failure."""
    board = Board()
    board.degraded()
    assert board.ready
    assert board.text() == b""


def test_a_variant_that_left_takes_its_series_along() -> None:
    """In the very cycle in which it leaves."""
    board = board_with(plan_of(CHEAP, DEAR))
    assert b'variant_name="llama-a100"' in board.text()
    board.swap(plan_of(DEAR))
    assert b'variant_name="llama-a100"' not in board.text()
    assert b'variant_name="llama-a100"' not in board.text(openmetrics=True)


def test_changes_are_counted_from_plan_to_plan() -> None:
    """The counter lives on the board and is part of the published state."""
    board = board_with(plan_of(CHEAP), plan_of(replace(CHEAP, target=5)))
    line = (
        b'wva_replica_scaling_total{direction="scale-up",namespace="llm",reason="wva-v1",variant_name="llama-a100"} 1.0'
    )
    assert line in board.text()
    assert line in board.text(openmetrics=True)


def test_a_reader_keeps_the_state_it_took() -> None:
    """A swap while somebody reads changes nothing for him."""
    board = board_with(plan_of(CHEAP))
    taken = board.published
    board.swap(plan_of(DEAR))
    assert b"llama-a100" in taken.text
    assert taken is not board.published


def test_a_shadow_board_publishes_no_target_that_an_actuator_reads() -> None:
    """Step one of migrating from WVA."""
    board = Board(shadow=True)
    board.swap(plan_of())
    assert b"\nwva_desired_replicas{" not in board.text()
    assert b"\nwva_shadow_desired_replicas{" in board.text()


async def test_the_page_is_plain_text_unless_something_else_is_asked_for() -> None:
    """The Plan's series come first, then the exporter's own."""
    answer = await ask(board_with())
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    assert not answer.gzipped
    assert answer.body.index(b"wva_desired_replicas") < answer.body.index(b"process_cpu_seconds_total")


async def test_prometheus_gets_openmetrics_that_ends_once() -> None:
    """Its default Accept header prefers it, and the whole page parses strictly."""
    answer = await ask(board_with(), accept=PROMETHEUS_ACCEPT)
    assert answer.content_type.startswith("application/openmetrics-text")
    assert answer.body.endswith(b"# EOF\n")
    names = {family.name for family in parse_openmetrics(answer.body.decode())}
    assert {"wva_desired_replicas", "wva_replica_scaling", "process_cpu_seconds"} <= names


@pytest.mark.parametrize("accept", ["", PROMETHEUS_ACCEPT])
async def test_a_compressed_page_is_one_gzip_member_with_the_same_text(accept: str) -> None:
    """Cached beginnings are continued, not concatenated: some readers stop after the first member."""
    board = board_with()
    page = MetricsPage(board, SelfMetrics().registry)
    for _ in range(2):
        packed = await page.answer(accept=accept, accept_encoding="deflate, gzip;q=0.8")
        assert packed.gzipped
        text = gzip.decompress(packed.body)
        assert packed.body.count(b"\x1f\x8b\x08") == 1
        assert text.startswith(board.text(openmetrics=bool(accept)))
        assert b"process_cpu_seconds_total" in text


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_names_in_the_query_restrict_the_page(encoding: str) -> None:
    """As in every Prometheus client, by the names of samples."""
    names = ("wva_desired_replicas", "wva_replica_scaling_total", "process_start_time_seconds")
    answer = await ask(board_with(plan_of(CHEAP)), only=names, encoding=encoding)
    text = (gzip.decompress(answer.body) if answer.gzipped else answer.body).decode()
    series = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    assert series == set(names)


async def test_concurrent_scrapes_share_what_is_made() -> None:
    """The second scraper does not compress again what the first is compressing."""
    made = 0

    def make() -> int:
        nonlocal made
        made += 1
        return made

    published = board_with().published
    assert await asyncio.gather(*(published.once("thing", make) for _ in range(5))) == [1] * 5
