"""A scenario: the same fleet and the same requests for every policy."""

from dataclasses import replace

import numpy as np
import pytest

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.fleet import VariantSpec
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.scenario import Promise, Scenario, ScenarioVariant
from wva_exporter.twin.workloads.lengths import Fixed, LogNormal
from wva_exporter.twin.workloads.rates import Rate
from wva_exporter.twin.workloads.synthetic import Synthetic

ENGINE = EngineParameters(
    alpha_seconds=0.01, beta_seconds_per_token=2e-5, gamma_seconds_per_resident_token=5e-8, kv_blocks=2000
)


def variant(name: str = "a", *, replicas: int = 1, minimum: int = 1, maximum: int = 5) -> ScenarioVariant:
    """A variant within its bounds."""
    spec = VariantSpec(
        name=name, accelerator="H100", parameters=ENGINE, cost_per_hour=3.0, replicas=replicas, startup_seconds=60.0
    )
    return ScenarioVariant(spec=spec, minimum=minimum, maximum=maximum)


def scenario(**fields: object) -> Scenario:
    """Two requests a second for 100 s after 50 s of three."""
    workload = Synthetic(
        rate=Rate(knots=((0.0, 2.0),)),
        duration_seconds=100.0,
        prompt=LogNormal(mean_tokens=500, sigma=0.5, most=4000),
        output=Fixed(tokens=50),
        earlier_rps=3.0,
    )
    given = {
        "name": "s",
        "title": "t",
        "summary": "s",
        "model_name": "m",
        "promise": Promise(ttft_seconds=2.0, itl_seconds=0.05),
        "variants": (variant(),),
        "duration_seconds": 100.0,
        "workload": workload,
        "warm_seconds": 50.0,
    } | fields
    return Scenario(**given)  # type: ignore[arg-type]


def test_requests_before_time_0_come_first() -> None:
    """150 before, 200 after, in order."""
    at = scenario().requests(1).arrival_seconds
    assert at[0] >= -50
    assert np.all(np.diff(at) >= 0)
    assert abs(np.count_nonzero(at < 0) - 150) < 50
    assert abs(np.count_nonzero(at >= 0) - 200) < 57


def test_without_a_warm_up_nothing_comes_before_time_0() -> None:
    """And what comes after it is the same."""
    warm, cold = scenario().requests(1), scenario(warm_seconds=0.0).requests(1)
    assert cold.arrival_seconds.min() >= 0
    assert list(warm.between(0, 100)) == list(cold)


def test_requests_depend_on_the_seed_alone() -> None:
    """Other hardware, other bounds, another scrape: the same requests."""
    other = scenario(variants=(variant("b", replicas=3),), scrape_seconds=60.0)
    assert list(other.requests(5)) == list(scenario().requests(5))
    assert list(scenario().requests(6)) != list(scenario().requests(5))


def test_the_fleet_starts_where_the_warm_up_does() -> None:
    """With its first replicas ready, and the same names of pods for the same seed."""
    fleets = [scenario(variants=(variant(replicas=3),)).fleet(seed) for seed in (1, 1, 2)]
    assert [fleet.now for fleet in fleets] == [-50.0] * 3
    assert fleets[0].counts("a").ready == 3
    names = [[replica.pod for replica in fleet.of("a")] for fleet in fleets]
    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: variant(replicas=6), "outside 1 to 5"),
        (lambda: variant(minimum=-1), "outside -1 to 5"),
        (lambda: scenario(variants=()), "needs variants"),
        (lambda: scenario(variants=(variant(), variant())), "different names"),
        (lambda: replace(scenario(), duration_seconds=0.0), "lasts 0"),
        (lambda: Promise(ttft_seconds=0.0, itl_seconds=1.0), "positive"),
    ],
    ids=["outside the bounds", "less than nothing", "no variant", "two of a name", "no time", "no promise"],
)
def test_what_cannot_be_played_is_refused(build: object, said: str) -> None:
    """When it is built, not in the middle of a run."""
    with pytest.raises(InvalidValue, match=said):
        build()  # type: ignore[operator]
