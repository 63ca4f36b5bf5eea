"""What a scraped page says of pods, workloads and nodes: kube-state-metrics and DCGM, where a target exposes them.

Only the present counts here, so nothing is remembered of the page before but the labels of its series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wva_exporter.conventions import Signal
from wva_exporter.engines import kubernetes
from wva_exporter.sources.exposition import labels_of
from wva_exporter.sources.samples import Labels

Row = tuple[Labels, float]

NAMES = frozenset[str]().union(*kubernetes.NAMES.values())
"""Every sample name that is kept of them."""

_SIGNAL = {name: signal for signal, names in kubernetes.NAMES.items() for name in names}
_FIELD = {
    label: field
    for field, label in zip(Labels.__struct_fields__, Labels.__struct_encode_fields__, strict=True)
    if field != "metric"
}
_WANTED: Mapping[str, tuple[str, ...]] = {
    "condition": ("", "true"),
    "resource": ("", *kubernetes.GPU_RESOURCES),
}
"""The values of those labels that not every series is read for."""


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

    These speak of others: their own namespace, pod and node win over their target's.
    """
    exposed = labels_of(text)
    if any(exposed.get(label, "") not in values for label, values in _WANTED.items()):
        return None
    every = {**target_labels, **exposed}
    return Labels(metric=name, **{field: every[label] for label, field in _FIELD.items() if label in every})
