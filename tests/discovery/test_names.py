"""What pod names tell, and what they do not."""

import pytest

from wva_exporter.core.declaration import Workload
from wva_exporter.discovery.names import deployment_of_replica_set, is_group_worker, workload_of_pod

LONG = "ms-inference-scheduling-llm-d-modelservice-decode"


@pytest.mark.parametrize(
    ("pod", "kind", "name"),
    [
        ("llama-7d9f8c6b5d-x2k4p", "Deployment", "llama"),
        ("llama-70b-65b9c8d7f-bcdfg", "Deployment", "llama-70b"),
        (f"{LONG}-7d9f8c6bx2k4p", "Deployment", LONG),  # cut by Kubernetes: the dash is gone
        ("llama-0", "StatefulSet", "llama"),
        ("llama-8-12", "StatefulSet", "llama-8"),
    ],
)
def test_a_name_that_kubernetes_made_tells_its_workload(pod: str, kind: str, name: str) -> None:
    """Hash and letters of a Deployment, ordinal of a StatefulSet."""
    assert workload_of_pod("llm", pod) == Workload(kind=kind, namespace="llm", name=name)


@pytest.mark.parametrize(
    "pod", ["llama", "llama-small", "qwen-coder-prefill-large", "llama-01", "gpu-host:8000", "10.0.0.1:8000", "-0", ""]
)
def test_other_names_tell_nothing(pod: str) -> None:
    """Words are not taken for hashes, addresses not for ordinals."""
    assert workload_of_pod("llm", pod) is None


def test_a_replica_set_tells_its_deployment_by_the_hash() -> None:
    """One without a hash was made by hand and stands for itself."""
    assert deployment_of_replica_set("llm", "llama-7d9f8c6b5d") == Workload(
        kind="Deployment", namespace="llm", name="llama"
    )
    assert deployment_of_replica_set("llm", "llama") is None


@pytest.mark.parametrize(
    ("pod", "worker"),
    [("llama-0", False), ("llama-0-1", True), ("llama-12-3", True), ("other-0-1", False), ("llama-0-x", False)],
)
def test_workers_of_a_group_are_known_by_two_ordinals(pod: str, worker: bool) -> None:
    """Only the leader is a replica."""
    assert is_group_worker(pod, frozenset({"llama"})) is worker
