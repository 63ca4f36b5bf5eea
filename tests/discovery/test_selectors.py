"""The index answers what a regular expression on every pod would."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.declaration import Selector
from wva_exporter.core.sightings import Pod
from wva_exporter.discovery.selectors import SelectorIndex, literal_prefix

WORDS = ("llama-1", "llama-12", "llama-1-x", "qwen", "", "a+b")
PATTERNS = (
    "llama-1",
    "llama-1.*",
    "llama-1|qwen",
    "(llama|qwen).*",
    "lla?ma-12",
    "llama-1(-x)?",
    ".*",
    "",
    r"a\+b",
    "[lq].*",
    "llamaX{0}-1",
)


@given(
    st.lists(st.tuples(*[st.sampled_from(WORDS)] * 6), max_size=8),
    st.tuples(*[st.none() | st.sampled_from(PATTERNS)] * 5),
    st.none() | st.sampled_from(WORDS),
)
def test_the_index_finds_what_a_plain_search_finds(
    rows: list[tuple[str, ...]], patterns: tuple[str | None, ...], model: str | None
) -> None:
    """Whatever the patterns, all given fields match fully, and nothing else counts."""
    pods = [
        Pod(space, name, served, job=job, instance=at, variant_label=label)
        for space, name, at, job, label, served in rows
    ]
    selector = Selector(**dict(zip(("namespace", "pod", "instance", "job", "llm_d_ai_variant"), patterns, strict=True)))
    found = SelectorIndex(pods, [pod.namespace for pod in pods]).rows(selector, model)
    expected = [
        i
        for i, row in enumerate(rows)
        if all(p is None or re.fullmatch(p, value) for p, value in zip(patterns, row[:5], strict=True))
        and (model is None or row[5] in ("", model))
    ]
    assert sorted(found) == expected


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("llama-.*", "llama-"),
        ("llama", "llama"),
        ("llama-?x", "llama"),
        ("llama-1|qwen", ""),
        ("llama-(1|2)", "llama-"),
        (r"llama\(|qwen", ""),
        ("[l]lama", ""),
        ("(?i)llama", ""),
        ("", ""),
    ],
)
def test_a_prefix_is_only_what_every_match_begins_with(pattern: str, prefix: str) -> None:
    """Doubtful patterns have none."""
    assert literal_prefix(pattern) == prefix
