"""The line that latency follows, and the window it is fitted from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.columns import Column, integers
from wva_exporter.core.throughput.itl import DEFAULT_BASE_SECONDS, Line, Tier, fit
from wva_exporter.core.throughput.samples import MAX_SAMPLES, Samples


def window(usages: list[float], latencies: list[float], time: float = 0.0) -> Samples:
    """Observations of one variant, all at once."""
    return Samples.none().add(integers([0] * len(usages)), time, np.array(usages), np.array(latencies))


def line(samples: Samples, *today: tuple[float, float], base: float | None = None) -> Line:
    """The line of one variant whose healthy replicas show (usage, latency) today."""
    return fit(
        samples,
        Column.of([k for k, _ in today]),
        Column.of([itl for _, itl in today]),
        integers([0] * len(today)),
        Column.from_optional([base]),
    )


@given(st.floats(1e-3, 1.0), st.floats(1e-4, 0.1), st.integers(10, MAX_SAMPLES))
def test_points_of_a_line_give_it_back(slope: float, base: float, points: int) -> None:
    """Whatever the line, a window that spreads enough finds it."""
    usages = np.linspace(0.2, 0.8, points)
    found = line(window(usages.tolist(), (slope * usages + base).tolist()))
    assert found.tier.tolist() == [Tier.FITTED]
    assert found.slope[0] == pytest.approx(slope, rel=1e-9)
    assert found.base[0] == pytest.approx(base, rel=1e-6)


@pytest.mark.parametrize(
    "usages", [[0.2 + 0.05 * i for i in range(9)], [0.2 + 0.032 * i for i in range(10)]], ids=["few", "narrow"]
)
def test_a_window_that_is_not_ready_pins_the_base(usages: list[float]) -> None:
    """Nine points, or ten within less than .30, tell no base: today's replicas are read with the last one, else the default."""
    samples = window(usages, [0.1 * k + 0.01 for k in usages])
    assert line(samples, (0.5, 0.06), base=0.01).tier.tolist() == [Tier.PINNED]
    default = line(samples, (0.5, 0.06))
    assert (default.tier.tolist(), default.base[0]) == ([Tier.DEFAULT], DEFAULT_BASE_SECONDS)


def test_latency_that_falls_with_use_is_no_line() -> None:
    """A window that contradicts itself is passed over, and so is a replica faster than the base."""
    usages = np.linspace(0.2, 0.8, 12)
    falling = window(usages.tolist(), (0.1 - 0.05 * usages).tolist())
    assert line(falling).tier.tolist() == [Tier.FAILED]
    assert line(Samples.none(), (0.5, 0.001)).tier.tolist() == [Tier.FAILED]
    assert not line(falling).known[0]


def test_windows_hold_the_newest_of_each_variant() -> None:
    """The oldest go first, one variant's never another's."""
    samples = Samples.none()
    for cycle in range(30):
        samples = samples.add(integers([0, 1, 1]), float(cycle), np.array([0.2, 0.3, 0.4]), np.full(3, 0.05))
    assert samples.count(2).tolist() == [MAX_SAMPLES, MAX_SAMPLES]
    assert samples.time[samples.variant == 0].min() == 10.0
    assert samples.time[samples.variant == 1].min() == 20.0


def test_windows_forget_after_half_an_hour() -> None:
    """Exactly thirty minutes is still young."""
    samples = window([0.5], [0.05])
    assert len(samples.add(integers([]), 1800.0, np.zeros(0), np.zeros(0))) == 1
    assert len(samples.add(integers([]), 1800.1, np.zeros(0), np.zeros(0))) == 0
