"""The recommended batch limit is the smallest that hardly costs capacity."""

from __future__ import annotations

import numpy as np
from queueing_builder import replica

from wva_exporter.core.queueing.analysis import analyze
from wva_exporter.core.queueing.batch_limit import NEAR_RATIO, recommend
from wva_exporter.core.queueing.sizing import Targets, size
from wva_exporter.core.queueing.system import ServiceModel


def test_the_limit_keeps_nearly_all_capacity_and_one_less_does_not() -> None:
    """Checked against every smaller limit."""
    system = replica(ServiceModel.CHUNK, in_tokens=256, out_tokens=1024, max_batch=256, max_queue=128)
    targets = Targets.of(0.06, 0.02)
    found = recommend(system, targets)
    fewer = np.arange(1, int(found.max_batch))
    rates = size(system.stretched(fewer.shape).with_batch(fewer), targets).throughput_rps
    assert found.throughput_rps >= NEAR_RATIO * found.anchor_rps
    assert np.all(rates < NEAR_RATIO * found.anchor_rps)
    assert 1 < found.max_batch < 256


def test_it_is_found_in_eight_sizings() -> None:
    """As the original promises."""
    assert recommend(replica(max_batch=512), Targets.of(0.06, 0.02)).probes.shape[-1] <= 8


def test_where_nothing_is_feasible_nothing_is_recommended() -> None:
    """A target below the time of a request alone."""
    system = replica()
    found = recommend(system, Targets.of(0.5 * float(analyze(system, 0.0).ttft_seconds)))
    assert not found.feasible
    assert not found.recommended.known


def test_a_fleet_is_its_rows() -> None:
    """Rows do not see each other."""
    itl = [0.010, 0.012, 0.020, 0.004]
    fleet = recommend(replica(alpha_seconds=[0.008] * 4, max_batch=64), Targets.of(1.0, itl))
    alone = [recommend(replica(max_batch=64), Targets.of(1.0, each)) for each in itl]
    assert fleet.max_batch.tolist() == [int(each.max_batch) for each in alone]
    assert fleet.feasible.tolist() == [True, True, True, False]
