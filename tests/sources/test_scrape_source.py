"""Scraping over HTTP: engines, what surrounds them, and the discovery that lists them."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web
from scrape_stage import Clock, Pages, engine_page, page, saying, scraping, serving, until, values

from wva_exporter.conventions import Signal
from wva_exporter.errors import QueryFailure
from wva_exporter.sources.scrape import ScrapeSettings, ScrapeSource


async def test_the_first_observation_waits_for_the_first_scrape() -> None:
    """So that one cycle alone has something to say."""
    async with (
        serving({"/metrics": engine_page(running=3)}) as (_, address),
        scraping(ScrapeSource(ScrapeSettings(targets=(address,), labels={"namespace": "llm"}))) as source,
    ):
        seen = await source.observe()
        assert values(seen, Signal.RUNNING) == {address: 3.0}
        row = seen.answers[Signal.RUNNING].labels[0]
        assert (row.namespace, row.model_name, row.job, row.engine_type) == (
            "llm",
            "tiny",
            "wva-exporter-scrape",
            "vllm",
        )
        assert values(seen, Signal.UP) == {address: 1.0}
        assert seen.reachable


async def test_it_goes_on_scraping_until_it_is_closed() -> None:
    """At every interval, and not once more afterwards."""
    asked = 0

    async def counted(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=engine_page(success=asked))

    async with serving({"/metrics": counted}) as (_, address):
        source = ScrapeSource(
            ScrapeSettings(targets=(address,), scrape_interval_seconds=0.05, short_window_seconds=0.2)
        )

        async def rate_known() -> bool:
            return bool(values(await source.observe(), Signal.REQUEST_RATE))

        await until(rate_known)
        await source.close()
        at_close = asked
        assert at_close >= 2
        await asyncio.sleep(0.15)
        assert asked == at_close
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "scrape"]


async def test_numbers_that_are_not_finite_are_missing() -> None:
    """The sample is dropped and counted, the others of the page stay; what overflows in a sum is dropped as well."""
    body = engine_page().replace(b"perc{", b'perc{x="1",') + page(
        'vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} NaN',
        'vllm:num_requests_waiting{engine="1",model_name="tiny"} 1.7e308',
        'vllm:num_requests_waiting{engine="2",model_name="tiny"} 1.7e308',
    )
    async with (
        serving({"/metrics": body}) as (_, address),
        scraping(ScrapeSource(ScrapeSettings(targets=(address,)))) as source,
    ):
        seen = await source.observe()
        assert values(seen, Signal.KV_PEAK) == {address: 0.5}
        assert seen.answers[Signal.KV_PEAK].dropped == 1
        assert values(seen, Signal.WAITING) == {}
        assert seen.answers[Signal.WAITING].dropped == 1
        assert values(seen, Signal.RUNNING) == {address: 1.0}


def discovery(*targets: str, **labels: str) -> bytes:
    """The answer of a discovery URL."""
    return json.dumps([{"targets": targets, "labels": labels}]).encode()


async def test_what_discovery_lists_is_scraped_and_what_it_drops_is_gone() -> None:
    """A dropped target has no up any more, and is remembered as seen until the hold time is over."""
    clock = Clock()
    async with serving({"/metrics": engine_page()}) as (pages, address):
        pages["/sd"] = discovery(address, namespace="llm", pod="p1")
        settings = ScrapeSettings(http_sd_urls=(f"http://{address}/sd",), labels={"job": "vllm"}, hold_seconds=600)
        async with scraping(ScrapeSource(settings, clock=clock)) as source:
            await source.scrape()
            seen = await source.observe()
            row = seen.answers[Signal.RUNNING].labels[0]
            assert (row.namespace, row.pod, row.job, row.instance) == ("llm", "p1", "vllm", address)

            pages["/sd"] = discovery()
            clock.now += 15
            await source.scrape()
            seen = await source.observe()
            assert values(seen, Signal.UP) == values(seen, Signal.RUNNING) == {}
            assert [row.engine_type for row in seen.answers[Signal.SEEN].labels] == ["vllm", "up"]

            clock.now += 600
            await source.scrape()
            assert all(len(answer) == 0 for answer in (await source.observe()).answers.values())


async def test_a_discovery_that_fails_changes_no_target_and_is_a_warning() -> None:
    """Its last list stays; that it may be out of date forbids to lower anything."""
    async with serving({"/metrics": engine_page()}) as (pages, address):
        pages["/sd"] = discovery(address)
        async with scraping(ScrapeSource(ScrapeSettings(http_sd_urls=(f"http://{address}/sd",)))) as source:
            await source.scrape()
            pages["/sd"] = b"[{]"
            await source.scrape()
            seen = await source.observe()
            assert values(seen, Signal.UP) == {address: 1.0}
            assert seen.answers[Signal.UP].warnings[0].startswith(f"http://{address}/sd: parse_error: ")
            assert not seen.answers[Signal.RUNNING].warnings
            assert len(source.troubles) == 1


async def test_without_any_list_nothing_is_known() -> None:
    """That is a failure of every signal, not an empty fleet."""
    async with (
        serving({}) as (_, address),
        scraping(ScrapeSource(ScrapeSettings(http_sd_urls=(f"http://{address}/sd",)))) as source,
    ):
        seen = await source.observe()
        assert not seen.reachable
        assert {answer.failure for answer in seen.answers.values()} == {QueryFailure.BAD_DATA}
        assert set(seen.answers) == set(Signal)


KUBERNETES = page(
    'kube_deployment_spec_replicas{namespace="llm",deployment="d"} 2',
    'kube_pod_owner{namespace="llm",pod="p1",owner_kind="ReplicaSet",owner_name="d-1",owner_is_controller="true"} 1',
    'kube_pod_owner{namespace="elsewhere",pod="stranger",owner_kind="ReplicaSet",owner_name="s-1"} 1',
    'kube_replicaset_owner{namespace="llm",replicaset="d-1",owner_kind="Deployment",owner_name="d"} 1',
    'kube_replicaset_owner{namespace="elsewhere",replicaset="s-1",owner_kind="Deployment",owner_name="s"} 1',
    'kube_pod_status_ready{namespace="llm",pod="p1",condition="true"} 1',
    'kube_pod_status_ready{namespace="llm",pod="p1",condition="false"} 0',
    'kube_horizontalpodautoscaler_spec_max_replicas{namespace="llm",horizontalpodautoscaler="h"} 7',
)

ROUTER = page(
    'llm_d_epp_flow_control_queue_size{model_name="tiny",priority="0"} 3',
    'llm_d_epp_flow_control_queue_size{model_name="tiny",priority="1"} 4',
    'inference_extension_flow_control_queue_size{model_name="tiny",priority="0"} 7',
    'inference_extension_flow_control_queue_size{model_name="other",priority="0"} 1',
)


async def fleet(pages: Pages, address: str) -> ScrapeSource:
    """An engine, and kube-state-metrics and a router on one page, scraped once."""
    port = address.rpartition(":")[2]
    pages["/engines"] = discovery(address, namespace="llm", pod="p1")
    pages["/beside"] = KUBERNETES + ROUTER
    source = ScrapeSource(
        ScrapeSettings(
            targets=(f"http://localhost:{port}/beside",),
            http_sd_urls=(f"http://{address}/engines",),
            labels={"namespace": "llm"},
        )
    )
    await source.scrape()
    return source


async def test_kube_state_metrics_is_read_where_a_target_exposes_it() -> None:
    """Under its own labels; of its pods only those of namespaces where engines are."""
    async with (
        serving({"/metrics": engine_page()}) as (pages, address),
        scraping(await fleet(pages, address)) as source,
    ):
        seen = await source.observe()

        def rows(signal: Signal) -> list[tuple[str, float]]:
            answer = seen.answers[signal]
            return [(row.metric, value) for row, value in zip(answer.labels, answer.value.tolist(), strict=True)]

        assert rows(Signal.WORKLOADS) == [("kube_deployment_spec_replicas", 2)]
        assert rows(Signal.PODS) == [("kube_pod_status_ready", 1)]
        assert rows(Signal.OWNERS) == [("kube_pod_owner", 1), ("kube_replicaset_owner", 1)]
        assert rows(Signal.SCALERS) == [("kube_horizontalpodautoscaler_spec_max_replicas", 7)]
        owner = seen.answers[Signal.OWNERS].labels[0]
        assert (owner.namespace, owner.pod, owner.owner_kind, owner.owner_name) == ("llm", "p1", "ReplicaSet", "d-1")

        pages["/beside"] = saying(500)
        await source.scrape()
        assert len((await source.observe()).answers[Signal.WORKLOADS]) == 0


async def test_router_queues_are_summed_and_counted_under_one_name() -> None:
    """Both names of a series that is being renamed are one queue."""
    async with (
        serving({"/metrics": engine_page()}) as (pages, address),
        scraping(await fleet(pages, address)) as source,
    ):
        answer = (await source.observe()).answers[Signal.ROUTER_QUEUE]
        queues = {row.model_name: value for row, value in zip(answer.labels, answer.value.tolist(), strict=True)}
        assert queues == {"tiny": 7.0, "other": 1.0}
        assert {row.namespace for row in answer.labels} == {"llm"}


async def test_targets_that_run_no_engine_are_no_replicas() -> None:
    """They answer and have none: neither their ``up`` nor their silence is a replica's."""
    async with (
        serving({"/metrics": engine_page()}) as (pages, address),
        scraping(await fleet(pages, address)) as source,
    ):
        assert values(await source.observe(), Signal.UP) == {"p1": 1.0}
        pages["/beside"] = saying(500)
        await source.scrape()
        seen = await source.observe()
        assert values(seen, Signal.UP) == {"p1": 1.0}
        assert {row.pod for row in seen.answers[Signal.SEEN].labels} == {"p1"}


async def test_an_engine_that_never_answered_is_a_target_that_is_down() -> None:
    """Among others of its job it is a replica that one knows nothing of."""
    async with serving({"/metrics": engine_page(), "/down": saying(500)}) as (_, address):
        down = f"http://localhost:{address.rpartition(':')[2]}/down"
        async with scraping(ScrapeSource(ScrapeSettings(targets=(address, down)))) as source:
            up = values(await source.observe(), Signal.UP)
            assert sorted(up.values()) == [0.0, 1.0]


async def test_a_page_too_large_for_the_loop_is_read_beside_it() -> None:
    """And gives the same."""
    body = engine_page(running=2) + b"".join(b'other{x="%d"} 1\n' % i for i in range(100_000))
    async with (
        serving({"/metrics": body}) as (_, address),
        scraping(ScrapeSource(ScrapeSettings(targets=(address,)))) as source,
    ):
        assert len(body) > 1 << 20
        assert values(await source.observe(), Signal.RUNNING) == {address: 2.0}
