"""What a workload's pod template tells of its replicas: their part in serving, their GPUs and which ones."""

from __future__ import annotations

from dataclasses import dataclass

from wva_exporter.conventions import Annotation
from wva_exporter.core.engine_arguments import EngineArguments
from wva_exporter.core.fleet import Role
from wva_exporter.discovery.accelerators import short_name
from wva_exporter.discovery.engine_command import engine_arguments
from wva_exporter.discovery.fields import Fields, Path

WORKLOAD_KINDS = ("Deployment", "StatefulSet", "LeaderWorkerSet")

_GPU_RESOURCES = ("nvidia.com/gpu", "amd.com/gpu", "habana.ai/gaudi", "gpu.intel.com/i915", "gpu.intel.com/xe")
_PRODUCT_LABELS = (
    "nvidia.com/gpu.product",
    "cloud.google.com/gke-accelerator",
    "amd.com/gpu.product-name",
    "habana.ai/product.name",
    "gpu.intel.com/product",
)
_ROLES = {"prefill": Role.PREFILL, "decode": Role.DECODE}
_GROUP: Path = ("spec", "leaderWorkerTemplate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One replica of a workload; ``accelerator`` is '' where its nodes are not chosen by product.

    ``arguments`` are its engine's, None where no container names one.
    """

    role: Role
    gpus: int
    accelerator: str
    arguments: EngineArguments | None


def replica(fields: Fields) -> Replica:
    """What the templates say. A group has its leader's template, else its workers'; its GPUs are those of all its pods."""
    if fields.document.kind != "LeaderWorkerSet":
        templates: list[Path] = [("spec", "template")]
        gpus = _gpus(fields, templates[0])
    else:
        worker: Path = (*_GROUP, "workerTemplate")
        leader: Path = (*_GROUP, "leaderTemplate")
        if fields.at(leader) is None:
            leader = worker
        templates = [leader, worker]
        gpus = _gpus(fields, leader) + ((fields.whole((*_GROUP, "size"), 1) or 1) - 1) * _gpus(fields, worker)
    products = (_product(fields, template) for template in templates)
    role = fields.at((*templates[0], "metadata", "labels", Annotation.ROLE))
    return Replica(
        role=_ROLES.get(role, Role.BOTH) if isinstance(role, str) else Role.BOTH,
        gpus=max(gpus, 1),
        accelerator=short_name(next((product for product in products if product), "")),
        arguments=engine_arguments(fields, templates[0]),
    )


def _gpus(fields: Fields, template: Path) -> int:
    """GPUs that one pod asks for; a limit without a request is a request, as in Kubernetes."""
    containers: Path = (*template, "spec", "containers")
    total = 0
    for i in range(_length(fields, containers)):
        resources: Path = (*containers, i, "resources")
        for name in _GPU_RESOURCES:
            request: Path = (*resources, "requests", name)
            total += _quantity(fields, request if fields.at(request) is not None else (*resources, "limits", name))
    return total


def _quantity(fields: Fields, path: Path) -> int:
    value = fields.at(path)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdecimal():
        fields.refuse(path, "must be a whole number of GPUs")
        return 0
    return int(value)


def _product(fields: Fields, template: Path) -> str:
    """The product that a pod's node must or should have, '' if it does not matter: selector, then affinity."""
    spec: Path = (*template, "spec")
    for label in _PRODUCT_LABELS:
        product = fields.at((*spec, "nodeSelector", label))
        if isinstance(product, str) and product:
            return product
    affinity: Path = (*spec, "affinity", "nodeAffinity")
    required: Path = (*affinity, "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    preferred: Path = (*affinity, "preferredDuringSchedulingIgnoredDuringExecution")
    terms: list[Path] = [(*required, i) for i in range(_length(fields, required))]
    terms += [(*preferred, i, "preference") for i in range(_length(fields, preferred))]
    return next((product for term in terms if (product := _product_of_term(fields, term))), "")


def _product_of_term(fields: Fields, term: Path) -> str:
    expressions: Path = (*term, "matchExpressions")
    for i in range(_length(fields, expressions)):
        expression = fields.at((*expressions, i))
        if not isinstance(expression, dict) or expression.get("operator") != "In":
            continue
        product = fields.at((*expressions, i, "values", 0))
        if expression.get("key") in _PRODUCT_LABELS and isinstance(product, str):
            return product
    return ""


def _length(fields: Fields, path: Path) -> int:
    value = fields.at(path)
    return len(value) if isinstance(value, list) else 0
