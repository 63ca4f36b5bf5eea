"""The rule by which prometheus-adapter serves targets to HPAs.

An HPA sums all series that it is given, so the rule takes the larger of two. The adapter adds the HPA's own namespace to what
is selected, which is why the label that holds the variant's namespace is named to it.
"""

from __future__ import annotations

from typing import Any

from wva_exporter.conventions import DESIRED_REPLICAS


def external_rule(*, series: str, present: str, query: str, namespace_label: str) -> dict[str, Any]:
    """The rule, the same in the adapter's own file (``externalRules``) and in its chart's values (``rules.external``).

    Whatever the series is called, HPAs know it as ``wva_desired_replicas``.
    """
    return {
        "seriesQuery": present,
        "resources": {"overrides": {namespace_label: {"resource": "namespace"}}},
        "name": {"matches": f"^{series}$", "as": DESIRED_REPLICAS.name},
        "metricsQuery": query,
    }
