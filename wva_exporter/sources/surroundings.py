"""What a scraped page says beside engines: kube-state-metrics and routers, where a target exposes them.

Only the present counts here, so nothing is remembered of the page before but the labels of its series.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wva_exporter.conventions import Signal
from wva_exporter.engines import kubernetes, router
from wva_exporter.sources.exposition import labels_of
from wva_exporter.sources.samples import Labels

Row = tuple[Labels, float]

NAMES = frozenset(router.QUEUE_SIZE).union(*kubernetes.NAMES.values())
"""Every sample name that is kept of them."""

_SIGNAL = {name: signal for signal, names in kubernetes.NAMES.items() for name in names} | dict.fromkeys(
    router.QUEUE_SIZE, Signal.ROUTER_QUEUE
)
_FIELDS = tuple(name for name in Labels.__struct_fields__ if name != "metric")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surroundings:
    """The rows of one page, by signal; ``labels`` are those of all its series, None for the ones that are not read."""

    rows: Mapping[Signal, Sequence[Row]] = field(default_factory=dict)
    labels: Mapping[str, Labels | None] = field(default_factory=dict)

    def then(self, samples: Mapping[str, Mapping[str, float]], target_labels: Mapping[str, str]) -> Surroundings:
        """Those of the next page of the same target, whose series are mostly the same.

        Raises:
            BadPage: the labels of a new series do not parse.
        """
        labels: dict[str, Labels | None] = {}
        rows: dict[Signal, list[Row]] = {}
        for name, found in samples.items():
            kept = rows.setdefault(_SIGNAL[name], [])
            for text, value in found.items():
                series = self.labels[text] if text in self.labels else _describe(name, text, target_labels)
                labels[text] = series
                if series is not None:
                    kept.append((series, value))
        return Surroundings(rows=rows, labels=labels)


def _describe(name: str, text: str, target_labels: Mapping[str, str]) -> Labels | None:
    """The labels of a series that is read, or None.

    kube-state-metrics speaks of others: its own namespace and pod win over its target's. A router speaks of itself.
    """
    exposed = labels_of(text)
    if exposed.get("condition", "true") != "true":
        return None
    of_router = name in router.QUEUE_SIZE
    every = {**exposed, **target_labels} if of_router else {**target_labels, **exposed}
    wanted = router.QUEUE_LABELS if of_router else _FIELDS
    return Labels(metric=name, **{label: every[label] for label in wanted if label in every})


def router_queue(rows: Iterable[Row]) -> list[Row]:
    """Queues summed by ``QUEUE_LABELS``; under an older name only what the newer does not have."""
    sums: dict[str, dict[Labels, float]] = {name: {} for name in router.QUEUE_SIZE}
    for labels, value in rows:
        queue = Labels(**{name: getattr(labels, name) for name in router.QUEUE_LABELS})
        named = sums[labels.metric]
        named[queue] = named.get(queue, 0.0) + value
    merged: dict[Labels, float] = {}
    for named in sums.values():
        for queue, value in named.items():
            merged.setdefault(queue, value)
    return list(merged.items())
