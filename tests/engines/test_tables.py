"""The tables against what real engines say: a recorded vLLM, and pages written after the sources of the others."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from engine_pages import recorded
from engine_worlds import page

from wva_exporter.conventions import REPLICA_SIGNALS, Signal
from wva_exporter.engines import dcgm, kubernetes, router
from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.sglang import SGLANG
from wva_exporter.engines.table import Balance, Engine, Gauge, LabelProduct, Mean, Product, Rate, Reading, Share
from wva_exporter.engines.trtllm import TRTLLM
from wva_exporter.engines.vllm import VLLM

PAGES = {
    VLLM.name: ("vllm-0.32/busy",),
    SGLANG.name: ("sglang/data-parallel", "sglang/tensor-parallel", "sglang/pipeline-parallel", "sglang/old"),
    TRTLLM.name: ("trtllm/busy", "trtllm/fresh"),
}
"""Fixtures of each engine, that of the version that its table prefers first."""

OLD_NAMES = {
    "vllm:gpu_cache_usage_perc": "V0 and V1 before 0.11",
    "vllm:gpu_prefix_cache_hits_total": "V1 before 0.10",
    "vllm:gpu_prefix_cache_queries_total": "V1 before 0.10",
    "vllm:time_per_output_token_seconds_sum": "before 0.11",
    "vllm:time_per_output_token_seconds_count": "before 0.11",
}


def alternatives(reading: Reading) -> list[tuple[str, ...]]:
    """The sample names of each alternative, the preferred first."""
    match reading:
        case Mean():
            return [(f"{name}_sum", f"{name}_count") for name in reading.names]
        case Share() | Product():
            return [tuple(pair) for pair in reading.names]
        case Balance():
            return [(name, *reading.inside) for name in reading.ended]
        case Gauge() | Rate() | LabelProduct():
            return [(name,) for name in reading.names]


def exposed(fixtures: Iterable[str]) -> dict[str, set[str]]:
    """The texts of the labels of each sample name."""
    found: dict[str, set[str]] = {}
    for fixture in fixtures:
        for (name, labels, _), _ in page(fixture):
            found.setdefault(name, set()).add(labels)
    return found


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_every_name_is_in_a_page_or_known_to_be_old(engine: Engine) -> None:
    """A name that no version has would be missing for ever without anybody noticing."""
    named = {name for reading in engine.readings.values() for pair in alternatives(reading) for name in pair}
    unknown = (named | set(engine.presence)) - exposed(PAGES[engine.name]).keys()
    assert unknown == {name for name in OLD_NAMES if name.startswith(engine.name)}


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_the_current_version_has_the_first_name_of_everything(engine: Engine) -> None:
    """Older names stand behind it."""
    names = exposed(PAGES[engine.name][:1]).keys()
    assert all(set(alternatives(reading)[0]) <= names for reading in engine.readings.values())


def test_every_rank_label_is_one_that_the_samples_carry() -> None:
    """Ranks merged by a label that is not there would look like one rank."""
    by_name = {name: labels for name, labels, _ in recorded("busy")}
    for reading in VLLM.readings.values():
        assert all(f'{label}="' in by_name[name] for name in alternatives(reading)[0] for label in VLLM.data_ranks)
    parallel = exposed(("sglang/data-parallel", "sglang/tensor-parallel"))
    for label in (*SGLANG.data_ranks, *SGLANG.shard_ranks, *SGLANG.part_labels):
        assert any(f'{label}="' in text for text in parallel["sglang:num_running_reqs"])


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_every_engine_reads_every_signal_that_is_its_own(engine: Engine) -> None:
    """Age and coverage come from the presence series, power from the GPUs."""
    assert set(engine.readings) == set(REPLICA_SIGNALS) - {Signal.AGE, Signal.COVERAGE, Signal.POWER}
    assert set(engine.presence) <= engine.gauges


def test_no_two_engines_share_a_name() -> None:
    """A series says by its name whose it is."""
    names = [name for engine in ENGINES for reading in engine.readings.values() for name in _names(reading)]
    owners = {name: {engine.name for engine in ENGINES if name in _all(engine)} for name in names}
    assert all(len(found) == 1 for found in owners.values())


def _names(reading: Reading) -> set[str]:
    return {name for pair in alternatives(reading) for name in pair}


def _all(engine: Engine) -> set[str]:
    return {name for reading in engine.readings.values() for name in _names(reading)} | set(engine.presence)


def test_every_name_of_routers_gpus_and_nodes_is_in_a_page() -> None:
    """Under each generation of the router's names, and in the order in which newer ones replaced older."""
    pages = ("router/current", "router/renamed", "router/legacy", "dcgm/node", "kube-state-metrics/nodes")
    names = exposed(pages)
    assert {*router.QUEUE_SIZE, *router.LEFT, *router.PASSED, dcgm.POWER} <= names.keys()
    assert set(kubernetes.NAMES[Signal.NODES]) <= names.keys()
    current = exposed(("router/current",)).keys()
    assert {router.QUEUE_SIZE[0], router.LEFT[0], router.PASSED[0]} <= current
    assert not {*router.QUEUE_SIZE[1:], *router.LEFT[1:], *router.PASSED[1:]} & current
    assert all(f'{router.OUTCOME_LABEL}="' in text for name in router.LEFT for text in names[name])
    assert any(f'{router.OUTCOME_LABEL}="{router.DISPATCHED}"' in text for text in names[router.LEFT[0]])


def test_no_series_of_kube_state_metrics_answers_two_signals() -> None:
    """Rows are told apart by their name alone."""
    names = [name for group in kubernetes.NAMES.values() for name in group]
    assert len(names) == len(set(names))
