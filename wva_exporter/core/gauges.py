"""How full each variant is: the figures beside a decision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, Column, FloatArray
from wva_exporter.core.decision import Gauges
from wva_exporter.core.policies import Proposal
from wva_exporter.core.snapshot import Snapshot


def measure(snapshot: Snapshot, answers: Sequence[tuple[BoolArray, Proposal]]) -> Gauges:
    """Merge the policies' own measures and add the tokens; ``answers`` pairs each proposal with the variants it is for."""
    fleet = snapshot.fleet
    variants, models = len(fleet), len(fleet.models)
    utilization = required = spare = Column.unknown(variants)
    required_unit, spare_unit = [""] * models, [""] * models
    for chosen, proposal in answers:
        utilization = _merge(utilization, proposal.utilization, chosen)
        required = _merge(required, proposal.required, chosen)
        spare = _merge(spare, proposal.spare, chosen)
        for row in set(fleet.variants.model[chosen].tolist()):
            required_unit[row], spare_unit[row] = proposal.required_unit, proposal.spare_unit
    used, capacity = _tokens(snapshot)
    return Gauges(
        utilization=utilization,
        required=required,
        spare=spare,
        required_unit=tuple(required_unit),
        spare_unit=tuple(spare_unit),
        kv_tokens_used=used,
        kv_tokens_capacity=capacity,
    )


def _merge(base: Column, other: Column, chosen: BoolArray) -> Column:
    if chosen.all():
        return other
    return Column.of(np.where(chosen, other.value, base.value), np.where(chosen, other.known, base.known))


def _tokens(snapshot: Snapshot) -> tuple[Column, Column]:
    """Tokens in use and their capacity per variant, over its live replicas, known where every one of them knows."""
    replicas, variants = snapshot.replicas, len(snapshot.fleet)
    live = replicas.live
    variant = replicas.variant[live]
    share, capacity = replicas[Signal.KV], replicas[Signal.KV_CAPACITY]
    known = (share.known & capacity.known)[live]
    count = np.bincount(variant, minlength=variants)
    knowing = np.bincount(variant, weights=known, minlength=variants)
    complete = (count > 0) & (knowing == count)

    def total(values: FloatArray) -> Column:
        return Column.of(np.bincount(variant, weights=np.where(known, values, 0.0), minlength=variants), complete)

    tokens = capacity.value[live]
    return total(np.round(share.value[live] * tokens)), total(tokens)
