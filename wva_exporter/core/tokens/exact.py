"""The token analyzer as WVA has it, faults included.

A replica's capacity is ``min(k1, k2)``: ``k1`` the share of its KV cache that may fill, ``k2`` what it was seen to hold while
it queued, else the mean of what its kind held, else what its engine's arguments allow, else ``k1``. Its demand is what it holds
and what waits for it. The order of operations is the original's, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray
from wva_exporter.core.tokens.footprint import derived_tokens, waiting_tokens
from wva_exporter.core.tokens.history import BUCKETS, EMPTY, History, Key, bucket_of, kept, mean
from wva_exporter.core.tokens.records import Records, estimate
from wva_exporter.core.tokens.rows import Averages, Instances, Provenance, Stand, TokenAnalysis


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Past:
    """What the cycles before left: the record of each variant, and the samples of each kind of replica."""

    records: Records
    history: History = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Capacity and demand of each instance that counts: shape (instances,)."""

    variant: IntArray
    capacity: FloatArray
    demand: FloatArray
    provenance: IntArray


def analyze(instances: Instances, stand: Stand, past: Past) -> tuple[TokenAnalysis, Past]:
    """Every variant's capacity and demand in engines, and what the next cycle must remember."""
    averages = Averages.of(instances, stand)
    measured = instances.where(instances.total > 0)
    main, history = _main(measured, stand, past.history)
    fallback = _fallback(instances, main, stand, past.records)
    records = _remember(measured, main, past.records)
    rows = _joined(main, fallback)
    analysis = _of_variants(rows, stand, averages)
    empty = np.flatnonzero(np.bincount(rows.variant, minlength=len(stand)) == 0)
    return _estimated(analysis, empty, stand, records), Past(records=records, history=history)


def _main(rows: Instances, stand: Stand, history: History) -> tuple[_Rows, History]:
    """Instances whose KV capacity is known."""
    model = stand.model[rows.variant]
    k1 = np.trunc(rows.total * stand.kv_threshold[model])
    observed = (rows.queue >= np.trunc(stand.queue_threshold[model])) & (rows.tokens > 0)
    remembered, history = _remembered(rows, stand, observed, history)
    batched, sequences = _limits(stand)
    derived = derived_tokens(batched[rows.variant], sequences[rows.variant], rows.inputs, rows.outputs)
    found = [observed, remembered > 0, derived > 0]
    k2 = np.select(found, [rows.tokens, np.trunc(remembered), derived], k1)
    codes = [Provenance.OBSERVED, Provenance.HISTORY, Provenance.DERIVED]
    waiting = waiting_tokens(rows.queue, rows.inputs, rows.outputs, stand.role[rows.variant])
    return _Rows(
        variant=rows.variant,
        capacity=np.minimum(k1, k2),
        demand=rows.tokens + waiting,
        provenance=np.select(found, codes, Provenance.MEMORY),
    ), history


def _limits(stand: Stand) -> tuple[FloatArray, FloatArray]:
    """Most tokens of an iteration and most sequences of each variant, 0 where nobody says."""
    said = [(0, 0) if a is None else (a.batched_tokens, a.sequences) for a in stand.arguments]
    table = np.array(said, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _remembered(rows: Instances, stand: Stand, observed: BoolArray, history: History) -> tuple[FloatArray, History]:
    """The mean that holds for each instance when its turn comes: samples of earlier rows of this cycle count already."""
    bucket = bucket_of(rows.outputs)
    family: dict[tuple[str, str, int], int] = {}
    kinds = zip(stand.model.tolist(), stand.accelerator, stand.gpus.tolist(), strict=True)
    of_variant = np.array(
        [family.setdefault((stand.model_name[m], acc, gpus), len(family)) for m, acc, gpus in kinds], dtype=np.int64
    )
    place = of_variant[rows.variant] * len(BUCKETS) + bucket
    names = list(family)

    def key(number: int) -> Key:
        return (*names[number // len(BUCKETS)], BUCKETS[number % len(BUCKETS)])

    distinct, row_of = np.unique(place, return_inverse=True)
    means = np.array([mean(history.get(key(number), ())) for number in distinct.tolist()], dtype=np.float64)
    found: FloatArray = means[row_of] if len(rows) else np.zeros(0)
    fresh = np.unique(place[observed])
    if not fresh.size:
        return found, history
    learned = dict(history)
    for row in np.flatnonzero(np.isin(place, fresh)).tolist():  # in their order: each sees what came before it
        name = key(int(place[row]))
        if observed[row]:
            learned[name] = kept((*learned.get(name, ()), float(rows.tokens[row])))
        else:
            found[row] = mean(learned.get(name, ()))
    return found, learned


def _fallback(instances: Instances, main: _Rows, stand: Stand, records: Records) -> _Rows:
    """Instances of unknown KV capacity: the record of their variant stands in, and without one they are not counted."""
    rest = np.flatnonzero(instances.total <= 0)
    rows = instances.where(instances.total <= 0)
    effective = records.effective[rows.variant]
    measured = np.flatnonzero(instances.total > 0)
    for place, row in enumerate(
        rest.tolist()
    ):  # a measured engine of the variant before this one has renewed the record
        before = np.flatnonzero((measured < row) & (main.variant == rows.variant[place]))
        if before.size:
            effective[place] = main.capacity[before[-1]]
    counted = effective > 0
    rows, effective = rows.where(counted), effective[counted]
    capacity, used = fallback(effective, rows.kv, stand.kv_threshold[stand.model[rows.variant]])
    waiting = waiting_tokens(rows.queue, rows.inputs, rows.outputs, stand.role[rows.variant])
    return _Rows(
        variant=rows.variant,
        capacity=capacity,
        demand=used + waiting,
        provenance=np.full(len(rows), Provenance.MEMORY, dtype=np.int64),
    )


def fallback(effective: FloatArray, kv: FloatArray, threshold: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Capacity ``trunc(E x Tk)`` and what is used of it, ``trunc(kv x capacity)``."""
    capacity = np.trunc(effective * threshold)
    return capacity, np.trunc(kv * capacity)


def _remember(rows: Instances, main: _Rows, records: Records) -> Records:
    """The last measured instance of a variant becomes its record."""
    effective, total, live = records.effective.copy(), records.total.copy(), records.live.copy()
    effective[main.variant] = main.capacity  # of repeated places the last one stays
    total[main.variant] = rows.total
    live[main.variant] = True
    return replace(records, effective=effective, total=total, live=live)


def _joined(main: _Rows, fallback: _Rows) -> _Rows:
    return _Rows(
        variant=np.concatenate([main.variant, fallback.variant]),
        capacity=np.concatenate([main.capacity, fallback.capacity]),
        demand=np.concatenate([main.demand, fallback.demand]),
        provenance=np.concatenate([main.provenance, fallback.provenance]),
    )


def _of_variants(rows: _Rows, stand: Stand, averages: Averages) -> TokenAnalysis:
    """The integer median of the capacities, the number of engines, the sum of the demands."""
    variants = len(stand)
    count = np.bincount(rows.variant, minlength=variants)
    capacity, middle = medians(rows.capacity, rows.variant, variants)
    present = count > 0
    provenance = np.full(variants, Provenance.NO_DATA, dtype=np.int64)
    provenance[present] = rows.provenance[middle[present]]
    ready = stand.ready
    ranks = np.where(ready > 0, count // np.maximum(ready, 1.0), 0.0)
    return TokenAnalysis(
        capacity=capacity,
        count=count.astype(np.float64),
        pending=stand.pending * np.where(present & (ranks > 1), ranks, 1.0),
        demand=np.bincount(rows.variant, weights=rows.demand, minlength=variants).astype(np.float64),
        provenance=provenance,
        averages=averages,
    )


def medians(capacity: FloatArray, variant: IntArray, variants: int) -> tuple[FloatArray, IntArray]:
    """The integer median of each variant, of an even number the truncated mean of the middle two, and the row of the lower one.

    Shape (variants,); 0 and -1 for a variant without rows.
    """
    count = np.bincount(variant, minlength=variants)
    order = np.lexsort((capacity, variant))
    first = np.cumsum(count) - count
    present = count > 0
    lower = order[(first + np.maximum(count - 1, 0) // 2)[present]]
    upper = order[(first + count // 2)[present]]
    middle, row = np.zeros(variants), np.full(variants, -1, dtype=np.int64)
    middle[present] = np.trunc((capacity[lower] + capacity[upper]) / 2.0)
    row[present] = lower
    return middle, row


def _estimated(analysis: TokenAnalysis, empty: IntArray, stand: Stand, records: Records) -> TokenAnalysis:
    """Variants without an engine that counts have what their record says, and as many units as pods are ready."""
    capacity, provenance, count = analysis.capacity.copy(), analysis.provenance.copy(), analysis.count.copy()
    for row in empty.tolist():
        capacity[row] = estimate(row, stand, records, analysis.averages)
        provenance[row] = Provenance.STORED if capacity[row] > 0 else Provenance.NO_DATA
    count[empty] = stand.ready[empty]
    return replace(analysis, capacity=capacity, provenance=provenance, count=count)
