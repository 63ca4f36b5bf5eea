"""Parameters come back out of what an engine with these parameters shows, whatever else the window holds."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from core.learning.engines import Law, changed, spread_loads, window
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wva_exporter.core.columns import Column
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.estimation import Estimate, Noise, fit
from wva_exporter.core.queueing.observations import LIMITS, Observations
from wva_exporter.core.queueing.system import ServiceModel
from wva_exporter.errors import InvalidValue

NOTHING = Belief.unknown(1)


def capacity_error(law: Law, found: Estimate, row: int = 0) -> float:
    """Relative error of the largest rate that follows from an estimate."""
    return law.capacity(found.belief.mean_seconds[row]) / law.capacity() - 1.0


@pytest.mark.parametrize("model", [ServiceModel.CHUNK, ServiceModel.ABG])
def test_without_noise_the_parameters_themselves_come_back(model: ServiceModel) -> None:
    """Both laws, from 40 points all over the load."""
    law = Law(model=model)
    found = fit(window(law, spread_loads()), NOTHING, model)
    assert found.belief.mean_seconds[0] == pytest.approx(law.seconds, rel=0.03)
    assert abs(capacity_error(law, found)) < 0.005
    assert found.identified.all()


def test_with_noise_the_capacity_comes_back() -> None:
    """3 % on every measurement leaves it within a few percent."""
    law = Law()
    found = fit(window(law, spread_loads(), noise=0.03), NOTHING)
    assert abs(capacity_error(law, found)) < 0.03


def test_rows_do_not_know_of_each_other() -> None:
    """A fleet's fit is the fits of its variants."""
    laws = [Law(), Law(alpha_ms=20.0, in_tokens=200.0), Law(beta_ms=0.09, out_tokens=60.0)]
    alone = [fit(window(law, spread_loads(), noise=0.03), NOTHING) for law in laws]
    windows = [window(law, spread_loads(), noise=0.03) for law in laws]
    together = fit(stacked(*windows), Belief.unknown(3))
    for row, one in enumerate(alone):
        assert together.belief.mean_seconds[row] == pytest.approx(one.belief.mean_seconds[0], rel=1e-3)


def stacked(*windows: Observations) -> Observations:
    """Windows of equal length as rows of one fleet."""
    names = set(Observations.__dataclass_fields__) - set(LIMITS)
    columns = {
        name: Column(
            value=np.concatenate([getattr(w, name).value for w in windows]),
            known=np.concatenate([getattr(w, name).known for w in windows]),
        )
        for name in names
    }
    return Observations(
        max_batch=np.concatenate([w.max_batch for w in windows]),
        max_tokens=np.concatenate([w.max_tokens for w in windows]),
        **columns,
    )


def test_wild_points_move_little() -> None:
    """Five of forty scrapes that are off by a factor of ten are five of forty, not the whole truth."""
    law = Law()
    seen = window(law, spread_loads(), noise=0.02)
    itl = seen.itl_seconds.value.copy()
    itl[0, ::8] *= 10.0
    found = fit(changed(seen, itl_seconds=Column.of(itl)), NOTHING)
    assert abs(capacity_error(law, found)) < 0.05


@pytest.mark.parametrize("lost", ["running", "rate_rps", "ttft_seconds"])
def test_one_signal_may_be_missing(lost: str) -> None:
    """Without the gauge Little's law gives the batch, without the rate the gauge does, and ITL alone tells the load's price."""
    law = Law()
    seen = window(law, spread_loads(), noise=0.01)
    found = fit(changed(seen, **{lost: Column.unknown(seen.shape)}), NOTHING)
    assert abs(capacity_error(law, found)) < 0.05


def test_the_queueing_law_is_not_needed() -> None:
    """Arrivals as regular as a clock keep fewer waiting than Poisson's: ITL over the measured batch is the same line."""
    law = Law(max_batch=32)
    seen = window(law, spread_loads(high=0.95))
    quiet = changed(seen, waiting=Column.of(np.zeros(seen.shape)))
    ttft = seen.ttft_seconds.value - seen.waiting_seconds
    found = fit(changed(quiet, ttft_seconds=Column.of(ttft)), NOTHING)
    assert abs(capacity_error(law, found)) < 0.05


def test_in_overload_nothing_fails_and_the_rate_is_learned() -> None:
    """A full batch and seconds of waiting: ITL and the batch still tell what the engine carries."""
    law = Law()
    seen = window(law, np.linspace(0.9, 3.0, 40), noise=0.01)
    found = fit(seen, NOTHING)
    assert found.belief.known.all()
    assert abs(capacity_error(law, found)) < 0.10


def test_one_load_only_is_confessed() -> None:
    """Points of a single load cannot tell the base from the slope: not all is identified, and the spread says so."""
    flat = fit(window(Law(), np.full(40, 0.5), noise=0.03), NOTHING)
    wide = fit(window(Law(), spread_loads(), noise=0.03), NOTHING)
    assert flat.belief.spread[0, 0] > 2.0 * wide.belief.spread[0, 0]


def test_no_points_leave_the_belief_as_it_was() -> None:
    """And a variant without either keeps the range of all engines."""
    seen = window(Law(), spread_loads(8))
    nothing = seen.where(np.zeros(seen.shape, dtype=bool))
    before = Belief.of([[8e-3, 3e-5, 6e-8]], [[1e-3, 1e-5, 3e-8]])
    kept = fit(nothing, before)
    assert kept.points[0] == 0.0
    assert kept.belief.mean_seconds == pytest.approx(before.mean_seconds)
    assert kept.belief.stddev_seconds == pytest.approx(before.stddev_seconds)
    assert not kept.identified.any()
    assert fit(nothing, NOTHING).belief.mean_seconds == pytest.approx(Belief.anything(1).mean_seconds)


def test_a_wrong_belief_is_overcome() -> None:
    """Parameters that are three times too small, and sure of it, give way to one window."""
    law = Law()
    stubborn = Belief.of([law.seconds / 3.0], [law.seconds / 3.0 * 0.1])
    found = fit(window(law, spread_loads(), noise=0.03), stubborn)
    assert abs(capacity_error(law, found)) < 0.15


def test_neighbours_that_overlap_count_for_less() -> None:
    """Four windows that share their samples are one and a bit."""
    seen = window(Law(), spread_loads(), noise=0.03)
    once, shared = (fit(seen, NOTHING, noise=Noise(overlap=overlap)) for overlap in (1.0, 4.0))
    assert shared.belief.spread[0, 0] == pytest.approx(2.0 * once.belief.spread[0, 0], rel=0.1)


def test_the_spread_covers_the_error() -> None:
    """Over 60 windows, alpha is within two standard deviations nearly always."""
    law = Law()
    rows = [window(law, spread_loads(seed=s), noise=0.03, seed=s) for s in range(60)]
    found = fit(stacked(*rows), Belief.unknown(60))
    distance = np.abs(np.log(found.belief.mean_seconds / law.seconds)) / found.belief.spread
    assert (distance[:, 0] < 2.0).mean() >= 0.9


def test_a_prefix_cache_is_not_mistaken_for_a_fast_engine() -> None:
    """What is found in the cache is not computed, and does not make tokens cheaper."""
    law = Law(in_tokens=2000.0)
    half = Law(in_tokens=1000.0)
    seen = window(half, spread_loads())
    told = changed(
        seen,
        in_tokens=Column.of(np.full(seen.shape, law.in_tokens)),
        hit_ratio=Column.of(np.full(seen.shape, 0.5)),
    )
    ignored = changed(seen, in_tokens=Column.of(np.full(seen.shape, law.in_tokens)))
    beta = [fit(s, NOTHING).belief.mean_seconds[0, 1] for s in (told, ignored)]
    assert abs(beta[0] / law.seconds[1] - 1.0) < abs(beta[1] / law.seconds[1] - 1.0)


def test_pd_is_refused() -> None:
    """Its four parameters are other things by the same letters."""
    with pytest.raises(InvalidValue, match="alpha, beta and gamma"):
        fit(window(Law(), spread_loads(8)), NOTHING, ServiceModel.PD)


def test_rows_must_agree() -> None:
    """A belief for another fleet is a mistake of the caller."""
    with pytest.raises(InvalidValue, match="1 rows of observations, 2 of beliefs"):
        fit(window(Law(), spread_loads(8)), Belief.unknown(2))


ANY = arrays.arrays(
    np.float64,
    (8, 2, 5),
    elements=st.floats(allow_nan=True, allow_infinity=True) | st.floats(0.0, 1.0) | st.sampled_from([0.0, -1.0, 1e300]),
)


@given(ANY)
def test_nothing_measured_makes_it_fail(values: np.ndarray) -> None:
    """Not a number, negative, zero, endless, absurd: the answer is finite and positive parameters."""
    names = (
        "rate_rps", "running", "in_tokens", "out_tokens", "ttft_seconds", "itl_seconds", "waiting", "hit_ratio",
    )  # fmt: skip
    columns = {name: Column.of(value) for name, value in zip(names, values, strict=True)}
    found = fit(Observations.of(np.array([1, 256]), **columns), Belief.unknown(2))
    assert found.belief.known.all()
    assert np.all(np.isfinite(found.belief.stddev_seconds))
    assert np.all(found.misfit >= 0.0)


def test_a_large_fleet_is_fitted_in_blocks_that_do_not_see_each_other() -> None:
    """Row by row the same to the last bit, whatever stands beside it, and in a memory that does not grow with the fleet."""
    rows = np.zeros(1000, dtype=np.int64)
    rows[-1] = 1
    one = stacked(*(window(law, spread_loads(), noise=0.03) for law in (Law(), Law(alpha_ms=12.0))))
    seen = one.take(rows)
    tracemalloc.start()
    found = fit(seen, Belief.anything(1000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    alone = fit(one, Belief.anything(2))
    assert found.belief.mean_seconds[[0, 500, 999]].tolist() == alone.belief.mean_seconds[[0, 0, 1]].tolist()
    assert found.covariance[[0, 999]].tolist() == alone.covariance.tolist()
    assert found.residual_itl.value.shape == (1000, 40)
    assert peak < 50e6
