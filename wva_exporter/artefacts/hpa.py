"""The HorizontalPodAutoscaler of a variant.

The target is of type ``AverageValue`` with 1: the HPA then makes ``ceil(value / 1)`` of the target, which is the target.
``Value`` would multiply it by the replicas that there are: a wanted 2 doubles the fleet every 15 seconds.
"""

from __future__ import annotations

from typing import Any

from wva_exporter.artefacts.actuated import Actuated
from wva_exporter.artefacts.behaviour import ZERO_GATE, Cluster
from wva_exporter.conventions import DESIRED_REPLICAS, Label


def horizontal_pod_autoscaler(variant: Actuated, *, namespace_label: str, cluster: Cluster) -> dict[str, Any]:
    """The object, as YAML has it. A minimum of 0 stays only where the cluster lets an HPA go there; else it is 1.

    The metric's name is that of the raw series whatever the adapter reads: it gives that name to the recording rule too, so
    that the HPAs of a WVA stay as they are.
    """
    minimum = variant.minimum if cluster.has(ZERO_GATE) else max(variant.minimum, 1)
    labels = {str(Label.VARIANT): variant.name, namespace_label: variant.namespace}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": variant.metadata,
        "spec": {
            "scaleTargetRef": variant.target,
            "minReplicas": minimum,
            "maxReplicas": max(variant.maximum, minimum),
            "metrics": [
                {
                    "type": "External",
                    "external": {
                        "metric": {"name": DESIRED_REPLICAS.name, "selector": {"matchLabels": labels}},
                        "target": {"type": "AverageValue", "averageValue": "1"},
                    },
                }
            ],
            "behavior": variant.behaviour(cluster),
        },
    }
