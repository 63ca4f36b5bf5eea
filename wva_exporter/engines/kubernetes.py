"""The series about pods, workloads and nodes that are read, by the signal they answer: of kube-state-metrics and DCGM.

A LeaderWorkerSet has no series of its own in kube-state-metrics. It owns a stateful set of its leaders that bears its name
and has one replica a group, so that stateful set's counts are its counts.

Nodes (``docs/metrics/cluster/node-metrics.md`` of kube-state-metrics 2.13): resource names are spelled with underscores, and
labels are there only as far as ``--metric-labels-allowlist`` names them, for instance ``nodes=[nvidia.com/gpu.product]``.
"""

from __future__ import annotations

from collections.abc import Mapping

from wva_exporter.conventions import Signal
from wva_exporter.engines import dcgm

POD_OWNER = "kube_pod_owner"
REPLICASET_OWNER = "kube_replicaset_owner"
POD_DELETION = "kube_pod_deletion_timestamp"
POD_READY = "kube_pod_status_ready"
"""One series a condition; only ``condition="true"`` is read: 1 ready, 0 not."""

DEPLOYMENT_SPEC = "kube_deployment_spec_replicas"
DEPLOYMENT_CURRENT = "kube_deployment_status_replicas"
DEPLOYMENT_READY = "kube_deployment_status_replicas_ready"
STATEFULSET_SPEC = "kube_statefulset_replicas"
STATEFULSET_CURRENT = "kube_statefulset_status_replicas"
STATEFULSET_READY = "kube_statefulset_status_replicas_ready"

HPA_INFO = "kube_horizontalpodautoscaler_info"
HPA_MINIMUM = "kube_horizontalpodautoscaler_spec_min_replicas"
HPA_MAXIMUM = "kube_horizontalpodautoscaler_spec_max_replicas"

NODE_ALLOCATABLE = "kube_node_status_allocatable"
NODE_LABELS = "kube_node_labels"

GPU_RESOURCES = ("nvidia_com_gpu", "amd_com_gpu", "habana_ai_gaudi", "gpu_intel_com_i915", "gpu_intel_com_xe")
"""The resources that are GPUs, as the ``resource`` label spells them."""

PRODUCT_LABELS = (
    "label_nvidia_com_gpu_product",
    "label_cloud_google_com_gke_accelerator",
    "label_amd_com_gpu_product_name",
    "label_habana_ai_product_name",
    "label_gpu_intel_com_product",
)
"""The labels that name a node's GPUs, in order of preference."""

NAMES: Mapping[Signal, tuple[str, ...]] = {
    Signal.WORKLOADS: (
        DEPLOYMENT_SPEC,
        DEPLOYMENT_CURRENT,
        DEPLOYMENT_READY,
        STATEFULSET_SPEC,
        STATEFULSET_CURRENT,
        STATEFULSET_READY,
    ),
    Signal.SCALERS: (HPA_INFO, HPA_MINIMUM, HPA_MAXIMUM),
    Signal.PODS: (POD_DELETION, POD_READY),
    Signal.OWNERS: (POD_OWNER, REPLICASET_OWNER),
    Signal.POWER: (dcgm.POWER,),
    Signal.NODES: (NODE_ALLOCATABLE, NODE_LABELS),
}

TAKEN_LABELS = ("namespace", "pod", "node")
"""Labels that the scrape's own take the place of where it does not honour labels; theirs are then in ``exported_*``."""
