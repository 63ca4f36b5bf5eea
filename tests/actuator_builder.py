"""Variants as an actuator sees them, manifests that follow one, and what a linter says of them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from wva_exporter.artefacts.actuated import Actuated
from wva_exporter.artefacts.behaviour import Cluster
from wva_exporter.artefacts.hpa import horizontal_pod_autoscaler
from wva_exporter.artefacts.keda import exporter_trigger, prometheus_trigger, scaled_object
from wva_exporter.artefacts.lint_manifests import lint
from wva_exporter.engines.desired import desired_query

OLD, NEW = Cluster(version=(1, 30)), Cluster(version=(1, 37))


def variant(**changes: Any) -> Actuated:
    """Llama of namespace llm, one to ten replicas, with these changes."""
    given: dict[str, Any] = {
        "namespace": "llm",
        "name": "llama",
        "model": "meta-llama/Llama-3.1-8B",
        "workload_kind": "Deployment",
        "workload_name": "llama-vllm",
        "minimum": 1,
        "maximum": 10,
        "policy": "wva-v1",
        "accelerator": "A100",
        "cost": 40.0,
    }
    return Actuated(**(given | changes))


def hpa(cluster: Cluster = OLD, namespace_label: str = "namespace", **changes: Any) -> dict[str, Any]:
    """Its HPA."""
    return horizontal_pod_autoscaler(variant(**changes), namespace_label=namespace_label, cluster=cluster)


def keda(cluster: Cluster = OLD, **changes: Any) -> dict[str, Any]:
    """Its ScaledObject, which asks a Prometheus."""
    its = variant(**changes)
    query = desired_query(
        "wva:desired_replicas:safe", variant=its.name, namespace=its.namespace, namespace_label="namespace"
    )
    return scaled_object(its, trigger=prometheus_trigger(server="http://prometheus:9090", query=query), cluster=cluster)


def direct(**changes: Any) -> dict[str, Any]:
    """Its ScaledObject, which reads the exporter."""
    its = variant(**changes)
    trigger = exporter_trigger(url="http://wva-exporter:10982/metrics", variant=its)
    return scaled_object(its, trigger=trigger, cluster=OLD)


def changed(thing: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a dotted path; None takes the field away."""
    result = copy.deepcopy(thing)
    *sections, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    part: Any = result
    for step in sections:
        part = part[step] if isinstance(part, list) else part.setdefault(step, {})
    if value is None:
        del part[last]
    else:
        part[last] = value
    return result


def findings(folder: Path, *things: dict[str, Any], **settings: Any) -> list[str]:
    """What the linter says of a file of these objects, without the folder."""
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump_all(things, sort_keys=False))
    return [each.replace(f"{folder}/", "") for each in lint([path], **settings).findings]
