"""The throughput analyzer: what each variant carries, what each model is asked for, in tokens per second.

After the throughput analyzer of llm-d's autoscaler (August 2026). ``exact`` repeats it. Otherwise these differ: requests at
once are also capped by the engine's maximum of sequences; drift is measured against the window's start; prefill replicas have
a supply of their own; demand is split over roles by what they carry; a silent router is no absence of demand; a variant whose
replicas are idle keeps the capacity it was last seen to have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.fleet import Role
from wva_exporter.core.throughput.itl import SATURATED_USAGE, Line, Tier, fit
from wva_exporter.core.throughput.memory import Memory
from wva_exporter.core.throughput.observe import counted, observe
from wva_exporter.core.throughput.prompts import prompt_seconds, prompt_supply
from wva_exporter.core.throughput.shape import Shape
from wva_exporter.core.throughput.supply import Supply, disagrees, seen_demand, supply
from wva_exporter.core.throughput.totals import Capacity, Totals, totals
from wva_exporter.core.throughput.view import View

CHECKED_USAGE = 0.30
MOST_DISAGREEMENT = 0.15
CYCLES_OF_DISAGREEMENT = 3
"""So many cycles in a row with a token rate so far from the predicted one, at such a use or more, empty the window."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Throughput:
    """The analysis: variants, shape (variants,), and ``totals`` of models and roles.

    ``per_replica`` is tokens per second (input tokens of a prefill variant, when not exact), unknown where nothing can be said;
    ``replicas`` those with KV capacity; ``demand`` what the variant's own replicas show; ``samples`` those in its window.
    """

    per_replica: Column
    replicas: FloatArray
    pending: FloatArray
    demand: Column
    line: Line
    shape: Shape
    samples: IntArray
    totals: Totals


def analyze(view: View, memory: Memory, *, exact: bool = False) -> tuple[Throughput, Memory]:
    """One cycle: what is carried and asked for, and what to remember; ``memory`` has a row for each variant of the view."""
    memory = observe(view, memory.without_stale(view.time), exact=exact)
    decoding = counted(view, exact=exact)
    replicas = view.replicas
    line = fit(
        memory.samples,
        replicas.kv_usage.where(decoding),
        replicas.itl_seconds.where(decoding),
        replicas.variant,
        memory.base,
    )
    carried = supply(view, line, memory.shape, capped=not exact)
    demand = seen_demand(view, line, memory.shape, exact=exact)
    memory = _learned(view, memory, line, carried, decoding)
    if not exact:
        carried, demand, memory = _with_prompts(view, carried, demand, memory)
    known, per_replica, shown = _told(view, carried, line, memory, exact=exact)
    capacity = Capacity(
        known=known,
        blind=~known & (carried.replicas > 0.0),
        replicas=carried.replicas,
        pending=view.pending,
        per_replica=np.where(known, per_replica, 0.0),
        full_itl_seconds=np.where(carried.full_itl_seconds > 0.0, carried.full_itl_seconds, _full(shown, exact=exact)),
        input_tokens=memory.shape.input_tokens,
        output_tokens=memory.shape.output_tokens,
        prompt_seconds=memory.prompt_seconds.value,
        seen_demand=demand,
    )
    found = Throughput(
        per_replica=Column.of(per_replica, known),
        replicas=carried.replicas,
        pending=view.pending,
        demand=demand,
        line=shown,
        shape=memory.shape,
        samples=memory.samples.count(len(view)),
        totals=totals(view, capacity, exact=exact),
    )
    return found, memory


def _learned(view: View, memory: Memory, line: Line, carried: Supply, decoding: BoolArray) -> Memory:
    """The last good line and supply, and windows emptied where the measured token rate keeps contradicting them."""
    known = carried.per_replica.known
    off = known & disagrees(view, line, memory.shape, decoding, least_usage=CHECKED_USAGE, most=MOST_DISAGREEMENT)
    mismatches = np.where(known, np.where(off, memory.mismatches + 1, 0), memory.mismatches)
    emptied = mismatches >= CYCLES_OF_DISAGREEMENT
    fitted = line.tier == Tier.FITTED
    return replace(
        memory,
        samples=memory.samples.without(emptied),
        mismatches=np.where(emptied, 0, mismatches),
        base=Column.of(np.where(fitted, line.base, memory.base.value), fitted | memory.base.known),
        line=_either(known, line, memory.line),
        per_replica=Column.of(
            np.where(known, carried.per_replica.value, memory.per_replica.value), known | memory.per_replica.known
        ),
    )


def _with_prompts(view: View, carried: Supply, demand: Column, memory: Memory) -> tuple[Supply, Column, Memory]:
    """Prefill variants: capacity and demand in input tokens per second, from the time that a prompt takes alone."""
    prefill = view.role == Role.PREFILL
    today = prompt_seconds(view).where(prefill)
    seconds = Column.of(
        np.where(today.known, today.value, memory.prompt_seconds.value), today.known | memory.prompt_seconds.known
    )
    replicas = view.replicas
    present = np.bincount(replicas.variant, minlength=len(view)) > 0
    prompts = prompt_supply(seconds, memory.shape.input_tokens).where(present | view.configured)
    asked = replicas.completions.known & replicas.input_tokens.known
    wanted = view.by_variant(np.where(asked, replicas.completions.value * replicas.input_tokens.value, 0.0))
    told = view.by_variant(asked.astype(np.float64)) > 0.0
    return (
        Supply(
            replicas=carried.replicas,
            per_replica=_pick(prefill, prompts, carried.per_replica),
            full_itl_seconds=np.where(prefill, 0.0, carried.full_itl_seconds),
        ),
        _pick(prefill, Column.of(wanted, told), demand),
        replace(memory, prompt_seconds=seconds),
    )


def _told(
    view: View, carried: Supply, line: Line, memory: Memory, *, exact: bool
) -> tuple[BoolArray, FloatArray, Line]:
    """Which variants have a capacity, which, and the line behind it: today's, else the remembered one.

    The original remembers only for variants without any replica; for one whose replicas are idle it has no capacity at all.
    """
    today = carried.per_replica.known
    absent = np.bincount(view.replicas.variant, minlength=len(view)) == 0
    excused = absent if exact else (absent | (carried.replicas > 0.0)) & (view.role != Role.PREFILL)
    recalled = ~today & view.configured & excused & memory.per_replica.known & (memory.per_replica.value > 0.0)
    value = np.where(today, carried.per_replica.value, memory.per_replica.value)
    shown = _either(~recalled, line, replace(memory.line, tier=np.full(len(view), Tier.REMEMBERED)))
    return today | recalled, np.where(today | recalled, value, 0.0), shown


def _full(line: Line, *, exact: bool) -> FloatArray:
    """ITL of a remembered line where a replica would be full: what a queue at zero replicas is weighed with."""
    step = line.at(SATURATED_USAGE)
    return np.zeros(len(step)) if exact else np.where((line.tier == Tier.REMEMBERED) & (step > 0.0), step, 0.0)


def _either(first: BoolArray, a: Line, b: Line) -> Line:
    return Line(
        slope=np.where(first, a.slope, b.slope),
        base=np.where(first, a.base, b.base),
        tier=np.where(first, a.tier, b.tier),
    )


def _pick(first: BoolArray, a: Column, b: Column) -> Column:
    return Column.of(np.where(first, a.value, b.value), np.where(first, a.known, b.known))
