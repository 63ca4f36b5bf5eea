"""The ScaledObject of a variant.

KEDA reads an empty answer as 0 unless ``ignoreNullValues`` is "false", and scales to the minimum then. With it, and with a
fallback, missing data are an error, and after three of them the replicas stay where they are. ``metricType`` belongs to the
trigger; inside ``metadata`` it is not looked at.
"""

from __future__ import annotations

from typing import Any

from wva_exporter.artefacts.actuated import Actuated
from wva_exporter.artefacts.behaviour import Cluster
from wva_exporter.conventions import DESIRED_REPLICAS, Label

AUTHENTICATION = "wva-prometheus"
"""Name of the TriggerAuthentication that generated triggers ask for where the Prometheus wants to know who asks."""

_POLLING_SECONDS = 15
_COOLDOWN_SECONDS = 60


def prometheus_trigger(*, server: str, query: str, authentication: str | None = None) -> dict[str, Any]:
    """A trigger that asks a Prometheus. ``authentication`` is ``basic`` or ``bearer``, None where nobody asks."""
    metadata = {"serverAddress": server, "query": query, "threshold": "1", "ignoreNullValues": "false"}
    if authentication is None:
        return {"type": "prometheus", "metricType": "AverageValue", "metadata": metadata}
    return {
        "type": "prometheus",
        "metricType": "AverageValue",
        "metadata": {**metadata, "authModes": authentication},
        "authenticationRef": {"name": AUTHENTICATION},
    }


def exporter_trigger(*, url: str, variant: Actuated) -> dict[str, Any]:
    """A trigger that reads the exporter's own page: no store in between, and no wait for a scrape of it.

    KEDA looks for the first series that has these labels; there the namespace is always called so.
    """
    selector = f'{Label.VARIANT}="{variant.name}",{Label.NAMESPACE}="{variant.namespace}"'
    return {
        "type": "metrics-api",
        "metricType": "AverageValue",
        "metadata": {
            "url": url,
            "format": "prometheus",
            "valueLocation": f"{DESIRED_REPLICAS.name}{{{selector}}}",
            "targetValue": "1",
        },
    }


def scaled_object(variant: Actuated, *, trigger: dict[str, Any], cluster: Cluster) -> dict[str, Any]:
    """The object, as YAML has it.

    The fallback keeps at least one replica: with 0 KEDA leaves the fallback out, and an error could end at zero replicas.
    Going to zero waits for a minute only, because the exporter waited for the whole retention before it said 0.
    """
    cooldown = {"cooldownPeriod": _COOLDOWN_SECONDS} if variant.minimum == 0 else {}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": variant.metadata,
        "spec": {
            "scaleTargetRef": variant.target,
            "pollingInterval": _POLLING_SECONDS,
            **cooldown,
            "minReplicaCount": variant.minimum,
            "maxReplicaCount": variant.maximum,
            "fallback": {
                "failureThreshold": 3,
                "replicas": max(variant.minimum, 1),
                "behavior": "currentReplicasIfHigher",
            },
            "advanced": {
                "restoreToOriginalReplicaCount": False,
                "horizontalPodAutoscalerConfig": {"behavior": variant.behaviour(cluster)},
            },
            "triggers": [trigger],
        },
    }
