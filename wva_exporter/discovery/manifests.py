"""The manifests that WVA's users already have, read as declarations.

Three kinds of objects name a variant: an HPA or a KEDA ScaledObject that carries ``llm-d.ai/managed: "true"``, whose name is
the variant's, and ``VariantAutoscaling`` of earlier releases, whose bounds stand in whatever scaler has the same target.
Workloads beside them tell role, GPUs and accelerator. A cost that is not written stays unknown: the variant ranks as upstream's
10.0, but we do not publish a price that nobody named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath

from wva_exporter.conventions import Annotation
from wva_exporter.core.declaration import VariantDeclaration, Workload
from wva_exporter.core.fleet import Origin
from wva_exporter.discovery.documents import read_documents
from wva_exporter.discovery.evidence import Address, address
from wva_exporter.discovery.fields import Fields, Path
from wva_exporter.discovery.pod_template import WORKLOAD_KINDS, replica
from wva_exporter.errors import ConfigError

_HPA, _SCALED_OBJECT, _VARIANT_AUTOSCALING = "HorizontalPodAutoscaler", "ScaledObject", "VariantAutoscaling"
_GROUPS = {_HPA: "autoscaling/", _SCALED_OBJECT: "keda.sh/", _VARIANT_AUTOSCALING: "llmd.ai/"}
_BOUNDS: Mapping[str, tuple[Path, Path]] = {
    _HPA: (("spec", "minReplicas"), ("spec", "maxReplicas")),
    _SCALED_OBJECT: (("spec", "minReplicaCount"), ("spec", "maxReplicaCount")),
}
_LABELS: Path = ("metadata", "labels")
_ANNOTATIONS: Path = ("metadata", "annotations")
_MANAGED_BY: Path = (*_LABELS, "app.kubernetes.io/managed-by")
_TARGET: Path = ("spec", "scaleTargetRef")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A variant that an object declares, and the object."""

    fields: Fields
    declaration: VariantDeclaration
    target: Workload

    @property
    def place(self) -> str:
        """Where it stands, and what it is."""
        document = self.fields.document
        return f"{document.kind} {self.declaration.name} ({document.where()})"


@dataclass(slots=True, kw_only=True)
class _Surroundings:
    """What stands beside the variants: workloads, and the bounds of scalers that nobody annotated."""

    workloads: dict[Address, Fields] = field(default_factory=dict)
    bounds: dict[Address, tuple[int | None, int | None]] = field(default_factory=dict)


def read_manifests(paths: Iterable[FilePath], default_namespace: str = "default") -> tuple[VariantDeclaration, ...]:
    """The variants of YAML files and directories, in order of namespace and name.

    Raises:
        ConfigError: anything unreadable, or an annotated object that is not valid; every finding at once, each with file and
            line.
    """
    findings: list[str] = []
    every = [Fields(document) for document in read_documents(paths, {*_GROUPS, *WORKLOAD_KINDS}, findings)]
    beside = _Surroundings()
    found: list[_Found] = []
    for fields in every:
        variant = _read(fields, default_namespace, beside)
        if variant is not None:
            found.append(variant)
    found = _one_a_name_and_target(found)
    declarations = [_completed(each, beside) for each in found]
    for fields in every:
        findings.extend(fields.findings)
    if findings:
        raise ConfigError(findings)
    return tuple(sorted(declarations, key=lambda d: (d.namespace, d.name)))


def _read(fields: Fields, namespace: str, beside: _Surroundings) -> _Found | None:
    """The variant that an object declares; what it only adds to others goes ``beside``."""
    kind = fields.document.kind
    if kind in WORKLOAD_KINDS:
        workload = Workload(kind=kind, namespace=_own(fields, "namespace", namespace), name=_own(fields, "name"))
        beside.workloads.setdefault(address(workload), fields)
        return None
    if not str(fields.at(("apiVersion",))).startswith(_GROUPS[kind]):
        return None
    if kind == _VARIANT_AUTOSCALING:
        return _variant_autoscaling(fields, namespace)
    if _managed(fields):
        return _scaler(fields, namespace)
    name = fields.at((*_TARGET, "name"))
    if isinstance(name, str):
        target = Workload(
            kind=str(fields.at((*_TARGET, "kind")) or "Deployment"),
            namespace=_own(fields, "namespace", namespace),
            name=name,
        )
        low, high = map(fields.at, _BOUNDS[kind])
        beside.bounds.setdefault(address(target), (_at_least(low, 0), _at_least(high, 1)))
    return None


def _at_least(value: object, least: int) -> int | None:
    return value if type(value) is int and value >= least else None


def _own(fields: Fields, name: str, default: str = "") -> str:
    value = fields.at(("metadata", name))
    return value if isinstance(value, str) and value else default


def _managed(fields: Fields) -> bool:
    """Whether the object is annotated as ours to scale; the HPA that KEDA makes of a ScaledObject repeats its annotations."""
    owners = fields.at(("metadata", "ownerReferences"))
    kinds = [each.get("kind") for each in owners if isinstance(each, dict)] if isinstance(owners, list) else []
    if _SCALED_OBJECT in kinds or fields.at(_MANAGED_BY) == "keda-operator":
        return False
    value = fields.at((*_ANNOTATIONS, Annotation.MANAGED))
    if value not in (None, "true", "false") or isinstance(value, bool):
        fields.refuse((*_ANNOTATIONS, Annotation.MANAGED), "must be 'true' or 'false', in quotes")
    return bool(value == "true")


def _scaler(fields: Fields, default_namespace: str) -> _Found:
    """An annotated HPA or ScaledObject: its name is the variant's. An HPA without a minimum has 1, as in Kubernetes."""
    low, high = _BOUNDS[fields.document.kind]
    minimum, maximum = fields.whole(low, 0), fields.whole(high, 1)
    if minimum is None and fields.document.kind == _HPA:
        minimum = 1
    if minimum is not None and maximum is not None and maximum < minimum:
        fields.refuse(high, f"must be at least the minimum, {minimum}")
    namespace = fields.text(("metadata", "namespace"), default_namespace)
    target = _target(fields, namespace)
    declaration = VariantDeclaration(
        namespace=namespace,
        name=fields.needed(("metadata", "name")),
        model=fields.needed((*_ANNOTATIONS, Annotation.MODEL_ID)),
        accelerator=fields.text((*_LABELS, Annotation.ACCELERATOR)),
        cost=fields.amount((*_ANNOTATIONS, Annotation.VARIANT_COST)),
        minimum=minimum,
        maximum=maximum,
        workload=target,
        origin=Origin.MANIFEST,
    )
    return _Found(fields=fields, declaration=declaration, target=target)


def _variant_autoscaling(fields: Fields, default_namespace: str) -> _Found:
    """A ``VariantAutoscaling``; the earliest ones have no target, and are named like their Deployment."""
    if fields.at(("apiVersion",)) != "llmd.ai/v1alpha1":
        fields.refuse(("apiVersion",), "must be llmd.ai/v1alpha1")
    namespace = fields.text(("metadata", "namespace"), default_namespace)
    name = fields.needed(("metadata", "name"))
    alone = Workload(kind="Deployment", namespace=namespace, name=name)
    target = alone if fields.at(_TARGET) is None else _target(fields, namespace)
    declaration = VariantDeclaration(
        namespace=namespace,
        name=name,
        model=fields.needed(("spec", "modelID")),
        accelerator=fields.text((*_LABELS, Annotation.ACCELERATOR)),
        cost=fields.amount(("spec", "variantCost")),
        workload=target,
        origin=Origin.MANIFEST,
    )
    return _Found(fields=fields, declaration=declaration, target=target)


def _target(fields: Fields, namespace: str) -> Workload:
    kind = fields.text((*_TARGET, "kind"), "Deployment")
    if kind not in WORKLOAD_KINDS:
        fields.refuse((*_TARGET, "kind"), f"must be {', '.join(WORKLOAD_KINDS[:-1])} or {WORKLOAD_KINDS[-1]}")
    return Workload(kind=kind, namespace=namespace, name=fields.needed((*_TARGET, "name")))


def _one_a_name_and_target(found: Iterable[_Found]) -> list[_Found]:
    """Refuse a name or a target that two objects share; of a ScaledObject and an HPA of one target the former is meant."""
    names: dict[tuple[str, str], _Found] = {}
    targets: dict[Address, _Found] = {}
    for each in sorted(found, key=lambda f: f.fields.document.kind != _SCALED_OBJECT):
        key = (each.declaration.namespace, each.declaration.name)
        if not key[1] or not each.target.name:
            continue  # already complained of
        other = names.setdefault(key, each)
        if other is not each:
            each.fields.say(("metadata", "name"), f"is also the name of {other.place}", "a variant has one object")
            continue
        holder = targets.setdefault(address(each.target), each)
        kinds = (holder.fields.document.kind, each.fields.document.kind)
        if holder is not each and kinds != (_SCALED_OBJECT, _HPA):
            each.fields.say(_TARGET, f"is also the target of {holder.place}", "a workload has one scaler")
    return list(targets.values())


def _completed(found: _Found, beside: _Surroundings) -> VariantDeclaration:
    """The declaration with what workload and scaler add. An accelerator by node selection goes before the label."""
    declaration = found.declaration
    if found.fields.document.kind == _VARIANT_AUTOSCALING:
        low, high = beside.bounds.get(address(found.target), (None, None))
        declaration = replace(declaration, minimum=low, maximum=high)
    fields = beside.workloads.get(address(found.target))
    if fields is None:
        return declaration
    serving = replica(fields)
    return replace(
        declaration,
        role=serving.role,
        gpus_per_replica=serving.gpus,
        accelerator=serving.accelerator or declaration.accelerator,
        arguments=serving.arguments,
    )
