"""A Prometheus' answers as observations: what is asked, how rows are shared out, whose clock counts."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from wva_exporter.conventions import Signal
from wva_exporter.engines.promql import Query, QuerySettings, queries
from wva_exporter.errors import QueryFailure, SourceError
from wva_exporter.sources.credentials import BasicAuth
from wva_exporter.sources.prometheus import PrometheusSettings, PrometheusSource

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NOW = 1_700_000_000.0


def vector(*rows: tuple[dict[str, str], float | str], time: float = NOW, **more: Any) -> dict[str, Any]:
    """The body of an instant query's answer."""
    result = [{"metric": labels, "value": [time, str(value)]} for labels, value in rows]
    return {"status": "success", "data": {"resultType": "vector", "result": result}, **more}


def always(body: dict[str, Any]) -> Handler:
    """A server that says the same to everything."""

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(body)

    return handle


@asynccontextmanager
async def asking(
    handler: Handler, *asked: Query, clock: Callable[[], float] = lambda: NOW, path: str = "", **settings: Any
) -> AsyncIterator[PrometheusSource]:
    """A source in front of a server that answers with ``handler``."""
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", handler)
    async with TestServer(app) as server:
        chosen = PrometheusSettings(url=str(server.make_url(path or "/")), deadline_seconds=5.0, **settings)
        source = PrometheusSource(chosen, lambda: asked or (Query(signal=Signal.KV, promql="up"),), clock=clock)
        try:
            yield source
        finally:
            await source.close()


async def test_an_answer_becomes_labels_and_numbers() -> None:
    """Labels that nobody needs are left out, absent ones are empty."""
    row = {"namespace": "llm", "pod": "p", "container": "c", "engine": "0"}
    async with asking(always(vector((row, "0.25")))) as source:
        answer = await source.ask("x")
    assert (answer.labels[0].namespace, answer.labels[0].pod, answer.labels[0].engine) == ("llm", "p", "0")
    assert answer.labels[0].job == ""
    assert answer.value.tolist() == [0.25]
    assert answer.failure is None
    assert answer.seconds > 0


async def test_a_query_is_posted_as_a_form_without_a_time() -> None:
    """Each is evaluated when it arrives, and the server is told when nobody will wait any more."""
    seen: list[tuple[str, str, dict[str, str], str]] = []

    async def handle(request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        seen.append((request.method, request.path, form, request.headers["Accept-Encoding"]))
        return web.json_response(vector())

    async with asking(handle, path="/prefix/", headers={"X-Scope-OrgID": "tenant"}) as source:
        await source.ask('up{a="é&="}')
    ((method, path, form, encoding),) = seen
    assert (method, path, encoding) == ("POST", "/prefix/api/v1/query", "identity")
    assert form["query"] == 'up{a="é&="}'
    assert form.keys() == {"query", "timeout"}
    assert 4000 < int(form["timeout"].removesuffix("ms")) < 5000


async def test_all_queries_of_a_cycle_are_under_way_together() -> None:
    """None waits for another: the server answers nobody before it has heard all."""
    every = queries(
        QuerySettings(short_window_seconds=60, long_window_seconds=300, scrape_interval_seconds=15, hold_seconds=600)
    )
    all_here = asyncio.Barrier(len(every))

    async def handle(request: web.Request) -> web.Response:
        await all_here.wait()
        return web.json_response(vector())

    async with asking(handle, *every) as source:
        observation = await source.observe()
    assert observation.answers.keys() == set(Signal)
    assert all(answer.failure is None and len(answer) == 0 for answer in observation.answers.values())


async def test_one_bad_query_does_not_hide_the_good_ones() -> None:
    """Failures are values beside the answers."""

    async def handle(request: web.Request) -> web.Response:
        if (await request.post())["query"] == "bad":
            return web.json_response({"status": "error", "errorType": "bad_data", "error": "parse error"}, status=400)
        return web.json_response(vector(({"pod": "p"}, 1)))

    asked = (Query(signal=Signal.KV, promql="good"), Query(signal=Signal.RUNNING, promql="bad"))
    async with asking(handle, *asked) as source:
        observation = await source.observe()
    assert observation.reachable
    assert len(observation.answers[Signal.KV]) == 1
    assert observation.answers[Signal.RUNNING].failure is QueryFailure.BAD_DATA


async def test_rows_of_a_shared_query_go_to_their_signals() -> None:
    """By metric name, or by tag where rows have no name; a signal without rows has an empty answer."""
    body = vector(
        ({"__name__": "kube_pod_owner", "pod": "p"}, 1),
        ({"__name__": "kube_pod_status_ready", "pod": "p"}, 0),
        ({"engine_type": "up_now", "pod": "p"}, 1),
        ({"engine_type": "vllm", "pod": "p"}, 1),
        warnings=["slow store"],
    )
    asked = Query(
        signal=Signal.SEEN,
        promql="x",
        split={
            "kube_pod_owner": Signal.OWNERS,
            "kube_pod_status_ready": Signal.PODS,
            "up_now": Signal.UP,
            "n": Signal.KV,
        },
    )
    async with asking(always(body), asked) as source:
        answers = (await source.observe()).answers
    assert [row.metric for row in answers[Signal.OWNERS].labels] == ["kube_pod_owner"]
    assert answers[Signal.PODS].value.tolist() == [0.0]
    assert [row.engine_type for row in answers[Signal.UP].labels] == ["up_now"]
    assert [row.engine_type for row in answers[Signal.SEEN].labels] == ["vllm"]
    assert len(answers[Signal.KV]) == 0
    assert all(answer.warnings == ("slow store",) for answer in answers.values())


async def test_numbers_that_are_not_finite_are_missing_and_counted() -> None:
    """NaN is never 0, and a number that a float cannot hold is infinite; the largest that it can hold stays."""
    values = ["NaN", "+Inf", "-Inf", "1e309", "1e308", "-0"]
    body = vector(*(({"pod": str(i)}, value) for i, value in enumerate(values)))
    async with asking(always(body)) as source:
        answer = await source.ask("x")
    assert [row.pod for row in answer.labels] == ["4", "5"]
    assert answer.value.tolist() == [1e308, 0.0]
    assert answer.dropped == 4


async def test_native_histograms_are_left_out() -> None:
    """They are no numbers; samples beside them are kept."""
    body = vector(({"pod": "p"}, 1))
    body["data"]["result"].append(
        {"metric": {"pod": "h"}, "histogram": [NOW, {"count": "1", "sum": "2", "buckets": []}]}
    )
    async with asking(always(body)) as source:
        answer = await source.ask("x")
    assert [row.pod for row in answer.labels] == ["p"]
    assert answer.failure is None


@pytest.mark.parametrize(
    ("more", "warnings"),
    [
        ({"warnings": ["store unreachable"]}, ("store unreachable",)),
        ({"warnings": ["a\nb\x1b[31m" + "x" * 1000]}, ("a b [31m" + "x" * 191 + "…",)),
        ({"isPartial": True}, ("the source says that its answer is partial",)),
        ({"warnings": None, "infos": ["PromQL info: style"]}, ()),
        ({"warnings": ["PromQL info: metric might not be a counter"]}, ()),
    ],
)
async def test_a_partial_answer_keeps_its_rows_and_says_so(more: dict[str, Any], warnings: tuple[str, ...]) -> None:
    """Warnings are bounded, one line each; remarks on style are none."""
    async with asking(always(vector(({"pod": "p"}, 1), **more))) as source:
        answer = await source.ask("x")
    assert (len(answer), answer.failure) == (1, None)
    assert answer.warnings == warnings


async def test_time_is_the_sources_and_the_skew_is_what_the_question_took_no_part_in() -> None:
    """An evaluation between sending and receiving is no skew; one an hour ahead is an hour."""
    ticks = iter([NOW - 1.0, NOW + 1.0])
    async with asking(always(vector(({}, 1), time=NOW)), clock=lambda: next(ticks)) as source:
        observation = await source.observe()
    assert (observation.time, observation.skew) == (NOW, 0.0)
    async with asking(always(vector(({}, 1), time=NOW + 3600)), clock=lambda: NOW) as source:
        observation = await source.observe()
    assert (observation.time, observation.skew) == (NOW + 3600, 3600.0)
    async with asking(always(vector()), clock=lambda: NOW + 7) as source:
        observation = await source.observe()
    assert (observation.time, observation.skew) == (NOW + 7, 0.0)


async def test_a_bearer_token_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    """Projected tokens expire within the hour; the file is replaced under us, by renaming as Kubernetes does."""
    heard: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization", ""))
        return web.json_response(vector())

    token = tmp_path / "token"
    token.write_text("first\n")
    async with asking(handle, bearer_token_file=str(token)) as source:
        await source.ask("x")
        (tmp_path / "new").write_text("second")
        (tmp_path / "new").rename(token)
        await source.ask("x")
        token.unlink()
        await source.ask("x")
    assert heard == ["Bearer first", "Bearer second", "Bearer second"]


async def test_a_refused_token_is_read_again_once(tmp_path: Path) -> None:
    """Even if the file does not look changed; the same token is not tried twice."""
    heard: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization", ""))
        if heard[-1] == "Bearer good1":
            return web.json_response(vector())
        return web.Response(status=401)

    token = tmp_path / "token"
    token.write_text("worn1")
    async with asking(handle, bearer_token_file=str(token)) as source:
        assert (await source.ask("x")).failure is QueryFailure.UNAUTHORIZED
        assert heard == ["Bearer worn1"]
        before = token.stat()
        token.write_text("good1")
        os.utime(token, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert (await source.ask("x")).failure is None
    assert heard[1:] == ["Bearer worn1", "Bearer good1"]


async def test_a_lost_token_file_is_named_when_the_old_token_is_refused(tmp_path: Path) -> None:
    """The reason is more use than the refusal; the token itself is in neither."""
    token = tmp_path / "token"
    token.write_text("s3cr3t")

    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=403, text=request.headers["Authorization"])

    async with asking(handle, bearer_token_file=str(token)) as source:
        token.unlink()
        answer = await source.ask("x")
    assert answer.failure is QueryFailure.UNAUTHORIZED
    assert answer.detail == f"403 Forbidden; bearer_token_file '{token}': No such file or directory"


async def test_a_password_is_sent_with_its_user(tmp_path: Path) -> None:
    """As basic authentication, in UTF-8."""
    heard: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        heard.append(request.headers["Authorization"])
        return web.json_response(vector())

    (tmp_path / "password").write_text(" pässword \n")
    auth = BasicAuth(username="user", password_file=str(tmp_path / "password"))
    async with asking(handle, basic_auth=auth) as source:
        await source.ask("x")
    assert base64.b64decode(heard[0].removeprefix("Basic ")).decode() == "user:pässword"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"to\nken", "has characters that it cannot have"),
        (b"t\xc3\xb6ken", "has characters that it cannot have"),
        (b"\xff", "is not UTF-8 text"),
        (b"x" * 70_000, "is larger than any secret"),
    ],
)
def test_a_bad_token_file_is_refused_at_the_start_in_one_line(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    """The line names the setting and the file, never what is in it."""
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    with pytest.raises(SourceError) as raised:
        PrometheusSource(PrometheusSettings(url="http://p", bearer_token_file=str(token)), tuple)
    assert str(raised.value).replace(": ", " ") == f"bearer_token_file '{token}' {message}"


@pytest.mark.parametrize(
    "bad",
    [
        {"url": "http://user:pass@p"},
        {"url": "ftp://p"},
        {"url": "p:9090"},
        {"url": "http://"},
        {"headers": {"A b": "c"}},
        {"headers": {"A": "b\r\nC: d"}},
        {"headers": {"Content-Length": "0"}},
        {"headers": {"authorization": "x"}, "bearer_token_file": "/t"},
        {"deadline_seconds": 0.0},
    ],
)
def test_settings_that_cannot_work_are_refused(bad: dict[str, Any]) -> None:
    """Also a password in the URL, which would end up in logs."""
    with pytest.raises(SourceError) as raised:
        PrometheusSettings(**{"url": "http://p", **bad})
    assert "pass@" not in str(raised.value)


def test_two_ways_to_authorize_exclude_each_other() -> None:
    """Nobody could say which one counts."""
    auth = BasicAuth(username="u", password_file="/p")
    with pytest.raises(SourceError, match="exclude each other"):
        PrometheusSource(PrometheusSettings(url="http://p", bearer_token_file="/t", basic_auth=auth), tuple)


def test_settings_do_not_show_their_headers() -> None:
    """Tenants' keys travel in them."""
    assert "s3cr3t" not in repr(PrometheusSettings(url="http://p", headers={"X-Key": "s3cr3t"}))


def test_the_path_and_parameters_of_the_url_are_kept() -> None:
    """Thanos takes its switches from there."""
    assert (
        PrometheusSettings(url="https://p/a/?partial_response=false").query_url
        == "https://p/a/api/v1/query?partial_response=false"
    )
    assert PrometheusSettings(url="http://p:9090").query_url == "http://p:9090/api/v1/query"


async def test_json_under_another_content_type_is_read() -> None:
    """The body decides; proxies mislabel."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(text=json.dumps(vector(({"pod": "p"}, 1))), content_type="text/plain")

    async with asking(handle) as source:
        assert len(await source.ask("x")) == 1
