"""The queueing-model analyzer: what ready replicas carry, and that unknown is neither zero nor an error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.columns import Column, integers
from wva_exporter.core.queueing.analyzer import Found, Standing, Traffic, analyze
from wva_exporter.core.queueing.slo import Slo
from wva_exporter.errors import InvalidValue

LEARNED = (5e-3, 5e-5, 5e-8)


def found(
    arrivals: Sequence[float | None],
    *,
    ready: Sequence[float] = (1.0,),
    pending: Sequence[float] | None = None,
    variant: Sequence[int] | None = None,
    parameters: Sequence[tuple[float, float, float] | None] | None = None,
    multiplier: float = 3.0,
    slo: tuple[float, float] | None = None,
) -> Found:
    """One model; a replica for each arrival rate, of 512/128 tokens, 40 ms and 7.7 ms; a variant for each ready count."""
    rows, variants = len(arrivals), len(ready)
    known = parameters or [LEARNED] * variants

    def every(value: float) -> Column:
        return Column.of(np.full(rows, value))

    return analyze(
        Traffic(
            variant=integers(variant or [0] * rows),
            arrivals=Column.from_optional(arrivals),
            in_tokens=every(512.0),
            out_tokens=every(128.0),
            ttft_seconds=every(0.040),
            itl_seconds=every(0.0077),
        ),
        Standing(
            model=integers([0] * variants),
            ready=np.array(ready),
            pending=np.array(pending or [0.0] * variants),
            max_batch=Column.of(np.full(variants, 256.0)),
            parameters=Column.of([[np.nan] * 3 if p is None else p for p in known]),
            slo=Slo(
                ttft_seconds=Column.from_optional([slo and slo[0]]), itl_seconds=Column.from_optional([slo and slo[1]])
            ),
            multiplier=np.array([multiplier]),
        ),
    )


@pytest.mark.parametrize(
    ("ready", "required", "spare"), [(1, 31.747216, 0.0), (5, 0.0, 1.263919), (20, 0.0, 125.055676)]
)
def test_supply_is_what_is_ready(ready: int, required: float, spare: float) -> None:
    """One, five or twenty replicas under 40 requests per second: the original says the same of all three."""
    got = found([40.0], ready=[float(ready)])
    assert got.supply.value[0] == pytest.approx(ready * 8.25278378, rel=1e-5)
    assert got.required.value[0] == pytest.approx(required, abs=1e-3)
    assert got.spare.value[0] == pytest.approx(spare, abs=1e-3)


def test_pending_replicas_are_anticipated() -> None:
    """What is on its way is not ordered again, and is no spare either."""
    got = found([40.0], ready=[3.0], pending=[2.0])
    assert got.required.value[0] == 0.0
    assert got.anticipated.value[0] == pytest.approx(5 * 8.25278378, rel=1e-5)
    assert got.spare.value[0] == 0.0


def test_without_parameters_the_capacity_is_unknown() -> None:
    """Not zero: the model is held, and what it is asked for is known."""
    got = found([12.0], parameters=[None])
    assert not got.capacity.known[0]
    assert not got.supply.known[0]
    assert got.demand.listed() == [12.0]
    assert got.slo.ttft_seconds.value[0] == pytest.approx(0.060)
    assert got.hold.tolist() == [True]


def test_without_traffic_the_model_is_held() -> None:
    """Nothing tells what its requests would be: the original fails."""
    got = found([0.0])
    assert not got.slo.known[0]
    assert got.demand.listed() == [0.0]
    assert got.hold.tolist() == [True]


def test_an_idle_variant_is_sized_for_its_models_requests() -> None:
    """It will get the same work: its capacity is not zero because nobody sent it any."""
    got = found([40.0, 0.0], variant=[0, 1], ready=[1.0, 1.0])
    assert got.capacity.known.all()
    assert got.capacity.value[0] == got.capacity.value[1]


def test_one_blind_variant_makes_the_models_supply_unknown() -> None:
    """A sum without one of its parts is not the sum."""
    assert not found([40.0, 1.0], variant=[0, 1], ready=[1.0, 1.0], parameters=[LEARNED, None]).supply.known[0]


def test_the_slowest_variant_sets_the_inferred_target() -> None:
    """Element by element the largest of what each would take."""
    slow = (10e-3, 1e-5, 5e-8)
    got = found([40.0, 1.0], variant=[0, 1], ready=[1.0, 1.0], parameters=[LEARNED, slow])
    assert got.slo.ttft_seconds.value[0] == pytest.approx(max(0.0406256, 3 * 10e-3 + (1e-5 + 5e-8) * 512))


def test_the_documented_multiplier_two_is_met_by_no_rate() -> None:
    """Its targets lie below what an empty replica takes: the capacity is unknown, and the model held."""
    got = found([40.0], multiplier=2.0)
    assert got.slo.known[0]
    assert not got.capacity.known[0]
    assert got.hold[0]


def test_a_replica_of_no_variant_is_refused() -> None:
    """An index out of range is the caller's mistake."""
    with pytest.raises(InvalidValue, match="variant outside"):
        found([1.0], variant=[3])


@given(
    st.lists(st.one_of(st.none(), st.floats(0.0, 1e4)), min_size=1, max_size=5), st.integers(0, 30), st.integers(0, 5)
)
def test_required_and_spare_exclude_each_other(arrivals: list[float | None], ready: int, pending: int) -> None:
    """With nothing pending both are never positive; where one is known so is the other."""
    got = found(arrivals, ready=[float(ready)], pending=[float(pending)])
    assert got.required.known.tolist() == got.spare.known.tolist()
    assert got.required.value[0] * got.spare.value[0] == 0.0
    assert got.anticipated.value[0] >= got.supply.value[0]
