"""What an operator should know before trusting the targets: findings to mend and notes to read.

A finding makes decisions impossible, late or blind; a note says where a decision stands on a guess or a default.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wva_exporter.config.schema import Settings
from wva_exporter.conventions import Signal
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.promql import series_of
from wva_exporter.engines.table import Engine
from wva_exporter.service.cycle import Outcome
from wva_exporter.sources.samples import Answer

INTERVAL_TOLERANCE = 0.2
"""How far the measured scrape interval may be from the configured one."""

NAMED = 4
"""How many variants a shared note names."""

NEEDED = (
    Signal.KV_PEAK,
    Signal.WAITING_PEAK,
    Signal.RUNNING,
    Signal.WAITING,
    Signal.REQUEST_RATE,
    Signal.GENERATION_TOKEN_RATE,
    Signal.KV_CAPACITY,
)
"""What decisions read of every replica."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Sentences, one a line: findings want something done, notes want to be known."""

    findings: tuple[str, ...]
    notes: tuple[str, ...]


def examine(outcome: Outcome, settings: Settings, interval: Answer | None) -> Report:
    """Judge one cycle's answers.

    Args:
        outcome: what was seen and concluded.
        settings: the configuration in force.
        interval: the scrape interval of each replica in seconds as the source measured it; None where it scrapes itself.
    """
    findings = [*_unanswered(outcome), *_variants(outcome), *_interval(interval, settings), *_zero(outcome.snapshot)]
    return Report(findings=tuple(findings), notes=tuple(_notes(outcome)))


def _unanswered(outcome: Outcome) -> Iterator[str]:
    """Queries that failed, and answers that their source called incomplete."""
    for signal, answer in outcome.observation.answers.items():
        if answer.failure is not None:
            yield f"query {signal}: {answer.failure}: {answer.detail}"
        for warning in answer.warnings:
            yield f"query {signal}: the answer is incomplete: {warning}"


def _variants(outcome: Outcome) -> Iterator[str]:
    """Variants without replicas, and what the replicas of others lack."""
    snapshot = outcome.snapshot
    fleet, replicas = snapshot.fleet, snapshot.replicas
    if not len(fleet):
        yield "no variant: no engine's series are there, and none is declared"
    for row in range(len(fleet)):
        own = replicas.variant == row
        live = own & replicas.live
        if not own.any():
            if not (snapshot.counts.declared[row] and snapshot.counts.current.value[row] == 0):
                yield f"{_name(fleet, row)}: no engine's series for model {_model(fleet, row)}"
            continue
        if snapshot.counts.disputed[row]:
            yield (
                f"{_name(fleet, row)}: kube-state-metrics counts it twice, differently, or below what answers; "
                "is it scraped for several clusters? prometheus.matchers picks one"
            )
        silent = int(np.count_nonzero(own & ~live))
        if silent:
            yield f"{_name(fleet, row)}: {silent} of {np.count_nonzero(own)} replicas do not answer"
        for signal in NEEDED:
            lacking = int(np.count_nonzero(live & ~replicas[signal].known))
            if lacking:
                looked_for = ", ".join(series_of(signal, _engines(outcome, row)))
                yield f"{_name(fleet, row)}: {lacking} replicas lack {signal} (looked for {looked_for})"
    for pod in outcome.catalogue.unattributed:
        yield f"pod {pod.name} of namespace {pod.namespace} (model {pod.model or 'unknown'}) belongs to no variant"


def _engines(outcome: Outcome, row: int) -> tuple[Engine, ...]:
    """The engines that the replicas of a variant run."""
    catalogue = outcome.catalogue
    types = {
        pod.engine_type for pod, own in zip(catalogue.pods, catalogue.variant_of.tolist(), strict=True) if own == row
    }
    return tuple(engine for engine in ENGINES if engine.name in types)


def _interval(interval: Answer | None, settings: Settings) -> Iterator[str]:
    """Windows follow from the scrape interval: a wrong one makes them too short, or decisions late."""
    if interval is None or not len(interval):
        return
    measured = float(np.min(interval.value))
    configured = settings.scrape_interval_seconds
    if abs(measured / configured - 1.0) > INTERVAL_TOLERANCE:
        yield (
            f"engines are scraped every {measured:.0f} s, scrape_interval says {configured:g} s; "
            "windows and coverage are wrong until it is set"
        )


def _zero(snapshot: Snapshot) -> Iterator[str]:
    """Models that may go to zero and that nothing could wake."""
    models, variants = snapshot.fleet.models, snapshot.fleet.variants
    for row in range(len(models)):
        may = models.zero_retention_seconds.known[row] and np.any(variants.minimum[variants.model == row] == 0)
        if may and not snapshot.router_queue.known[row]:
            yield (
                f"model {models.name[row]} of namespace {models.namespace[row]} may scale to zero, "
                "but no router's queue is there to wake it; it stays"
            )


def _notes(outcome: Outcome) -> Iterator[str]:
    """What stands on a guess or a default; variants that share a note share its line."""
    yield from outcome.catalogue.guesses
    counts, variants = outcome.snapshot.counts, outcome.snapshot.fleet.variants
    for lacking, text in (
        (~counts.declared, "kube-state-metrics does not count {it}; replicas are those that are scraped"),
        (~variants.cost.known, "no cost for {it}: ranks as 10 an hour and publishes no wva_cost"),
        (~variants.maximum.known, "no maximum for {it}: one cycle asks for at most twice what there is"),
    ):
        rows = np.flatnonzero(lacking).tolist()
        if rows:
            yield text.format(it=_listed(outcome.snapshot.fleet, rows))


def _listed(fleet: Fleet, rows: list[int]) -> str:
    """A few variants by name, and how many more there are."""
    if len(rows) == 1:
        return _name(fleet, rows[0])
    names = ", ".join(f"{fleet.variants.namespace[row]}/{fleet.variants.name[row]}" for row in rows[:NAMED])
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return f"{len(rows)} variants ({names}{more})"


def _name(fleet: Fleet, row: int) -> str:
    return f"variant {fleet.variants.name[row]} of namespace {fleet.variants.namespace[row]}"


def _model(fleet: Fleet, row: int) -> str:
    return fleet.models.name[int(fleet.variants.model[row])]
