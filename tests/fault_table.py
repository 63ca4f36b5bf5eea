"""What happens to a fleet when something dies: the rows that the fault tests prove and the README shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Seen(StrEnum):
    """What an actuator reads meanwhile."""

    TARGET = "target"
    NOTHING = "nothing"


HPA = {
    Seen.TARGET: "follows it",
    Seen.NOTHING: "keeps its replicas (`FailedGetExternalMetric`)",
}
KEDA = {
    Seen.TARGET: "follows it",
    Seen.NOTHING: "keeps its replicas (error, after 3 polls `currentReplicasIfHigher`)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault: what the page says, with which reasons, and what actuators can read of it."""

    what: str
    page: str
    reasons: tuple[str, ...]
    seen: Seen

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        return self.what, self.page, HPA[self.seen], KEDA[self.seen]


KEPT = "the target it had"

ROWS = {
    "exporter": Row(
        what="the exporter",
        page="nothing; after the restart never less than what exists",
        reasons=(),
        seen=Seen.NOTHING,
    ),
    "prometheus": Row(
        what="Prometheus, or it hangs, errs or answers garbage",
        page=KEPT,
        reasons=("source_down", "input_missing"),
        seen=Seen.NOTHING,
    ),
    "prometheus-empty": Row(
        what="Prometheus, and it returns without its history",
        page=KEPT,
        reasons=("no_series", "coverage"),
        seen=Seen.TARGET,
    ),
    "kube-state-metrics": Row(what="kube-state-metrics", page=KEPT, reasons=("none",), seen=Seen.TARGET),
    "router": Row(
        what="the router's metrics",
        page=KEPT + "; nothing goes to zero",
        reasons=("none", "cannot_wake"),
        seen=Seen.TARGET,
    ),
    "pod-scrape": Row(
        what="the scrape of one pod, or of half of them",
        page=KEPT + ", or more",
        reasons=("replica_unknown",),
        seen=Seen.TARGET,
    ),
    "pod": Row(
        what="one pod",
        page=KEPT + ": its successor is on its way",
        reasons=("replica_unknown", "none"),
        seen=Seen.TARGET,
    ),
    "all-pods": Row(
        what="all pods",
        page=KEPT + ", for as long as `hold` says; then it is withdrawn aloud",
        reasons=("replica_unknown", "no_series"),
        seen=Seen.TARGET,
    ),
}

BEGIN, END = "<!-- faults: made by `make generate` -->", "<!-- /faults -->"
HEADINGS = ("when this dies", "the page shows", "an HPA", "KEDA, with our manifest")


def table(rows: Sequence[Row] = tuple(ROWS.values())) -> str:
    """The table in Markdown, with the reasons that ``wva_decision_hold`` gives."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def filled(page: str) -> str:
    """A page with the table between its marks; a page without marks stays as it is."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n{table()}\n{end}{after}" if begin and end else page
