"""The variants that can be given an actuator, out of all that are known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wva_exporter.artefacts.behaviour import Cluster, behaviour
from wva_exporter.conventions import Annotation
from wva_exporter.discovery.catalogue import Catalogue
from wva_exporter.errors import InvalidValue

_OBJECT_NAME = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
"""Names of objects, no longer than the value of a label: an HPA selects by the variant's, KEDA labels with its object's."""

_NAMESPACE = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"(?=.{1,63}$)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_API_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "LeaderWorkerSet": "leaderworkerset.x-k8s.io/v1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actuated:
    """A variant with all that an actuator must know.

    Raises:
        InvalidValue: a name that Kubernetes refuses, an unknown kind of workload, bounds that hold nothing.
    """

    namespace: str
    name: str
    model: str
    workload_kind: str
    workload_name: str
    minimum: int
    maximum: int
    policy: str
    accelerator: str = ""
    cost: float | None = None

    def __post_init__(self) -> None:
        if not _OBJECT_NAME.fullmatch(self.name) or not _OBJECT_NAME.fullmatch(self.workload_name):
            bad = self.workload_name if _OBJECT_NAME.fullmatch(self.name) else self.name
            raise InvalidValue(f"{bad!r} cannot be the name of a Kubernetes object")
        if not _NAMESPACE.fullmatch(self.namespace):
            raise InvalidValue(f"{self.namespace!r} cannot be the name of a Kubernetes namespace")
        if self.workload_kind not in _API_VERSIONS:
            raise InvalidValue(f"{self.workload_kind} {self.workload_name} is not {', '.join(_API_VERSIONS)}")
        if not 0 <= self.minimum <= self.maximum or self.maximum < 1:
            raise InvalidValue(f"bounds {self.minimum} and {self.maximum} hold no replica")

    @property
    def target(self) -> dict[str, str]:
        """The ``scaleTargetRef``."""
        version = _API_VERSIONS[self.workload_kind]
        return {"apiVersion": version, "kind": self.workload_kind, "name": self.workload_name}

    @property
    def metadata(self) -> dict[str, object]:
        """Name and namespace, and the annotations by which WVA and this program recognise their own."""
        annotations = {str(Annotation.MANAGED): "true", str(Annotation.MODEL_ID): self.model}
        if self.cost is not None:
            annotations[str(Annotation.VARIANT_COST)] = f"{self.cost:.10g}"
        label = {str(Annotation.ACCELERATOR): self.accelerator} if _LABEL_VALUE.fullmatch(self.accelerator) else None
        return {
            "name": self.name,
            "namespace": self.namespace,
            **({"labels": label} if label else {}),
            "annotations": annotations,
        }

    def behaviour(self, cluster: Cluster) -> dict[str, object]:
        """How fast it is followed."""
        return behaviour(self.policy, cluster)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Variants that can be given an actuator, and a sentence for each that cannot."""

    variants: tuple[Actuated, ...]
    refused: tuple[str, ...]


def select(catalogue: Catalogue) -> Selection:
    """Every variant of which workload and maximum are known; an actuator needs both and may not guess either."""
    found: list[Actuated] = []
    refused: list[str] = []
    policies = _policies(catalogue)
    for variant, workload, policy in zip(catalogue.variants, catalogue.workload, policies, strict=True):
        who = f"variant {variant.name} of namespace {variant.namespace}"
        if workload is None:
            refused.append(f"{who}: nobody says what runs it; give it workload: {{name: ...}}")
            continue
        if variant.maximum is None:
            refused.append(f"{who}: nobody says how many replicas it may have; give it max")
            continue
        try:
            found.append(
                Actuated(
                    namespace=variant.namespace,
                    name=variant.name,
                    model=variant.model,
                    workload_kind=workload.kind,
                    workload_name=workload.name,
                    minimum=1 if variant.minimum is None else variant.minimum,
                    maximum=variant.maximum,
                    policy=policy,
                    accelerator=variant.accelerator,
                    cost=variant.cost,
                )
            )
        except InvalidValue as error:
            refused.append(f"{who}: {error}")
    alone = tuple(_alone(found, refused))
    if not catalogue.variants:
        refused.append("no variant: none is declared and none was found")
    return Selection(variants=alone, refused=tuple(refused))


def _alone(found: Sequence[Actuated], refused: list[str]) -> Iterator[Actuated]:
    """Those whose workload nobody else scales; of two scalers each would undo what the other did."""
    claimed = Counter((each.namespace, each.workload_kind, each.workload_name) for each in found)
    for each in found:
        if claimed[(each.namespace, each.workload_kind, each.workload_name)] == 1:
            yield each
        else:
            workload = f"{each.workload_kind} {each.workload_name}"
            refused.append(
                f"variant {each.name} of namespace {each.namespace}: {workload} runs another variant too, and has one scaler"
            )


def _policies(catalogue: Catalogue) -> Iterator[str]:
    fleet = catalogue.fleet
    for model in fleet.variants.model:
        yield fleet.models.policy[int(model)]
