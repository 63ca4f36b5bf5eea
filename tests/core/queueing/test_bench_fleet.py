"""The sizing bench measures fleets that are really sized."""

from __future__ import annotations

import numpy as np
import pytest

from bench.sizing import fleet, sized
from wva_exporter.core.queueing.sizing import size
from wva_exporter.core.queueing.system import ServiceModel


@pytest.mark.parametrize("model", list(ServiceModel))
def test_most_targets_of_the_bench_bind(model: ServiceModel) -> None:
    """A fleet whose answers are ends of the range would look cheap."""
    system, targets = fleet(model, 64, seed=1)
    found = size(system, targets)
    assert found.feasible.mean() > 0.9
    assert np.mean(found.rate_rps < found.max_rate_rps) > 0.9
    assert sized(system, targets).known.all()
