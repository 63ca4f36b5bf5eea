"""How nodes and the configuration become an inventory."""

from __future__ import annotations

import pytest
from observation_builder import answer, observation

from wva_exporter.conventions import Signal
from wva_exporter.core.sightings import Node
from wva_exporter.discovery.inventory import inventory
from wva_exporter.sources.sight import sight

ALLOCATABLE, LABELS = "kube_node_status_allocatable", "kube_node_labels"


def test_nodes_of_one_type_add_up_under_its_short_name() -> None:
    """Whatever form factor their labels tell of."""
    nodes = [Node("a", "NVIDIA-A100-SXM4-80GB", 8), Node("b", "NVIDIA-A100-PCIE-40GB", 4), Node("c", "nvidia-l4", 1)]
    assert inventory(nodes, {}) == {"A100": 12, "L4": 1}


def test_what_is_configured_is_so_and_nameless_gpus_are_left_out() -> None:
    """The operator may keep GPUs for something else, or know of some that no node shows."""
    nodes = [Node("a", "NVIDIA-A100-SXM4-80GB", 8), Node("b", "", 4)]
    assert inventory(nodes, {"A100": 6, "H100": 2}) == {"A100": 6, "H100": 2}
    assert inventory([], {}) == {}


@pytest.mark.parametrize("value", [-1.0, 0.0, 1e300])
def test_an_impossible_number_of_gpus_is_not_believed(value: float) -> None:
    """No node has it."""
    rows = {Signal.NODES: answer((value, {"metric": ALLOCATABLE, "node": "n", "resource": "nvidia_com_gpu"}))}
    assert sight(observation(rows), "llm").nodes == ()


def test_a_node_has_all_its_gpus_and_the_name_that_its_labels_give_it() -> None:
    """Whatever else it has to give; the vendor's own label goes first."""
    product = {"label_nvidia_com_gpu_product": "NVIDIA-L4", "label_cloud_google_com_gke_accelerator": "nvidia-l4"}
    rows = answer(
        (8.0, {"metric": ALLOCATABLE, "node": "n", "resource": "nvidia_com_gpu"}),
        (96.0, {"metric": ALLOCATABLE, "node": "n", "resource": "cpu"}),
        (1.0, {"metric": LABELS, "node": "n", **product}),
        (1.0, {"metric": LABELS, "node": "without"}),
    )
    assert sight(observation({Signal.NODES: rows}), "llm").nodes == (Node("n", "NVIDIA-L4", 8),)
