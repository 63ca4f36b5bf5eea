"""Drawn requests: as many as the rate says, as bursty as was asked for, the same for the same seed."""

import numpy as np
import pytest

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.workloads.lengths import BoundedNormal, Empirical, Fixed, LogNormal, Sizes
from wva_exporter.twin.workloads.rates import Rate
from wva_exporter.twin.workloads.synthetic import Synthetic, arrivals_of

TEN = Rate(knots=((0.0, 10.0),))


def source(**fields: object) -> Synthetic:
    """Ten requests a second for 1000 s, of fixed sizes."""
    given = {"rate": TEN, "duration_seconds": 1000.0, "prompt": Fixed(tokens=100), "output": Fixed(tokens=10)} | fields
    return Synthetic(**given)  # type: ignore[arg-type]


def arrivals(seed: int = 1, **fields: object) -> np.ndarray:
    """When its requests come."""
    return source(**fields).requests(np.random.default_rng(seed)).arrival_seconds


def gap_cv(times: np.ndarray) -> float:
    """The coefficient of variation of the gaps."""
    gaps = np.diff(times)
    return float(gaps.std() / gaps.mean())


@pytest.mark.parametrize(("cv", "spread"), [(1.0, 400), (3.0, 1200), (0.0, 1)])
def test_as_many_come_as_the_rate_says(cv: float, spread: float) -> None:
    """10,000 within four standard deviations, which are the gaps' variability times 100."""
    assert abs(len(arrivals(gap_cv=cv)) - 10_000) <= spread


def test_gaps_vary_as_asked() -> None:
    """1 is Poisson, 2.5 gusts, 0 a clock."""
    found = [gap_cv(arrivals(gap_cv=cv)) for cv in (1.0, 2.5, 0.0)]
    assert found == pytest.approx([1.0, 2.5, 0.0], rel=0.08, abs=1e-9)


def test_counts_of_a_poisson_stream_vary_like_their_mean() -> None:
    """The variance of counts a second equals their mean; gusts of variability 3 have about nine times that in the long run."""
    counts = np.bincount(arrivals().astype(int), minlength=1000)
    assert counts.var() == pytest.approx(10, rel=0.15)
    tens = np.bincount((arrivals(gap_cv=3.0) / 10).astype(int), minlength=100)
    assert 4 * 100 < tens.var() < 15 * 100


def test_a_step_of_the_rate_is_a_step_of_the_arrivals() -> None:
    """Within four standard deviations on either side."""
    times = arrivals(rate=Rate.legs([(500, 2, False), (500, 20, False)]))
    for start, end, expected in ((0, 500, 1000), (500, 1000, 10_000)):
        assert abs(np.count_nonzero((start <= times) & (times < end)) - expected) < 4 * expected**0.5


def test_the_same_seed_gives_the_same_requests_and_another_others() -> None:
    """Byte for byte."""
    assert arrivals(3).tobytes() == arrivals(3).tobytes()
    assert not np.array_equal(arrivals(3)[:50], arrivals(4)[:50])


def test_other_sizes_leave_the_arrivals_where_they_were() -> None:
    """Sizes come from a generator of their own, and so do those of answers beside those of prompts."""
    law = LogNormal(mean_tokens=300, sigma=1.0, most=5000)
    plain, sized = (
        source(output=law, prompt=size).requests(np.random.default_rng(1)) for size in (Fixed(tokens=9), law)
    )
    assert np.array_equal(plain.arrival_seconds, sized.arrival_seconds)
    assert np.array_equal(plain.output_tokens, sized.output_tokens)


def test_requests_before_time_0_come_at_the_first_rate_or_another() -> None:
    """100 s of ten, or of three, a second, all of them before 0."""
    for earlier, expected in ((None, 1000), (3.0, 300)):
        times = source(earlier_rps=earlier).before(np.random.default_rng(1), 100.0).arrival_seconds
        assert abs(len(times) - expected) < 4 * expected**0.5
        assert times.min() >= -100
        assert times.max() < 0


def test_no_rate_is_no_request() -> None:
    """An empty stream, not an error."""
    assert len(arrivals(rate=Rate(knots=((0.0, 0.0),)))) == 0
    assert len(arrivals_of(TEN, 1.0, 5.0, 5.0, np.random.default_rng(1))) == 0


def test_what_cannot_be_is_refused() -> None:
    """Variability and rates are not negative."""
    for fields in ({"gap_cv": -1.0}, {"earlier_rps": -1.0}):
        with pytest.raises(InvalidValue, match="negative"):
            source(**fields)


@pytest.mark.parametrize(
    ("law", "mean", "deviation"),
    [
        (Fixed(tokens=700), 700, 0),
        (BoundedNormal(mean_tokens=4096, deviation_tokens=2048, least=10, most=8192), 4096, 1950),
        (LogNormal(mean_tokens=1000, sigma=0.5, most=100_000), 1000, 1000 * (np.exp(0.25) - 1) ** 0.5),
        (Empirical(tokens=(100, 300), weights=(3.0, 1.0)), 150, 7500**0.5),
    ],
    ids=["fixed", "bounded normal", "log-normal", "empirical"],
)
def test_sizes_follow_their_law(law: Sizes, mean: float, deviation: float) -> None:
    """Mean and standard deviation in tokens; the bounds take 5 % off the normal law's."""
    sizes = law.sample(np.random.default_rng(1), 40_000)
    assert sizes.mean() == pytest.approx(mean, rel=0.02)
    assert sizes.std() == pytest.approx(deviation, rel=0.03)
    assert law.mean == pytest.approx(mean)


def test_sizes_stay_within_their_bounds() -> None:
    """What falls outside is put on the bound and not drawn again."""
    normal = BoundedNormal(mean_tokens=100, deviation_tokens=100, least=50, most=120)
    sizes = normal.sample(np.random.default_rng(1), 1000)
    assert (sizes.min(), sizes.max()) == (50, 120)
    assert np.count_nonzero(sizes == 50) > 200


@pytest.mark.parametrize(
    "build",
    [
        lambda: BoundedNormal(mean_tokens=1, deviation_tokens=1, least=5, most=4),
        lambda: LogNormal(mean_tokens=0, sigma=1, most=4),
        lambda: Empirical(tokens=(0,), weights=(1.0,)),
        lambda: Empirical(tokens=(1, 2), weights=(1.0,)),
        lambda: Empirical(tokens=(1,), weights=(0.0,)),
    ],
    ids=["crossed bounds", "no mean", "no token", "a weight too few", "no weight"],
)
def test_laws_without_a_size_are_refused(build: object) -> None:
    """Crossed bounds, no mean, no weight."""
    with pytest.raises(InvalidValue):
        build()  # type: ignore[operator]


def test_a_fortnight_is_drawn_whole() -> None:
    """1.2 million requests are columns, and their number is right."""
    found = source(rate=Rate(knots=((0.0, 1.0),)), duration_seconds=14 * 86_400.0).requests(np.random.default_rng(1))
    assert len(found) == pytest.approx(1_209_600, rel=0.004)
