"""Flow balance counts every request once, whatever happens to the pods that it went to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from fleet_builder import R as Pod
from fleet_builder import V, fleet, snapshot

from wva_exporter.conventions import Signal
from wva_exporter.core.headroom.arrivals import Arrivals, observe
from wva_exporter.core.headroom.groups import Groups
from wva_exporter.core.snapshot import Snapshot

FLEET = fleet(V(name="v"))
GROUPS = Groups.of(FLEET)


def scrape(
    time: float, arrived: Mapping[int, float | None], *, coverage: float = 1.0, running: float = 0.0
) -> Snapshot:
    """A cycle 1 s after a scrape; pods by number, None for one that is silent."""
    numbers = range(max(arrived) + 1)
    pods = [
        Pod(
            v="v",
            silent=arrived.get(number) is None,
            running=running,
            coverage=coverage,
            signals={Signal.ARRIVED: arrived.get(number), Signal.AGE: 1.0},
        )
        for number in numbers
    ]
    return snapshot(FLEET, pods, time=time)


def seen(*scrapes: Snapshot) -> Arrivals:
    """What is known after these cycles."""
    past = Arrivals.none(1)
    for each in scrapes:
        past = observe(past, each, GROUPS, keep_seconds=1e6, scrape_seconds=15.0)
    return past


def test_what_came_is_the_growth_of_the_sum() -> None:
    """Of two pods, 30 and 45 in fifteen seconds."""
    past = seen(scrape(100, {0: 1000, 1: 500}), scrape(115, {0: 1030, 1: 545}))
    assert past.count[-1].tolist() == [75]
    assert past.seconds[-1].tolist() == [15]


def test_the_first_look_knows_of_no_arrivals() -> None:
    """A long past is not now."""
    assert seen(scrape(100, {0: 1e6})).within(0)[0].tolist() == [0]


def test_a_pod_that_has_just_begun_counts_with_all_it_ever_had() -> None:
    """Its requests came since the cycle before, when it was not there."""
    past = seen(scrape(100, {0: 1000}), scrape(115, {0: 1030, 1: 8}, coverage=0.3, running=8))
    assert past.count[-1].tolist() == [38]


def test_a_pod_that_is_new_to_us_alone_counts_from_its_second_scrape() -> None:
    """A million requests of last week, seen for the first time, are no step of the load."""
    first, second = scrape(100, {0: 1000}), scrape(115, {0: 1030, 1: 1e6}, coverage=0.3, running=8)
    assert seen(first, second).count[-1].tolist() == [30]
    third = scrape(130, {0: 1060, 1: 1e6 + 20}, running=8)
    assert seen(first, second, third).count[-1].tolist() == [50]


def test_a_pod_that_goes_takes_nothing_back() -> None:
    """No count is negative, and the others go on."""
    past = seen(scrape(100, {0: 1000, 1: 500}), scrape(115, {0: 1030}))
    assert past.count[-1].tolist() == [30]


def test_a_restart_begins_anew() -> None:
    """The sum of a restarted engine is what came since."""
    assert seen(scrape(100, {0: 1000}), scrape(115, {0: 12})).count[-1].tolist() == [12]


def test_requests_that_an_engine_lost_are_no_arrivals() -> None:
    """A sum that fell a little was not started anew."""
    assert seen(scrape(100, {0: 1000}), scrape(115, {0: 990})).count[-1].tolist() == [0]


def test_a_silent_cycle_loses_no_request() -> None:
    """What came to a pod meanwhile is counted when it answers again."""
    past = seen(
        scrape(100, {0: 0, 1: 0}),
        scrape(115, {0: 15, 1: None}),
        scrape(130, {0: 30, 1: 30}),
        scrape(145, {0: 45, 1: 45}),
    )
    assert past.within(0)[1].tolist() == [90]
    assert past.count[-1].tolist() == [30]


@pytest.mark.parametrize("nonsense", [float("nan"), None])
def test_an_unknown_sum_is_no_arrival(nonsense: float | None) -> None:
    """Unknown is neither zero nor a restart."""
    past = seen(scrape(100, {0: 1000}), scrape(115, {0: nonsense}))
    assert past.seconds[-1].tolist() == [0]


def test_absurd_rates_are_not_believed() -> None:
    """A million requests a second to one model is a broken counter."""
    assert seen(scrape(100, {0: 1.0}), scrape(115, {0: 1e12})).count[-1].tolist() == [0]


def test_old_steps_are_forgotten() -> None:
    """Only what any window looks at is kept."""
    past = Arrivals.none(1)
    for number in range(40):
        past = observe(
            past, scrape(100 + 15 * number, {0: 30.0 * number}), GROUPS, keep_seconds=60.0, scrape_seconds=15.0
        )
    assert np.all(past.time > 100 + 15 * 39 - 60)
    assert len(past.time) == 4


def test_a_clock_that_is_set_back_starts_anew() -> None:
    """Steps of a future that has not come yet are forgotten, and everything that looks at steps goes on."""
    past = seen(
        scrape(100, {0: 0}), scrape(115, {0: 30}), scrape(130, {0: 60}), scrape(50, {0: 70}), scrape(65, {0: 100})
    )
    assert np.all(np.diff(past.time) > 0)
    assert past.binned(15.0).shape[1] == 1
    assert past.count[-1].tolist() == [30]
