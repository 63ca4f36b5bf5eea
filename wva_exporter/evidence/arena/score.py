"""What one run is worth: who was served, how well, at what cost, and how nervously the fleet was scaled.

A request is good when it was served with its first token and its mean time between tokens within the promise. Whoever was not
served counts in every ratio and percentile, as a miss and as infinitely late: an autoscaler must not look fast because the
slow ones gave up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray
from wva_exporter.errors import InvalidValue
from wva_exporter.twin.requests import Ending
from wva_exporter.twin.run import Requests, Run
from wva_exporter.twin.scenario import Promise

_HOUR_SECONDS = 3600.0
_QUANTILES = (0.50, 0.95, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Numbers of one run over its scored window. Unknown is NaN, never 0; a percentile of those who failed is infinite.

    Rates are requests per second, ratios are shares of the requests offered, ``attainment_ratio`` that of the good ones.
    ``actions`` counts changes of what was asked for, ``reversals`` those in the other direction soon after one.
    """

    offered_rps: float
    completed_rps: float
    good_rps: float
    timed_out_ratio: float
    lost_ratio: float
    refused_ratio: float
    attainment_ratio: float
    ttft_p50_seconds: float
    ttft_p95_seconds: float
    ttft_p99_seconds: float
    itl_p50_seconds: float
    itl_p95_seconds: float
    itl_p99_seconds: float
    replica_hours: float
    cost: float
    energy_kilowatt_hours: float
    cost_per_1000_good: float
    actions: float
    reversals: float
    deciding_seconds: float
    """Time of this machine, not of the fleet: how long all decisions took."""

    @property
    def failed_ratio(self) -> float:
        """Share of the requests offered that were not served."""
        return self.timed_out_ratio + self.lost_ratio + self.refused_ratio

    def numbers(self) -> dict[str, float]:
        """All of them by name."""
        return asdict(self)

    @classmethod
    def from_numbers(cls, numbers: Mapping[str, float]) -> Self | None:
        """What ``numbers`` gave; None if these are not all of them."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: numbers[name] for name in names}) if numbers.keys() == set(names) else None


def score(run: Run, promise: Promise) -> Score:
    """Score a run.

    Raises:
        InvalidValue: nobody asked for anything in it.
    """
    requests = run.requests
    offered = len(requests)
    if not offered:
        raise InvalidValue(f"{run.scenario}: no request arrives within its {run.duration_seconds:g} s")
    served, good = requests.ending == Ending.SERVED.code, kept(requests, promise)
    ttft = np.where(served, requests.ttft_seconds, np.inf)
    itl = np.where(served, requests.itl_seconds, np.inf)
    seconds = run.duration_seconds
    cost = sum(run.cost.values())
    return Score(
        offered_rps=offered / seconds,
        completed_rps=_count(served) / seconds,
        good_rps=_count(good) / seconds,
        **{
            f"{ending}_ratio": _count(requests.ending == ending.code) / offered
            for ending in (Ending.TIMED_OUT, Ending.LOST, Ending.REFUSED)
        },
        attainment_ratio=_count(good) / offered,
        **_percentiles("ttft", ttft),
        **_percentiles("itl", itl[~np.isnan(itl)]),
        replica_hours=sum(run.replica_seconds.values()) / _HOUR_SECONDS,
        cost=cost,
        energy_kilowatt_hours=run.energy_joules / 3.6e6 if run.energy_joules else math.nan,
        cost_per_1000_good=1000.0 * cost / _count(good) if good.any() else math.inf,
        actions=float(run.actions),
        reversals=float(run.reversals),
        deciding_seconds=run.deciding_seconds,
    )


def kept(requests: Requests, promise: Promise) -> BoolArray:
    """Which requests were served as promised; one of a single token has no time between tokens, and keeps that part."""
    itl = requests.itl_seconds
    in_time = (requests.ttft_seconds <= promise.ttft_seconds) & (np.isnan(itl) | (itl <= promise.itl_seconds))
    return np.asarray((requests.ending == Ending.SERVED.code) & in_time)


def _percentiles(name: str, values: FloatArray) -> dict[str, float]:
    """The smallest value that a share of all does not exceed: never between a request and one that failed."""
    found = np.quantile(values, _QUANTILES, method="inverted_cdf") if values.size else [math.nan] * len(_QUANTILES)
    return {f"{name}_p{share * 100:.0f}_seconds": float(value) for share, value in zip(_QUANTILES, found, strict=True)}


def _count(which: BoolArray) -> int:
    return int(np.count_nonzero(which))
