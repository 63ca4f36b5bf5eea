"""Reading a metrics page: what is kept, what is refused, and that nothing else can happen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from scrape_stage import page

from wva_exporter.engines.vllm import VLLM
from wva_exporter.sources.exposition import MAX_LINE, OPEN_METRICS, BadPage, labels_of, read
from wva_exporter.sources.readings import names_of

NAMES = frozenset({"a_total", "b"})


def samples(*lines: str) -> dict[str, float]:
    """Every kept sample of a page, by the text of its series."""
    return {s: v for found in read(page(*lines), "text/plain", NAMES).samples.values() for s, v in found.items()}


def test_it_reads_what_the_library_reads_of_a_real_page(data: Path) -> None:
    """The short way gives the same names, labels and values as the long one."""
    body = (data / "vllm-0.32" / "busy.prom").read_bytes()
    names = frozenset(name for found in names_of(VLLM).values() for name in found)
    ours = {
        (name, tuple(sorted(labels_of(series).items()))): value
        for name, found in read(body, "text/plain", names).samples.items()
        for series, value in found.items()
    }
    theirs = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name in names
    }
    assert len(ours) == 20
    assert ours == theirs


def test_names_that_nobody_asked_for_are_skipped() -> None:
    """Also those that begin like one of ours, and comments."""
    assert samples("# HELP b {b}", "# TYPE b gauge", "b 1", "bb 2", "b_total 3", "c 4") == {"b": 1}


@pytest.mark.parametrize(
    ("line", "series"),
    [
        ("b 1", "b"),
        ("b\t1.0", "b"),
        ("b 1e0\r", "b"),
        ("b 1 1795211802406", "b"),
        ("b{} 1", "b{}"),
        ('b{x="}"} 1', 'b{x="}"}'),
        ('b{x="\\"} 2",y="#"} 1', 'b{x="\\"} 2",y="#"}'),
        ('b{x="é\u2028"} 1', 'b{x="é\u2028"}'),
        ('b{x="y"} 1 # {trace_id="}z"} 0.5 1795211802.4', 'b{x="y"}'),
        ("b 1 # {} 3", "b"),
    ],
)
def test_a_sample_may_be_written_in_many_ways(line: str, series: str) -> None:
    """Own timestamps and exemplars are read over, braces and quotes within values are text."""
    assert samples(line) == {series: 1.0}


def test_numbers_that_are_not_finite_are_absent_and_counted() -> None:
    """NaN is no load, and least of all zero."""
    read_page = read(page("b NaN", 'b{x="1"} +Inf', 'b{x="2"} -Inf', 'b{x="3"} 2'), "", NAMES)
    assert read_page.samples == {"b": {'b{x="3"}': 2.0}}
    assert read_page.dropped == {"b": 3}


def test_of_a_series_that_stands_twice_the_first_counts() -> None:
    """As for Prometheus."""
    assert samples("b 1", "b 2") == {"b": 1}


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b"<html>\n<body>Sign in</body>\n</html>\n", "text/html; charset=utf-8", "content type"),
        (b"<html>\n<body>Sign in</body>\n</html>\n", "", "not a sample: '<html>'"),
        (b'{"status":"error"}\n', "application/json", "content type"),
        (b"b 1\nb{x", "text/plain", "cut off"),
        (b"", "text/plain", "cut off"),
        (b"b 1\n", OPEN_METRICS + "; version=1.0.0", "cut off"),
        (b"b \xff\xfe 1\n", "text/plain", "UTF-8"),
        (b'b{x="1} 1\n', "text/plain", "not a sample"),
        (b'b{x="1"} 1 2 3\n', "text/plain", "not a sample"),
        (b"b one\n", "text/plain", "not a number"),
        (b"b\n", "text/plain", "not a sample"),
        (b"b 1_000\n", "text/plain", "not a sample"),
        (b'b{x="' + b"y" * MAX_LINE + b'"} 1\n', "text/plain", "not a sample"),
    ],
)
def test_what_is_no_whole_page_is_refused(body: bytes, content_type: str, why: str) -> None:
    """Half a page would look like a lightly loaded engine."""
    with pytest.raises(BadPage, match=why):
        read(body, content_type, NAMES)


def test_openmetrics_is_read_too() -> None:
    """It ends with its mark, and its counters have the same names."""
    assert read(page("# TYPE a counter", "a_total 1", "# EOF"), f"{OPEN_METRICS};version=1.0.0", NAMES).samples


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_page_or_is_refused(body: bytes) -> None:
    """No other exception, whatever the bytes."""
    try:
        read(body + b"\n", "text/plain", NAMES)
    except BadPage:
        return


@given(st.text(alphabet='b{}="\\, \t1x#\n', max_size=40))
def test_what_looks_like_a_sample_is_one_or_is_refused(rest: str) -> None:
    """The same for lines that are almost right, and for their labels."""
    try:
        found = read(f"b{rest}\n".encode(), "text/plain", NAMES)
        for series in found.samples.get("b", {}):
            labels_of(series)
    except BadPage:
        return


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_label_values_come_through_whole(value: str) -> None:
    """Any text, escaped as the format says, is the text that was meant."""
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    (series,) = samples(f'b{{x="{escaped}"}} 1')
    assert labels_of(series) == {"x": value}
