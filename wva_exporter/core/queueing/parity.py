"""What the original refuses where this core has an answer: gates for whoever must behave alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from wva_exporter.core.columns import BoolArray
from wva_exporter.core.queueing.analysis import Analysis
from wva_exporter.core.queueing.system import ServiceModel, System


def accepts(system: System, analysis: Analysis) -> BoolArray:
    """Whether the original analyses this rate: a positive one, and for PD and ABG at most the largest."""
    takes_overload = system.model == ServiceModel.CHUNK
    taken: BoolArray = analysis.known & (analysis.rate_rps > 0.0) & (takes_overload | ~analysis.overloaded)
    return taken


def valid_single_server(rate: ArrayLike, service_rate: ArrayLike, places: ArrayLike) -> BoolArray:
    """Whether the original's M/M/1/K takes a load: 0 <= rate / service rate < K."""
    load = np.asarray(rate, dtype=np.float64) / np.asarray(service_rate, dtype=np.float64)
    return np.asarray((load >= 0.0) & (load < np.asarray(places, dtype=np.float64)), dtype=np.bool_)
