"""How an actuator asks for the target of one variant, and how an adapter asks for that of many.

Two exporters, or one that is being replaced, publish two series of a variant: KEDA answers that with an error and an HPA with
their sum. So every query takes the larger one, and the answer has one element or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wva_exporter.conventions import Label
from wva_exporter.engines.promql import quoted


def desired_query(
    series: str, *, variant: str, namespace: str, namespace_label: str, matchers: Mapping[str, str] | None = None
) -> str:
    """The target of a variant: one element, or none where it has no target.

    ``namespace_label`` is where the store keeps the variant's namespace, ``namespace`` if the scrape honours labels and
    ``exported_namespace`` if it does not; ``matchers`` are labels that a store of several clusters adds.
    """
    wanted = {Label.VARIANT: variant, namespace_label: namespace, **(matchers or {})}
    selector = ",".join(f"{label}={quoted(value)}" for label, value in wanted.items())
    return f"max by ({Label.VARIANT}) ({series}{{{selector}}})"


def present_series(series: str, namespace_label: str) -> str:
    """The series from which an adapter learns that the metric exists."""
    return f'{series}{{{Label.VARIANT}!="",{namespace_label}!=""}}'


def adapter_query(namespace_label: str) -> str:
    """The same question as prometheus-adapter fills it in, for any variant that an HPA selects."""
    labels: Sequence[str] = (Label.VARIANT, namespace_label)
    return f"max by ({', '.join(labels)}) (<<.Series>>{{<<.LabelMatchers>>}})"
