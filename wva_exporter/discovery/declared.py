"""Which declared variant each pod belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from wva_exporter.core.declaration import Selector, VariantDeclaration
from wva_exporter.discovery.evidence import Address, Key, Scalers, address
from wva_exporter.discovery.ownership import Placed
from wva_exporter.discovery.selectors import SelectorIndex
from wva_exporter.discovery.sentences import of_variant, pods_of

NOBODY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The row of the declared variant of each pod, ``NOBODY`` without one, and what an operator should look at."""

    variant: list[int]
    doubts: list[str]
    estranged: frozenset[int]


@dataclass(slots=True)
class _Signs:
    """By what variants without a selector know their pods."""

    label: dict[Key, int] = field(default_factory=dict)
    workload: dict[Address, list[int]] = field(default_factory=dict)
    name: dict[Key, int] = field(default_factory=dict)
    """Variants of which nobody tells the workload: one of their own name will be it."""


def claim(placed: Sequence[Placed], declared: Sequence[VariantDeclaration], scalers: Scalers) -> Claims:
    """Attribute pods to declared variants of their model.

    A selector decides alone. Without one, a variant's pods are those that carry its name as their label, or whose workload is
    the declared one, or the target of the scaler of its name; a workload of the variant's own name counts where none of that
    is known. Of several variants those in the pod's own namespace go first, then the first declared.
    """
    selected = _selected(placed, declared)
    signs = _signs(declared, scalers)
    variant = [NOBODY] * len(placed)
    conflicts: Counter[tuple[int, int]] = Counter()
    for row, each in enumerate(placed):
        if each.worker:
            continue
        signed = _by_signs(each, signs)
        candidates = {*selected.get(row, ()), *(c for c in signed if each.pod.model in ("", declared[c].model))}
        if not candidates:
            continue
        home = {c for c in candidates if declared[c].namespace == each.namespace}
        winner, *losers = sorted(home or candidates)
        variant[row] = winner
        conflicts.update((winner, loser) for loser in losers)
    doubts = [
        f"{of_variant(declared[winner])}: shares {pods_of(count)} with variant {declared[loser].name}, "
        "which is declared later and does not get them; make their selectors differ"
        for (winner, loser), count in sorted(conflicts.items())
    ]
    doubts += _of_other_namespaces(placed, declared, variant)
    doubts += _by_name_only(placed, declared, variant)
    wrong = _of_other_models(placed, declared, variant, signs)
    doubts += [
        f"{of_variant(declared[i])}: matches {pods_of(models.total())} of model {_listed(models)}; "
        f"not counted, its own model is {declared[i].model}"
        for i, models in sorted(wrong.items())
    ]
    estranged = frozenset(i for i in wrong if _names_its_pods(declared[i].selector))
    return Claims(variant=variant, doubts=doubts, estranged=estranged)


def _selected(placed: Sequence[Placed], declared: Sequence[VariantDeclaration]) -> dict[int, list[int]]:
    """The variants whose selector matches each pod and whose model it serves, by the pod's row."""
    index = SelectorIndex([each.pod for each in placed], [each.namespace for each in placed])
    found: dict[int, list[int]] = {}
    for i, variant in enumerate(declared):
        if variant.selector is not None:
            for row in index.rows(variant.selector, variant.model):
                found.setdefault(row, []).append(i)
    return found


def _signs(declared: Sequence[VariantDeclaration], scalers: Scalers) -> _Signs:
    signs = _Signs()
    for i, variant in enumerate(declared):
        if variant.selector is not None:
            continue
        key = (variant.namespace, variant.name)
        signs.label[key] = i
        scaler = scalers.by_name.get(key)
        targets = {address(w) for w in (variant.workload, scaler.target if scaler else None) if w is not None}
        for target in targets:
            signs.workload.setdefault(target, []).append(i)
        if not targets:
            signs.name[key] = i
    return signs


def _by_signs(each: Placed, signs: _Signs) -> list[int]:
    found: list[int] = []
    label = each.pod.variant_label
    if label and (each.namespace, label) in signs.label:
        found.append(signs.label[each.namespace, label])
    if each.owner is not None:
        workload = each.owner.workload
        found.extend(signs.workload.get(address(workload), ()))
        if not label and not found and (workload.namespace, workload.name) in signs.name:
            found.append(signs.name[workload.namespace, workload.name])
    return found


def _of_other_namespaces(
    placed: Sequence[Placed], declared: Sequence[VariantDeclaration], variant: Sequence[int]
) -> list[str]:
    """A selector without a namespace may reach into another one."""
    foreign = Counter(
        (row, each.pod.namespace)
        for row, each in zip(variant, placed, strict=True)
        if row != NOBODY and each.pod.namespace not in ("", declared[row].namespace)
    )
    return [
        f"{of_variant(declared[row])}: its selector takes {pods_of(count)} of namespace {namespace}; "
        "give the selector a namespace, or set default_namespace if their series have none"
        for (row, namespace), count in sorted(foreign.items())
        if (selector := declared[row].selector) is None or selector.namespace is None
    ]


def _by_name_only(
    placed: Sequence[Placed], declared: Sequence[VariantDeclaration], variant: Sequence[int]
) -> list[str]:
    """Variants of which every pod is theirs by nothing but its name."""
    pods: Counter[int] = Counter()
    sure: set[int] = set()
    for row, each in zip(variant, placed, strict=True):
        if row == NOBODY or declared[row].selector is not None:
            continue
        pods[row] += 1
        if each.pod.variant_label == declared[row].name or (each.owner is not None and each.owner.sure):
            sure.add(row)
    return [
        f"{of_variant(declared[row])}: has its {pods_of(pods[row])} by their names only; "
        "give it a selector or scrape kube_pod_owner of kube-state-metrics"
        for row in sorted(pods.keys() - sure)
    ]


def _of_other_models(
    placed: Sequence[Placed], declared: Sequence[VariantDeclaration], variant: Sequence[int], signs: _Signs
) -> dict[int, Counter[str]]:
    """The models of pods that nobody got because the variants that know them serve another one, by the variant's row."""
    rest = [each for row, each in zip(variant, placed, strict=True) if row == NOBODY and not each.worker]
    index = SelectorIndex([each.pod for each in rest], [each.namespace for each in rest])
    wrong: dict[int, Counter[str]] = {}
    for i, wanted in enumerate(declared):
        if wanted.selector is not None and (rows := index.rows(wanted.selector)):
            wrong[i] = Counter(rest[row].pod.model for row in rows)
    for each in rest:
        for i in set(_by_signs(each, signs)):
            wrong.setdefault(i, Counter())[each.pod.model] += 1
    return wrong


def _names_its_pods(selector: Selector | None) -> bool:
    """Whether what it matches is meant to be one variant's; a namespace or a job may well run several models."""
    return selector is None or any((selector.pod, selector.instance, selector.llm_d_ai_variant))


def _listed(models: Collection[str], most: int = 3) -> str:
    """A few names, and how many more there are."""
    names = sorted(models)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
