"""What the queries mean to a real Prometheus 2.42: small worlds written into its storage and asked at exact times.

Each world is told from the others by a label that the queries are confined to.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from real_prometheus import RealPrometheus

from wva_exporter.conventions import Signal
from wva_exporter.engines.promql import QuerySettings, interval_query, queries

T = 1_700_000_000
"""When most questions are asked: exactly at a sample."""

SCRAPE = 15

Rows = dict[tuple[str, ...], float]
Ask = Callable[..., Rows]


@dataclass
class World:
    """Series by their text, each with its samples by time."""

    series: dict[str, dict[int, float]] = field(default_factory=dict)

    def add(self, text: str, value: Callable[[int], float] | float, times: Iterable[int]) -> World:
        """Samples at these times; a function of the time, or a constant."""
        self.series[text] = {time: value(time) if callable(value) else value for time in times}
        return self


def scrapes(start: int, end: int, missing: Iterable[int] = ()) -> list[int]:
    """Scrape times relative to T, both ends included."""
    return [T + at for at in range(start, end + 1, SCRAPE) if at not in set(missing)]


def pod(name: str, **more: str) -> str:
    """Labels of an engine's series."""
    labels = {"namespace": "llm", "pod": name, "instance": f"{name}:8000", "job": "vllm", "model_name": "m", **more}
    return ",".join(f'{label}="{value}"' for label, value in labels.items() if value)


def target(name: str, job: str = "vllm") -> str:
    """Labels of a target's ``up``."""
    return pod(name, job=job, model_name="")


ALWAYS = scrapes(-900, 900)


def worlds() -> dict[str, World]:
    """Every world by its name."""
    running, waiting = "vllm:num_requests_running", "vllm:num_requests_waiting"
    new_kv, old_kv = "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"
    ranks = World()
    for rank in range(8):
        labels = pod("p", engine=str(rank))
        ranks.add(f"{running}{{{labels}}}", rank, ALWAYS).add(f"{waiting}{{{labels}}}", 10.0 * rank, ALWAYS)
        ranks.add(f"{new_kv}{{{labels}}}", rank / 10, ALWAYS)
    coverage = (
        World()
        .add(f"{running}{{{pod('full')}}}", 1, ALWAYS)
        .add(f"{running}{{{pod('gap')}}}", 1, scrapes(-900, 900, missing=[-30]))
        .add(f"{running}{{{pod('ranks', engine='0')}}}", 1, ALWAYS)
        .add(f"{running}{{{pod('ranks', engine='1')}}}", 1, scrapes(-900, 900, missing=[-15, -30]))
    )
    names = (
        World()
        .add(f"{new_kv}{{{pod('both', engine='0')}}}", 0.9, ALWAYS)
        .add(f"{old_kv}{{{pod('both', engine='0')}}}", 0.1, ALWAYS)
        .add(f"{old_kv}{{{pod('old')}}}", 0.5, ALWAYS)
        .add(f"{old_kv}{{{pod('upgraded')}}}", 0.3, scrapes(-900, -30))
        .add(f"{new_kv}{{{pod('upgraded', engine='0')}}}", 0.4, scrapes(-15, 900))
    )
    return {
        "ranks": ranks,
        "coverage": coverage,
        "names": names,
        "counters": _counters(),
        "seen": _seen_world(),
        "kube": _kube_world(renamed=False),
        "kube_renamed": _kube_world(renamed=True),
        "router": _router_world(),
    }


def _counters() -> World:
    world = World()

    def add(name: str, labels: str, per_second: float) -> None:
        world.add(f"{name}{{{labels}}}", lambda t: 1e4 + per_second * (t - T + 900), ALWAYS)

    for rank in ("0", "1"):
        labels = pod("busy", engine=rank)
        for reason, rate in (("stop", 1.0), ("length", 0.5), ("abort", 0.25)):
            add("vllm:request_success_total", f'{labels},finished_reason="{reason}"', rate)
        add("vllm:generation_tokens_total", labels, 100.0)
        add("vllm:prefix_cache_hits_total", labels, 30.0)
        add("vllm:prefix_cache_queries_total", labels, 40.0)
        # the ranks have unlike requests: 300 s over 3 per second, then 100 s over 1
        share = 3.0 if rank == "0" else 1.0
        add("vllm:request_prompt_tokens_count", labels, share)
        add("vllm:request_prompt_tokens_sum", labels, share * (300.0 if rank == "0" else 100.0))
    idle = pod("idle", engine="0")
    for part in ("sum", "count"):
        add(f"vllm:request_prompt_tokens_{part}", idle, 0.0)
    return world


def _seen_world() -> World:
    running = "vllm:num_requests_running"
    return (
        World()
        .add(f"{running}{{{pod('live')}}}", 1, ALWAYS)
        .add(f"up{{{target('live')}}}", 1, ALWAYS)
        .add(f"{running}{{{pod('down')}}}", 1, scrapes(-900, -405))
        .add(f"up{{{target('down')}}}", lambda t: float(t <= T - 405), ALWAYS)
        .add(f"{running}{{{pod('removed')}}}", 1, scrapes(-900, -405))
        .add(f"up{{{target('removed')}}}", 1, scrapes(-900, -405))
        .add(f"{running}{{{pod('pushed', job='otel')}}}", 1, scrapes(-900, -405))
        .add(f"{running}{{{pod('forgotten')}}}", 1, scrapes(-900, -615))
        .add(f"{running}{{{pod('late')}}}", 1, scrapes(-900, -45))
        .add(f"up{{{target('other', job='node')}}}", 1, ALWAYS)
    )


def _kube_world(*, renamed: bool) -> World:
    """A kube-state-metrics whose own labels win, or not, over those that it exposes."""
    own = 'job="ksm",instance="ksm:8080"'

    def labels(namespace: str, name: str = "", more: str = "") -> str:
        where = {"namespace": namespace, "pod": name}
        if renamed:
            where = {"namespace": "monitoring", "pod": "ksm-0", "exported_namespace": namespace, "exported_pod": name}
        return ",".join([own, *(f'{k}="{v}"' for k, v in where.items() if v), *([more] if more else [])])

    deployment, hpa = 'deployment="d"', 'horizontalpodautoscaler="h"'
    world = World().add(f"vllm:num_requests_running{{{pod('p')}}}", 1, ALWAYS)
    for namespace in ("llm", "other"):
        at = labels(namespace, "", deployment)
        world.add(f"kube_deployment_spec_replicas{{{at}}}", 3, ALWAYS)
        world.add(f"kube_deployment_status_replicas{{{at}}}", 3, ALWAYS)
        world.add(f"kube_deployment_status_replicas_ready{{{at}}}", 2, ALWAYS)
        world.add(f"kube_horizontalpodautoscaler_spec_max_replicas{{{labels(namespace, '', hpa)}}}", 7, ALWAYS)
        scaled = f'{hpa},scaletargetref_kind="Deployment",scaletargetref_name="d"'
        world.add(f"kube_horizontalpodautoscaler_info{{{labels(namespace, '', scaled)}}}", 1, ALWAYS)
        by_set = 'owner_kind="ReplicaSet",owner_name="r"'
        by_deployment = 'replicaset="r",owner_kind="Deployment",owner_name="d"'
        world.add(f"kube_pod_owner{{{labels(namespace, 'p', by_set)}}}", 1, ALWAYS)
        world.add(f"kube_replicaset_owner{{{labels(namespace, '', by_deployment)}}}", 1, ALWAYS)
        for condition, value in (("true", 1), ("false", 0), ("unknown", 0)):
            at = labels(namespace, "p", f'condition="{condition}"')
            world.add(f"kube_pod_status_ready{{{at}}}", value, ALWAYS)
        world.add(f"kube_pod_deletion_timestamp{{{labels(namespace, 'leaving')}}}", T - 5, ALWAYS)
    return world


def _router_world() -> World:
    new, old = "llm_d_epp_flow_control_queue_size", "inference_extension_flow_control_queue_size"
    both = 'namespace="llm",model_name="m",inference_pool="a"'
    return (
        World()
        .add(f'{new}{{{both},priority="0"}}', 4, ALWAYS)
        .add(f'{new}{{{both},priority="1"}}', 2, ALWAYS)
        .add(f'{old}{{{both},priority="0"}}', 4, ALWAYS)
        .add(f'{old}{{namespace="llm",model_name="m",inference_pool="b"}}', 9, ALWAYS)
    )


def openmetrics(every: Mapping[str, World]) -> str:
    """All worlds as text that promtool writes into a storage."""
    lines = []
    for name, world in every.items():
        for series, samples in world.series.items():
            labelled = series.replace("{", f'{{world="{name}",', 1)
            lines += [f"{labelled} {value} {time}" for time, value in samples.items()]
    # a metric's lines must stand together
    return "\n".join(sorted(lines, key=lambda line: line.partition("{")[0])) + "\n# EOF\n"


@pytest.fixture(scope="module")
def ask(prometheus_bin: Path, promtool_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """``ask(signal, world)``: the rows of a signal by the labels that are named, at a time after T."""
    folder = tmp_path_factory.mktemp("worlds")
    written = folder / "worlds.txt"
    written.write_text(openmetrics(worlds()))
    create = [promtool_bin, "tsdb", "create-blocks-from", "openmetrics", written, folder / "data"]
    subprocess.run(create, check=True, capture_output=True, timeout=60)
    server = RealPrometheus.start(prometheus_bin, folder, flags=["--storage.tsdb.retention.time=100y"])

    def rows(signal: Signal | None, world: str, *by: str, after: float = 0.0, **confined: Any) -> Rows:
        settings = QuerySettings(
            short_window_seconds=60,
            long_window_seconds=300,
            scrape_interval_seconds=SCRAPE,
            hold_seconds=600,
            matchers={"world": world},
            **confined,
        )
        found = next((q for q in queries(settings) if signal in q.signals), None)
        answer = server.query(found.promql if found else interval_query(settings), time=T + after)
        wanted = [row for row in answer if found is None or _signal(found.split, row["metric"], found.signal) is signal]
        keyed = {tuple(row["metric"].get(label, "") for label in by): float(row["value"][1]) for row in wanted}
        assert len(keyed) == len(wanted), f"rows that {by} does not tell apart: {wanted}"
        return keyed

    yield rows
    server.kill()


def _signal(split: Mapping[str, Signal], metric: Mapping[str, str], own: Signal) -> Signal:
    return split.get(metric.get("__name__") or metric.get("engine_type", ""), own)


def test_ranks_are_summed_for_load_and_the_worst_is_taken_for_danger(ask: Ask) -> None:
    """Eight engines in one pod are one replica."""
    assert ask(Signal.RUNNING, "ranks", "pod", "engine_type") == {("p", "vllm"): 28.0}
    assert ask(Signal.WAITING, "ranks", "pod") == {("p",): 280.0}
    assert ask(Signal.WAITING_PEAK, "ranks", "pod") == {("p",): 70.0}
    assert ask(Signal.KV_PEAK, "ranks", "pod") == {("p",): 0.7}
    each = ask(Signal.KV, "ranks", "pod", "engine")
    assert each == {("p", str(rank)): pytest.approx(rank / 10) for rank in range(8)}


@pytest.mark.parametrize("after", [0.0, 0.001, 7.0, 14.998])
def test_a_window_without_a_gap_is_full_and_one_gap_in_four_shows(ask: Ask, after: float) -> None:
    """At a sample's own time, where 2.x would count both edges of the window, as anywhere between two samples."""
    found = ask(Signal.COVERAGE, "coverage", "pod", after=after)
    assert found == {("full",): 1.0, ("gap",): 0.75, ("ranks",): 0.5}


def test_a_gap_leaves_the_window_after_its_length(ask: Ask) -> None:
    """Four whole scrapes after it the window is full again."""
    assert ask(Signal.COVERAGE, "coverage", "pod", after=31.0)[("gap",)] == 1.0


def test_the_preferred_name_speaks_for_a_replica_that_has_two(ask: Ask) -> None:
    """Nothing is counted twice, not even ranks that the older name does not number."""
    assert ask(Signal.KV_PEAK, "names", "pod") == {("both",): 0.9, ("old",): 0.5, ("upgraded",): 0.4}
    each = ask(Signal.KV, "names", "pod", "engine")
    assert each == {("both", "0"): 0.9, ("old", ""): 0.5, ("upgraded", "0"): 0.4}


def test_rates_add_up_over_ranks_and_finish_reasons(ask: Ask) -> None:
    """Aborted requests were served too."""
    assert ask(Signal.REQUEST_RATE, "counters", "pod") == {("busy",): pytest.approx(3.5)}
    assert ask(Signal.GENERATION_TOKEN_RATE, "counters", "pod") == {("busy",): pytest.approx(200.0)}


def test_means_weigh_ranks_by_their_requests_and_are_absent_without_any(ask: Ask) -> None:
    """(3 x 300 + 1 x 100) / 4 = 250; an idle replica has no mean size rather than 0."""
    assert ask(Signal.INPUT_TOKENS, "counters", "pod") == {("busy",): pytest.approx(250.0)}
    assert ask(Signal.PREFIX_HIT_RATIO, "counters", "pod") == {("busy",): pytest.approx(0.75)}


def test_age_is_that_of_the_sample_and_not_of_the_question(ask: Ask) -> None:
    """A replica whose samples stopped coming ages; one without any for five minutes is not there."""
    found = ask(Signal.AGE, "seen", "pod", after=5.0)
    assert found == {("live",): pytest.approx(5.0), ("late",): pytest.approx(50.0)}


def test_up_tells_of_the_targets_of_engine_jobs_only(ask: Ask) -> None:
    """Removed targets have none; a failing one says 0."""
    assert ask(Signal.UP, "seen", "pod", "job") == {("live", "vllm"): 1.0, ("down", "vllm"): 0.0}


def test_seen_tells_engines_and_targets_of_the_hold_time_apart(ask: Ask) -> None:
    """What was removed had an ``up``; what is pushed never had one; what is older is forgotten."""
    found = set(ask(Signal.SEEN, "seen", "pod", "engine_type"))
    engines = {(name, "vllm") for name in ("live", "down", "removed", "pushed", "late")}
    assert found == engines | {(name, "up") for name in ("live", "down", "removed")}


@pytest.mark.parametrize("world", ["kube", "kube_renamed"])
def test_workloads_and_scalers_come_under_their_own_labels(ask: Ask, world: str) -> None:
    """Whether or not the scrape of kube-state-metrics honours labels."""
    counts = ask(Signal.WORKLOADS, world, "__name__", "namespace", "deployment")
    for namespace in ("llm", "other"):
        assert counts["kube_deployment_spec_replicas", namespace, "d"] == 3.0
        assert counts["kube_deployment_status_replicas_ready", namespace, "d"] == 2.0
    assert len(counts) == 6
    scalers = ask(Signal.SCALERS, world, "__name__", "namespace", "horizontalpodautoscaler", "scaletargetref_name")
    assert scalers["kube_horizontalpodautoscaler_spec_max_replicas", "llm", "h", ""] == 7.0
    assert scalers["kube_horizontalpodautoscaler_info", "llm", "h", "d"] == 1.0


@pytest.mark.parametrize("world", ["kube", "kube_renamed"])
def test_pods_and_owners_are_those_of_namespaces_with_engines(ask: Ask, world: str) -> None:
    """The rest of the cluster is not asked for; readiness comes as one row."""
    owners = ask(Signal.OWNERS, world, "__name__", "namespace", "pod", "replicaset", "owner_kind", "owner_name")
    pod_label = "ksm-0" if world == "kube_renamed" else ""
    assert set(owners) == {
        ("kube_pod_owner", "llm", "p", "", "ReplicaSet", "r"),
        ("kube_replicaset_owner", "llm", pod_label, "r", "Deployment", "d"),
    }
    pods = ask(Signal.PODS, world, "__name__", "namespace", "pod", "condition")
    assert pods == {
        ("kube_pod_status_ready", "llm", "p", "true"): 1.0,
        ("kube_pod_deletion_timestamp", "llm", "leaving", ""): T - 5,
    }


@pytest.mark.parametrize("world", ["kube", "kube_renamed"])
def test_named_namespaces_confine_everything_read_of_kube_state_metrics(ask: Ask, world: str) -> None:
    """Its own namespace is not taken for that of a workload."""
    for signal in (Signal.WORKLOADS, Signal.SCALERS, Signal.OWNERS, Signal.PODS):
        found = ask(signal, world, "__name__", "namespace", "condition", namespaces=("other", "x"))
        assert {key[1] for key in found} == {"other"}
    assert ask(Signal.WORKLOADS, world, namespaces=("monitoring",)) == {}


def test_the_default_namespace_is_read_for_engines_that_name_none(ask: Ask) -> None:
    """Their pods are taken to be there."""
    found = ask(Signal.PODS, "kube", "__name__", "namespace", default_namespace="other")
    assert {namespace for _, namespace in found} == {"llm", "other"}


def test_the_routers_queue_is_summed_over_priorities_and_not_over_its_two_names(ask: Ask) -> None:
    """A router that exposes both has one queue."""
    found = ask(Signal.ROUTER_QUEUE, "router", "namespace", "model_name", "inference_pool")
    assert found == {("llm", "m", "a"): 6.0, ("llm", "m", "b"): 9.0}


def test_the_scrape_interval_is_measured(ask: Ask) -> None:
    """Of every replica, by the rank that is scraped least; one lost scrape in forty does not show much."""
    found = ask(None, "coverage", "pod")
    assert found == {
        ("full",): pytest.approx(15, rel=0.05),
        ("gap",): pytest.approx(15, rel=0.05),
        ("ranks",): pytest.approx(15, rel=0.08),
    }
    assert ask(None, "coverage", "pod", after=5.0)["full",] == 15.0
