"""Durations are those of Prometheus."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.config.durations import LONGEST_MILLISECONDS, PATTERN, format_duration, parse_duration
from wva_exporter.errors import InvalidValue


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("15s", 15.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1d", 86_400.0),
        ("1w", 604_800.0),
        ("1y", 31_536_000.0),
        ("1y2w3d4h5m6s7ms", 33_019_506.007),
        ("0s", 0.0),
        ("007s", 7.0),
    ],
)
def test_every_unit_of_prometheus_is_read(text: str, seconds: float) -> None:
    """A file may say what a Prometheus configuration says."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "15", "s", "1.5s", "1s1m", "1m1m", "-1s", "1 s", "1S", "15s ", "\u0661s", "1m\n"]
)
def test_what_prometheus_refuses_is_refused(text: str) -> None:
    """No unit, wrong order, twice the same, fractions, signs, spaces, digits of other scripts."""
    with pytest.raises(InvalidValue, match="must be a duration such as"):
        parse_duration(text)


def test_a_duration_that_prometheus_cannot_count_is_refused() -> None:
    """292 years of nanoseconds fill 64 bits, and nothing later overflows."""
    assert parse_duration("292y") == 292 * 365 * 86_400
    for text in ("293y", "9" * 30 + "ms", "9" * 5_000 + "s"):
        with pytest.raises(InvalidValue):
            parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0s"), (90.0, "1m30s"), (604_800.0, "1w"), (8 * 86_400.0, "8d"), (1.5, "1s500ms")]
)
def test_durations_are_written_as_prometheus_writes_them(seconds: float, text: str) -> None:
    """Years and weeks only where nothing is left over."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), 1e30])
def test_what_is_no_duration_is_not_written(seconds: float) -> None:
    """A message never shows nonsense."""
    with pytest.raises(InvalidValue):
        format_duration(seconds)


@given(st.integers(0, 10**15).filter(lambda ms: ms < LONGEST_MILLISECONDS))
def test_a_duration_written_is_read_back(milliseconds: int) -> None:
    """To the millisecond, whatever its size."""
    text = format_duration(milliseconds / 1_000)
    assert round(parse_duration(text) * 1_000) == milliseconds
    assert re.match(PATTERN, text)


@given(st.text(alphabet="0123456789ywdhms. ", max_size=12))
def test_the_pattern_of_the_schema_agrees_with_the_parser(text: str) -> None:
    """An editor marks what the program will refuse."""
    try:
        parse_duration(text)
    except InvalidValue as error:
        assert not re.match(PATTERN, text) or "292 years" in str(error)  # noqa: PT017 - both ways are the property
    else:
        assert re.match(PATTERN, text)
