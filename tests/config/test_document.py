"""YAML becomes plain values, each with its line, and no text is too strange or too large for that."""

from __future__ import annotations

import time

from hypothesis import example, given
from hypothesis import strategies as st

from wva_exporter.config.document import MAX_ALIASED_NODES, read_document

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


def test_only_the_words_of_yaml_1_2_are_not_text() -> None:
    """A model called no and a time written 1:30 stay what they are."""
    text = "[true, False, null, ~, 1, -2, 1.5, 1e3, 5., no, on, 1:30, 0x1F, 1_000, 2024-01-01, '1', \"true\", !!str 1]"
    assert read_document(f"a: {text}").data["a"] == (
        *(True, False, None, None, 1, -2, 1.5, 1000.0, 5.0),
        *("no", "on", "1:30", "0x1F", "1_000", "2024-01-01", "1", "true", "1"),
    )


def test_every_key_and_item_has_its_line() -> None:
    """Counted from one, comments and empty lines included."""
    document = read_document("# top\na: 1\n\nb:\n  - c: 2\n    d: 3\n  - 4\n")
    assert document.line == {
        ("a",): 2,
        ("b",): 4,
        ("b", 0): 5,
        ("b", 0, "c"): 5,
        ("b", 0, "d"): 6,
        ("b", 1): 7,
    }


def test_an_anchor_shares_settings_and_own_keys_win() -> None:
    """Merging follows YAML: own key first, then the earlier source."""
    document = read_document(
        "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: *a, x: 9}\nd: {x: 9, <<: [*b, *a]}\ne: *a\n"
    )
    assert document.data["c"] == {"x": 9, "y": 1}
    assert document.data["d"] == {"x": 9, "y": 2, "z": 2}
    assert document.data["e"] == {"x": 1, "y": 1}
    assert not document.flaws


def test_an_empty_text_is_an_empty_document() -> None:
    """Comments and separators alone say nothing, and that is fine."""
    for text in ("", "\n", "# nothing\n", "---\n", "---\n# x\n...\n", "null"):
        document = read_document(text)
        assert not document.data
        assert not document.flaws


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    """A dozen lines that stand for 10^12 values are counted, never built."""
    started = time.thread_time()
    document = read_document(BOMB)
    assert time.thread_time() - started < 0.1
    assert document.broken
    assert document.flaws[-1].text == f"aliases stand for more than {MAX_ALIASED_NODES} values"


def test_too_many_values_are_refused() -> None:
    """Half a million values are more than any fleet has settings."""
    document = read_document("a: [" + "1," * 500_000 + "]")
    assert document.flaws[-1].text == "the file holds more than 500000 values"


def test_a_text_that_is_too_large_is_refused_unread() -> None:
    """The limit is far above ten thousand variants."""
    assert read_document("#" * 9_000_000).flaws[-1].text == "the file is larger than 8 MiB"


def test_deep_nesting_is_refused_at_once() -> None:
    """Neither the parser nor the stack sees the bottom."""
    for text in ("[" * 100_000, "{" * 100_000, "- " * 50_000, "a: " + "[" * 100_000):
        started = time.thread_time()
        assert read_document(text).broken
        assert time.thread_time() - started < 0.1


@given(st.text(max_size=300) | st.text(alphabet=" \n\t-:?&*!|>'\"{}[]#%@`,ab<1", max_size=120))
@example("&a [*a]")
@example("<<: *a")
@example("? &a\n: *a")
@example("\ud800")
@example("\ufeff")
@example("a: \ufeff")
@example("a:\x85b\u2028\ufffd")
@example('"\\ud800"')
@example("!<tag:yaml.org,2002:int> x")
def test_any_text_is_read_or_has_a_flaw(text: str) -> None:
    """Never an exception, and a document that is cut short says so."""
    document = read_document(text)
    assert document.flaws or not document.broken
    assert all(flaw.line >= 1 for flaw in document.flaws)
