"""The analysis of a fleet as an optimizer is asked: one request a model that lacks or has something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.allocation.request import Offer, Request, Word
from wva_exporter.core.columns import BoolArray, FloatArray, IntArray
from wva_exporter.core.fleet import Fleet, Role
from wva_exporter.core.tokens.balance import Balance

_ROLES = tuple(Role)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """What replicas of each variant cost and carry, and how many there are and may be: shape (variants,).

    ``maximum`` below 0: unlimited. A variant without an accelerator has ''.
    """

    cost: FloatArray
    capacity: FloatArray
    current: IntArray
    pending: IntArray
    minimum: IntArray
    maximum: IntArray
    accelerator: tuple[str, ...]


def requests(fleet: Fleet, terms: Terms, balance: Balance, wanted: BoolArray, *, every: bool = False) -> list[Request]:
    """One a model of which a wanted variant could be changed, in the order of the models; ``every``: one of each model.

    ``wanted`` has shape (variants,). The name of an offer is its variant's row: names themselves repeat over namespaces.
    """
    offers = _offers(fleet, terms, wanted if every else wanted & balance.stirring[fleet.variants.model])
    return [_request(fleet, balance, model, tuple(its)) for model, its in sorted(offers.items())]


def _request(fleet: Fleet, balance: Balance, model: int, offers: tuple[Offer, ...]) -> Request:
    split = bool(balance.split[model])
    if split:
        present = [role for role in _ROLES if balance.owned[model, role]]
        lacking = {role: float(balance.lacking_of_roles[model, role]) for role in present}
        free = {role: float(balance.free_of_roles[model, role]) for role in present}
        demand = {role: float(balance.demand_of_roles[model, role]) for role in present}
    else:
        lacking = {Role.BOTH: float(balance.lacking[model])}
        free = {Role.BOTH: float(balance.free[model])}
        demand = {Role.BOTH: float(balance.demand[model])}
    word = Word(score=1.0, required=lacking, spare=free, total_required=float(balance.lacking[model]))
    return Request(
        model=fleet.models.name[model],
        namespace=fleet.models.namespace[model],
        priority=float(fleet.models.priority[model]),
        words=(word,),
        offers=offers,
        demand=demand,
        total_demand=float(balance.demand[model]),
        disaggregated=split,
        scale_up=float(fleet.models.thresholds.scale_up[model]),
    )


def _offers(fleet: Fleet, terms: Terms, wanted: BoolArray) -> dict[int, list[Offer]]:
    """The wanted variants by model."""
    variants, rows = fleet.variants, np.flatnonzero(wanted)
    numbers = (variants.role, terms.cost, terms.capacity, terms.current, terms.pending)
    bounds = (np.maximum(variants.gpus_per_replica, 1), terms.minimum, terms.maximum)
    columns = zip(variants.model[rows].tolist(), *(each[rows].tolist() for each in (*numbers, *bounds)), strict=True)
    found: dict[int, list[Offer]] = {}
    for row, values in zip(rows.tolist(), columns, strict=True):
        model, role, cost, capacity, current, pending, gpus, minimum, maximum = values
        offer = Offer(
            name=str(row),
            role=_ROLES[role],
            accelerator=terms.accelerator[row],
            cost=cost,
            capacity=(capacity,),
            current=current,
            pending=pending,
            gpus=gpus,
            minimum=minimum,
            maximum=maximum if maximum >= 0 else None,
        )
        found.setdefault(model, []).append(offer)
    return found
