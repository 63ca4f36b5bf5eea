"""Whom an operator, or the discovery that he names, can have scraped, and what is refused."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.errors import SourceError
from wva_exporter.sources.scrape import ScrapeSettings
from wva_exporter.sources.targets import BadDiscovery, discovered, target_of


@pytest.mark.parametrize(
    ("text", "url", "instance"),
    [
        ("10.0.0.1:8000", "http://10.0.0.1:8000/metrics", "10.0.0.1:8000"),
        ("[::1]:8000", "http://[::1]:8000/metrics", "[::1]:8000"),
        ("https://vllm.example/m?x=1", "https://vllm.example/m?x=1", "vllm.example:443"),
        ("http://vllm.example/metrics", "http://vllm.example/metrics", "vllm.example:80"),
    ],
)
def test_a_target_is_a_host_and_port_or_a_page(text: str, url: str, instance: str) -> None:
    """Its instance is host and port either way, its job ours."""
    target = target_of(text, {})
    assert target.url == url
    assert dict(target.labels) == {"instance": instance, "job": "wva-exporter-scrape"}


def test_labels_that_are_named_win() -> None:
    """As in Prometheus, where instance and job are only set if nobody has."""
    target = target_of("a:1", {"job": "vllm", "instance": "x", "namespace": "llm", "__meta_x": "y", "pod": ""})
    assert dict(target.labels) == {"job": "vllm", "instance": "x", "namespace": "llm"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a:b",
        "a:99999",
        "a:0",
        "a:1/x",
        "ftp://a:1/",
        "file:///etc/passwd",
        "http://",
        "u:p@a:1",
        "a b:1",
        "//",
    ],
)
def test_what_names_no_page_is_refused(text: str) -> None:
    """In one line, at the start."""
    with pytest.raises(SourceError, match=r"^.+$"):
        ScrapeSettings(targets=(text,))


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    """It would end in labels and logs."""
    with pytest.raises(SourceError) as refused:
        ScrapeSettings(http_sd_urls=("https://user:secret@sd.example/",))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({}, "nothing to scrape"),
        ({"targets": ("a:1",), "scrape_interval_seconds": 0}, "scrape_interval_seconds must be positive"),
        ({"targets": ("http://a:1/x", "http://a:1/y")}, "two targets have the same labels"),
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object], why: str) -> None:
    """Before anything is asked."""
    with pytest.raises(SourceError, match=re.escape(why)):
        ScrapeSettings(**wrong)


def test_discovery_lists_targets_with_labels() -> None:
    """In Prometheus' format; the operator's labels are below those of the group."""
    body = json.dumps([{"targets": ["a:1", "b:2"], "labels": {"pod": "p", "__meta_z": "1"}}, {"targets": []}]).encode()
    found = discovered(body, {"namespace": "llm", "pod": "none"})
    assert [target.url for target in found] == ["http://a:1/metrics", "http://b:2/metrics"]
    assert all(dict(target.labels)["pod"] == "p" and dict(target.labels)["namespace"] == "llm" for target in found)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b"<html>",
        b'[{"labels":{}}]',
        b'[{"targets":["http://a:1/metrics"]}]',
        b'[{"targets":["a"]}]',
        b'[{"targets":["u:p@a:1"]}]',
        b'[{"targets":[1]}]',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_discovery_that_says_anything_else_is_refused_whole(body: bytes) -> None:
    """Half a list of targets would look as if the others had gone."""
    with pytest.raises(BadDiscovery):
        discovered(body, {})


@given(st.text(max_size=20))
def test_any_text_is_a_target_or_is_refused(text: str) -> None:
    """No other exception, whatever is written there."""
    try:
        assert target_of(text, {}).url.startswith(("http://", "https://"))
    except SourceError:
        return
