"""What can go wrong, and why a target is what it is.

The tree of errors::

    WvaError
    ├── InvalidValue            a constructor of core was given an impossible value
    ├── ConfigError             the configuration is refused; holds every finding   (exit 2)
    └── SourceError             a data source could not be asked at all             (exit 3)

Failures of single queries are not exceptions: they travel as ``QueryFailure`` values beside the answers, so that one bad
query cannot hide the good ones. ``Reason`` says why a decision is what it is; both enums are closed because they are also
the values of metric labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class WvaError(Exception):
    """Everything this program raises on purpose."""


class InvalidValue(WvaError, ValueError):  # noqa: N818 - reads as what it is
    """A value that no caller may build: wrong shape, out of range, not finite."""


class ConfigError(WvaError):
    """A configuration that is refused as a whole; ``str()`` lists every finding, one a line."""

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__(self.findings)  # what a copy in another process is made of

    def __str__(self) -> str:
        return "\n".join(self.findings)


class SourceError(WvaError):
    """A data source that cannot be used: unreachable, or its settings cannot work."""


class QueryFailure(StrEnum):
    """Why one query has no usable answer; the ``reason`` label of ``wva_metrics_collection_errors_total``.

    The names that WVA has are kept; the others split its ``unknown``.
    """

    TIMEOUT = "timeout"
    CANCELED = "canceled"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_FAILED = "connection_failed"
    DNS_ERROR = "dns_error"
    TLS_ERROR = "tls_error"
    UNAUTHORIZED = "unauthorized"
    BAD_DATA = "bad_data"
    EXECUTION_ERROR = "execution_error"
    SERVER_ERROR = "server_error"
    THROTTLED = "throttled"
    PARSE_ERROR = "parse_error"
    TOO_LARGE = "too_large"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a published target is what it is; the ``reason`` label of ``wva_decision_hold`` and the word shown in tables."""

    NONE = "none"
    """Decided on good data, nothing interfered."""

    # The data were not good enough to decide, or not to lower.
    SOURCE_DOWN = "source_down"
    NO_SERIES = "no_series"
    INPUT_MISSING = "input_missing"
    INPUT_STALE = "input_stale"
    PARTIAL_DATA = "partial_data"
    REPLICA_UNKNOWN = "replica_unknown"
    REPLICAS_UNCOUNTED = "replicas_uncounted"
    COVERAGE = "coverage"
    SIGNALS_DISAGREE = "signals_disagree"
    STARTED = "started"
    NO_DECISION_YET = "no_decision_yet"
    WITHDRAWN = "withdrawn"

    # The operator said so.
    PAUSED = "paused"
    FIXED = "fixed"

    # The policy, or a bound, said so.
    NO_HEADROOM = "no_headroom"
    SPARE_CAPACITY = "spare_capacity"
    STEADY = "steady"
    PENDING = "pending"
    MIN = "min"
    MAX = "max"
    MAX_UNKNOWN = "max_unknown"
    INVENTORY = "inventory"
    RESCALE = "rescale"
    DOWN_BRAKE = "down_brake"
    IDLE = "idle"
    WOKEN = "woken"
    CANNOT_WAKE = "cannot_wake"
    NO_SLO = "no_slo"
    SLO_UNREACHABLE = "slo_unreachable"
    CAPACITY_UNKNOWN = "capacity_unknown"
    DOWN_WINDOW = "down_window"
    RESIDENT_TOKENS = "resident_tokens"
    ALL_SATURATED = "all_saturated"

    @property
    def holds(self) -> bool:
        """Whether the target is an echo of an earlier one, or of the operator's word, and not of today's load."""
        return self in _HOLDS


_HOLDS = frozenset(
    {
        Reason.SOURCE_DOWN,
        Reason.NO_SERIES,
        Reason.INPUT_MISSING,
        Reason.INPUT_STALE,
        Reason.PARTIAL_DATA,
        Reason.REPLICA_UNKNOWN,
        Reason.REPLICAS_UNCOUNTED,
        Reason.COVERAGE,
        Reason.SIGNALS_DISAGREE,
        Reason.STARTED,
        Reason.NO_DECISION_YET,
        Reason.WITHDRAWN,
        Reason.PAUSED,
        Reason.FIXED,
        Reason.CANNOT_WAKE,
    }
)
