"""The names of ``conventions`` for the mixin: ``lib/names.libsonnet``, so that no rule spells a series by hand."""

from __future__ import annotations

from wva_exporter import conventions
from wva_exporter.conventions import Kind, Metric

_HEAD = """\
// Made by `make generate` from wva_exporter/conventions.py: the exporter's series as Prometheus stores them.
"""


def names_libsonnet() -> str:
    """Every published series under the name of its constant in lower case, in the order of ``conventions``."""
    fields = (
        f"  {constant.lower()}: '{stored_name(metric)}',\n"
        for constant, metric in vars(conventions).items()
        if isinstance(metric, Metric)
    )
    return _HEAD + "{\n" + "".join(fields) + "}\n"


def stored_name(metric: Metric) -> str:
    """The name that Prometheus stores: counters end in ``_total``; of a histogram it is the base."""
    return f"{metric.name}_total" if metric.kind is Kind.COUNTER else metric.name
