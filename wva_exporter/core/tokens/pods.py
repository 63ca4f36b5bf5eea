"""The token analyzer as it should be: pods, not engines, and memory as the only stock.

What differs from the original, and why:

* Capacity and count are those of pods, the unit that is scaled. A pod of eight data-parallel engines holds what eight hold; the
  original counts engines and asks for eight times too much.
* Capacity is what the KV cache holds below its threshold, or what the engine's sequences hold if that is less. Tokens that were
  resident while requests queued are no capacity: a queue has other causes, and a limit of computing is a rate.
* A variant's capacity is the sum over its pods, so that unequal pods count as what they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import FloatArray, IntArray
from wva_exporter.core.tokens.exact import fallback
from wva_exporter.core.tokens.footprint import waiting_tokens
from wva_exporter.core.tokens.records import Records, estimate
from wva_exporter.core.tokens.rows import Averages, Instances, Provenance, Stand, TokenAnalysis


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pods:
    """Engines, and how many of them each pod of a variant runs: shape (variants,)."""

    instances: Instances
    engines: FloatArray


def merged(instances: Instances, stand: Stand) -> Pods:
    """Engines that nobody attributed to pods: as many a pod as there are for each ready one, if that is a whole number."""
    count = np.bincount(instances.variant, minlength=len(stand)).astype(np.float64)
    ready = np.maximum(stand.ready, 1.0)
    whole = (stand.ready > 0) & (count % ready == 0) & (count > 0)
    return Pods(instances=instances, engines=np.where(whole, count / ready, 1.0))


def analyze(pods: Pods, stand: Stand, records: Records) -> TokenAnalysis:
    """Every variant's capacity and demand in pods."""
    rows, variants = pods.instances, len(stand)
    averages = Averages.of(rows, stand)
    capacity, used, provenance = _of_instances(rows, stand, records)
    counted = capacity > 0
    variant = rows.variant[counted]
    waiting = waiting_tokens(rows.queue, rows.inputs, rows.outputs, stand.role[rows.variant])
    engines = np.bincount(variant, minlength=variants)
    count = engines / pods.engines
    total = np.bincount(variant, weights=capacity[counted], minlength=variants)
    each = np.divide(total, count, out=np.zeros(variants), where=count > 0)
    of_variant = np.full(variants, Provenance.NO_DATA, dtype=np.int64)
    of_variant[variant] = provenance[counted]
    for row in np.flatnonzero(engines == 0).tolist():
        each[row] = estimate(row, stand, records, averages)
        of_variant[row] = Provenance.STORED if each[row] > 0 else Provenance.NO_DATA
    return TokenAnalysis(
        capacity=each,
        count=np.where(engines > 0, count, stand.ready),
        pending=stand.pending,
        demand=np.bincount(variant, weights=(used + waiting)[counted], minlength=variants).astype(np.float64),
        provenance=of_variant,
        averages=averages,
    )


def _of_instances(rows: Instances, stand: Stand, records: Records) -> tuple[FloatArray, FloatArray, IntArray]:
    """Capacity, resident tokens and provenance of each engine; capacity 0 where nobody knows it."""
    threshold = stand.kv_threshold[stand.model[rows.variant]]
    total, tokens = _completed(rows, len(stand), records)
    known = total > 0
    memory = np.trunc(total * threshold)
    sequences = _sequence_tokens(rows, stand)
    stored, stored_use = fallback(records.effective[rows.variant], rows.kv, threshold)
    capacity = np.where(known, np.minimum(memory, sequences), stored)
    used = np.where(known, tokens, stored_use)
    provenance = np.where(known & (sequences < memory), Provenance.DERIVED, Provenance.MEMORY)
    return capacity, used, provenance


def _completed(rows: Instances, variants: int, records: Records) -> tuple[FloatArray, FloatArray]:
    """KV capacity and resident tokens; an engine that does not say its capacity has that of its variant's others."""
    said = rows.total > 0
    count = np.bincount(rows.variant[said], minlength=variants)
    mean = np.bincount(rows.variant[said], weights=rows.total[said], minlength=variants) / np.maximum(count, 1)
    known = np.where(count > 0, mean, records.total)[rows.variant]
    total = np.where(said, rows.total, known)
    return total, np.where(said, rows.tokens, np.round(rows.kv * total))


def _sequence_tokens(rows: Instances, stand: Stand) -> FloatArray:
    """What as many requests hold as an engine runs at once, half of each answer written: ``S (I + O / 2)``.

    Only where somebody said how many: else there is no limit that we know of.
    """
    said = [
        np.inf if a is None or a.sequences <= 0 or not a.sequences_given else float(a.sequences)
        for a in stand.arguments
    ]
    sequences = np.array(said, dtype=np.float64)[rows.variant] if said else np.zeros(0)
    each = rows.inputs + rows.outputs / 2.0
    known = np.isfinite(sequences) & (rows.outputs > 0)
    return np.trunc(np.where(known, np.where(known, sequences, 0.0) * each, np.inf))


def remembered(found: TokenAnalysis, instances: Instances, records: Records) -> Records:
    """What each variant with a measured pod can carry, for the time when it has none."""
    variants = len(records.effective)
    measured = np.bincount(instances.variant[instances.total > 0], minlength=variants) > 0
    pods_total = np.bincount(instances.variant, weights=instances.total, minlength=variants)
    each = np.divide(pods_total, found.count, out=np.zeros(variants), where=found.count > 0)
    return Records(
        effective=np.where(measured, found.capacity, records.effective),
        total=np.where(measured, each, records.total),
        live=records.live | measured,
    )
