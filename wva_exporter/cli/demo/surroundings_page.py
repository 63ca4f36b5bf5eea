"""What stands around the engines: the pages of kube-state-metrics and of the router, as far as they are read."""

from __future__ import annotations

from collections.abc import Mapping

from wva_exporter.cli.demo.page import Page
from wva_exporter.engines import kubernetes, router
from wva_exporter.twin.fleet import Fleet
from wva_exporter.twin.hpa import Autoscaler
from wva_exporter.twin.replica import Phase, Replica

_CONTROLLER = {"owner_is_controller": "true"}


def kubernetes_page(fleet: Fleet, autoscalers: Mapping[str, Autoscaler], *, namespace: str, epoch: float) -> bytes:
    """What kube-state-metrics says of the fleet; ``epoch`` is the Unix time at zero of the fleet's clock, in seconds."""
    page = Page({"namespace": namespace})
    _workloads(page, fleet)
    _pods(page, fleet, epoch)
    _scalers(page, autoscalers)
    return page.text()


def router_page(fleet: Fleet, *, model: str, pool: str) -> bytes:
    """The requests that the router holds, under the present and the former name."""
    page = Page(
        {
            "fairness_id": "default",
            "inference_pool": pool,
            "model_name": model,
            "priority": "0",
            "target_model_name": model,
        }
    )
    for name in router.QUEUE_SIZE:
        page.gauge(name, "Requests in the flow control queue.", len(fleet.held))
    return page.text()


def _workloads(page: Page, fleet: Fleet) -> None:
    """The counts of a Deployment a variant and the owners of their ReplicaSets; pods that are to go do not count."""
    counts = {name: fleet.counts(name) for name in fleet.variants}
    for name, text, field in (
        (kubernetes.DEPLOYMENT_SPEC, "Number of desired pods for a deployment.", "spec"),
        (kubernetes.DEPLOYMENT_CURRENT, "The number of replicas per deployment.", "current"),
        (kubernetes.DEPLOYMENT_READY, "The number of ready replicas per deployment.", "ready"),
    ):
        page.gauge(name, text, [({"deployment": variant}, getattr(count, field)) for variant, count in counts.items()])
    sets = [
        (
            {
                "replicaset": f"{v.name}-{v.template_hash}",
                "owner_kind": "Deployment",
                "owner_name": v.name,
                **_CONTROLLER,
            },
            1.0,
        )
        for v in fleet.variants.values()
    ]
    page.gauge(kubernetes.REPLICASET_OWNER, "Information about the ReplicaSet's owner.", sets)


def _pods(page: Page, fleet: Fleet, epoch: float) -> None:
    """Owner, readiness and, while it drains, deletion of every pod that exists."""
    owners = [
        ({**_pod(r), "owner_kind": "ReplicaSet", "owner_name": r.pod.rpartition("-")[0], **_CONTROLLER}, 1.0)
        for r in fleet.replicas
    ]
    ready = [
        (
            {**_pod(r), "condition": condition},
            float((r.phase is Phase.READY) is (condition == "true") and condition != "unknown"),
        )
        for r in fleet.replicas
        for condition in ("true", "false", "unknown")
    ]
    leaving = [(_pod(r), epoch + r.deleted_at) for r in fleet.replicas if r.deleted_at is not None]
    page.gauge(kubernetes.POD_OWNER, "Information about the Pod's owner.", owners)
    page.gauge(kubernetes.POD_READY, "Describes whether the pod is ready to serve requests.", ready)
    page.gauge(kubernetes.POD_DELETION, "Unix deletion timestamp.", leaving)


def _pod(replica: Replica) -> dict[str, str]:
    return {"pod": replica.pod, "uid": f"00000000-0000-4000-8000-{replica.index:012d}"}


def _scalers(page: Page, autoscalers: Mapping[str, Autoscaler]) -> None:
    """An HPA a variant, with its target and bounds."""
    hpa = {name: {"horizontalpodautoscaler": name} for name in autoscalers}
    target = {"scaletargetref_api_version": "apps/v1", "scaletargetref_kind": "Deployment"}
    infos = [({**labels, **target, "scaletargetref_name": name}, 1.0) for name, labels in hpa.items()]
    page.gauge(kubernetes.HPA_INFO, "Information about this autoscaler.", infos)
    page.gauge(
        kubernetes.HPA_MINIMUM, "Lower limit of replicas.", [(hpa[n], s.minimum) for n, s in autoscalers.items()]
    )
    page.gauge(
        kubernetes.HPA_MAXIMUM, "Upper limit of replicas.", [(hpa[n], s.maximum) for n, s in autoscalers.items()]
    )
