"""Requests as columns that read like a list of requests."""

import numpy as np
import pytest

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.requests import Request
from wva_exporter.twin.workloads.stream import NO_PREFIX, Stream, merged


def stream(*arrivals: float, **columns: np.ndarray) -> Stream:
    """Requests at these times of 10, 11, 12... tokens in and 5 out."""
    count = len(arrivals)
    return Stream(
        arrival_seconds=np.array(arrivals, dtype=float),
        prompt_tokens=10 + np.arange(count),
        output_tokens=np.full(count, 5),
        patience_seconds=60.0,
        **columns,
    )


def test_a_stream_reads_like_a_list_of_requests() -> None:
    """Length, places from both ends, slices and iteration, all in plain numbers."""
    requests = stream(1.0, 2.0, 4.0)
    expected = [
        Request(arrival_seconds=at, prompt_tokens=10 + place, output_tokens=5, patience_seconds=60.0)
        for place, at in enumerate((1.0, 2.0, 4.0))
    ]
    assert list(requests) == expected
    assert (len(requests), requests[0], requests[-1]) == (3, expected[0], expected[2])
    assert list(requests[1:]) == expected[1:]
    assert type(requests[0].prompt_tokens) is int
    assert type(requests[0].arrival_seconds) is float


def test_a_place_outside_the_stream_is_an_index_error() -> None:
    """As with every sequence, so that ``in`` and ``reversed`` work."""
    with pytest.raises(IndexError):
        stream(1.0)[1]


def test_a_time_span_begins_with_its_start_and_ends_before_its_end() -> None:
    """Two spans side by side share no request and lose none."""
    requests = stream(0.0, 1.0, 1.0, 2.0)
    assert [r.arrival_seconds for r in requests.between(0.0, 1.0)] == [0.0]
    assert [r.arrival_seconds for r in requests.between(1.0, 2.0)] == [1.0, 1.0]


def test_long_streams_are_read_in_pieces_without_a_seam() -> None:
    """Iteration converts a few thousand at a time."""
    count = 10_001
    requests = stream(*np.arange(count, dtype=float))
    assert [r.arrival_seconds for r in requests] == list(range(count))


def test_shared_beginnings_survive_the_way_to_a_request() -> None:
    """No prefix is None there and a number in the column."""
    requests = stream(0.0, 1.0, prefix=np.array([7, NO_PREFIX]), prefix_tokens=np.array([8, 0]))
    assert [(r.prefix, r.prefix_tokens) for r in requests] == [(7, 8), (None, 0)]


def test_merging_keeps_the_shared_beginnings_of_one_side() -> None:
    """The other side's requests share nothing."""
    both = merged(stream(-1.0), stream(0.0, prefix=np.array([7]), prefix_tokens=np.array([8])))
    assert [(r.arrival_seconds, r.prefix) for r in both] == [(-1.0, None), (0.0, 7)]


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: stream(2.0, 1.0), "order"),
        (lambda: stream(1.0, prefix=np.array([1])), "shapes"),
        (lambda: stream(1.0, prefix=np.array([1, 2]), prefix_tokens=np.array([1, 2])), "shapes"),
        (
            lambda: Stream(arrival_seconds=np.zeros(1), prompt_tokens=np.zeros(1, int), output_tokens=np.ones(1, int)),
            "tokens",
        ),
    ],
    ids=["out of order", "prefix without its size", "columns of two lengths", "no token"],
)
def test_columns_that_do_not_go_together_are_refused(build: object, said: str) -> None:
    """A stream is right or does not exist."""
    with pytest.raises(InvalidValue, match=said):
        build()  # type: ignore[operator]


def test_columns_cannot_be_changed_afterwards() -> None:
    """Policies that share a stream cannot disturb each other."""
    with pytest.raises(ValueError, match="read-only"):
        stream(1.0).prompt_tokens[0] = 3
