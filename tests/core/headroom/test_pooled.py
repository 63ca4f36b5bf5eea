"""How many replicas a rate needs, pooled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.headroom.pooled import UTILIZATION, Station, replicas_for


def needed(rate: float, *, base: float = 2.0, slope: float = 0.01, batch: float = 60.0, step: float = 1.0) -> float:
    """Replicas for one rate, by default of replicas that complete 23 a second."""
    station = Station(
        base_seconds=np.array([base]),
        slope_seconds=np.array([slope]),
        places=np.array([batch]),
        rate_rps=np.array([batch / (base + slope * batch)]),
        step=np.array([step]),
    )
    return float(replicas_for(station, np.array([rate]))[0])


def erlang_c(rate: float, seconds: float, places: int) -> float:
    """The share of arrivals that wait in M/M/c, by Erlang's recursion."""
    blocked, load = 1.0, rate * seconds
    for servers in range(1, places + 1):
        blocked = load * blocked / (servers + load * blocked)
    return places * blocked / (places - load * (1.0 - blocked))


def test_no_rate_needs_nothing() -> None:
    """And any rate at least one."""
    assert needed(0.0) == 0
    assert needed(1e-6) == 1


def test_a_large_fleet_runs_at_nine_tenths() -> None:
    """With thousands of places nobody waits before the share of utilisation binds."""
    each = 60.0 / 2.6
    assert needed(100 * each) == np.ceil(100 / UTILIZATION)


@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0, 7.5])
def test_few_places_follow_erlang(rate: float) -> None:
    """With a constant service time the chain is M/M/c: the least count at which two in a hundred wait."""
    found = int(needed(rate, base=4.0, slope=0.0, batch=4.0))
    assert erlang_c(rate, 4.0, 4 * found) <= 0.0201
    fewer = 4 * (found - 1)
    assert fewer <= rate * 4.0 / UTILIZATION or erlang_c(rate, 4.0, fewer) > 0.0199


@given(
    rate=st.floats(0.01, 1000),
    more=st.floats(1.0, 2.0),
    base=st.floats(0.05, 30),
    slope=st.floats(0, 0.2),
    batch=st.integers(1, 512),
)
def test_more_demand_never_needs_fewer(rate: float, more: float, base: float, slope: float, batch: int) -> None:
    """Whatever the engine."""
    engine = {"base": base, "slope": slope, "batch": float(batch)}
    assert needed(rate * more, **engine) >= needed(rate, **engine)
