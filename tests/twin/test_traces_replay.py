"""Recorded requests as a load: stretches, factors and seeds."""

import math

import numpy as np
import pytest

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.traces.recorded import Recorded, recorded
from wva_exporter.twin.traces.replay import Replay
from wva_exporter.twin.traces.servegen import MeanSizes, ServeGen, Windows


def recording(count: int = 2000) -> Recorded:
    """A request a second, each prompt as long as its number; every tenth has a shared beginning."""
    at = [float(second) for second in range(count)]
    shared = [(7, 5) if second % 10 == 9 else (-1, 0) for second in range(count)]
    return recorded(at, list(range(1, count + 1)), [20] * count, shared)


def replay(**fields: object) -> Replay:
    """A thousand seconds of it."""
    given = {"recording": recording(), "duration_seconds": 1000.0} | fields
    return Replay(**given)  # type: ignore[arg-type]


def seeded(source: Replay | ServeGen, seed: int = 1) -> np.ndarray:
    """When its requests arrive."""
    return source.requests(np.random.default_rng(seed)).arrival_seconds


def test_at_its_own_rate_and_speed_a_recording_is_itself() -> None:
    """The same for every seed, from the given start to before the end."""
    requests = replay(start_seconds=100.0).requests(np.random.default_rng(1))
    assert np.array_equal(requests.arrival_seconds, np.arange(1000.0))
    assert requests.prompt_tokens[0] == 101
    assert np.array_equal(requests.arrival_seconds, seeded(replay(start_seconds=100.0), seed=2))
    assert [r.prefix for r in requests[8:10]] == [None, 7]


def test_a_faster_recording_brings_more_a_second() -> None:
    """At twice the speed 2000 recorded seconds pass in 1000."""
    assert np.array_equal(seeded(replay(speed=2.0)), np.arange(2000) / 2)


@pytest.mark.parametrize("scale", [0.25, 3.0, 2.5])
def test_a_scaled_recording_has_so_many_times_the_requests(scale: float) -> None:
    """Whole copies are exact, the rest is left to chance; all lie within the time and in order."""
    times = seeded(replay(scale=scale))
    assert abs(len(times) - scale * 1000) <= 4 * (1000 * (scale % 1) * (1 - scale % 1)) ** 0.5
    assert times.min() >= 0
    assert times.max() < 1000
    assert np.array_equal(seeded(replay(scale=scale)), times)
    assert not np.array_equal(seeded(replay(scale=scale), seed=2), times)


def test_copies_do_not_come_all_at_once() -> None:
    """Each of three copies has a place of its own, within half a minute."""
    assert np.unique(seeded(replay(scale=3.0))).size > 2900


def test_sizes_are_cut_to_what_was_asked_for() -> None:
    """Prompts, answers, and what is shared of a prompt."""
    requests = replay(most_tokens=3).requests(np.random.default_rng(1))
    assert (requests.prompt_tokens.max(), requests.output_tokens.max()) == (3, 3)
    assert requests[9].prefix_tokens == 3


def test_the_time_before_is_like_the_first_minutes() -> None:
    """A request a second, of the first five minutes' sizes, all before 0."""
    before = replay(start_seconds=1000.0).before(np.random.default_rng(1), 400.0)
    assert abs(len(before) - 400) < 80
    assert before.arrival_seconds.max() < 0
    assert before.prompt_tokens.min() > 1000
    assert before.prompt_tokens.max() <= 1300


def test_a_recording_that_ends_too_soon_is_refused() -> None:
    """Instead of a silent end without load; speed counts."""
    with pytest.raises(InvalidValue, match="lasts 1999 s, and 3000 s are asked"):
        replay(speed=3.0)
    with pytest.raises(InvalidValue, match="positive"):
        replay(scale=0.0)


def servegen(**fields: object) -> ServeGen:
    """Ten minutes at 10 req/s, ten without, ten at 20 in gusts."""
    windows = Windows(
        start_seconds=np.array([0.0, 600.0, 1200.0]),
        rps=np.array([10.0, 0.0, 20.0]),
        shape=np.array([1.0, 0.0, 0.5]),
        weibull=np.array([False, False, True]),
    )
    sizes = MeanSizes(
        start_seconds=np.array([0.0, 1200.0]),
        prompt_tokens=np.array([100.0, 1000.0]),
        output_tokens=np.array([50.0, 20.0]),
    )
    given = {"windows": windows, "sizes": sizes, "duration_seconds": 1800.0} | fields
    return ServeGen(**given)  # type: ignore[arg-type]


def test_windows_are_filled_at_their_rates() -> None:
    """6000, none and 12,000; the gusts of the last spread more widely."""
    first, none, last = (np.histogram(seeded(servegen()), bins=[0, 600, 1200, 1800])[0]).tolist()
    assert abs(first - 6000) < 4 * 6000**0.5
    assert none == 0
    assert abs(last - 12_000) < 4 * 2.3 * 12_000**0.5


def test_gaps_have_the_law_of_their_window() -> None:
    """Shape 1 is Poisson; a Weibull law of shape 1/2 has a coefficient of variation of the root of 5."""
    times = seeded(servegen(scale=5.0))
    poisson, weibull = np.diff(times[times < 600]), np.diff(times[times >= 1200])
    assert poisson.std() / poisson.mean() == pytest.approx(1, rel=0.03)
    assert weibull.std() / weibull.mean() == pytest.approx(math.sqrt(5), rel=0.06)


def test_sizes_follow_the_mean_of_the_hour() -> None:
    """100 and 50 tokens at first, 1000 and 20 later."""
    requests = servegen().requests(np.random.default_rng(1))
    late = requests.arrival_seconds >= 1200
    assert requests.prompt_tokens[~late].mean() == pytest.approx(100, rel=0.05)
    assert requests.prompt_tokens[late].mean() == pytest.approx(1000, rel=0.05)
    assert requests.output_tokens[late].mean() == pytest.approx(20, rel=0.05)


def test_a_stretch_is_scaled_and_sped_up() -> None:
    """From 1200 s on at half the rate and twice the speed: 20 a second for 300 s, in the fleet's time."""
    source = servegen(start_seconds=1200.0, duration_seconds=300.0, scale=0.5, speed=2.0)
    times = seeded(source)
    assert abs(len(times) - 6000) < 4 * 2.3 * 6000**0.5
    assert times.max() < 300
    assert source.rate.at(0) == pytest.approx(20)


def test_the_time_before_servegen_has_the_first_windows_rate() -> None:
    """1000 requests in 100 s before 0."""
    before = servegen().before(np.random.default_rng(1), 100.0)
    assert abs(len(before) - 1000) < 130
    assert before.arrival_seconds.min() >= -100
    assert before.arrival_seconds.max() < 0


def test_windows_that_end_too_soon_are_refused() -> None:
    """As with recordings."""
    with pytest.raises(InvalidValue, match="last 1800 s, and 3600 s are asked"):
        servegen(duration_seconds=3600.0)
