"""A range of a Prometheus as a row of observations."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from sources.test_prometheus_source import NOW, always, asking, vector

from wva_exporter.conventions import Signal
from wva_exporter.engines.promql import Query
from wva_exporter.errors import InvalidValue, SourceError
from wva_exporter.sources.decode import LabelMemory
from wva_exporter.sources.failures import BadAnswer
from wva_exporter.sources.matrix import Span, decode_matrix

SPAN = Span(start=NOW, step_seconds=15.0, count=3)


def matrix(*rows: tuple[dict[str, str], dict[float, str]]) -> dict[str, Any]:
    """The body of a range query's answer: values by their time."""
    result = [{"metric": labels, "values": [list(pair) for pair in values.items()]} for labels, values in rows]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def test_each_instant_has_the_series_that_were_there() -> None:
    """Gaps, NaN and infinities are absent samples; what lies outside of the span is left out."""
    long = ({"pod": "a"}, {NOW: "1", NOW + 15: "NaN", NOW + 30: "3", NOW + 45: "4"})
    short = ({"pod": "b"}, {NOW + 15: "+Inf", NOW + 30.001: "5"})
    found = decode_matrix(json.dumps(matrix(long, short)).encode(), SPAN, LabelMemory())
    said = [[(row.pod, value) for row, value in zip(a.labels, a.value.tolist(), strict=True)] for a in found.answers()]
    assert said == [[("a", 1.0)], [], [("a", 3.0), ("b", 5.0)]]


def test_nothing_is_an_answer_too() -> None:
    """A Prometheus without history has no series at any instant."""
    found = decode_matrix(json.dumps(matrix()).encode(), SPAN, LabelMemory())
    assert [len(answer) for answer in found.answers()] == [0, 0, 0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"status":"error","error":"no"}',
        json.dumps(vector(({}, 1.0))).encode(),
        b'{"data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"x"]]}]}}',
        b'{"data":{"resultType":"matrix","result":[{"metric":3,"values":[]}]}}',
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    """With one error of a known kind."""
    with pytest.raises(BadAnswer):
        decode_matrix(body, SPAN, LabelMemory())


@pytest.mark.parametrize(("step", "count"), [(0.0, 3), (15.0, 0), (np.nan, 1)])
def test_a_span_has_instants(step: float, count: int) -> None:
    """An empty one asks for nothing."""
    with pytest.raises(InvalidValue):
        Span(start=NOW, step_seconds=step, count=count)


async def test_the_past_is_a_row_of_observations() -> None:
    """One question a query, and the answers shared out to signals as in a cycle."""
    asked: list[tuple[str, dict[str, Any]]] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append((request.path, dict(await request.post())))
        return web.json_response(matrix(({"pod": "a"}, {NOW: "1", NOW + 30: "2"})))

    async with asking(handle, Query(signal=Signal.KV, promql="kv"), path="/prefix/") as source:
        seen = await source.past(SPAN)
    assert [one.time for one in seen] == [NOW, NOW + 15.0, NOW + 30.0]
    assert [one.answers[Signal.KV].value.tolist() for one in seen] == [[1.0], [], [2.0]]
    form = {"query": "kv", "start": f"{NOW:.3f}", "end": f"{NOW + 30:.3f}", "step": "15"}
    assert asked == [("/prefix/api/v1/query_range", form)]


async def test_a_past_that_cannot_be_had_is_one_error() -> None:
    """Whatever the other side does."""

    async def broken(_: web.Request) -> web.Response:
        return web.Response(status=500, text="oops")

    for handler in (always(vector(({}, 1.0))), broken):
        async with asking(handler) as source:
            with pytest.raises(SourceError):
                await source.past(SPAN)
