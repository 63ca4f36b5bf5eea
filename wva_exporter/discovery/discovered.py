"""The variants that nobody declared: what labels, owners, names and jobs say of the pods that are left."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wva_exporter.conventions import Annotation
from wva_exporter.core.declaration import VariantDeclaration
from wva_exporter.core.fleet import Origin
from wva_exporter.discovery.evidence import Key, Scalers, address, variant_name
from wva_exporter.discovery.ownership import Placed
from wva_exporter.discovery.sentences import of_variant, pods_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A discovered variant and the rows of its pods."""

    variant: VariantDeclaration
    pods: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Groups in order of namespace and name, and what an operator should look at."""

    groups: tuple[Group, ...]
    doubts: list[str]


def group(placed: Sequence[Placed], rows: Sequence[int], taken: Collection[Key], scalers: Scalers) -> Discovery:
    """Make variants of the pods in ``rows``.

    A variant has one name and one model: where pods of one name serve several, the model of most pods is the variant's (the
    first by name of equals) and the others belong to nobody. ``taken`` are names of declared variants, whose declaration did
    not want these pods.
    """
    named: dict[Key, list[tuple[int, Origin]]] = {}
    nameless: list[int] = []
    for row in rows:
        found = _name(placed[row], scalers)
        if found is None:
            nameless.append(row)
        else:
            name, origin = found
            named.setdefault((placed[row].namespace, name), []).append((row, origin))

    groups: list[Group] = []
    doubts: list[str] = []
    for (namespace, name), members in sorted(named.items()):
        where = f"variant {name} of namespace {namespace}"
        if (namespace, name) in taken:
            doubts.append(
                f"{where}: {pods_of(len(members))} named like it, but not what its declaration asks for; "
                "counted for no variant"
            )
            continue
        models = Counter(placed[row].pod.model for row, _ in members if placed[row].pod.model)
        if not models:
            doubts.append(f"{where}: {pods_of(len(members))} without a model name; counted for no variant")
            continue
        model = min(models, key=lambda each: (-models[each], each))
        own = [(row, origin) for row, origin in members if placed[row].pod.model in ("", model)]
        others = sorted(models.keys() - {model})
        if others:
            doubts.append(
                f"{where}: its pods serve several models; {pods_of(len(members) - len(own))} with {', '.join(others)} "
                f"counted for no variant, the others serve {model}"
            )
        origin = min(origin for _, origin in own)
        variant = VariantDeclaration(namespace=namespace, name=name, model=model, origin=origin)
        groups.append(Group(variant=variant, pods=tuple(row for row, _ in own)))
        if origin.guessed:
            doubts.append(_guess(variant, len(own), placed[own[0][0]]))
    doubts += _nameless(placed, nameless)
    return Discovery(groups=tuple(groups), doubts=doubts)


def _name(each: Placed, scalers: Scalers) -> tuple[str, Origin] | None:
    """The name of a pod's variant and how it is known, None if nothing tells."""
    pod = each.pod
    if pod.variant_label:
        return pod.variant_label, Origin.LABEL
    if each.owner is not None:
        workload = each.owner.workload
        scaler = scalers.by_target.get(address(workload))
        name = workload.name if scaler is None else variant_name(scaler)
        return name, Origin.OWNER if each.owner.sure else Origin.STEM
    name = re.sub(r"[^a-z0-9.]+", "-", f"{pod.job}-{pod.model}".lower()).strip("-.")
    return (name, Origin.JOB) if pod.model and name else None


def _guess(variant: VariantDeclaration, pods: int, example: Placed) -> str:
    if variant.origin is Origin.JOB:
        source = f"job {example.pod.job}" if example.pod.job else "the model's name"
        return f"{of_variant(variant)}: guessed from {source} ({pods_of(pods)}); name it under variants:"
    return (
        f"{of_variant(variant)}: guessed from pod names ({pods_of(pods)}); "
        f"name it under variants: or label pods {Annotation.VARIANT}"
    )


def _nameless(placed: Sequence[Placed], rows: Sequence[int]) -> list[str]:
    """One sentence a namespace and job: such pods differ in nothing that helps."""
    places = Counter((placed[row].namespace, placed[row].pod.job) for row in rows)
    return [
        f"namespace {namespace}: {pods_of(count)} of job {job or '(none)'} without model name and workload; "
        "counted for no variant"
        for (namespace, job), count in sorted(places.items())
    ]
