"""How much sizes vary is read from histograms, and scales waits."""

from __future__ import annotations

import numpy as np
import pytest
from queueing_builder import of_line, replica

from wva_exporter.core.queueing.system import ServiceModel
from wva_exporter.core.queueing.variability import squared_variation, wait_factor
from wva_exporter.errors import InvalidValue

BOUNDS = np.append(np.geomspace(1.0, 65536.0, 129), np.inf)


def histogram(lengths: np.ndarray) -> np.ndarray:
    """Cumulative counts as Prometheus keeps them."""
    return np.array([(lengths <= bound).sum() for bound in BOUNDS], dtype=float)


@pytest.mark.parametrize(("shape", "variation"), [(1.0, 1.0), (4.0, 0.25), (0.25, 4.0)])
def test_a_histogram_gives_back_the_variation_of_its_lengths(shape: float, variation: float) -> None:
    """Gamma distributed lengths of mean 500."""
    lengths = np.random.default_rng(1).gamma(shape, 500.0 / shape, 20_000)
    assert squared_variation(BOUNDS, histogram(lengths)).value == pytest.approx(variation, rel=0.1, abs=0.02)


def test_rows_without_counts_are_unknown() -> None:
    """Nothing counted, a counter that fell, a NaN."""
    found = squared_variation([1, 2, np.inf], [[0, 0, 0], [3, 2, 4], [1, np.nan, 2], [1, 2, 2]])
    assert found.known.tolist() == [False, False, False, True]


@pytest.mark.parametrize("bounds", [[1, 2], [2, 1, np.inf], [np.inf], [-1, 1, np.inf]])
def test_bounds_that_are_none_are_refused(bounds: list[float]) -> None:
    """They rise from 0 or more to infinity."""
    with pytest.raises(InvalidValue):
        squared_variation(bounds, np.ones(len(bounds)))


@pytest.mark.parametrize(("variation", "factor"), [(0.0, 0.5), (1.0, 1.0), (8.0, 4.5)])
def test_answers_that_make_up_all_work_pass_their_variation_on(variation: float, factor: float) -> None:
    """PD without prompts: work is proportional to the steps, here 1000."""
    system = replica(ServiceModel.PD, in_tokens=0, out_tokens=1001)
    assert wait_factor(system, 5.0, variation) == pytest.approx(factor, rel=0.01)


def test_an_unknown_variation_counts_as_exponential() -> None:
    """Then only the split between prompt and answer matters."""
    system = replica()
    assert wait_factor(system, np.nan, -1.0) == wait_factor(system, 1.0, 1.0)


def test_prompts_alone_may_make_up_the_work() -> None:
    """Nothing but prefill: the answers' variation does not matter."""
    system = replica(ServiceModel.PD, out_tokens=1, gamma_seconds=0.0, delta_seconds=1e-5)
    assert wait_factor(system, 3.0, 0.0) == pytest.approx(wait_factor(system, 3.0, 9.0), rel=1e-3)


def test_a_replica_without_lengths_has_the_factor_of_constants() -> None:
    """One step, no prompt: every request takes the same work."""
    assert wait_factor(of_line(1.0, 0.1), 1.0, 1.0) == 0.5
