"""The queries as text: few, valid everywhere, escaped, and complete."""

import re

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.conventions import Signal
from wva_exporter.engines.promql import (
    Query,
    QuerySettings,
    any_text,
    duration,
    interval_query,
    queries,
    quoted,
    series_of,
)
from wva_exporter.engines.vllm import VLLM
from wva_exporter.errors import InvalidValue

FUNCTIONS = {
    "avg_over_time",
    "clamp_min",
    "count_over_time",
    "deriv",
    "label_replace",
    "max_over_time",
    "present_over_time",
    "rate",
    "time",
    "timestamp",
    "vector",
}
"""Functions that 2.42, 3.x and VictoriaMetrics have with one meaning."""

UNICODE = st.text(st.characters(exclude_categories=["Cs"]))


def settings(**changed: object) -> QuerySettings:
    """The usual settings but for what a test changes."""
    usual = {
        "short_window_seconds": 60.0,
        "long_window_seconds": 300.0,
        "scrape_interval_seconds": 15.0,
        "hold_seconds": 600.0,
    }
    return QuerySettings(**{**usual, **changed})  # type: ignore[arg-type]


def asked(signal: Signal, **changed: object) -> str:
    """The query that answers a signal."""
    return next(query.promql for query in queries(settings(**changed)) if signal in query.signals)


def matched_value(selector: str) -> str:
    """The value of a selector's only matcher, as a parser of PromQL reads it."""
    return str(promql_parser.parse(selector).matchers.matchers[0].value)


def test_a_cycle_asks_at_most_twenty_queries_and_answers_every_signal_once() -> None:
    """Their number depends on the signals, never on the fleet."""
    found = queries(settings())
    assert len(found) <= 20
    answered = [signal for query in found for signal in query.signals]
    assert sorted(answered) == sorted(Signal)


@pytest.mark.parametrize("namespaces", [(), ("llm", "a-b.c")])
@pytest.mark.parametrize("matchers", [{}, {"cluster": 'e"u\\1', "team": "ä"}])
def test_every_query_parses_and_uses_only_functions_that_all_servers_share(
    namespaces: tuple[str, ...], matchers: dict[str, str]
) -> None:
    """The grammar of 3.x accepts what 2.42 runs in the tests with a real one."""
    chosen = settings(namespaces=namespaces, matchers=matchers)
    for promql in [*(query.promql for query in queries(chosen)), interval_query(chosen)]:
        promql_parser.parse(promql)
        assert {
            f for f in re.findall(r"\b([a-z_]+)\(", re.sub(r'"[^"]*"', "", promql)) if f not in {"on", "by"}
        } <= FUNCTIONS


def test_extra_matchers_stand_on_every_selector() -> None:
    """A tenant's matcher that one selector lacked would mix tenants."""
    for promql in (query.promql for query in queries(settings(matchers={"cluster": "eu"}))):
        names = re.findall(
            r"(?:(?:vllm|sglang):\w+|trtllm_\w+|\bup|llm_d_\w*epp\w+|inference_[eo]\w+)(?=[{\[)])|__name__", promql
        )
        assert promql.count('cluster="eu"') == len(names) > 0


def test_old_names_stand_behind_the_current_one() -> None:
    """An ``or`` over the replica's labels takes the first branch that has the replica."""
    promql = asked(Signal.KV_PEAK)
    new, old = promql.index("vllm:kv_cache_usage_perc"), promql.index("vllm:gpu_cache_usage_perc")
    assert new < promql.index(" or on (namespace, model_name, pod, instance, job, llm_d_ai_variant) ") < old


def test_each_rank_keeps_its_label_only_where_the_table_says_so() -> None:
    """The mean use of the KV cache is weighted later by each rank's memory."""
    assert "llm_d_ai_variant, engine)" in asked(Signal.KV)
    assert "engine)" not in asked(Signal.KV_PEAK)


def test_windows_come_from_the_settings() -> None:
    """Levels and rates look back the short window, mean sizes the long one, sightings the hold time."""
    assert "[60s]" in asked(Signal.REQUEST_RATE)
    assert "[300s]" in asked(Signal.INPUT_TOKENS)
    assert "[600s]" in asked(Signal.SEEN)


@pytest.mark.parametrize(
    ("window", "scrape", "expected"),
    [(60.0, 15.0, "[59999ms]))) / 4"), (60.0, 13.0, "[64999ms]))) / 5"), (4.0, 1.0, "[3999ms]))) / 4")],
)
def test_coverage_looks_at_whole_scrapes_just_short_of_their_sum(window: float, scrape: float, expected: str) -> None:
    """So that a window holds as many samples on 2.x, which counts both edges, as on 3.x, which counts one."""
    assert expected in asked(Signal.COVERAGE, short_window_seconds=window, scrape_interval_seconds=scrape).replace(
        ', "engine_type", "vllm", "", "")', ""
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(60.0, "60s"), (1.5, "1500ms"), (0.0001, "1ms"), (600, "600s"), (59.999, "59999ms")]
)
def test_durations_are_whole_seconds_or_milliseconds(seconds: float, text: str) -> None:
    """2.42 refuses fractions of a unit."""
    assert duration(seconds) == text


@given(UNICODE)
def test_any_text_means_itself_when_quoted(text: str) -> None:
    """No value can end its string and go on as a query."""
    assert matched_value(f"up{{a={quoted(text)}}}") == text


@given(st.lists(UNICODE, min_size=1, max_size=3), UNICODE)
def test_an_alternative_of_texts_matches_them_and_nothing_else(texts: list[str], other: str) -> None:
    """Marks that mean something in a regular expression mean themselves."""
    pattern = matched_value(f"up{{a=~{any_text(texts)}}}")
    assert all(re.fullmatch(pattern, text) for text in texts)
    assert (re.fullmatch(pattern, other) is not None) == (other in texts)


@given(UNICODE)
def test_no_matcher_value_changes_the_shape_of_a_query(value: str) -> None:
    """Whatever an operator writes as a matcher, the parser sees one selector and in it that value."""
    (promql,) = (q.promql for q in queries(settings(matchers={"cluster": value}), [VLLM]) if q.signal is Signal.RUNNING)
    selector = promql_parser.parse(promql).args[0].expr
    assert selector.name == "vllm:num_requests_running"
    assert [(m.name, m.value) for m in selector.matchers.matchers] == [("cluster", value)]


@pytest.mark.parametrize(
    "changed",
    [
        {"short_window_seconds": 0.0},
        {"hold_seconds": float("inf")},
        {"scrape_interval_seconds": float("nan")},
        {"matchers": {'a"b': "x"}},
        {"matchers": {"__name__": "x"}},
        {"matchers": {"a": "\ud800"}},
        {"namespaces": ("\udfff",)},
    ],
)
def test_settings_that_no_query_can_carry_are_refused(changed: dict[str, object]) -> None:
    """At the time they are made, not when the first query fails."""
    with pytest.raises(InvalidValue):
        settings(**changed)


def test_the_names_of_a_signal_stand_in_the_order_of_preference() -> None:
    """What ``check`` names as missing is what the queries look for."""
    assert series_of(Signal.KV, [VLLM]) == ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")
    assert series_of(Signal.INPUT_TOKENS, [VLLM]) == (
        "vllm:request_prompt_tokens_sum",
        "vllm:request_prompt_tokens_count",
    )
    assert series_of(Signal.KV_CAPACITY) == (
        "vllm:cache_config_info",
        "sglang:max_total_num_tokens",
        "trtllm_kv_cache_max_blocks",
        "trtllm_kv_cache_tokens_per_block",
    )
    assert series_of(Signal.AGE) == ()


def test_a_query_answers_its_signal_and_those_it_is_split_into() -> None:
    """Each once, its own first."""
    query = Query(signal=Signal.SEEN, promql="up", split={"a": Signal.UP, "b": Signal.UP, "c": Signal.SEEN})
    assert query.signals == (Signal.SEEN, Signal.UP)
