"""The twin beside measured engines: with published parameters, with a fixed overhead, with even and with random arrivals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from third_party import third_party

from wva_exporter.evidence.fidelity import fidelity
from wva_exporter.evidence.measured import Measured, read_csv
from wva_exporter.twin.parameters import EngineParameters


def llama(**changes: float) -> EngineParameters:
    """Llama 3.1 8B on an H100 with the parameters that were published for it."""
    return EngineParameters(
        alpha_seconds=6.70e-3,
        beta_seconds_per_token=2.084e-5,
        gamma_seconds_per_resident_token=4.91e-8,
        kv_blocks=27_000,
        max_sequences=1024,
        max_model_tokens=16_384,
        **changes,
    )


def point(folder: Path, ttft: float, itl: float) -> Measured:
    """What was measured, in seconds, of one request of 1,000 and 50 tokens every two seconds."""
    path = folder / "points.csv"
    header = "rps,in_tokens,out_tokens,ttft_ms_measured,itl_ms_measured"
    path.write_text(f"{header}\n0.5,1000,50,{ttft * 1e3},{itl * 1e3}\n", encoding="utf-8")
    return read_csv(path, 256)


def test_an_engine_that_the_twin_is_has_no_error(tmp_path: Path) -> None:
    """A lone request now and then: what it takes is known in closed form."""
    of = llama(ttft_overhead_seconds=0.01)
    ttft = of.iteration_seconds(0, 1000, 1000) + 0.01
    itl = float(np.mean([of.iteration_seconds(1, 0, 1000 + k) for k in range(1, 50)]))
    found = fidelity(point(tmp_path, ttft, itl), of)
    assert found.errors == pytest.approx((0.0, 0.0), abs=1e-6)


def test_an_engine_that_is_slower_than_it_says_shows_it(tmp_path: Path) -> None:
    """Measured at half of what the twin takes: errors of 100 %."""
    of = llama()
    ttft, itl = of.iteration_seconds(0, 1000, 1000) / 2, of.iteration_seconds(1, 0, 1025) / 2
    found = fidelity(point(tmp_path, ttft, itl), of)
    assert found.errors == pytest.approx((1.0, 1.0), rel=0.01)


@pytest.mark.parametrize(
    ("even", "overhead", "ttft", "itl"),
    [(True, 0.0, 0.29, 0.06), (True, 0.008, 0.10, 0.06), (False, 0.0, 0.31, 0.08), (False, 0.008, 0.20, 0.08)],
    ids=["even", "even with 8 ms", "random", "random with 8 ms"],
)
def test_measured_engines_are_met(*, even: bool, overhead: float, ttft: float, itl: float) -> None:
    """Published parameters: even arrivals 28 % and 5 % on TTFT and ITL, 9 % with the overhead, which these points chose."""
    points = third_party("profiles/llama31-8b-measured-half.csv")
    found = fidelity(read_csv(points, 256), llama(ttft_overhead_seconds=overhead), even=even)
    assert found.errors[0] < ttft
    assert found.errors[1] < itl
