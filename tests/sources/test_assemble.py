"""How answers become replicas, counts and doubts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from fleet_builder import V, fleet
from hypothesis import given
from hypothesis import strategies as st
from observation_builder import MODEL, NAMESPACE, answer, observation, of_pod

from wva_exporter.conventions import Input, Signal
from wva_exporter.core.columns import integers
from wva_exporter.core.declaration import Workload
from wva_exporter.core.snapshot import LARGEST_READING, REASONS, Presence, Snapshot
from wva_exporter.errors import QueryFailure, Reason
from wva_exporter.sources.assemble import Membership, assemble
from wva_exporter.sources.samples import Answer, Observation
from wva_exporter.sources.sight import sight

FLEET = fleet(V(name="a100"))
COUNTED = ("spec_replicas", "status_replicas", "status_replicas_ready")
DEPLOYMENT = Workload(kind="Deployment", namespace=NAMESPACE, name="a100")


def seen(of: Observation, workload: Workload | None = None) -> Snapshot:
    """The snapshot of a fleet of one variant that owns every pod."""
    pods = sight(of, NAMESPACE).pods
    members = Membership(fleet=FLEET, pods=pods, variant_of=integers([0] * len(pods)), workloads=(workload,))
    return assemble(of, members, default_namespace=NAMESPACE, max_input_age_seconds=60.0)


def trouble(of: Snapshot) -> Reason:
    """The doubt about the only model."""
    return REASONS[int(of.trouble[0])]


def presences(of: Snapshot) -> list[Presence]:
    """Who answers, in the order of the pods' names."""
    return [Presence(code) for code in of.replicas.presence.tolist()]


def kube(metric: str, value: float, **labels: str) -> tuple[float, dict[str, str]]:
    """A row of kube-state-metrics."""
    return value, {"metric": metric, "namespace": NAMESPACE, **labels}


def test_a_whole_answer_leaves_no_doubt() -> None:
    """Two pods, everything known."""
    found = seen(observation(pods=["p0", "p1"]))
    assert trouble(found) is Reason.NONE
    assert found.covered[0]
    assert found.counts.current.listed() == [2]
    assert not found.counts.declared[0]
    assert found.replicas[Signal.KV_CAPACITY].listed() == [1600, 1600]  # one of 101 blocks is the engine's own
    assert [bool(found.inputs.of(name)[0]) for name in Input] == [False] * 5


def test_eight_ranks_are_one_replica() -> None:
    """Load and memory add up, danger is that of the worst rank, use is weighted by memory."""
    ranks = range(8)
    blocks = [str(101 + 100 * (rank == 7)) for rank in ranks]
    rows: Mapping[Signal, Answer] = {
        Signal.KV: answer(*(of_pod("p0", 0.1 * rank, engine=str(rank)) for rank in ranks)),
        Signal.KV_PEAK: answer(of_pod("p0", 0.7)),
        Signal.KV_CAPACITY: answer(
            *(of_pod("p0", 1, engine=str(rank), num_gpu_blocks=blocks[rank], block_size="16") for rank in ranks)
        ),
        Signal.RUNNING: answer(of_pod("p0", 36.0)),
    }
    found = seen(observation(rows, pods=["p0"]))
    assert len(found.replicas) == 1
    assert found.replicas[Signal.KV_CAPACITY].listed() == [7 * 1600 + 3200]
    weighted = (sum(0.1 * rank for rank in range(7)) * 1600 + 0.7 * 3200) / (7 * 1600 + 3200)
    assert found.replicas[Signal.KV].listed() == [pytest.approx(weighted)]
    assert found.replicas[Signal.KV_PEAK].listed() == [0.7]


@pytest.mark.parametrize(
    ("engine", "value", "tokens"),
    [("sglang", 4000.0, 4000.0), ("trtllm", 0.0, 0.0), ("sglang", -1.0, None), ("other", 4000.0, None)],
)
def test_capacity_is_what_the_engine_means_by_it(engine: str, value: float, tokens: float | None) -> None:
    """A value in tokens, or labels of blocks; an engine that nobody knows says nothing."""
    rows = {Signal.KV_CAPACITY: answer(of_pod("p0", value, engine_type=engine))}
    assert seen(observation(rows, pods=["p0"])).replicas[Signal.KV_CAPACITY].listed() == [tokens]


def test_two_ports_of_a_pod_are_one_replica() -> None:
    """Ranks that listen on ports of their own count once."""
    rows = {
        signal: answer(of_pod("p0", value, instance="p0:8000"), of_pod("p0", 2 * value, instance="p0:8001"))
        for signal, value in ((Signal.RUNNING, 4.0), (Signal.KV_PEAK, 0.3), (Signal.WAITING_PEAK, 3.0))
    }
    found = seen(observation(rows, pods=["p0"]))
    assert found.counts.current.listed() == [1]
    assert found.replicas[Signal.RUNNING].listed() == [12]
    assert found.replicas[Signal.KV_PEAK].listed() == [0.6]
    assert found.replicas[Signal.WAITING_PEAK].listed() == [6]


@pytest.mark.parametrize(
    ("up", "up_before", "listed", "leaving", "standing"),
    [
        ([0.0], True, None, False, Presence.SILENT),
        ([1.0], True, None, False, Presence.SILENT),
        ([], False, None, False, Presence.SILENT),
        ([], True, None, False, None),
        ([], True, True, False, Presence.SILENT),
        ([0.0], True, False, False, Presence.SILENT),
        ([], True, False, False, None),
        ([0.0], True, True, True, None),
    ],
    ids=[
        "its scrape fails",
        "its scrape works and the engine is silent",
        "nobody knows targets",
        "its target is gone",
        "its target is gone and the pod is listed",
        "its scrape fails and the pod is not listed: a shard may be down",
        "its target is gone and the pod is not listed",
        "it is being deleted",
    ],
)
def test_a_pod_that_fell_silent(
    up: Sequence[float], up_before: bool, listed: bool | None, leaving: bool, standing: Presence | None
) -> None:
    """It is gone only if kube-state-metrics says so, or if its target is gone as well."""
    whole = observation(pods=["p0"])
    rows = {
        Signal.SEEN: answer(
            of_pod("p0", 1),
            of_pod("p1", 1),
            of_pod("p0", 1, engine_type="up"),
            *([of_pod("p1", 1, engine_type="up")] if up_before else []),
        ),
        Signal.UP: answer(
            of_pod("p0", 1.0, engine_type="up_now"), *(of_pod("p1", u, engine_type="up_now") for u in up)
        ),
    }
    if listed is not None:
        names = ["p0", "p1"] if listed else ["p0"]
        rows[Signal.OWNERS] = answer(
            *(kube("kube_pod_owner", 1, pod=name, owner_kind="ReplicaSet", owner_name="a100-1") for name in names)
        )
    if leaving:
        rows[Signal.PODS] = answer(kube("kube_pod_deletion_timestamp", 1000, pod="p1"))
    found = seen(Observation(time=1000.0, answers={**whole.answers, **rows}))
    assert presences(found) == [Presence.LIVE] + ([standing] if standing is not None else [])
    assert trouble(found) is (Reason.NONE if standing is None else Reason.REPLICA_UNKNOWN)


def test_an_old_sample_says_nothing_about_now() -> None:
    """A replica whose newest sample is older than allowed is silent, and its model stale."""
    rows = {Signal.AGE: answer(of_pod("p0", 5.0), of_pod("p1", 61.0))}
    found = seen(observation(rows, pods=["p0", "p1"]))
    assert presences(found) == [Presence.LIVE, Presence.SILENT]
    assert trouble(found) is Reason.INPUT_STALE


@pytest.mark.parametrize("signal", [Signal.KV_PEAK, Signal.WAITING_PEAK])
def test_a_replica_without_an_essential_signal_is_silent(signal: Signal) -> None:
    """Its load is unknown, not zero."""
    found = seen(observation({signal: answer(of_pod("p0", 0.5))}, pods=["p0", "p1"]))
    assert presences(found) == [Presence.LIVE, Presence.SILENT]
    assert trouble(found) is Reason.INPUT_MISSING


@pytest.mark.parametrize("value", [-0.1, 1.5, 1e308])
def test_an_impossible_share_is_not_believed(value: float) -> None:
    """A share of memory outside [0, 1] is no share."""
    found = seen(observation({Signal.KV_PEAK: answer(of_pod("p0", value))}, pods=["p0"]))
    assert presences(found) == [Presence.SILENT]


@pytest.mark.parametrize("value", [1e13, 1.7e308])
def test_an_absurdly_long_queue_is_not_believed(value: float) -> None:
    """A replica that says nonsense is one whose load is unknown; sums over a fleet stay finite."""
    rows = {Signal.KV_PEAK: answer(of_pod("p0", 0.5)), Signal.WAITING_PEAK: answer(of_pod("p0", value))}
    assert presences(seen(observation(rows, pods=["p0"]))) == [Presence.SILENT]


@pytest.mark.parametrize("digits", [13, 400, 5000])
def test_a_label_that_is_no_number_of_blocks_leaves_the_capacity_unknown(digits: int) -> None:
    """However many digits it has: Python refuses to convert some of them."""
    config = of_pod("p0", 1.0, num_gpu_blocks="9" * digits, block_size="16", engine_type="vllm")
    found = seen(observation({Signal.KV_CAPACITY: answer(config)}, pods=["p0"]))
    assert not found.replicas[Signal.KV_CAPACITY].known[0]


def test_a_source_that_answers_nothing_is_down() -> None:
    """Every query failed."""
    dead = {signal: answer(failure=QueryFailure.TIMEOUT) for signal in Signal}
    assert trouble(seen(Observation(time=0.0, answers=dead))) is Reason.SOURCE_DOWN


def test_success_without_rows_is_not_zero() -> None:
    """A fresh Prometheus answers empty lists; the count is unknown."""
    found = seen(Observation(time=0.0, answers={signal: answer() for signal in Signal}))
    assert trouble(found) is Reason.NO_SERIES
    assert found.counts.current.listed() == [None]


@pytest.mark.parametrize("signal", [Signal.UP, Signal.SEEN, Signal.WORKLOADS, Signal.OWNERS, Signal.PODS])
def test_a_failed_question_about_existence_makes_the_cycle_partial(signal: Signal) -> None:
    """Who cannot be asked about cannot be missed."""
    failed = {signal: answer(failure=QueryFailure.SERVER_ERROR)}
    assert seen(observation(failed, pods=["p0"])).partial


def test_a_warning_makes_the_cycle_partial() -> None:
    """The source itself says that an answer is incomplete."""
    rows = {Signal.KV_PEAK: answer(of_pod("p0", 0.5), warnings=["a store did not answer"])}
    found = seen(observation(rows, pods=["p0"]))
    assert found.partial
    assert trouble(found) is Reason.NONE


def test_a_gap_in_the_window_is_not_covered() -> None:
    """Three of four samples are too few to lower a target on."""
    rows = {Signal.COVERAGE: answer(of_pod("p0", 1.0), of_pod("p1", 0.75))}
    assert not seen(observation(rows, pods=["p0", "p1"])).covered[0]


def test_kube_state_metrics_counts_before_the_engines_do() -> None:
    """Three asked for, two exist, one is ready, whatever is scraped."""
    rows = {
        Signal.WORKLOADS: answer(
            kube("kube_deployment_spec_replicas", 3, deployment="a100"),
            kube("kube_deployment_status_replicas", 2, deployment="a100"),
            kube("kube_deployment_status_replicas_ready", 1, deployment="a100"),
            kube("kube_deployment_status_replicas", 9, deployment="other"),
        )
    }
    found = seen(observation(rows, pods=["p0"]), DEPLOYMENT)
    assert found.counts.declared[0]
    assert (found.counts.current.listed(), found.counts.pending.listed()) == ([2], [2])


def test_of_two_counts_of_a_workload_the_larger_one_is_taken() -> None:
    """Two clusters behind one store: neither number is sure, the smaller one may cost replicas."""
    rows = {
        Signal.WORKLOADS: answer(
            *(kube(f"kube_deployment_{name}", n, deployment="a100") for n in (7, 3) for name in COUNTED)
        )
    }
    found = seen(observation(rows, pods=["p0"]), DEPLOYMENT)
    assert found.counts.current.listed() == [7]
    assert found.counts.disputed[0]


def test_a_pod_scraped_by_two_jobs_counts_once() -> None:
    """Its tokens and requests are those of one engine, however many read its page."""
    rows = {
        Signal.RUNNING: answer(of_pod("p0", 8.0), of_pod("p0", 8.0, job="again")),
        Signal.KV_CAPACITY: answer(
            *(of_pod("p0", 1, job=job, num_gpu_blocks="101", block_size="16") for job in ("vllm", "again"))
        ),
    }
    found = seen(observation(rows, pods=["p0"]))
    assert found.replicas[Signal.RUNNING].listed() == [8]
    assert found.replicas[Signal.KV_CAPACITY].listed() == [1600]


def test_a_count_that_is_only_half_there_is_none() -> None:
    """Without the ready count the engines' own series count."""
    rows = {Signal.WORKLOADS: answer(kube("kube_deployment_status_replicas", 7, deployment="a100"))}
    found = seen(observation(rows, pods=["p0"]), DEPLOYMENT)
    assert not found.counts.declared[0]
    assert found.counts.current.listed() == [1]


@pytest.mark.parametrize(
    ("labels", "queue"),
    [
        ({"target_model_name": MODEL}, 4.0),
        ({"model_name": MODEL}, 4.0),
        ({"model_name": "asked", "target_model_name": MODEL}, 4.0),
        ({"model_name": "other"}, None),
    ],
)
def test_the_router_queue_belongs_to_the_model_it_goes_to(labels: dict[str, str], queue: float | None) -> None:
    """The target's name counts before the one that clients use; a model nobody names is unknown."""
    found = seen(observation({Signal.ROUTER_QUEUE: answer((4.0, labels))}, pods=["p0"]))
    assert found.router_queue.listed() == [queue]


def test_a_membership_that_is_kept_follows_the_answers() -> None:
    """What it worked out for a cycle is not told in the next one, where a pod fell silent and others were counted."""
    pods = sight(observation(pods=["p0", "p1"]), NAMESPACE).pods
    members = Membership(fleet=FLEET, pods=pods, variant_of=integers([0, 0]), workloads=(DEPLOYMENT,))

    def after(replicas: int, serving: Sequence[str]) -> tuple[list[Presence], list[float | None]]:
        counted = answer(*(kube(f"kube_deployment_{name}", replicas, deployment="a100") for name in COUNTED))
        known = answer(*(of_pod(pod, 1.0) for pod in ("p0", "p1")))
        of = observation({Signal.WORKLOADS: counted, Signal.SEEN: known, Signal.UP: known}, pods=serving)
        found = assemble(of, members, default_namespace=NAMESPACE, max_input_age_seconds=60.0)
        return presences(found), found.counts.current.listed()

    both, one = [Presence.LIVE, Presence.LIVE], [Presence.LIVE, Presence.SILENT]
    assert after(2, ["p0", "p1"]) == (both, [2])
    assert after(3, ["p0", "p1"]) == (both, [3])
    assert after(3, ["p0"]) == (one, [3])
    assert after(3, ["p0", "p1"]) == (both, [3])


rows_of_anything = st.lists(
    st.tuples(
        st.floats(allow_nan=False, allow_infinity=False),
        st.fixed_dictionaries(
            {},
            optional={
                "namespace": st.sampled_from(["", NAMESPACE, "x"]),
                "pod": st.sampled_from(["", "p0", "p1"]),
                "instance": st.sampled_from(["", "p0:8000"]),
                "model_name": st.sampled_from(["", MODEL]),
                "engine_type": st.sampled_from(["", "vllm", "sglang", "trtllm", "up", "up_now", "router_arrivals"]),
                "dp_rank": st.text(max_size=2),
                "outcome": st.sampled_from(["", "Dispatched", "EvictedTTL"]),
                "node": st.text(max_size=2),
                "resource": st.sampled_from(["", "nvidia_com_gpu", "cpu"]),
                "gpu_uuid": st.text(max_size=2),
                "gpu_instance": st.sampled_from(["", "1"]),
                "engine": st.text(max_size=2),
                "num_gpu_blocks": st.one_of(st.text(max_size=4), st.sampled_from(["79", "9" * 400, "9" * 5000])),
                "block_size": st.sampled_from(["", "16", "None", "²"]),
                "metric": st.sampled_from(
                    [
                        "",
                        "kube_pod_owner",
                        "kube_deployment_spec_replicas",
                        "kube_node_labels",
                        "kube_node_status_allocatable",
                    ]
                ),
                "deployment": st.sampled_from(["", "a100"]),
            },
        ),
    ),
    max_size=5,
)


@given(st.dictionaries(st.sampled_from(list(Signal)), rows_of_anything))
def test_no_answer_breaks_the_assembly(rows: dict[Signal, list[tuple[float, dict[str, str]]]]) -> None:
    """Whatever the labels and numbers, a snapshot comes out, and only finite numbers are in it."""
    of = Observation(time=0.0, answers={signal: answer(*given) for signal, given in rows.items()})
    found = seen(of, DEPLOYMENT)
    assert np.all(np.abs(found.replicas.signals.value) <= LARGEST_READING)
    assert np.all(found.router_queue.value <= LARGEST_READING)
    assert np.all(found.counts.current.value >= 0)
