"""Flow balance counts every request once, whatever happens to the pods that it went to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from fleet_builder import R as Pod
from fleet_builder import V, fleet, snapshot

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import FloatArray
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


def since(past: Arrivals, time: float) -> tuple[FloatArray, FloatArray]:
    """Seconds seen and requests that came after this time: shape (groups,) each."""
    seconds, count = past.between(np.array([time]), np.array([np.inf]))
    return seconds[0], count[0]


def test_what_came_is_the_growth_of_the_sum() -> None:
    """Of two pods, 30 and 45 in fifteen seconds."""
    past = seen(scrape(100, {0: 1000, 1: 500}), scrape(115, {0: 1030, 1: 545}))
    assert past.count[-1].tolist() == [75]
    assert past.seconds[-1].tolist() == [15]


def test_pods_that_are_scraped_between_cycles_count_as_often_as_they_came() -> None:
    """Three pods at moments of their own, 30 requests a scrape each, a cycle every five seconds: six a second all the time."""
    past = Arrivals.none(1)
    for cycle in range(40):
        now = 1000.0 + 5.0 * cycle
        pods = []
        for offset in (1.0, 6.0, 12.0):
            last = offset + 15.0 * ((now - offset) // 15.0)
            signals = {Signal.ARRIVED: 2.0 * last, Signal.AGE: now - last}
            pods.append(Pod(v="v", running=10.0, signals=signals))
        past = observe(past, snapshot(FLEET, pods, time=now), GROUPS, keep_seconds=1e6, scrape_seconds=15.0)
        if cycle >= 12:
            seconds, count = since(past, now - 30.0)
            assert count / seconds == pytest.approx([6.0])


def test_the_first_look_knows_of_no_arrivals() -> None:
    """A long past is not now."""
    assert since(seen(scrape(100, {0: 1e6})), 0.0)[0].tolist() == [0]


def test_spans_hold_the_steps_that_ended_in_them() -> None:
    """Open where they begin; of several spans each has its own."""
    past = seen(*(scrape(100.0 + 15.0 * step, {0: 1000.0 + step * step}) for step in range(5)))
    seconds, count = past.between(np.array([100.0, 115.0, 0.0]), np.array([130.0, 145.0, 100.0]))
    assert seconds[:, 0].tolist() == [30.0, 30.0, 0.0]
    assert count[:, 0].tolist() == [4.0, 8.0, 0.0]


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
    assert seen(scrape(100, {0: 1000}), scrape(115, {0: 12}, running=8)).count[-1].tolist() == [12]


def test_requests_that_an_engine_lost_are_no_arrivals() -> None:
    """A sum that fell a little was not started anew."""
    assert seen(scrape(100, {0: 1000}), scrape(115, {0: 990})).count[-1].tolist() == [0]


def test_a_silent_cycle_changes_no_rate() -> None:
    """What came to a pod meanwhile is counted when it answers again, over the time in which it came."""
    past = seen(
        scrape(100, {0: 0, 1: 0}),
        scrape(115, {0: 15, 1: None}),
        scrape(130, {0: 30, 1: 30}),
        scrape(145, {0: 45, 1: 45}),
    )
    assert rates(past) == pytest.approx([2.0] * 3)


def steady(until: int, each: float = 30.0, pods: int = 2) -> list[Snapshot]:
    """Cycles at 0, 15, ... in which ``each`` requests came to every pod."""
    return [scrape(15.0 * n, dict.fromkeys(range(pods), 1000.0 + each * n)) for n in range(until)]


def rates(past: Arrivals) -> list[float]:
    """Requests per second of every step that was seen."""
    return [c / s for c, s in zip(past.count[:, 0].tolist(), past.seconds[:, 0].tolist(), strict=True) if s > 0.0]


@pytest.mark.parametrize("scrapes", [1, 2, 5])
@pytest.mark.parametrize("reading", [0.0, 7.0, 400.0])
def test_a_sum_that_is_wrong_for_a_while_and_then_true_again_is_no_rush(reading: float, scrapes: int) -> None:
    """Neither the fall nor the return reads as more or as less than what came."""
    wrong = [scrape(15.0 * n, {0: 1000.0 + 30.0 * n, 1: reading}) for n in range(8, 8 + scrapes)]
    past = seen(*steady(8), *wrong, *steady(20)[8 + scrapes :])
    assert rates(past) == pytest.approx([4.0] * len(rates(past)))


def test_a_sum_of_which_a_part_is_missing_for_a_scrape_is_no_rush() -> None:
    """One of several ranks is not told: a quarter of a long past is gone and comes back."""
    past = seen(*steady(8), scrape(120.0, {0: 1240.0, 1: 930.0}), *steady(12)[9:])
    assert rates(past) == pytest.approx([4.0] * len(rates(past)))


def test_a_rush_to_an_engine_that_began_anew_is_seen_at_once() -> None:
    """A restart takes nothing from what follows it."""
    calm = steady(8)
    restarted = scrape(120.0, {0: 1240.0, 1: 12.0}, running=8)
    rush = scrape(135.0, {0: 1840.0, 1: 612.0}, running=300)
    assert seen(*calm, restarted, rush).count[-1].tolist() == [1200]


def test_what_was_fallen_from_is_forgotten_after_the_window() -> None:
    """An engine that passes its former sum much later passes it with all that came."""
    later = [scrape(115.0 + 15.0 * n, {0: 12.0 + 90.0 * n}, running=8) for n in range(12)]
    past = Arrivals.none(1)
    for each in (scrape(100.0, {0: 1000.0}), *later):
        past = observe(past, each, GROUPS, keep_seconds=60.0, scrape_seconds=15.0)
    assert past.count[-1].tolist() == [90]


@pytest.mark.parametrize("lost", [1, 2])
def test_a_silent_pod_is_none_to_which_nobody_came(lost: int) -> None:
    """Those who answer carry the rate of all, and its return is no rush, however long it was silent."""
    silent = [scrape(15.0 * n, {p: None if p < lost else 1000.0 + 30.0 * n for p in range(4)}) for n in range(8, 18)]
    past = seen(*steady(8, pods=4), *silent, *steady(20, pods=4)[18:])
    assert rates(past) == pytest.approx([8.0] * len(rates(past)))


def test_a_dead_pod_whose_load_the_others_took_is_not_counted_twice() -> None:
    """They count it: no more came than before."""
    gone = [scrape(15.0 * n, {0: None, 1: 1240.0 + 60.0 * (n - 8)}) for n in range(9, 12)]
    past = seen(*steady(9), *gone)
    assert rates(past) == pytest.approx([4.0] * len(rates(past)))


def test_a_rush_to_those_who_answer_is_seen_while_others_are_silent() -> None:
    """All of what is counted counts."""
    past = seen(*steady(9), scrape(135.0, {0: None, 1: 1240.0 + 600.0}))
    assert past.count[-1].tolist() == [600]


def test_those_who_answer_first_carry_the_rate_also_when_nothing_was_seen_for_long() -> None:
    """After an outage that outlasted the window pods come back one by one: that is no rise."""
    past = Arrivals.none(1)
    for each in (
        *steady(4),
        scrape(600.0, {0: 2200.0, 1: None}),
        scrape(615.0, {0: 2230.0, 1: 2230.0}),
        scrape(630.0, {0: 2260.0, 1: 2260.0}),
    ):
        past = observe(past, each, GROUPS, keep_seconds=300.0, scrape_seconds=15.0)
    assert rates(past) == pytest.approx([4.0] * 3)


def test_where_all_are_silent_nothing_is_known() -> None:
    """Not even that it was as before."""
    past = seen(*steady(9), scrape(135.0, {0: None, 1: None}))
    assert past.seconds[-1].tolist() == [0]


@pytest.mark.parametrize("nonsense", [float("nan"), None])
def test_an_unknown_sum_is_no_arrival(nonsense: float | None) -> None:
    """Unknown is neither zero nor a restart."""
    past = seen(scrape(100, {0: 1000}), scrape(115, {0: nonsense}))
    assert past.seconds[-1].tolist() == [0]


def test_absurd_rates_are_not_believed() -> None:
    """A million requests a second to one pod is a broken counter, and the others go on."""
    assert seen(scrape(100, {0: 1.0}), scrape(115, {0: 1e12})).count[-1].tolist() == [0]
    broken = scrape(120.0, {0: 1240.0, 1: 1e12})
    past = seen(*steady(8), broken, *steady(12)[9:])
    assert rates(past) == pytest.approx([4.0] * len(rates(past)))


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
