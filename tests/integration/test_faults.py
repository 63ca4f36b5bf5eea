"""What happens to a fleet when something it is decided from fails: a published target never falls.

A real Prometheus scrapes six engines each second through which a fault is driven; the exporter is the real process. The table
in the README is made from these rows.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from engine_farm import Engine, Farm
from exporter_process import Exporter, Watch
from fault_table import ROWS
from real_prometheus import RealPrometheus

SIZE = 6
CONFIG = """
prometheus: {{url: {url}/proxy}}
interval: 1s
scrape_interval: 1s
window_floor: 5s
hold: 1h
default_namespace: llm
policy: wva-v1
variants: [{{name: llama, model: tiny-llama, selector: {{pod: 'llama-.*'}}, max: 12, cost: 10}}]
"""


@dataclass(kw_only=True)
class Rig:
    """Everything that runs, steady at six replicas."""

    farm: Farm
    prometheus: RealPrometheus
    exporter: Exporter
    binary: Path
    folder: Path
    restarts: int = 0

    def settle(self) -> None:
        """Wait until the fleet is decided on good data again."""
        self.exporter.wait(
            lambda: self.exporter.value("wva_desired_replicas") == SIZE and self.exporter.reason() == "none",
            f"{SIZE} replicas decided on good data",
        )

    def restart_empty(self) -> None:
        """The Prometheus is gone and comes back without any history."""
        self.prometheus.kill()
        self.restarts += 1
        folder = self.folder / f"prometheus-{self.restarts}"
        self.prometheus = RealPrometheus.start(self.binary, folder, self.farm.prometheus_config())
        self.farm.proxy_to = self.prometheus.url


@pytest.fixture(scope="module")
def rig(prometheus_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Six engines under a load that calls for exactly six."""
    folder = tmp_path_factory.mktemp("faults")
    farm = Farm().start()
    farm.add(*(Engine(pod=f"llama-{i}", kv=0.60) for i in range(SIZE)))
    prometheus = RealPrometheus.start(prometheus_bin, folder / "prometheus-0", farm.prometheus_config())
    farm.proxy_to = prometheus.url
    exporter = Exporter.start(folder, CONFIG.format(url=farm.url))
    found = Rig(farm=farm, prometheus=prometheus, exporter=exporter, binary=prometheus_bin, folder=folder)
    try:
        found.settle()
        yield found
    finally:
        found.exporter.kill()
        found.prometheus.kill()
        farm.stop()


def proves(row: str, watch: Watch, *reasons: str) -> None:
    """What was published is what the table claims: the target it had, for the reasons that it names."""
    assert set(watch.targets) == {float(SIZE)}
    assert set(reasons) <= set(ROWS[row].reasons)


def every_value(value: str) -> Callable[[str, web.Request], web.Response]:
    """Every query answers one series of a known pod with this value."""
    labels = {
        "namespace": "llm",
        "pod": "llama-0",
        "instance": "llama-0:8000",
        "model_name": "tiny-llama",
        "job": "vllm",
    }
    row = {"metric": {**labels, "engine_type": "vllm"}, "value": [time.time(), value]}
    return answer({"resultType": "vector", "result": [row]})


def answer(data: object, **more: object) -> Callable[[str, web.Request], web.Response]:
    """The same successful answer to every query."""
    body = json.dumps({"status": "success", "data": data, **more})
    return lambda _query, _request: web.Response(text=body, content_type="application/json")


def raw(body: bytes, status: int = 200, **headers: str) -> Callable[[str, web.Request], web.Response]:
    """The same bytes to every query."""
    return lambda _query, _request: web.Response(body=body, status=status, headers=headers)


async def _never(_query: str, _request: web.Request) -> web.Response:
    await asyncio.sleep(3600)
    return web.Response()


def _refuse(_query: str, request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)


FAILURES: dict[str, Callable[[str, web.Request], Any]] = {
    "down": _refuse,
    "slow beyond the deadline": _never,
    "answering 500": raw(b"oops", 500),
    "answering 503": raw(b"starting", 503),
    "answering 401": raw(b"who are you", 401),
    "answering 429": raw(b"later", 429),
    "answering garbage": raw(b"\x00\xffnot json", 200),
    "answering a login page": raw(b"<html>please log in</html>", 200),
    "answering half of its JSON": raw(b'{"status":"success","data":{"resultType":"vector","result":[{"met', 200),
    "answering a matrix": answer({"resultType": "matrix", "result": []}),
    "answering a bomb": raw(gzip.compress(b"0" * (64 << 20)), 200, **{"Content-Encoding": "gzip"}),
}

LIES: dict[str, Callable[[str, web.Request], Any]] = {
    "NaN": every_value("NaN"),
    "plus infinity": every_value("+Inf"),
    "minus one": every_value("-1"),
    "1e308": every_value("1e308"),
    "zero": every_value("0"),
    "nothing": answer({"resultType": "vector", "result": []}),
}
"""Successful answers that are wrong: to every query the same number for one pod, or no rows."""


@pytest.mark.parametrize("fault", FAILURES)
def test_no_failure_of_prometheus_lowers_a_target(rig: Rig, fault: str) -> None:
    """While it fails the target stays; afterwards decisions go on."""
    with Watch(exporter=rig.exporter) as watch:
        rig.farm.fault = FAILURES[fault]
        rig.exporter.wait(lambda: rig.exporter.reason() != "none", f"a hold while Prometheus is {fault}")
        time.sleep(2.0)
        reason = rig.exporter.reason()
        rig.farm.fault = None
        rig.settle()
    proves("prometheus", watch, reason)


@pytest.mark.parametrize("lie", LIES)
def test_no_wrong_answer_of_prometheus_lowers_a_target(rig: Rig, lie: str) -> None:
    """Successful, and not believed."""
    with Watch(exporter=rig.exporter) as watch:
        rig.farm.fault = LIES[lie]
        rig.exporter.wait(lambda: rig.exporter.reason() != "none", f"a hold while all answers are {lie}")
        time.sleep(2.0)
        rig.farm.fault = None
        rig.settle()
    assert set(watch.targets) == {float(SIZE)}


@pytest.mark.parametrize("fault", [FAILURES["down"], LIES["nothing"]], ids=["down", "answering nothing"])
def test_a_fleet_that_nobody_declared_is_held_like_any_other(
    rig: Rig, tmp_path: Path, fault: Callable[[str, web.Request], Any]
) -> None:
    """Its variants come from what Prometheus names, and stay when it names nothing."""
    discovered = "\n".join(CONFIG.format(url=rig.farm.url).splitlines()[:-1])
    exporter = Exporter.start(tmp_path, discovered)
    try:
        exporter.wait(lambda: exporter.value("wva_desired_replicas") == SIZE, "a target for the discovered variant")
        with Watch(exporter=exporter) as watch:
            rig.farm.fault = fault
            exporter.wait(lambda: exporter.reason() not in ("none", ""), "a hold")
            time.sleep(2.0)
            rig.farm.fault = None
            exporter.wait(lambda: exporter.reason() == "none", "a decision on good data")
    finally:
        rig.farm.fault = None
        exporter.kill()
    assert set(watch.targets) == {float(SIZE)}
    rig.settle()


def test_half_of_the_engines_failing_at_peak_lowers_nothing(rig: Rig) -> None:
    """Three of six answer 500 and the other three look idle, without kube-state-metrics."""
    engines = list(rig.farm.engines.values())
    with Watch(exporter=rig.exporter) as watch:
        for engine in engines[:3]:
            engine.status = 500
        for engine in engines[3:]:
            engine.kv, engine.running = 0.02, 1
        rig.exporter.wait(lambda: rig.exporter.reason() == "replica_unknown", "replica_unknown")
        time.sleep(7)
        reason = rig.exporter.reason()
        for engine in engines:
            engine.status, engine.kv, engine.running = 200, 0.60, 8
        rig.settle()
    proves("pod-scrape", watch, reason)


def test_all_engines_failing_hold_the_target(rig: Rig) -> None:
    """Nobody answers: nothing is known, nothing is lowered."""
    with Watch(exporter=rig.exporter) as watch:
        for engine in rig.farm.engines.values():
            engine.status = 503
        rig.exporter.wait(lambda: rig.exporter.reason() == "replica_unknown", "replica_unknown")
        time.sleep(7)
        reason = rig.exporter.reason()
        for engine in rig.farm.engines.values():
            engine.status = 200
        rig.settle()
    proves("all-pods", watch, reason)


@pytest.mark.parametrize("name", ["vllm:kv_cache_usage_perc", "vllm:num_requests_waiting"])
@pytest.mark.parametrize("how", ["drop", "nan"])
def test_an_input_that_disappears_holds_the_target(rig: Rig, name: str, how: str) -> None:
    """An engine update drops a series, or it turns to NaN: missing is not idle."""
    with Watch(exporter=rig.exporter) as watch:
        for engine in rig.farm.engines.values():
            setattr(engine, how, (name,))
        rig.exporter.wait(lambda: rig.exporter.reason() == "input_missing", "input_missing")
        time.sleep(1.5)
        for engine in rig.farm.engines.values():
            setattr(engine, how, ())
        rig.settle()
    assert set(watch.targets) == {float(SIZE)}


def test_a_prometheus_restarted_empty_lowers_nothing(rig: Rig) -> None:
    """It answers successfully and knows nothing, then half a window; the fleet meanwhile looks idle."""
    with Watch(exporter=rig.exporter) as watch:
        for engine in rig.farm.engines.values():
            engine.kv, engine.running = 0.02, 1
        rig.restart_empty()
        reasons = ROWS["prometheus-empty"].reasons
        rig.exporter.wait(lambda: rig.exporter.reason() in reasons, "a hold for want of history")
        for engine in rig.farm.engines.values():
            engine.kv, engine.running = 0.60, 8
        rig.settle()
    proves("prometheus-empty", watch)


def test_a_killed_exporter_asks_for_no_less_when_it_returns(rig: Rig) -> None:
    """Kill -9 and a start: the first target is never below what exists."""
    rig.exporter.kill()
    for engine in rig.farm.engines.values():
        engine.kv, engine.running = 0.02, 1
    rig.exporter = Exporter.start(rig.folder, CONFIG.format(url=rig.farm.url))
    rig.exporter.wait(lambda: rig.exporter.value("wva_desired_replicas"), "a first target")
    assert rig.exporter.value("wva_desired_replicas") == SIZE
    for engine in rig.farm.engines.values():
        engine.kv, engine.running = 0.60, 8


def test_a_target_without_data_for_too_long_is_withdrawn_aloud(rig: Rig, tmp_path: Path) -> None:
    """After the hold time target, ratio and cost vanish; the withdrawal and its reason stay."""
    short = CONFIG.format(url=rig.farm.url).replace("hold: 1h", "hold: 4s")
    exporter = Exporter.start(tmp_path, short)
    try:
        exporter.wait(lambda: exporter.value("wva_desired_replicas"), "a target")
        rig.farm.fault = _refuse
        exporter.wait(lambda: exporter.value("wva_desired_withdrawn") == 1, "a withdrawal")
        for name in ("wva_desired_replicas", "wva_desired_ratio", "wva_cost", "wva_expected_replicas"):
            assert exporter.value(name) is None
        assert exporter.reason() == "withdrawn"
    finally:
        rig.farm.fault = None
        exporter.kill()
