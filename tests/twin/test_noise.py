"""Scrapes that are a little wrong."""

from __future__ import annotations

import numpy as np

from wva_exporter.twin.noise import Noise
from wva_exporter.twin.pod_samples import Series

SHARE, SCRAPES = 0.1, 4000


def rows() -> list[tuple[float, ...]]:
    """An engine with 40 running, 20 waiting and half a cache, that grows by 10 a scrape in every counter."""
    levels = (40.0, 20.0, 0.5)
    return [(*levels, *(10.0 * (n + 1) for _ in range(len(Series) - 3))) for n in range(SCRAPES)]


def told(share: float) -> np.ndarray:
    """What is told of it."""
    noise = Noise(share, np.random.default_rng(1))
    return np.array([noise(row) for row in rows()])


def test_without_noise_the_truth_is_told() -> None:
    """Every number is the engine's."""
    assert np.array_equal(told(0.0), np.array(rows()))


def test_levels_err_by_the_share_around_the_truth() -> None:
    """Mean and deviation of running, waiting and KV cache; requests stay whole."""
    found, true = told(SHARE), np.array(rows())
    for series in (Series.RUNNING, Series.WAITING, Series.KV):
        errors = found[:, series] / true[:, series] - 1.0
        assert abs(errors.mean()) < 0.01
        assert abs(errors.std() - SHARE) < 0.01
    assert np.array_equal(found[:, Series.RUNNING], np.round(found[:, Series.RUNNING]))


def test_sums_err_in_what_they_grow_by_and_counts_do_not() -> None:
    """A sum never falls, errs each time anew, and after many scrapes is nearly right; what ended is exact."""
    found, true = told(SHARE), np.array(rows())
    grown = np.diff(found[:, Series.TTFT_SUM])
    assert grown.min() >= 0.0
    assert abs(grown.std() / 10.0 - SHARE) < 0.01
    assert abs(found[-1, Series.TTFT_SUM] / true[-1, Series.TTFT_SUM] - 1.0) < 0.01
    assert np.array_equal(found[:, Series.ENDED], true[:, Series.ENDED])


def test_a_sum_that_began_anew_is_told_anew() -> None:
    """A restarted engine counts from zero."""
    noise = Noise(SHARE, np.random.default_rng(1))
    full, empty = (100.0,) * len(Series), (0.0,) * len(Series)
    noise(full)
    assert noise(empty)[Series.TTFT_SUM] == 0.0
