"""Pods, workloads, scalers and declarations as short as a test wants them, and what discovery made of them."""

from collections.abc import Iterable

from wva_exporter.core.declaration import Declarations, VariantDeclaration, Workload
from wva_exporter.core.fleet import Origin
from wva_exporter.core.sightings import Pod, Scaler, Sightings
from wva_exporter.discovery.catalogue import Catalogue
from wva_exporter.discovery.discover import discover

HASHED = ("llama-7d9f8c6b5d-x2k4p", "llama-7d9f8c6b5d-bcdfg", "llama-65b9c8d7f-zz7kk")


def pod(name: str, *, model: str = "M", namespace: str = "llm", **labels: str) -> Pod:
    """A serving pod at an address of its own."""
    return Pod(namespace, name, model, **{"job": "vllm", "instance": f"{name}.local:8000"} | labels)


def workload(name: str, kind: str = "Deployment", namespace: str = "llm") -> Workload:
    """A workload, by default a Deployment."""
    return Workload(kind=kind, namespace=namespace, name=name)


def scaler(name: str, target: Workload, minimum: int | None = None, maximum: int | None = None) -> Scaler:
    """An HPA."""
    return Scaler(namespace=target.namespace, name=name, target=target, minimum=minimum, maximum=maximum)


def variant(name: str, **fields: object) -> VariantDeclaration:
    """A declared variant of model M in namespace llm."""
    return VariantDeclaration(**{"namespace": "llm", "name": name, "model": "M"} | fields)  # type: ignore[arg-type]


def seen(*pods: Pod, owned: Workload | None = None, scalers: Iterable[Scaler] = ()) -> Sightings:
    """Sightings in which every pod has this owner."""
    owner = {(p.namespace, p.name): owned for p in pods} if owned else {}
    return Sightings(pods=pods, owner=owner, scalers=tuple(scalers))


def found(sightings: Sightings, *declared: VariantDeclaration, previous: Catalogue | None = None) -> Catalogue:
    """What discovery makes of it."""
    return discover(Declarations(variants=declared), sightings, previous)


def members(catalogue: Catalogue) -> dict[str, list[str]]:
    """Pods by variant name, '' for those of nobody."""
    names = [*catalogue.fleet.variants.name, ""]
    result: dict[str, list[str]] = {name: [] for name in names[:-1]}
    for each, row in zip(catalogue.pods, catalogue.variant_of.tolist(), strict=True):
        result.setdefault(names[row], []).append(each.name)
    return result


def origins(catalogue: Catalogue) -> list[Origin]:
    """How each variant is known."""
    return [Origin(value) for value in catalogue.fleet.variants.origin.tolist()]
