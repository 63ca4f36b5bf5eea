"""What happens to a fleet when something it is decided from fails: a published target never falls, whatever the policy.

A real Prometheus scrapes six engines each second through which a fault is driven; the exporters are real processes. The table
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
from exporter_process import Watch
from fault_stage import OUTLASTS_SECONDS, PACE, POLICIES, SIZE, Stage
from fault_table import ROWS
from real_prometheus import RealPrometheus

VARIANTS = "variants: [{name: llama, model: tiny-llama, selector: {pod: 'llama-.*'}, max: 12, cost: 10}]\n"


@dataclass(kw_only=True)
class Rig:
    """Everything that runs, steady at six replicas."""

    farm: Farm
    prometheus: RealPrometheus
    stage: Stage
    binary: Path
    folder: Path
    restarts: int = 0

    @property
    def config(self) -> str:
        """Of an exporter that asks through the proxy, without a policy."""
        return f"prometheus: {{url: {self.farm.url}/proxy}}\n{VARIANTS}"

    def start(self) -> None:
        """Exporters that remember nothing."""
        self.stage = Stage.start(self.folder, self.config)

    def restart_empty(self, seconds: float) -> None:
        """The Prometheus is gone for so long and comes back without any history, when the fleet looks idle."""
        self.prometheus.kill()
        self.farm.idle()  # seen before, it would be known
        time.sleep(seconds)
        self.restarts += 1
        folder = self.folder / f"prometheus-{self.restarts}"
        self.prometheus = RealPrometheus.start(self.binary, folder, self.farm.prometheus_config())
        self.farm.proxy_to = self.prometheus.url


@pytest.fixture(scope="module")
def rig(prometheus_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Six engines under a load that calls for exactly six."""
    folder = tmp_path_factory.mktemp("faults")
    farm = Farm().start()
    farm.add(*(Engine(pod=f"llama-{i}") for i in range(SIZE)))
    farm.busy()
    prometheus = RealPrometheus.start(prometheus_bin, folder / "prometheus-0", farm.prometheus_config())
    farm.proxy_to = prometheus.url
    found = Rig(farm=farm, prometheus=prometheus, stage=Stage(exporters={}), binary=prometheus_bin, folder=folder)
    try:
        found.start()
        found.stage.settle()
        yield found
    finally:
        found.stage.kill()
        found.prometheus.kill()
        farm.stop()


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
    with rig.stage.nothing_falls("prometheus") as reasons:
        rig.farm.fault = FAILURES[fault]
        rig.stage.held(f"a hold while Prometheus is {fault}")
        time.sleep(2.0)
        reasons.update(rig.stage.reasons())
        rig.farm.fault = None
        rig.stage.settle()


def test_a_prometheus_that_is_away_for_longer_than_any_window_lowers_nothing(rig: Rig) -> None:
    """What nobody saw is not taken for less: also not in the first cycles after, in which the fleet looks idle."""
    with rig.stage.nothing_falls("prometheus") as reasons:
        rig.farm.fault = _refuse
        rig.stage.held("a hold while Prometheus is away")
        time.sleep(OUTLASTS_SECONDS)
        reasons.update(rig.stage.reasons())
        rig.farm.fault = None
        rig.stage.settle()


@pytest.mark.parametrize("lie", LIES)
def test_no_wrong_answer_of_prometheus_lowers_a_target(rig: Rig, lie: str) -> None:
    """Successful, and not believed."""
    with rig.stage.nothing_falls():
        rig.farm.fault = LIES[lie]
        rig.stage.held(f"a hold while all answers are {lie}")
        time.sleep(2.0)
        rig.farm.fault = None
        rig.stage.settle()


@pytest.mark.parametrize("fault", [FAILURES["down"], LIES["nothing"]], ids=["down", "answering nothing"])
def test_a_fleet_that_nobody_declared_is_held_like_any_other(
    rig: Rig, tmp_path: Path, fault: Callable[[str, web.Request], Any]
) -> None:
    """Its variants come from what Prometheus names, and stay when it names nothing."""
    discovered = Stage.start(tmp_path, rig.config.replace(VARIANTS, ""))
    try:
        discovered.settle()
        with discovered.nothing_falls():
            rig.farm.fault = fault
            discovered.held("a hold")
            time.sleep(2.0)
            rig.farm.fault = None
            discovered.wait(lambda exporter: exporter.reason() == "none", "a decision on good data")
    finally:
        rig.farm.fault = None
        discovered.kill()
    rig.stage.settle()


def test_half_of_the_engines_failing_at_peak_lowers_nothing(rig: Rig) -> None:
    """Three of six answer 500 and the other three look idle, without kube-state-metrics."""
    pods = list(rig.farm.engines)
    with rig.stage.nothing_falls("pod-scrape") as reasons:
        for pod in pods[:3]:
            rig.farm.engines[pod].status = 500
        rig.farm.idle(*pods[3:])
        rig.stage.wait(lambda exporter: exporter.reason() == "replica_unknown", "replica_unknown")
        time.sleep(OUTLASTS_SECONDS)
        reasons.update(rig.stage.reasons())
        rig.farm.busy()
        rig.stage.settle()


def test_all_engines_failing_hold_the_target(rig: Rig) -> None:
    """Nobody answers: nothing is known, nothing is lowered."""
    with rig.stage.nothing_falls("all-pods") as reasons:
        for engine in rig.farm.engines.values():
            engine.status = 503
        rig.stage.wait(lambda exporter: exporter.reason() == "replica_unknown", "replica_unknown")
        time.sleep(OUTLASTS_SECONDS)
        reasons.update(rig.stage.reasons())
        rig.farm.busy()
        rig.stage.settle()


@pytest.mark.parametrize("name", ["vllm:kv_cache_usage_perc", "vllm:num_requests_waiting"])
@pytest.mark.parametrize("how", ["drop", "nan"])
def test_an_input_that_disappears_holds_the_target(rig: Rig, name: str, how: str) -> None:
    """An engine update drops a series, or it turns to NaN: missing is not idle."""
    with rig.stage.nothing_falls():
        for engine in rig.farm.engines.values():
            setattr(engine, how, (name,))
        rig.stage.wait(lambda exporter: exporter.reason() == "input_missing", "input_missing")
        time.sleep(1.5)
        for engine in rig.farm.engines.values():
            setattr(engine, how, ())
        rig.stage.settle()


def test_counters_that_are_wrong_for_a_scrape_or_two_ask_for_nothing(rig: Rig) -> None:
    """Half of the engines count from nothing, and then on from where they were: neither a fall nor a rush."""
    broken = list(rig.farm.engines.values())[:3]
    with rig.stage.nothing_falls(), Watch(exporter=rig.stage.exporters["headroom"]) as watch:
        for engine in broken:
            engine.finished -= 1_000_000.0
        time.sleep(2.0)
        for engine in broken:
            engine.finished += 1_000_000.0
        time.sleep(4.0)
        rig.stage.settle()
    assert set(watch.targets) == {float(SIZE)}


@pytest.mark.parametrize("seconds", [0.0, OUTLASTS_SECONDS], ids=["at once", "after a while"])
def test_a_prometheus_restarted_empty_lowers_nothing(rig: Rig, seconds: float) -> None:
    """It answers successfully and knows nothing, then half a window; the fleet meanwhile looks idle.

    ``headroom`` keeps what it needed lately by itself, and names no want of history; the others must. To ``wva-v2``, which
    remembers nothing, the idle seconds count once its window is full.
    """
    row = ROWS["prometheus-empty"]
    with rig.stage.nothing_falls():
        rig.restart_empty(seconds)
        held = rig.stage.exporters["wva-v1"]
        held.wait(lambda: held.reason() in row.reasons, "a hold for want of history")
    with rig.stage.nothing_falls(but_of="wva-v2"):
        rig.farm.busy()
        rig.stage.settle()


def test_a_killed_exporter_asks_for_no_less_when_it_returns(rig: Rig) -> None:
    """Kill -9 and a start: the first target is never below what exists."""
    rig.stage.kill()
    rig.farm.idle()
    for policy in POLICIES:
        back = Stage.start(rig.folder, rig.config, policy)
        first = back.first_targets()
        back.kill()
        assert first[policy] >= SIZE
    rig.farm.busy()
    time.sleep(5.0)  # who starts in the middle of a rise takes it for one, and is right
    rig.start()
    rig.stage.settle()


def test_a_target_without_data_for_too_long_is_withdrawn_aloud(rig: Rig, tmp_path: Path) -> None:
    """After the hold time target, ratio and cost vanish; the withdrawal and its reason stay."""
    short = Stage.start(tmp_path, rig.config, pace=PACE.replace("hold: 1h", "hold: 4s"))
    try:
        short.first_targets()
        rig.farm.fault = _refuse
        short.wait(lambda exporter: exporter.value("wva_desired_withdrawn") == 1, "a withdrawal")
        for name in ("wva_desired_replicas", "wva_desired_ratio", "wva_cost", "wva_expected_replicas"):
            assert {exporter.value(name) for exporter in short.exporters.values()} == {None}
        assert short.reasons() == {"withdrawn"}
    finally:
        rig.farm.fault = None
        short.kill()
