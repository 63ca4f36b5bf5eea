"""Means over seeds, paired differences and ratios."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from wva_exporter.errors import InvalidValue
from wva_exporter.evidence.arena.intervals import difference, mean, ratio


def test_the_interval_is_that_of_students_t() -> None:
    """Against scipy's own interval of a sample's mean."""
    seen = [0.91, 0.94, 0.89, 0.97, 0.92]
    low, high = stats.t.interval(0.95, 4, loc=np.mean(seen), scale=stats.sem(seen))
    found = mean(seen)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_one_seed_says_nothing_about_the_spread() -> None:
    """The interval is endless, so nothing is ever above or below it."""
    found = mean([0.5])
    assert found.mean == 0.5
    assert not found.above(0.0)
    assert not found.below(1.0)


def test_pairs_show_what_each_alone_would_hide() -> None:
    """Seeds differ by far more than the contenders, and yet the difference is sure."""
    theirs = np.array([0.2, 0.9, 0.5, 0.7])
    found = difference(theirs + np.array([0.010, 0.012, 0.009, 0.011]), theirs)
    assert found.above(0.0)
    assert mean(theirs).half > 10 * found.half


def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_says() -> None:
    """Of 400 samples of correlated pairs whose means have the ratio 1.25, about 95 % of the intervals hold it."""
    generator = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        shared = generator.normal(0.0, 1.0, 20)
        theirs = 8.0 + shared + generator.normal(0.0, 0.2, 20)
        ours = 10.0 + shared + generator.normal(0.0, 0.2, 20)
        found = ratio(ours, theirs)
        hits += found.low <= 1.25 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_what_is_endless_or_unknown_stays_so() -> None:
    """A mean that holds an infinity is one; with an unknown it is unknown; a ratio to nothing is unknown."""
    assert mean([1.0, math.inf]).mean == math.inf
    assert math.isnan(mean([1.0, math.nan]).mean)
    assert math.isnan(ratio([1.0, 1.0], [0.0, 0.0]).mean)


def test_seeds_are_paired_or_refused() -> None:
    """Three against two is a mistake of the caller."""
    with pytest.raises(InvalidValue, match="paired"):
        difference([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(InvalidValue, match="at least one"):
        mean([])
