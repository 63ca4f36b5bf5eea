"""The GPUs that there are, as WVA's policies meet them: budgets of an optimizer, and what is cut from finished targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.core.allocation.budgets import Budgets, Constraint
from wva_exporter.core.allocation.limiter import Decision, trim_by_quotas
from wva_exporter.core.allocation.quotas import UNLIMITED, Quotas, Scope
from wva_exporter.core.columns import BoolArray, FloatArray
from wva_exporter.core.snapshot import Snapshot

INVENTORY = "gpu-inventory"


def budgets_of(snapshot: Snapshot, quotas: tuple[Quotas, ...], *, exact: bool) -> Budgets | None:
    """Free GPUs by type; None where nobody counts any and none is allotted. What is in use is in use, whoever asked for it.

    A type that nobody counts has no limit that we know of; ``exact`` takes it for one of which there are none.
    """
    allotted = _allotted(snapshot, quotas)
    if not snapshot.inventory or (exact and allotted):
        return Budgets.of(allotted) if allotted else None
    variants, current = snapshot.fleet.variants, snapshot.counts.current
    kinds = {kind: place for place, kind in enumerate(dict.fromkeys((*snapshot.inventory, *variants.accelerator)))}
    place = np.array([kinds[kind] for kind in variants.accelerator], dtype=np.int64)
    used = np.bincount(place, weights=current.value * variants.gpus_per_replica, minlength=len(kinds)).tolist()
    pools = {kind: (float(limit), used[kinds[kind]]) for kind, limit in snapshot.inventory.items()}
    uncounted = {} if exact else {kind: (-1.0, 0.0) for kind in kinds if kind not in pools}
    return Budgets.of([Constraint(pools={**pools, **uncounted}), *allotted])


def _allotted(snapshot: Snapshot, quotas: tuple[Quotas, ...]) -> list[Constraint]:
    """What each set of quotas leaves free."""
    fleet, current = snapshot.fleet, snapshot.counts.current
    variants = fleet.variants
    taken = (current.value * variants.gpus_per_replica).tolist()
    used: dict[tuple[str, str], float] = {}
    for namespace, kind, gpus in zip(variants.namespace, variants.accelerator, taken, strict=True):
        used[namespace, kind] = used.get((namespace, kind), 0.0) + gpus
    return [each.constraint(used, dict.fromkeys(fleet.models.namespace)) for each in quotas]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wanted:
    """Targets before they are cut: shape (variants,). ``spare`` capacity is the order of service, where ``asking``."""

    target: FloatArray
    spare: FloatArray
    asking: BoolArray


def cut(snapshot: Snapshot, wanted: Wanted, quotas: tuple[Quotas, ...], *, exact: bool) -> tuple[FloatArray, BoolArray]:
    """Targets within the GPUs there are, and which of them were cut: shape (variants,). What runs stays.

    Those with the least to spare grow first. ``exact`` counts the GPUs of ``asking`` variants alone, takes a type that nobody
    counts for one of which there are none, and the quotas instead of the inventory; otherwise all that runs is in use, a type
    that nobody counts has no limit, and the quotas are a further one.
    """
    rows = np.flatnonzero(wanted.asking)
    current = snapshot.counts.current.value
    limits = _limits(snapshot, quotas, exact=exact)
    untouched = np.zeros(len(wanted.target), dtype=np.bool_)
    if not limits or not np.any(wanted.target[rows] > current[rows]):
        return wanted.target, untouched
    kinds = _kinds(snapshot)
    if not exact:
        _use(snapshot, np.flatnonzero(~wanted.asking).tolist(), kinds, limits)
    trimmed = trim_by_quotas(_decisions(snapshot, wanted, rows.tolist(), kinds), limits, exact=exact)
    after = {each.name: float(each.target) for each in trimmed.decisions}
    target, names = wanted.target.copy(), _names(snapshot, rows.tolist())
    target[rows] = [after[name] for name in names]
    untouched[rows] = [name in trimmed.limited_by for name in names]
    return target, untouched


def _limits(snapshot: Snapshot, quotas: tuple[Quotas, ...], *, exact: bool) -> list[Quotas]:
    """Fresh sets of limits, of which nothing is used yet."""
    allotted = [replace(each, used={}) for each in quotas]
    if not snapshot.inventory or (exact and allotted):
        return allotted
    uncounted = {} if exact else dict.fromkeys(_kinds(snapshot), UNLIMITED)
    return [Quotas(name=INVENTORY, scope=Scope.CLUSTER, cluster={**uncounted, **snapshot.inventory}), *allotted]


def _kinds(snapshot: Snapshot) -> tuple[str, ...]:
    """The accelerator of each variant; of one that names none the only kind there is, else `unknown`."""
    only = next(iter(snapshot.inventory)) if len(snapshot.inventory) == 1 else "unknown"
    return tuple(kind or only for kind in snapshot.fleet.variants.accelerator)


def _use(snapshot: Snapshot, rows: Sequence[int], kinds: Sequence[str], limits: Sequence[Quotas]) -> None:
    """What runs already of variants that ask for nothing here."""
    variants, current = snapshot.fleet.variants, snapshot.counts.current.value
    for limit in limits:
        for row in rows:
            limit.use(variants.namespace[row], kinds[row], int(current[row]) * int(variants.gpus_per_replica[row]))


def _names(snapshot: Snapshot, rows: Sequence[int]) -> list[str]:
    """Unique in a fleet."""
    variants = snapshot.fleet.variants
    return [f"{variants.namespace[row]}/{variants.name[row]}" for row in rows]


def _decisions(snapshot: Snapshot, wanted: Wanted, rows: Sequence[int], kinds: Sequence[str]) -> list[Decision]:
    variants, current = snapshot.fleet.variants, snapshot.counts.current.value
    return [
        Decision(
            name=name,
            current=int(current[row]),
            target=int(wanted.target[row]),
            namespace=variants.namespace[row],
            accelerator=kinds[row],
            gpus=max(int(variants.gpus_per_replica[row]), 1),
            cost=float(variants.ranking_cost[row]),
            spare=float(wanted.spare[row]),
            minimum=int(variants.minimum[row]),
            maximum=int(variants.maximum.value[row]) if variants.maximum.known[row] else None,
        )
        for name, row in zip(_names(snapshot, rows), rows, strict=True)
    ]
