"""What the data say exists, before anybody decides whose it is: engine pods, their owners, their scalers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wva_exporter.core.declaration import Workload


@dataclass(frozen=True, slots=True)
class Pod:
    """One serving pod as its engine's series name it. ``name`` is the pod label, else the instance; ``model`` may be ''."""

    namespace: str
    name: str
    model: str
    job: str = ""
    instance: str = ""
    engine_type: str = ""
    variant_label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaler:
    """An HPA that kube-state-metrics knows: its target and bounds, None where it does not say."""

    namespace: str
    name: str
    target: Workload
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A node that has GPUs to give: what its labels call them, '' where they do not, and how many it has in all."""

    name: str
    product: str
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """Everything seen in one cycle that bears on who the variants are.

    ``pods`` are those with an engine's series now or within the hold time, each once, in order of namespace and name;
    ``owner`` is the workload at the end of a pod's owner chain, by (namespace, pod). ``nodes`` are those with GPUs, by name.
    """

    pods: tuple[Pod, ...]
    owner: Mapping[tuple[str, str], Workload] = field(default_factory=dict)
    scalers: tuple[Scaler, ...] = ()
    nodes: tuple[Node, ...] = ()
