"""What routers say in our own scrapes: the queue, what is offered and what becomes of it, summed over routers.

The same as ``engines.beside.requests`` asks of a Prometheus, in the same steps: first every name is summed by model over all
targets, then the newest name that has a model speaks for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import FloatArray
from wva_exporter.engines import router
from wva_exporter.engines.language import ARRIVALS, OUTCOMES, TAG
from wva_exporter.engines.table import Window
from wva_exporter.sources.exposition import labels_of
from wva_exporter.sources.readings import View
from wva_exporter.sources.samples import Labels
from wva_exporter.sources.series import Series
from wva_exporter.sources.surroundings import Row

NAMES = frozenset((*router.QUEUE_SIZE, *router.LEFT, *router.PASSED))
"""Every sample name that is kept of them."""

_Sums = dict[str, dict[Labels, float]]
"""By name, then by what it is summed by."""


def name_of(text: str) -> str:
    """The sample name in the text of a series."""
    return text.partition("{")[0].strip()


def describe(text: str, target_labels: Mapping[str, str]) -> Series:
    """Whose number a series of a router is: ``replica`` is the model, ``rank`` its queue or its outcome.

    A router speaks of itself: the target's labels win over those that it exposes.

    Raises:
        BadPage: its labels do not parse.
    """
    name = name_of(text)
    exposed = labels_of(text)
    every = {**exposed, **target_labels}
    own = router.QUEUE_LABELS if name in router.QUEUE_SIZE else (*router.MODEL_LABELS, router.OUTCOME_LABEL)
    return Series(
        name=name,
        identity=tuple(sorted(exposed.items())),
        replica=Labels(**{label: every[label] for label in router.MODEL_LABELS if label in every}),
        rank=Labels(**{label: every[label] for label in own if label in every}),
    )


class Requests:
    """The routers' numbers as targets come in; ``rows`` closes it."""

    def __init__(self) -> None:
        self._queue: _Sums = {}
        self._growth: _Sums = {}
        self._rate: _Sums = {}
        self._outcomes: _Sums = {}

    def add(self, view: View) -> None:
        """What one target says."""
        if not any(view.history.rows(name) for name in NAMES):
            return
        rates = view.rates[Window.SHORT]
        for name in router.QUEUE_SIZE:
            _add(self._queue, name, view, view.latest, each=True)
            _add(self._growth, name, view, view.slopes)
        for name in router.LEFT:
            _add(self._outcomes, name, view, rates, each=True)
        for name in (*router.LEFT, *router.PASSED):
            _add(self._rate, name, view, rates)

    def rows(self) -> Mapping[Signal, list[Row]]:
        """The rows of every signal about requests before they reach an engine."""
        offered: _Sums = {}
        for left, queue in zip(router.LEFT, router.QUEUE_SIZE, strict=True):
            growth = self._growth.get(queue, {})
            offered[left] = {
                model: max(rate + growth.get(model, 0.0), 0.0) for model, rate in self._rate.get(left, {}).items()
            }
        passed = [self._rate.get(name, {}) for name in router.PASSED]
        arrivals = _first([*offered.values(), *passed])
        outcomes = _first([self._outcomes.get(name, {}) for name in router.LEFT], by_model=True)
        return {
            Signal.ROUTER_QUEUE: list(_first([self._queue.get(name, {}) for name in router.QUEUE_SIZE]).items()),
            Signal.ROUTER_ARRIVALS: [(_tagged(model, ARRIVALS), rate) for model, rate in arrivals.items()],
            Signal.ROUTER_OUTCOMES: [(_tagged(outcome, OUTCOMES), rate) for outcome, rate in outcomes.items()],
        }


def _add(sums: _Sums, name: str, view: View, column: FloatArray, *, each: bool = False) -> None:
    for row in view.history.rows(name):
        value = float(column[row])
        if not math.isnan(value):
            series = view.history.series[row]
            key = series.rank if each else series.replica
            named = sums.setdefault(name, {})
            named[key] = named.get(key, 0.0) + value


def _first(sums: Sequence[Mapping[Labels, float]], *, by_model: bool = False) -> dict[Labels, float]:
    """Of several names, the first that has a row speaks for it: ``or on``; with ``by_model`` for the row's whole model."""
    found: dict[Labels, float] = {}
    spoken: set[Labels] = set()
    for named in sums:
        whose = {labels: _model(labels) if by_model else labels for labels in named}
        found.update({labels: value for labels, value in named.items() if whose[labels] not in spoken})
        spoken.update(whose.values())
    return found


def _model(labels: Labels) -> Labels:
    return Labels(**{name: getattr(labels, name) for name in router.MODEL_LABELS})


def _tagged(labels: Labels, tag: str) -> Labels:
    own = {name: getattr(labels, name) for name in (*router.MODEL_LABELS, router.OUTCOME_LABEL)}
    return Labels(**own, **{TAG: tag})
