"""PromQL as text: what queries are confined to, and the few forms that all of them are made of."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wva_exporter.conventions import Signal
from wva_exporter.errors import InvalidValue

TARGET_LABELS = ("namespace", "pod", "instance", "job", "llm_d_ai_variant")
"""What tells scrape targets apart."""

REPLICA_LABELS = ("namespace", "model_name", "pod", "instance", "job", "llm_d_ai_variant")
"""What tells replicas apart: a target and the model that it serves."""

TAG = "engine_type"
"""The label that says which engine a row is of; of other rows, which of those below."""

UP_NOW = "up_now"
"""Tag of a target's ``up``."""

UP_SEEN = "up"
"""Tag of a target that had an ``up``, whatever it said, within the hold time."""

ARRIVALS, OUTCOMES = "router_arrivals", "router_outcomes"
"""Tags of a router's rows that are not its queue."""

MILLISECOND = 0.001
"""The grain of Prometheus' time, in seconds."""

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySettings:
    """How far back queries look and what they are confined to.

    ``matchers`` are equality matchers put on every selector. ``namespaces`` confines what is read of kube-state-metrics,
    which speaks of the whole cluster; empty: all workloads, and the pods of namespaces that have engines or are the default
    of engines whose series name none.

    Raises:
        InvalidValue: a time that is not positive, a label name that Prometheus would refuse, text that is no Unicode.
    """

    short_window_seconds: float
    long_window_seconds: float
    scrape_interval_seconds: float
    hold_seconds: float
    matchers: Mapping[str, str] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
    default_namespace: str = "default"

    def __post_init__(self) -> None:
        for name in ("short_window_seconds", "long_window_seconds", "scrape_interval_seconds", "hold_seconds"):
            if not MILLISECOND <= getattr(self, name) < math.inf:
                raise InvalidValue(f"{name} must be at least a millisecond, got {getattr(self, name)}")
        for label in self.matchers:
            if not _LABEL_NAME.fullmatch(label) or label == "__name__":
                raise InvalidValue(f"{label!r} is no label name to match on")
        for text in (*self.matchers.values(), *self.namespaces, self.default_namespace):
            quoted(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question to Prometheus and the signal that its rows answer.

    ``split`` names rows that answer another signal: by the name of their metric, or, where they have none, by their tag.
    """

    signal: Signal
    promql: str
    split: Mapping[str, Signal] = field(default_factory=dict)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Every signal that it answers, also when it answers nothing."""
        return tuple(dict.fromkeys((self.signal, *self.split.values())))


def quoted(text: str) -> str:
    """A PromQL string that means exactly this text. Every value that enters a query passes here.

    Raises:
        InvalidValue: half of a surrogate pair, which no UTF-8 can carry.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(f"{text!r} is not valid Unicode text") from error
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\x{ord(match[0]):02x}", escaped) + '"'


def any_text(texts: Sequence[str]) -> str:
    """A quoted regular expression that matches exactly these texts; RE2 takes an escaped mark for itself, as Python does."""
    return quoted("|".join(re.escape(text) for text in texts))


def duration(seconds: float) -> str:
    """A PromQL duration, whole seconds or milliseconds: 2.42 knows no fractions."""
    milliseconds = max(round(seconds * 1000), 1)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def selector(
    name: str, settings: QuerySettings, window_seconds: float | None = None, *, empty: Sequence[str] = ()
) -> str:
    """A name's series; those only that leave the labels of ``empty`` empty."""
    wanted = {**settings.matchers, **dict.fromkeys(empty, "")}
    matchers = ",".join(f"{label}={quoted(value)}" for label, value in wanted.items())
    series = f"{name}{{{matchers}}}" if matchers else name
    return series if window_seconds is None else f"{series}[{duration(window_seconds)}]"


def any_of(names: Sequence[str], settings: QuerySettings, *more: str) -> str:
    """The series of any of these names, under further matchers."""
    matchers = (f"{label}={quoted(value)}" for label, value in settings.matchers.items())
    return "{" + ",".join((f"__name__=~{any_text(names)}", *matchers, *more)) + "}"


def by(labels: Sequence[str]) -> str:
    """A list of labels."""
    return f"({', '.join(labels)})"


def tagged(promql: str, tag: str) -> str:
    """The same rows with ``TAG``."""
    return f'label_replace({promql}, "{TAG}", {quoted(tag)}, "", "")'


def first_of(branches: Sequence[str], labels: Sequence[str] = REPLICA_LABELS) -> str:
    """The first branch that has a row of a replica speaks for it."""
    return f" or on {by(labels)} ".join(branches)
