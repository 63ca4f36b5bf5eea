"""Queries for series of our own: what a restart reads back."""

from __future__ import annotations

from wva_exporter.conventions import LEARNING_MEMORY
from wva_exporter.engines.promql import QuerySettings, any_text, duration, quoted


def learned_query(settings: QuerySettings, ago_seconds: float = 0.0) -> str:
    """What was learned of every variant as it was published last before so many seconds ago.

    Series keep their names and labels. Where several exporters publish, their rows stand beside each other and the last read
    counts; they learn from the same series, so it does not matter which. The look-back is the hold time: who restarts
    later than that begins anew.
    """
    names = any_text([metric.name for metric in LEARNING_MEMORY])
    matchers = "".join(f",{label}={quoted(value)}" for label, value in settings.matchers.items())
    offset = f" offset {duration(ago_seconds)}" if ago_seconds > 0.0 else ""
    return f"last_over_time({{__name__=~{names}{matchers}}}[{duration(settings.hold_seconds)}]{offset})"
