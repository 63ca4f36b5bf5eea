"""Counts that cannot be what they say, set against what was asked for.

More replicas may answer than kube-state-metrics counts. While it counts at least what was asked for, the others are leaving as
they should; otherwise it speaks of another workload, or of half of one, and what answers exists.

kube-state-metrics counts a replica from the moment it is asked for. Without it a replica that starts, and one that crashed and
is being replaced, are both just not there; a policy that starts from the count would take the loss for its own decision and
make it one. So what was asked for is presumed to be on its way, for as long as a hold lasts; then what is seen counts again,
because a scaler with a maximum of its own may never bring more.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wva_exporter.core.actuation import expected
from wva_exporter.core.columns import Column
from wva_exporter.core.decision import Memory
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import Snapshot

_EDGE = 1e-9
"""At a ratio of exactly 1 + tolerance Kubernetes acts before 1.33 and holds from there on: nothing is short on the edge."""


def believe(snapshot: Snapshot, past: Memory) -> Snapshot:
    """The snapshot with no declared count below what answers, unless the count is what was asked for."""
    counts, replicas = snapshot.counts, snapshot.replicas
    answering = np.bincount(replicas.variant[replicas.live], minlength=len(snapshot.fleet))
    as_asked = past.target.known & (counts.current.value >= past.target.value)
    low = counts.declared & (answering > counts.current.value) & ~as_asked
    if not np.count_nonzero(low):
        return snapshot
    current = Column.of(np.where(low, answering, counts.current.value), counts.current.known)
    return replace(snapshot, counts=replace(counts, current=current, disputed=counts.disputed | low))


def presume(snapshot: Snapshot, past: Memory, rules: Rules) -> tuple[Snapshot, Column]:
    """The snapshot as policies should see it, and since when each variant has been short: shape (variants,), seconds.

    A variant is short while fewer replicas are seen than an HPA makes of its last target; within its dead band nothing is
    short, or a swallowed step would lock a group for ever.
    """
    counts = snapshot.counts
    asked = expected(past.target, counts.current, rules.tolerance + _EDGE)
    short = ~counts.declared & asked.known & (counts.current.value < asked.value)
    since = Column.of(np.where(past.short_since.known, past.short_since.value, snapshot.time), short)
    presumed = short & (snapshot.time - since.value <= rules.hold_seconds)
    if not np.count_nonzero(presumed):
        return snapshot, since
    current = Column.of(np.where(presumed, asked.value, counts.current.value), counts.current.known)
    return replace(snapshot, counts=replace(counts, current=current)), since
