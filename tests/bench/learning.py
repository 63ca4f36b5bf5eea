"""What learning costs: a fit of one window, and a window for each of a thousand variants at once on one core."""

from __future__ import annotations

import numpy as np

from bench.measure import Measurement, median_milliseconds
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.estimation import fit
from wva_exporter.core.queueing.observations import Observations
from wva_exporter.evidence.scenarios import draw, from_chain

VARIANTS = 1_000
_BAND = (0.2, 0.6)


def windows(variants: int, seed: int) -> Observations:
    """Forty noisy points of each of these variants; another seed gives other engines."""
    generator = np.random.default_rng(seed)
    return from_chain(draw(variants, generator), _BAND, generator)


def _fit_ms(variants: int, repeats: int) -> float:
    given = [windows(variants, seed) for seed in range(repeats)]
    nothing = Belief.unknown(variants)
    return median_milliseconds([lambda seen=seen: fit(seen, nothing) for seen in given])


def measurements() -> list[Measurement]:
    """Both budgets."""
    return [
        Measurement(name="fit_window_ms", value=_fit_ms(1, 21), unit="ms", budget=20),
        Measurement(name="refit_1000_s", value=_fit_ms(VARIANTS, 5) / 1000.0, unit="s", budget=3),
    ]
