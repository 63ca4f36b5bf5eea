"""The answers of one cycle, gathered target by target from what their scrapes brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.engines import kubernetes, router
from wva_exporter.engines.promql import UP_NOW, UP_SEEN
from wva_exporter.engines.table import Engine
from wva_exporter.sources.failures import BadAnswer
from wva_exporter.sources.readings import LOOKBACK_SECONDS, names_of, replica_rows
from wva_exporter.sources.requests import Requests
from wva_exporter.sources.samples import Answer, Labels, Observation
from wva_exporter.sources.surroundings import Row
from wva_exporter.sources.target_state import TargetState

_BESIDE: Mapping[Signal, tuple[str, ...]] = {
    **kubernetes.NAMES,
    Signal.ROUTER_QUEUE: router.QUEUE_SIZE,
    Signal.ROUTER_ARRIVALS: (*router.QUEUE_SIZE, *router.LEFT, *router.PASSED),
    Signal.ROUTER_OUTCOMES: router.LEFT,
}


class Tally:
    """Rows by signal as they come in; ``observation`` closes it."""

    def __init__(self, engines: Sequence[Engine], now: float, default_namespace: str) -> None:
        self._engines = engines
        self._default_namespace = default_namespace
        self._now = now
        self._rows: dict[Signal, list[Row]] = {signal: [] for signal in Signal}
        self._targets: list[TargetState] = []
        self._requests = Requests()

    def add(self, state: TargetState) -> None:
        """What one target says."""
        view = state.view(self._now)
        for engine in self._engines:
            for signal, rows in replica_rows(engine, view):
                self._rows[signal].extend(rows.items())
        self._requests.add(view)
        recent = (labels for labels, time in state.seen.items() if state.recently(time, self._now))
        self._rows[Signal.SEEN].extend((labels, 1.0) for labels in recent)
        if self._now - view.newest < LOOKBACK_SECONDS:
            for signal, beside in state.beside.rows.items():
                self._rows[signal].extend(beside)
        self._targets.append(state)

    def observation(self, warnings: tuple[str, ...]) -> Observation:
        """Everything added. ``warnings`` are about the list of targets: without it, who exists is not certain."""
        self._relate()
        dropped = self._dropped()
        answers = {
            signal: _answer(rows, dropped[signal], warnings if signal in (Signal.UP, Signal.SEEN) else ())
            for signal, rows in self._rows.items()
        }
        return Observation(time=self._now, answers=answers)

    def _relate(self) -> None:
        """The rows that depend on which engines there are."""
        rows = self._rows
        engines = [labels for labels, _ in rows[Signal.SEEN]]
        namespaces = {labels.namespace for labels in engines} | {self._default_namespace}
        for signal in (Signal.PODS, Signal.OWNERS, Signal.POWER):
            rows[signal] = [row for row in rows[signal] if row[0].namespace in namespaces]
        rows.update(self._requests.rows())
        jobs = {(labels.job, labels.namespace) for labels in engines}
        for state in self._targets:
            if state.recently(state.asked_at, self._now) and self._may_run_engine(state, jobs):
                rows[Signal.SEEN].append((state.row(UP_SEEN), 1.0))
                if state.up is not None:
                    rows[Signal.UP].append((state.row(UP_NOW), float(state.up)))

    def _may_run_engine(self, state: TargetState, jobs: set[tuple[str, str]]) -> bool:
        """Whether it ran one within the hold time, or is among those that do and never said otherwise."""
        if any(state.recently(time, self._now) for time in state.seen.values()):
            return True
        job = (state.labels["job"], state.labels.get("namespace", ""))
        return job in jobs and not state.recently(state.answered_at, self._now)

    def _dropped(self) -> Mapping[Signal, int]:
        """Samples of the newest pages that were not finite, by every signal that would have used them."""
        names = {signal: set(names) for signal, names in _BESIDE.items()}
        for engine in self._engines:
            for signal, found in names_of(engine).items():
                names.setdefault(signal, set()).update(found)
        pages = [state.dropped for state in self._targets if state.dropped]
        return {signal: sum(page.get(name, 0) for page in pages for name in names.get(signal, ())) for signal in Signal}


def _answer(rows: Sequence[Row], dropped: int, warnings: tuple[str, ...]) -> Answer:
    value = np.fromiter((value for _, value in rows), dtype=np.float64, count=len(rows))
    labels: Sequence[Labels] = [labels for labels, _ in rows]
    finite = np.isfinite(value)  # sums of what is finite need not be
    if not finite.all():
        labels = [label for label, kept in zip(labels, finite.tolist(), strict=True) if kept]
    return Answer(
        labels=labels, value=value[finite], warnings=warnings, dropped=dropped + int(np.count_nonzero(~finite))
    )


def failed(error: BadAnswer, now: float) -> Observation:
    """Nothing is known, not even whom to ask."""
    answer = Answer(failure=error.failure, detail=error.detail)
    return Observation(time=now, answers=dict.fromkeys(Signal, answer))
