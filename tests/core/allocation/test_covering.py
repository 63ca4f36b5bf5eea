"""The least cost of enough."""

from __future__ import annotations

import itertools
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.allocation.covering import Kind, cover
from wva_exporter.errors import InvalidValue


def cost(kinds: list[Kind], counts: list[int]) -> float:
    """Of so many of each."""
    return sum(kind.cost * count for kind, count in zip(kinds, counts, strict=True))


def carried(kinds: list[Kind], counts: list[int], need: int) -> float:
    """Of one need."""
    return sum(kind.capacity[need] * count for kind, count in zip(kinds, counts, strict=True))


def test_a_small_gap_is_closed_by_a_small_replica() -> None:
    """Although a unit of the big one costs less."""
    kinds = [Kind(cost=40, capacity=(80_000.0,)), Kind(cost=6, capacity=(10_000.0,))]
    assert cover(kinds, [1000.0]) == [0, 1]
    assert cover(kinds, [75_000.0]) == [1, 0]


def test_a_sum_of_floats_costs_no_extra_replica() -> None:
    """Three tenths are three times a tenth."""
    assert cover([Kind(cost=1, capacity=(0.1,))], [0.1 + 0.2]) == [3]


def test_two_needs_are_covered_together() -> None:
    """One kind carries one of them well, another the other."""
    kinds = [Kind(cost=3, capacity=(10.0, 1.0)), Kind(cost=3, capacity=(1.0, 10.0)), Kind(cost=5, capacity=(9.0, 9.0))]
    assert cover(kinds, [9.0, 9.0]) == [0, 0, 1]
    assert cover(kinds, [10.0, 10.0]) == [1, 1, 0]


def test_what_cannot_be_covered_is_said() -> None:
    """No count is an answer."""
    assert cover([Kind(cost=1, capacity=(10.0,), most=2)], [21.0]) is None
    assert cover([Kind(cost=1, capacity=(0.0,))], [1.0]) is None
    assert cover([], [1.0]) is None


def test_what_is_there_anyway_counts() -> None:
    """The least of a kind is never taken away and needs no company."""
    assert cover([Kind(cost=9, capacity=(10.0,), least=2), Kind(cost=1, capacity=(10.0,))], [20.0]) == [2, 0]


def test_kinds_of_one_price_do_not_make_the_search_long() -> None:
    """Where everything costs the same the first good answer stands."""
    kinds = [Kind(cost=c, capacity=(c * 7.0,)) for c in (1.0, 1.5, 2.25, 3.375, 5.0)]
    start = time.perf_counter()
    found = cover(kinds, [99_999.0])
    assert time.perf_counter() - start < 1.0
    assert found is not None
    assert carried(kinds, found, 0) >= 99_999.0 * (1 - 1e-8)


@pytest.mark.parametrize(
    "wrong", [{"cost": -1.0}, {"cost": math.nan}, {"capacity": (math.inf,)}, {"least": 3, "most": 2}]
)
def test_impossible_kinds_are_refused(wrong: dict[str, object]) -> None:
    """Negative, endless, upside down."""
    with pytest.raises(InvalidValue):
        Kind(**{"cost": 1.0, "capacity": (1.0,), **wrong})  # type: ignore[arg-type]


PRICES = st.integers(0, 30)
KINDS = st.lists(
    st.builds(
        lambda price, first, second, least, more: Kind(
            cost=float(price), capacity=(float(first), float(second)), least=least, most=least + more
        ),
        PRICES,
        st.integers(0, 9),
        st.integers(0, 9),
        st.integers(0, 1),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=4,
)


@given(KINDS, st.integers(0, 40), st.integers(0, 40))
def test_no_other_choice_costs_less(kinds: list[Kind], first: int, second: int) -> None:
    """Every choice was tried: those that suffice cost as much or more."""
    needs = [float(first), float(second)]
    choices = itertools.product(*(range(kind.least, int(kind.most) + 1) for kind in kinds))
    good = [list(c) for c in choices if all(carried(kinds, list(c), w) >= need for w, need in enumerate(needs))]
    found = cover(kinds, needs)
    if not good:
        assert found is None
    else:
        assert found in good
        assert cost(kinds, found) == min(cost(kinds, each) for each in good)
