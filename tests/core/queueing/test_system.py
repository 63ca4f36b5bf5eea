"""Replicas are refused where they cannot be, and their service times follow the laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from queueing_builder import replica, systems

from wva_exporter.core.queueing.service import (
    chunks_needed,
    decode_time,
    iteration_time,
    prefill_time,
    service_rate,
    service_time,
)
from wva_exporter.core.queueing.system import ServiceModel, System
from wva_exporter.errors import InvalidValue


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("alpha_seconds", np.nan),
        ("alpha_seconds", -1.0),
        ("beta_seconds", np.inf),
        ("in_tokens", -1),
        ("out_tokens", 0.5),
        ("max_batch", 0),
        ("max_batch", 2.5),
        ("max_batch", 10**12),
        ("max_queue", -1),
        ("max_tokens", 0),
        ("hit_ratio", 1.1),
    ],
)
def test_a_number_out_of_its_range_is_refused_by_name(field: str, value: float) -> None:
    """The message names the field and its range."""
    with pytest.raises(InvalidValue, match=f"{field} lies within"):
        replica(**{field: value})


def test_a_replica_that_takes_no_time_is_refused() -> None:
    """All parameters 0 would serve without end."""
    with pytest.raises(InvalidValue, match="take time"):
        replica(alpha_seconds=0.0, beta_seconds=0.0, gamma_seconds=0.0)


def test_a_field_that_is_missing_or_misspelt_is_refused() -> None:
    """A typo does not become a default."""
    with pytest.raises(InvalidValue, match="alfa_seconds"):
        System.of(ServiceModel.PD, alfa_seconds=1.0)


def test_in_a_fleet_the_impossible_is_unknown() -> None:
    """One bad variant does not stop the others."""
    given: dict[str, Any] = {"alpha_seconds": [0.01, np.nan, 0.01], "beta_seconds": 1e-4, "gamma_seconds": 1e-7}
    sizes = {"in_tokens": 10, "out_tokens": 10, "max_batch": 4, "max_queue": 4}
    fleet = System.where_possible(ServiceModel.ABG, known=[True, True, False], **given, **sizes)
    assert fleet.known.tolist() == [True, False, False]


@given(systems(), st.integers(1, 300))
def test_the_number_of_chunks_is_the_least_that_fits(system: System, batch: int) -> None:
    """The closed form of the quadratic agrees with trying 1, 2, 3, ..."""
    chunks = int(chunks_needed(system, batch))
    prompt, out, budget = float(system.computed_tokens), float(system.out_tokens), float(system.max_tokens)

    def room(c: int) -> float:
        return (c + out) * (budget - prompt / c) / (prompt + out)

    if system.model != ServiceModel.CHUNK:
        assert chunks == 1
    else:
        assert room(chunks) >= batch * (1 - 1e-9)
        assert chunks == 1 or room(chunks - 1) < batch * (1 + 1e-9)


def test_a_prefix_cache_hit_shortens_prefill_and_not_what_is_read() -> None:
    """Half the prompt is computed; decode still reads all of it."""
    cold, warm = replica(), replica(hit_ratio=0.5)
    assert warm.computed_tokens == 256
    assert prefill_time(warm, 4.0) < prefill_time(cold, 4.0)
    own = float(cold.beta_seconds + cold.gamma_seconds) * 256
    assert prefill_time(cold, 0.0) - prefill_time(warm, 0.0) == pytest.approx(own)
    assert decode_time(warm, 0.0) == decode_time(cold, 0.0)


def test_a_prompt_found_whole_still_computes_a_token() -> None:
    """The last token is never served from the cache."""
    assert replica(hit_ratio=1.0).computed_tokens == 1.0


def test_memory_caps_the_batch() -> None:
    """A request holds its prompt and half its answer: 576 tokens."""
    fleet = replica(max_batch=[16, 16, 16, 16]).capped_by_memory([5760, 100, 1e9, np.nan])
    assert fleet.max_batch.tolist() == [10, 1, 16, 16]


@given(systems())
def test_more_together_is_slower_for_each(system: System) -> None:
    """Times do not fall with the batch while the chunks stay."""
    batch = np.arange(1.0, 9.0)
    same = chunks_needed(system, batch) == chunks_needed(system, 8.0)
    for time in (service_time, decode_time, prefill_time, iteration_time):
        assert np.all(np.diff(time(system, batch)[same]) >= -1e-12)
    assert np.all(service_rate(system, batch) > 0.0)
