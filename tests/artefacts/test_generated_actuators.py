"""The objects that we generate: right by construction, taken by Kubernetes, silent in our own linter, read back unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from actuator_builder import NEW, OLD, direct, findings, hpa, keda, variant
from chart_release import validate
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.artefacts.behaviour import TOLERANCE_GATE, ZERO_GATE, Cluster, behaviour
from wva_exporter.discovery.manifests import read_manifests
from wva_exporter.engines.desired import desired_query
from wva_exporter.errors import InvalidValue

NAME = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)


def test_an_hpa_makes_the_target_of_the_target() -> None:
    """AverageValue 1: the sum of one series divided by 1, rounded up."""
    metric = hpa()["spec"]["metrics"][0]["external"]
    assert metric["target"] == {"type": "AverageValue", "averageValue": "1"}
    assert metric["metric"] == {
        "name": "wva_desired_replicas",
        "selector": {"matchLabels": {"variant_name": "llama", "namespace": "llm"}},
    }


def test_without_honoured_labels_the_namespace_is_the_exported_one() -> None:
    """One switch, everywhere."""
    labels = hpa(namespace_label="exported_namespace")["spec"]["metrics"][0]["external"]["metric"]["selector"]
    assert labels == {"matchLabels": {"variant_name": "llama", "exported_namespace": "llm"}}


def test_the_query_has_one_element_whoever_publishes() -> None:
    """Two copies of the exporter, or two clusters in one store, do not make two."""
    query = desired_query(
        "wva_desired_replicas", variant="a", namespace="n", namespace_label="namespace", matchers={"cluster": 'e"u'}
    )
    assert query == (r'max by (variant_name) (wva_desired_replicas{variant_name="a",namespace="n",cluster="e\"u"})')


def test_keda_treats_missing_data_as_an_error_and_stays() -> None:
    """No zero out of nothing, and the replicas that there are if it lasts."""
    spec = keda(minimum=3)["spec"]
    (trigger,) = spec["triggers"]
    assert trigger["metadata"]["ignoreNullValues"] == "false"
    assert trigger["metricType"] == "AverageValue"
    assert "metricType" not in trigger["metadata"]
    assert spec["fallback"] == {"failureThreshold": 3, "replicas": 3, "behavior": "currentReplicasIfHigher"}


def test_the_fallback_keeps_a_replica_even_where_zero_is_allowed() -> None:
    """With 0 KEDA would leave the fallback out."""
    spec = keda(minimum=0)["spec"]
    assert (spec["minReplicaCount"], spec["fallback"]["replicas"]) == (0, 1)


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [("headroom", 0), ("wva-v1", 300), ("wva-v1/exact", 300), ("wva-v2", 300), ("of tomorrow", 300)],
)
def test_only_a_policy_that_stabilises_itself_is_followed_down_at_once(policy: str, seconds: int) -> None:
    """Growth is never delayed; a fall takes half of the replicas a minute at most."""
    found = behaviour(policy, OLD)
    assert found["scaleUp"] == {
        "stabilizationWindowSeconds": 0,
        "policies": [{"type": "Pods", "value": 100, "periodSeconds": 15}],
    }
    assert found["scaleDown"] == {
        "stabilizationWindowSeconds": seconds,
        "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
    }


@pytest.mark.parametrize(
    ("cluster", "tolerance", "zero"),
    [
        (Cluster(), False, False),
        (Cluster(gates=frozenset({TOLERANCE_GATE, ZERO_GATE})), True, True),
        (Cluster(version=(1, 34)), False, False),
        (Cluster(version=(1, 32), gates=frozenset({TOLERANCE_GATE})), False, False),
        (Cluster(version=(1, 33), gates=frozenset({TOLERANCE_GATE})), True, False),
        (Cluster(version=(1, 30), gates=frozenset({ZERO_GATE})), False, True),
        (Cluster(version=(1, 35)), True, False),
        (Cluster(version=(1, 37)), True, True),
    ],
)
def test_what_a_cluster_does_not_know_is_left_out(cluster: Cluster, *, tolerance: bool, zero: bool) -> None:
    """A tolerance of 0 follows every step; a minimum of 0 is kept where an HPA may go there."""
    spec = hpa(cluster, minimum=0)["spec"]
    assert ("tolerance" in spec["behavior"]["scaleUp"]) is tolerance
    assert (spec["minReplicas"] == 0) is zero


@pytest.mark.parametrize("version", ["1.30", "1.33", "1.35", "1.37"])
def test_kubernetes_takes_them(version: str) -> None:
    """Every field is known to the version that it is for."""
    major, minor = version.split(".")
    cluster = Cluster(version=(int(major), int(minor)))
    for thing in (hpa(cluster, minimum=0), keda(cluster, minimum=0), direct(workload_kind="LeaderWorkerSet")):
        validate(thing, version)


@given(
    st.fixed_dictionaries(
        {
            "name": NAME,
            "namespace": NAME,
            "minimum": st.integers(0, 5),
            "maximum": st.integers(5, 50),
            "policy": st.sampled_from(["headroom", "wva-v1", "wva-v2"]),
        }
    )
)
def test_the_linter_has_nothing_to_say(tmp_path_factory: pytest.TempPathFactory, its: dict[str, Any]) -> None:
    """Whatever the variant, on old clusters and new."""
    folder = tmp_path_factory.mktemp("generated")
    for cluster in (OLD, NEW):
        for make in (hpa, keda):
            assert findings(folder, make(cluster, **its), cluster=cluster, namespace_label="namespace") == []
    assert findings(folder, direct(**its), namespace_label="exported_namespace") == []


@pytest.mark.parametrize("make", [hpa, keda])
def test_what_is_written_declares_the_same_variant(make: Any, tmp_path: Path) -> None:
    """The annotations are WVA's, so WVA, and our own discovery, read the variant back."""
    path = tmp_path / "object.yaml"
    path.write_text(yaml.safe_dump(make()))
    (read,) = read_manifests([path])
    its = variant()
    assert (read.namespace, read.name, read.model, read.accelerator, read.cost, read.minimum, read.maximum) == (
        *(its.namespace, its.name, its.model, its.accelerator, its.cost, its.minimum, its.maximum),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Llama"},
        {"name": "a/b"},
        {"name": ".."},
        {"name": ""},
        {"name": "a" * 254},
        {"workload_name": "x y"},
        {"namespace": "a.b"},
        {"workload_kind": "Job"},
        {"minimum": -1},
        {"minimum": 11},
        {"minimum": 0, "maximum": 0},
    ],
)
def test_what_kubernetes_would_refuse_is_not_built(changes: dict[str, Any]) -> None:
    """Names become file names too: none may leave its folder."""
    with pytest.raises(InvalidValue):
        variant(**changes)
