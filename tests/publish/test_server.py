"""The pages of the server, who may ask for them, and how it starts and ends."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import struct
from pathlib import Path

import pytest
from aiohttp import ClientSession
from publish.plans import big_plan, plan_of
from publish.serving import Serving, serving, until

from wva_exporter import __version__
from wva_exporter.errors import ConfigError
from wva_exporter.publish import gate
from wva_exporter.publish.board import Board
from wva_exporter.publish.gate import PROBES, SECURITY_HEADERS
from wva_exporter.publish.selfmetrics import SelfMetrics
from wva_exporter.publish.server import Server

PATHS = ("/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/plan")


async def status(it: Serving, path: str, method: str = "GET") -> int:
    """The status of an answer."""
    async with it.client.request(method, path) as answer:
        return answer.status


async def text(it: Serving, path: str, method: str = "GET") -> tuple[int, str]:
    """Status and text of an answer."""
    async with it.client.request(method, path, headers={"Accept-Encoding": "identity"}) as answer:
        return answer.status, await answer.text()


async def test_every_page_answers() -> None:
    """With the content that its reader expects."""
    async with serving() as it:
        assert await text(it, "/-/healthy") == (200, "wva-exporter is Healthy.\n")
        assert await text(it, "/-/ready") == (200, "wva-exporter is Ready.\n")
        assert __version__ in (await text(it, "/"))[1]
        assert 'wva_desired_replicas{accelerator_type="A100"' in (await text(it, "/metrics"))[1]
        variants = json.loads((await text(it, "/api/v1/plan"))[1])["variants"]
        assert [row["name"] for row in variants] == ["llama-a100", "llama-h100", "qwen"]


async def test_the_metrics_page_is_compressed_when_asked() -> None:
    """As every Prometheus does."""
    async with serving() as it, it.client.get("/metrics", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert b"wva_desired_replicas" in gzip.decompress(await answer.read())


async def test_names_in_the_query_restrict_the_metrics_page() -> None:
    """Several of them may be given."""
    async with serving() as it:
        page = (await text(it, "/metrics?name[]=wva_desired_replicas&name[]=wva_models_processed"))[1]
        assert {line.split("{")[0] for line in page.splitlines() if line[0] != "#"} == {"wva_desired_replicas"}


async def test_before_the_first_cycle_it_is_alive_and_not_ready() -> None:
    """And there is no plan to show, which is not an empty plan."""
    async with serving(empty=True) as it:
        assert await status(it, "/-/healthy") == 200
        assert await status(it, "/-/ready") == 503
        assert await text(it, "/api/v1/plan") == (503, '{"error":"no plan yet"}')
        assert "No plan yet" in (await text(it, "/"))[1]
        assert await status(it, "/metrics") == 200


async def test_a_source_that_is_down_does_not_make_it_unready() -> None:
    """The first cycle ended without a Plan: restarting the pod would cure nothing."""
    async with serving(empty=True) as it:
        it.board.degraded()
        assert await status(it, "/-/ready") == 200


@pytest.mark.parametrize("path", PATHS)
async def test_pages_are_read_only(path: str) -> None:
    """GET and HEAD, nothing else."""
    async with serving() as it:
        assert await status(it, path, "HEAD") == 200
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert await status(it, path, method) == 405


async def test_every_answer_carries_the_security_headers() -> None:
    """Errors too; and the server names no version of its parts."""

    async def broken() -> None:
        raise RuntimeError("canary")

    async with serving(reload=broken) as it:
        for method, path in [*(("GET", path) for path in PATHS), ("GET", "/none"), ("PUT", "/"), ("POST", "/-/reload")]:
            async with it.client.request(method, path) as answer:
                assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
                assert b"canary" not in await answer.read()


async def test_an_error_of_ours_is_counted_and_tells_the_client_nothing() -> None:
    """A bug in a handler is a 500 and a number."""

    async def broken() -> None:
        raise RuntimeError("canary")

    async with serving(reload=broken) as it:
        logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
        code, body = await text(it, "/-/reload", "POST")
        assert code == 500
        assert "canary" not in body
        assert it.count("web", "request") == 1
        assert await status(it, "/none") == 404
        assert it.count("web", "request") == 1


async def test_reload_is_refused_unless_the_lifecycle_is_enabled() -> None:
    """In Prometheus' words."""
    async with serving() as it:
        assert await text(it, "/-/reload", "POST") == (403, "Lifecycle API is not enabled.\n")
        assert await status(it, "/-/reload", "PUT") == 403
        assert await status(it, "/-/reload") == 405


async def test_reload_reads_the_configuration_again_and_says_what_is_wrong() -> None:
    """POST and PUT; a refused configuration is a 500 with its findings."""
    asked: list[int] = []

    async def reload() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise ConfigError(["wva.yaml:3: interval: must be a duration"])

    async with serving(reload=reload) as it:
        assert await text(it, "/-/reload", "POST") == (200, "")
        assert await status(it, "/-/reload", "PUT") == 200
        code, body = await text(it, "/-/reload", "POST")
        assert (code, body) == (500, "failed to reload config: wva.yaml:3: interval: must be a duration\n")
        assert await status(it, "/-/reload") == 405


async def test_too_many_requests_at_once_are_turned_away_but_probes_are_not() -> None:
    """A program that is busy must not be restarted for being busy."""
    go_on, entered = asyncio.Event(), asyncio.Semaphore(0)

    async def slow() -> None:
        entered.release()
        await go_on.wait()

    async with serving(reload=slow, max_requests=2) as it:
        running = [asyncio.create_task(status(it, "/-/reload", "POST")) for _ in range(2)]
        await entered.acquire()
        await entered.acquire()
        assert await status(it, "/metrics") == 503
        for probe in PROBES:
            assert await status(it, probe) == 200
        go_on.set()
        assert await asyncio.gather(*running) == [200, 200]
        assert await status(it, "/metrics") == 200


async def test_a_client_that_does_not_read_is_dropped_and_gives_its_room_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A few slow readers cannot keep everybody else out, nor fill the log."""
    monkeypatch.setattr(gate, "SEND_SECONDS", 0.2)
    async with serving(big_plan(2000), max_requests=1) as it:
        with asked(it, "/metrics"):
            await until_status(it, 503)
            await until_status(it, 200)
        assert it.count("web", "request") == 0
    assert not caplog.records


async def test_a_client_that_goes_away_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """A scraper that times out and hangs up is not our failure."""
    async with serving(big_plan(2000), max_requests=1) as it:
        with asked(it, "/metrics") as client:
            await until_status(it, 503)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await until_status(it, 200)
        assert it.count("web", "request") == 0
    assert not caplog.records


def asked(it: Serving, path: str) -> socket.socket:
    """A client that has asked for a page and reads nothing of the answer."""
    client = socket.create_connection(("127.0.0.1", int(it.server.urls[0].rpartition(":")[2])))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return client


async def until_status(it: Serving, wanted: int) -> None:
    """Wait until a small page is answered so."""
    async with asyncio.timeout(10):
        while await status(it, "/none" if wanted == 503 else "/metrics?name[]=x") != wanted:  # noqa: ASYNC110 - over a wire
            await asyncio.sleep(0.01)


async def test_closing_lets_a_running_request_end() -> None:
    """And takes no new ones."""
    go_on, entered = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        entered.set()
        await go_on.wait()

    async with serving(reload=slow) as it:
        running = asyncio.create_task(status(it, "/-/reload", "POST"))
        await entered.wait()
        port = int(it.server.urls[0].rpartition(":")[2])
        closing = asyncio.create_task(it.server.close())
        await until(lambda: _refused(port))
        go_on.set()
        await closing
        assert await running == 200


def _refused(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def test_it_listens_on_every_address() -> None:
    """A port alone is every interface, of both families where there are two."""
    server = Server(board=Board(), metrics=SelfMetrics())
    await server.start([":0", "127.0.0.1:0", "localhost:0"])
    try:
        assert len(set(server.urls)) == 3
        everywhere = server.urls[0].rpartition(":")[2]
        async with ClientSession() as client:
            for url in (*server.urls, f"http://127.0.0.1:{everywhere}"):
                async with client.get(f"{url}/-/healthy") as answer:
                    assert answer.status == 200
    finally:
        await server.close()


@pytest.mark.parametrize(
    "address", ["10982", "host", "::1:80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "[::1]"]
)
async def test_an_address_that_is_none_is_refused_in_one_line(address: str) -> None:
    """It names the flag and an example."""
    with pytest.raises(ConfigError) as refused:
        await Server(board=Board(), metrics=SelfMetrics()).start([address])
    assert refused.value.findings == (
        f"--web.listen-address {address}: must be host:port, such as :10982, 127.0.0.1:10982 or [::1]:10982",
    )


async def test_a_port_in_use_is_one_line_and_leaves_nothing_open() -> None:
    """The addresses that could be had are given back."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = Server(board=Board(), metrics=SelfMetrics())
        with pytest.raises(ConfigError, match=f"--web.listen-address {address}: cannot listen: Address already in use"):
            await server.start(["127.0.0.1:0", address])
        assert server.urls == ()


async def test_a_host_that_is_unknown_is_one_line() -> None:
    """Not a traceback of the resolver."""
    with pytest.raises(ConfigError, match="cannot listen"):
        await Server(board=Board(), metrics=SelfMetrics()).start(["no.such.host.invalid:0"])


async def test_the_metrics_path_can_be_another() -> None:
    """Even that of the page for people, which then gives way."""
    async with serving(telemetry_path="/prom") as it:
        assert await status(it, "/prom") == 200
        assert await status(it, "/metrics") == 404
    async with serving(telemetry_path="/") as it:
        assert "wva_desired_replicas" in (await text(it, "/"))[1]


@pytest.mark.parametrize("path", ["metrics", "/-/metrics", "/api/x", "/{x}", "", "/a b"])
def test_a_metrics_path_that_cannot_be_is_refused(path: str) -> None:
    """It would hide another page, or is a pattern."""
    with pytest.raises(ConfigError, match=r"--web\.telemetry-path"):
        Server(board=Board(), metrics=SelfMetrics(), telemetry_path=path)


async def test_a_swap_between_two_scrapes_is_seen_by_the_second() -> None:
    """What is cached belongs to its Plan."""
    async with serving(plan_of()) as it:
        for path in ("/metrics", "/", "/api/v1/plan"):
            assert "variant-00001" not in (await text(it, path))[1]
        it.board.swap(big_plan(3))
        for path in ("/metrics", "/", "/api/v1/plan"):
            assert "variant-00001" in (await text(it, path))[1]


def test_a_web_configuration_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """At the start, a bad file ends the program."""
    missing = tmp_path / "web.yml"
    with pytest.raises(ConfigError, match=f"{missing}: cannot be read: No such file"):
        Server(board=Board(), metrics=SelfMetrics(), web_config_file=missing)
