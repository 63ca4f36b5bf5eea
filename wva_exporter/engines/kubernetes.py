"""The series of kube-state-metrics that are read, by the signal they answer.

A LeaderWorkerSet has no series of its own in kube-state-metrics. It owns a stateful set of its leaders that bears its name
and has one replica a group, so that stateful set's counts are its counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from wva_exporter.conventions import Signal

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
}

TAKEN_LABELS = ("namespace", "pod")
"""Labels that the scrape's own take the place of where it does not honour labels; theirs are then in ``exported_*``."""
