"""Whatever the numbers, within the ranges of a system there is an answer: finite, without a warning, never an exception."""

from __future__ import annotations

import numpy as np
import pytest

from wva_exporter.core.queueing.analysis import Analysis, analyze
from wva_exporter.core.queueing.percentiles import percentiles
from wva_exporter.core.queueing.sizing import Targets, size
from wva_exporter.core.queueing.system import System
from wva_exporter.core.queueing.variability import wait_factor

ROWS = 200


def extreme(random: np.random.Generator) -> System:
    """Rows from one end of every range to the other, zeros among them."""

    def drawn(low: float, high: float, zeros: float = 0.2) -> np.ndarray:
        return np.where(random.random(ROWS) < zeros, 0.0, 10.0 ** random.uniform(low, high, ROWS))

    return System.where_possible(
        random.integers(0, 3, ROWS),
        alpha_seconds=drawn(-12, 6),
        beta_seconds=drawn(-14, 6),
        gamma_seconds=drawn(-14, 6),
        delta_seconds=drawn(-14, 6),
        in_tokens=drawn(0, 9),
        out_tokens=np.maximum(drawn(0, 9), 1.0),
        max_batch=np.floor(10.0 ** random.uniform(0, 2.5, ROWS)),
        max_queue=np.floor(drawn(0, 9)),
        max_tokens=10.0 ** random.uniform(0, 9, ROWS),
        hit_ratio=np.clip(random.uniform(-0.2, 1.2, ROWS), 0.0, 1.0),
    )


@pytest.mark.parametrize("seed", range(3))
def test_every_answer_is_finite(seed: int) -> None:
    """From no requests at all to a million times too many."""
    random = np.random.default_rng(seed)
    system = extreme(random)
    found = analyze(system, np.where(random.random(ROWS) < 0.1, 0.0, 10.0 ** random.uniform(-12, 12, ROWS)))
    assert system.known.mean() > 0.9
    assert all(np.all(np.isfinite(getattr(found, name))) for name in Analysis.__dataclass_fields__)
    factor = wait_factor(system, 10.0 ** random.uniform(-3, 3, ROWS), random.uniform(-1, 3, ROWS))
    assert np.all(np.isfinite(factor) & (factor >= 0.5))


@pytest.mark.parametrize("share", [None, 0.95])
def test_every_target_is_met_or_refused(share: float | None) -> None:
    """Means and percentiles, at whatever scale of times."""
    random = np.random.default_rng(7)
    system = extreme(random)
    busy = analyze(system, analyze(system, 0.0).max_rate_rps * random.uniform(0.01, 0.99, ROWS))
    ttft, itl = (np.maximum(times, 1e-12) for times in (busy.ttft_seconds, busy.itl_seconds))
    found = size(system, Targets.of(ttft, itl, percentile=share))
    assert np.all(np.isfinite(found.rate_rps))
    assert np.mean(found.feasible[system.known]) > 0.3
    assert np.all(found.throughput_rps <= found.rate_rps * (1 + 1e-9))


def test_percentiles_of_extremes_are_finite() -> None:
    """In any load: ``Column`` refuses what is not."""
    random = np.random.default_rng(8)
    system = extreme(random)
    found = percentiles(system, 10.0 ** random.uniform(-6, 6, ROWS), 0.95)
    assert np.array_equal(found.ttft_seconds.known, system.known)
