"""Who the variants are, and whose each pod is.

In this order (decided once, for every source of truth that there may be):

1. declared variants, by their selector, else by label, workload or scaler;
2. the pod's ``llm_d_ai_variant`` label;
3. the workload that owns it, named after the HPA that scales it if there is one;
4. the stem of its name;
5. one variant a job and model.

The last two are guesses: they are decided and published like all others, and marked.
"""

from __future__ import annotations

from collections.abc import Sequence

from wva_exporter.core.columns import integers
from wva_exporter.core.declaration import Declarations, VariantDeclaration, Workload
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.sightings import Sightings
from wva_exporter.discovery.catalogue import Catalogue
from wva_exporter.discovery.declared import NOBODY, claim
from wva_exporter.discovery.discovered import group
from wva_exporter.discovery.evidence import Scalers, address, gather
from wva_exporter.discovery.ownership import Placed, place
from wva_exporter.discovery.rows import bounded, fleet
from wva_exporter.discovery.sentences import of_variant


def discover(declarations: Declarations, sightings: Sightings, previous: Catalogue | None) -> Catalogue:
    """The catalogue of this cycle: declared variants in their order, then the others by namespace and name.

    A declared variant exists without pods; any other only while the sightings hold one of its pods. ``previous`` is returned
    as it is when nothing changed, and lends its ``Fleet`` when only pods did; it also remembers owners and scalers over a
    silence of kube-state-metrics.
    """
    evidence = gather(sightings, None if previous is None else previous.evidence)
    if previous is not None and previous.stands(declarations, sightings.pods, evidence):
        return previous
    scalers = Scalers(evidence.scalers)
    declared, doubts = _each_once(declarations.variants)
    placed = place(sightings.pods, evidence, declared, declarations.default_namespace)

    claims = claim(placed, declared, scalers)
    left = [row for row, each in enumerate(placed) if claims.variant[row] == NOBODY and not each.worker]
    found = group(placed, left, {(v.namespace, v.name) for v in declared}, scalers)
    variant_of = claims.variant
    for row, each_group in enumerate(found.groups, start=len(declared)):
        for pod in each_group.pods:
            variant_of[pod] = row
    doubts += [*claims.doubts, *found.doubts]

    named = [*declared, *(each.variant for each in found.groups)]
    workload = _workloads(named, placed, variant_of, scalers)
    doubts += scalers.doubts(workload)
    rows = [bounded(v, scalers.of(v.namespace, v.name, w)) for v, w in zip(named, workload, strict=True)]
    variants = tuple(variant for variant, _ in rows)
    doubts += [doubt for _, doubt in rows if doubt is not None]
    doubts += _without_pods(declared, variants, variant_of)
    return Catalogue(
        fleet=_fleet(variants, declarations, previous),
        variant_of=integers(variant_of),
        workload=tuple(workload),
        part_of={(each.pod.namespace, each.pod.name): each.leader for each in placed if each.leader is not None},
        guesses=tuple(doubts),
        unattributed=tuple(placed[row].pod for row in left if variant_of[row] == NOBODY),
        declarations=declarations,
        variants=variants,
        pods=sightings.pods,
        evidence=evidence,
        estranged=claims.estranged,
    )


def _each_once(variants: Sequence[VariantDeclaration]) -> tuple[list[VariantDeclaration], list[str]]:
    """The first declaration of each variant: the configuration's goes before that of a manifest."""
    first: dict[tuple[str, str], VariantDeclaration] = {}
    doubts = [
        f"{of_variant(variant)}: declared twice; the first declaration holds"
        for variant in variants
        if first.setdefault((variant.namespace, variant.name), variant) is not variant
    ]
    return list(first.values()), doubts


def _workloads(
    variants: Sequence[VariantDeclaration], placed: Sequence[Placed], variant_of: Sequence[int], scalers: Scalers
) -> list[Workload | None]:
    """What runs each variant: its declared workload, else its scaler's target, else the only owner of its pods.

    An owner that is only read from a pod's name counts where no pod of the variant has a better one.
    """
    owners: tuple[dict[int, set[Workload]], dict[int, set[Workload]]] = ({}, {})
    for row, each in zip(variant_of, placed, strict=True):
        if row != NOBODY and each.owner is not None:
            owners[each.owner.sure].setdefault(row, set()).add(each.owner.workload)
    guessed, sure = owners
    workloads: list[Workload | None] = []
    for row, variant in enumerate(variants):
        scaler = scalers.by_name.get((variant.namespace, variant.name))
        if variant.workload is not None:
            workloads.append(variant.workload)
        elif scaler is not None:
            workloads.append(scaler.target)
        else:
            candidates = sure.get(row) or guessed.get(row, set())
            workloads.append(min(candidates) if len({address(w) for w in candidates}) == 1 else None)
    return workloads


def _without_pods(
    declared: Sequence[VariantDeclaration], variants: Sequence[VariantDeclaration], variant_of: Sequence[int]
) -> list[str]:
    """Declared variants without pods, while a guessed one of the same model has some: probably the same thing."""
    present = set(variant_of)
    guessed: dict[tuple[str, str], list[str]] = {}
    for variant in variants[len(declared) :]:
        if variant.origin.guessed:
            guessed.setdefault((variant.namespace, variant.model), []).append(variant.name)
    return [
        f"{of_variant(variant)}: no pod is known to be its own, and the pods of the guessed variant "
        f"{', '.join(others)} serve its model; give it a selector"
        for row, variant in enumerate(declared)
        if row not in present and (others := guessed.get((variant.namespace, variant.model)))
    ]


def _fleet(variants: tuple[VariantDeclaration, ...], declarations: Declarations, previous: Catalogue | None) -> Fleet:
    """The previous fleet if it would be the same again: whoever keeps state by its rows need not move it."""
    if previous is not None and variants == previous.variants:
        before = previous.declarations
        if declarations.models == before.models and declarations.fallback == before.fallback:
            return previous.fleet
    return fleet(variants, declarations)
