"""How many GPUs of each type there are, in use or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from wva_exporter.core.sightings import Node
from wva_exporter.discovery.accelerators import short_name


def inventory(nodes: Iterable[Node], configured: Mapping[str, int]) -> Mapping[str, int]:
    """GPUs by the short name of their type: as configured, and of types that nobody configured, as many as nodes have.

    Nodes whose labels do not name their GPUs are left out: such GPUs are there, but nobody can plan with them.
    """
    counted: Counter[str] = Counter()
    for node in nodes:
        if node.product:
            counted[short_name(node.product)] += node.gpus
    return {**counted, **configured}
