"""The fast encoder writes the library's bytes, and what it writes is read back as it was meant."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import CollectorRegistry
from prometheus_client.samples import Sample
from publish.plans import CHEAP, plan_of

from wva_exporter.publish.encoding import encode
from wva_exporter.publish.exposition import families
from wva_exporter.publish.scalings import Scalings


class Fixed:
    """A collector of given families, as the library wants it."""

    def __init__(self, made: Sequence[Metric]) -> None:
        self.made = made

    def collect(self) -> Sequence[Metric]:
        """The families."""
        return self.made


def registry_of(made: Sequence[Metric]) -> CollectorRegistry:
    """A registry with just these."""
    registry = CollectorRegistry()
    registry.register(Fixed(made))
    return registry


def test_a_plan_is_written_as_the_library_writes_it() -> None:
    """Byte for byte, in both formats; OpenMetrics only lacks its end, which the own series bring."""
    plan = plan_of()
    made = families(plan, shadow=False, scalings=Scalings.none().after(plan))
    assert encode(made) == generate_latest(registry_of(made))
    assert encode(made, openmetrics=True) + b"# EOF\n" == generate_openmetrics(registry_of(made))


label_text = st.text(st.characters(codec="utf-8"), max_size=30)


@given(label_text, st.floats(allow_nan=False), label_text)
def test_any_label_and_number_is_written_as_the_library_writes_it(label: str, value: float, text: str) -> None:
    """Nothing in a label, a help line or a number makes a difference."""
    gauge = Metric("wva_gauge", text, "gauge")
    gauge.samples = [Sample("wva_gauge", {"b": label, "a": "x"}, value), Sample("wva_gauge", {}, value)]
    counter = Metric("wva_counter", text, "counter")
    counter.samples = [Sample("wva_counter_total", {"a": label}, value)]
    made = [gauge, counter]
    assert encode(made) == generate_latest(registry_of(made))
    assert encode(made, openmetrics=True) + b"# EOF\n" == generate_openmetrics(registry_of(made))


# The library's parser splits lines as str.splitlines does, at more characters than the format knows.
one_line = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=30
)


@given(one_line, one_line, one_line)
def test_any_name_that_somebody_gives_survives_the_page(variant: str, namespace: str, accelerator: str) -> None:
    """Quotes, backslashes, line breaks and braces in names are names and nothing else."""
    made_of = {"name": variant, "namespace": namespace, "accelerator": accelerator}
    plan = plan_of(CHEAP.__class__(**made_of))
    made = families(plan, shadow=False, scalings=Scalings.none().after(plan))
    wanted = {
        "variant_name": variant,
        "namespace": namespace,
        "accelerator_type": accelerator or "unresolved",
    }
    text = encode(made).decode()
    openmetrics = encode(made, openmetrics=True).decode() + "# EOF\n"
    for parsed in (parse_text(text), parse_openmetrics(openmetrics)):
        [desired] = [family for family in parsed if family.name == "wva_desired_replicas"]
        assert [sample.labels for sample in desired.samples] == [wanted]


def test_equal_label_sets_need_not_be_one_dictionary() -> None:
    """Sharing makes it fast and is not what makes it right."""
    gauge = GaugeMetricFamily("wva_gauge", "help", labels=["a"])
    gauge.add_metric(["1"], 1)
    gauge.add_metric(["2"], 2)
    assert encode(iter([gauge])).endswith(b'wva_gauge{a="1"} 1.0\nwva_gauge{a="2"} 2.0\n')


def test_other_types_are_left_to_the_library() -> None:
    """A histogram has suffixes that this encoder does not know."""
    with pytest.raises(ValueError, match="the library writes those"):
        encode([HistogramMetricFamily("wva_h", "help")])
