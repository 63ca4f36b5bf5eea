"""Bodies to vectors: no body is trusted, and labels that come again cost nothing."""

from __future__ import annotations

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.sources.decode import MAX_WARNINGS, LabelMemory, decode
from wva_exporter.sources.failures import BadAnswer
from wva_exporter.sources.samples import Labels

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=10,
)


def body(*rows: tuple[dict[str, str], float, str], **more: object) -> bytes:
    """An answer as Prometheus writes it."""
    result = [{"metric": labels, "value": [time, text]} for labels, time, text in rows]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}, **more}).encode()


def fleet(replicas: int) -> bytes:
    """One query's answer about so many replicas."""
    rows = []
    for i in range(replicas):
        labels = {
            "engine_type": "vllm",
            "instance": f"10.0.{i // 250}.{i % 250}:8000",
            "job": "llm/engines",
            "llm_d_ai_variant": f"variant-{i // 4}",
            "model_name": f"org/model-{i // 16}",
            "namespace": "llm",
            "pod": f"variant-{i // 4}-7d9c5b8f6-{i:05}",
        }
        rows.append((labels, 1_700_000_000.123, str(i / 7)))
    return body(*rows)


def outcome(content: bytes) -> int:
    """How many rows a body has, or -1 for one that is refused; any other exception is the test's failure."""
    try:
        decoded = decode(content, LabelMemory())
    except BadAnswer:
        return -1
    assert len(decoded.labels) == len(decoded.value)
    assert all(math.isfinite(value) for value in decoded.value.tolist())
    return len(decoded.labels)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_bad_answer(content: bytes) -> None:
    """Whatever stands at the other end of the connection."""
    assert outcome(content) == -1


@given(JSON, JSON, JSON)
def test_no_json_raises_anything_but_a_bad_answer(metric: object, value: object, data: object) -> None:
    """Wrong types at every depth."""
    sample = {"metric": metric, "value": value}
    for content in (
        data,
        {"status": "success", "data": data},
        {"status": "success", "data": {"resultType": "vector", "result": data}},
        {"status": "success", "data": {"resultType": "vector", "result": [sample]}},
    ):
        assert outcome(json.dumps(content).encode()) <= 1


@given(st.integers(0, 400))
def test_no_answer_cut_short_is_taken_for_a_smaller_one(length: int) -> None:
    """Half a fleet must not look like a small fleet."""
    whole = fleet(2)
    assert outcome(whole[: min(length, len(whole) - 1)]) == -1
    assert outcome(whole) == 2


def test_the_newest_sample_tells_the_time() -> None:
    """Also if it is not a number, and none without samples."""
    assert decode(body(({}, 5.0, "1"), ({"a": "b"}, 7.5, "NaN")), LabelMemory()).time == 7.5
    assert decode(body(), LabelMemory()).time is None


def test_warnings_are_bounded_in_number() -> None:
    """That there is one is what matters."""
    assert len(decode(body(warnings=[str(i) for i in range(1000)]), LabelMemory()).warnings) == MAX_WARNINGS


def test_the_same_labels_are_the_same_object_in_every_query_of_a_cycle_and_the_next() -> None:
    """Decoded once while they keep coming."""
    memory = LabelMemory()
    first = decode(fleet(3), memory).labels
    assert all(a is b for a, b in zip(first, decode(fleet(3), memory).labels, strict=True))
    memory.turn()
    assert all(a is b for a, b in zip(first, decode(fleet(3), memory).labels, strict=True))
    assert first[0] == Labels(
        namespace="llm",
        pod="variant-0-7d9c5b8f6-00000",
        instance="10.0.0.0:8000",
        job="llm/engines",
        model_name="org/model-0",
        llm_d_ai_variant="variant-0",
        engine_type="vllm",
    )


def test_labels_that_stop_coming_are_forgotten() -> None:
    """Pods come and go for months: what one cycle did not bring is not kept for the one after it."""
    memory = LabelMemory()
    decode(fleet(3), memory)
    for _ in range(2):
        memory.turn()
        decode(fleet(1), memory)
    assert len(memory) == 1
    assert not memory._before  # noqa: SLF001 - what is kept is what this is about


def test_eighty_thousand_series_take_a_fraction_of_a_cycle() -> None:
    """Twenty answers about a fleet of 4,000 replicas; the bound is ten times what it takes, for busy machines."""
    memory = LabelMemory()
    answer = fleet(4000)
    decode(answer, memory)
    began = time.process_time()
    rows = sum(len(decode(answer, memory).labels) for _ in range(20))
    assert rows == 80_000
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    "content", [b"null", b"[]", b'"x"', b'{"status":"success"}', b'{"status":"success","data":null}']
)
def test_json_that_is_no_answer_is_refused(content: bytes) -> None:
    """It is an error and not an empty answer."""
    assert outcome(content) == -1
