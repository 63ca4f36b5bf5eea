"""ServeGen's files as they are published: a client's windows without names, and the sizes of its requests as laws."""

import json
from pathlib import Path

import numpy as np
import pytest

from wva_exporter.errors import ConfigError
from wva_exporter.twin.traces.servegen import ServeGen, read_windows
from wva_exporter.twin.traces.servegen_sizes import read_seen_sizes
from wva_exporter.twin.workloads.stream import Stream

DATA = Path(__file__).parent.parent / "data" / "servegen"


def client(seed: int = 1, **fields: object) -> Stream:
    """The requests of a small client, with layouts as published and numbers made up for this test."""
    given = {
        "windows": read_windows(DATA / "chunk-7-trace.csv"),
        "sizes": read_seen_sizes(DATA / "chunk-7-dataset.json"),
        "duration_seconds": 2400.0,
        "scale": 5.0,
    } | fields
    return ServeGen(**given).requests(np.random.default_rng(seed))  # type: ignore[arg-type]


def share(tokens: np.ndarray, size: int) -> float:
    """How many of them have this size."""
    return float(np.mean(tokens == size))


def test_windows_without_names_on_top_are_read_from_the_first_line_on() -> None:
    """As they are published."""
    windows = read_windows(DATA / "chunk-7-trace.csv")
    assert windows.start_seconds.tolist() == [0, 600, 1200, 1800]
    assert windows.rps.tolist() == [0, 4.5, 6, 3]
    assert windows.shape[1:].tolist() == [0.7, 0.6, 1.0]
    assert windows.weibull.tolist() == [False, False, True, False]


def test_sizes_are_drawn_as_often_as_they_were_seen() -> None:
    """From 600 s on a quarter and three quarters; from 1800 s on 3 to 2, as half of the requests there failed."""
    requests = client()
    early, late = requests.arrival_seconds < 1800, requests.arrival_seconds >= 1800
    assert set(requests.prompt_tokens[early].tolist()) == {100, 300}
    assert share(requests.prompt_tokens[early], 300) == pytest.approx(0.75, abs=0.02)
    assert set(requests.prompt_tokens[late].tolist()) == {2000, 4000}
    assert share(requests.prompt_tokens[late], 2000) == pytest.approx(0.6, abs=0.02)
    assert share(requests.output_tokens[late], 20) == pytest.approx(0.5, abs=0.02)


def test_an_entry_that_lacks_a_half_leaves_the_one_before_in_force() -> None:
    """From 1200 s on no prompt was seen: prompts and answers both stay those of 600 s."""
    requests = client()
    middle = (requests.arrival_seconds >= 1200) & (requests.arrival_seconds < 1800)
    assert set(requests.prompt_tokens[middle].tolist()) == {100, 300}
    assert set(requests.output_tokens[middle].tolist()) == {7}


def test_the_seed_alone_decides_on_sizes() -> None:
    """The same one gives the same bytes, another one others; prompts and answers are drawn apart."""
    first, again, other = client(1), client(1), client(2)
    assert first.prompt_tokens.tobytes() == again.prompt_tokens.tobytes()
    assert first.output_tokens.tobytes() == again.output_tokens.tobytes()
    assert first.prompt_tokens[:100].tolist() != other.prompt_tokens[:100].tolist()
    late = first.arrival_seconds >= 1800
    long, many = first.prompt_tokens[late] > 2000, first.output_tokens[late] > 20
    assert abs(np.corrcoef(long, many)[0, 1]) < 0.06


def test_drawn_sizes_are_cut_to_what_was_asked_for() -> None:
    """As with every other trace."""
    assert client(most_tokens=250).prompt_tokens.max() == 250


def test_the_time_before_has_the_sizes_of_the_first_entry_with_some() -> None:
    """There is none for 0 s."""
    sizes = read_seen_sizes(DATA / "chunk-7-dataset.json")
    assert sizes.start_seconds.tolist() == [600, 1800]
    assert set(sizes.prompts(np.array([-50.0, 0.0, 599.0]), np.random.default_rng(1)).tolist()) <= {100, 300}


LAW = 'must be tokens and shares that sum to 1, such as "{62: 0.25, 66: 0.75}"'
SECONDS = "seconds, a number from 0 to 1e15"
FINE = "{5: 1.0}"


def entries(prompts: object, outputs: object = FINE) -> str:
    """A file whose only entry is this."""
    return json.dumps({"0": {"input_tokens": prompts, "output_tokens": outputs}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{\n[", ":2: not valid JSON: Expecting property name enclosed in double quotes"),
        ("[]", ":1: not a JSON object by the seconds of its times"),
        ('{"0": {}, "0": {}}', ": not valid JSON: 0 is given twice"),
        ('{"0": 5}', ": 0: must be an object with input_tokens and output_tokens"),
        (entries(FINE).replace('"0"', '"noon"'), f": times: 'noon' is not allowed: must be {SECONDS}"),
        (
            '{"600": %s, "0": %s}' % ((entries(FINE)[6:-1],) * 2),
            ": times: '0' is not allowed: must be at or after the time before",
        ),
        (entries({"5": 1.0}), f": 0.input_tokens: is not text: {LAW}"),
        (entries(FINE, None), f": 0.output_tokens: is required: {LAW}"),
        (entries("5: 1.0"), f": 0.input_tokens: '5: 1.0' is not allowed: {LAW}"),
        (entries(FINE, "{5: 0.5}"), f": 0.output_tokens: '{{5: 0.5}}' is not allowed: {LAW}"),
        (entries("{5: 0.5, 5: 0.5}"), f": 0.input_tokens: '{{5: 0.5, 5: 0.5}}' is not allowed: {LAW}"),
        (entries("{5: 1.5, 6: -0.5}"), f": 0.input_tokens: '{{5: 1.5, 6: -0.5}}' is not allowed: {LAW}"),
        (entries("{5.5: 1.0}"), f": 0.input_tokens: '{{5.5: 1.0}}' is not allowed: {LAW}"),
        (entries("{5: nan}"), f": 0.input_tokens: '{{5: nan}}' is not allowed: {LAW}"),
        (entries("{__import__('os'): 1}"), f": 0.input_tokens: \"{{__import__('os'): 1}}\" is not allowed: {LAW}"),
        (entries(FINE).replace('"0"', '"1e400"'), f": times: '1e400' is not allowed: must be {SECONDS}"),
        (entries("{1e400: 1.0}"), f": 0.input_tokens: '{{1e400: 1.0}}' is not allowed: {LAW}"),
        (entries("{5: 1e400}"), f": 0.input_tokens: '{{5: 1e400}}' is not allowed: {LAW}"),
        ('{"0": %s}' % ("9" * 5000), ": 0: must be an object with input_tokens and output_tokens"),
        ('{"a\\nb": 5}', r": a\nb: must be an object with input_tokens and output_tokens"),
        (entries("{0: 1.0}"), ": there is no time with sizes of prompts and answers"),
        ("{}", ": there is no time with sizes of prompts and answers"),
    ],
)
def test_a_bad_file_of_sizes_is_told_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    """Its text is read, never evaluated."""
    path = tmp_path / "chunk-1-dataset.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_seen_sizes(path)
    assert list(refused.value.findings) == [f"{path}{said}"]


def test_a_file_of_sizes_nested_without_end_is_refused(tmp_path: Path) -> None:
    """In a line, as everything else."""
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000)
    with pytest.raises(ConfigError, match="not valid JSON"):
        read_seen_sizes(path)
    with pytest.raises(ConfigError, match="no such file"):
        read_seen_sizes(tmp_path / "none.json")
