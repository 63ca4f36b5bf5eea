"""What is known of a variant that has no engine to be measured: its record, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray
from wva_exporter.core.engine_arguments import EngineArguments
from wva_exporter.core.tokens.footprint import derived_tokens
from wva_exporter.core.tokens.rows import Averages, Stand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Records:
    """Per variant, tokens: shape (variants,), 0 where there is none.

    ``effective`` is the capacity of one replica, ``total`` its KV cache; ``live`` ones were measured, the others are what the
    engine's arguments say.
    """

    effective: FloatArray
    total: FloatArray
    live: BoolArray

    @classmethod
    def of_arguments(cls, arguments: tuple[EngineArguments | None, ...]) -> Records:
        """What the engines' command lines say: tokens of one iteration, and the KV cache where its size is fixed."""
        return cls(
            effective=np.array([0.0 if a is None else float(a.batched_tokens) for a in arguments]),
            total=np.array([0.0 if a is None else float(a.kv_tokens) for a in arguments]),
            live=np.zeros(len(arguments), dtype=np.bool_),
        )

    def take(self, row: IntArray) -> Records:
        """Those of these rows; a negative row has none."""
        known = row >= 0
        if not len(self.effective):
            return Records(effective=np.zeros(len(row)), total=np.zeros(len(row)), live=np.zeros(len(row), np.bool_))
        safe = np.where(known, row, 0)
        return Records(
            effective=np.where(known, self.effective[safe], 0.0),
            total=np.where(known, self.total[safe], 0.0),
            live=known & self.live[safe],
        )

    def over(self, base: Records) -> Records:
        """Measured ones, and ``base`` where nothing was measured."""
        return Records(
            effective=np.where(self.live, self.effective, base.effective),
            total=np.where(self.live, self.total, base.total),
            live=self.live,
        )


def estimate(row: int, stand: Stand, records: Records, averages: Averages) -> float:
    """Capacity of one replica of a variant without any; 0 where nothing is known of it.

    A measured record stands as it is. One of the engine's arguments gives the tokens that a steady state allows at the model's
    mean request, bounded by the KV cache and by what a replica of the same kind was measured to carry; without a mean request,
    the tokens of one iteration.
    """
    effective = float(records.effective[row])
    arguments = stand.arguments[row]
    model = int(stand.model[row])
    outputs = float(averages.outputs[model])
    if effective <= 0 or records.live[row] or arguments is None or outputs <= 0:
        return effective
    derived = float(
        derived_tokens(
            np.array(float(arguments.batched_tokens)),
            np.array(float(arguments.sequences)),
            np.array(averages.inputs[model]),
            np.array(outputs),
        )
    )
    if derived <= 0:
        return effective
    if records.total[row] > 0:
        derived = min(derived, float(np.trunc(records.total[row] * stand.kv_threshold[model])))
    other = _of_same_kind(row, stand, records)
    return derived if other is None else min(derived, other)


def _of_same_kind(row: int, stand: Stand, records: Records) -> float | None:
    """What a measured variant of the same model, hardware and engine arguments carries."""
    arguments = stand.arguments[row]
    assert arguments is not None
    name = stand.model_name[stand.model[row]]
    for other in np.flatnonzero(records.live & (records.effective > 0) & (stand.gpus == stand.gpus[row])).tolist():
        theirs = stand.arguments[other]
        if (
            other != row
            and theirs is not None
            and stand.model_name[stand.model[other]] == name
            and stand.accelerator[other] == stand.accelerator[row]
            and theirs.kin == arguments.kin
        ):
            return float(records.effective[other])
    return None
