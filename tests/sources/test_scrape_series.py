"""The memory of one target: what is kept, for how long, and that it cannot grow without end."""

from __future__ import annotations

import numpy as np
import pytest

from wva_exporter.engines.table import Window
from wva_exporter.engines.vllm import VLLM
from wva_exporter.sources.exposition import BadPage
from wva_exporter.sources.readings import View, describer
from wva_exporter.sources.series import MAX_SERIES, History, TooManySeries

RUNNING = 'vllm:num_requests_running{engine="0"}'
SAME_RUNNING = 'vllm:num_requests_running{ engine="0", }'


def history(scrapes: int = 6) -> History:
    """An empty one, for vLLM."""
    return History(scrapes=scrapes, describe=describer([VLLM], {"instance": "a:1", "job": "j"}))


def coverage(times: list[float | None], now: float, *, window: float = 60.0) -> float:
    """Coverage at ``now`` of scrapes every 15 s at these times; None at the place of a time: 15 s later, failed."""
    past = history(scrapes=30)
    last = 0.0
    for time in times:
        last = last + 15 if time is None else time
        past.append(last, {} if time is None else {RUNNING: 1.0})
    view = View(history=past, now=now, seconds={Window.SHORT: window, Window.LONG: 300.0}, interval=15.0)
    return float(view.coverage[0])


def test_a_series_in_another_spelling_is_the_same_series() -> None:
    """Blanks and commas do not make another; if a page has both, the first counts."""
    past = history()
    past.append(1, {RUNNING: 1.0})
    past.append(2, {SAME_RUNNING: 2.0})
    past.append(3, {SAME_RUNNING: 3.0, RUNNING: 4.0})
    np.testing.assert_array_equal(past.values, [[1, 2, 3]])


def test_a_failed_scrape_is_a_gap_in_every_series() -> None:
    """That is how its series end."""
    past = history()
    past.append(1, {RUNNING: 1.0})
    past.append(2, {})
    np.testing.assert_array_equal(past.values, [[1, np.nan]])


def test_the_newest_scrapes_are_always_there() -> None:
    """However many have been: as many as the longest window needs."""
    past = history(scrapes=6)
    for time in range(200):
        past.append(float(time), {RUNNING: float(time)})
        kept = min(time + 1, 6)
        assert past.times[-kept:].tolist() == past.values[0, -kept:].tolist() == list(range(time + 1 - kept, time + 1))
    assert past.values.shape[1] < 6 + 40


def test_series_that_are_gone_are_forgotten() -> None:
    """A target that changes its labels all the time costs what it shows within the window, no more."""
    past = history(scrapes=6)
    for time in range(500):
        past.append(float(time), {f'vllm:num_requests_running{{engine="{time}"}}': 1.0})
        assert len(past.series) <= 6 + 33
    assert past.rows("vllm:num_requests_running") == list(range(len(past.series)))


def test_more_series_than_an_engine_can_have_are_refused() -> None:
    """The scrape is as if it had not been, and later ones are taken again."""
    past = history()
    past.append(1, {RUNNING: 1.0})
    with pytest.raises(TooManySeries):
        past.append(2, {f'vllm:num_requests_running{{engine="{i}"}}': 1.0 for i in range(1, MAX_SERIES + 2)})
    past.append(3, {RUNNING: 3.0})
    assert past.times.tolist() == [1, 3]


def test_labels_that_do_not_parse_spoil_their_scrape_only() -> None:
    """The history stays as it was."""
    past = history()
    past.append(1, {RUNNING: 1.0})
    with pytest.raises(BadPage):
        past.append(2, {RUNNING: 2.0, "vllm:num_requests_running{,,=}": 1.0})
    assert past.times.tolist() == [1]


def test_a_clock_that_goes_back_empties_the_history() -> None:
    """Times before and after have no order: the windows fill anew, and nothing is lowered until they have."""
    past = history()
    past.append(100, {RUNNING: 1.0})
    past.append(50, {RUNNING: 2.0})
    assert past.times.tolist() == [50]
    np.testing.assert_array_equal(past.values, [[2]])


@pytest.mark.parametrize("late", [0.0, 0.01, 7.0, 14.99])
def test_a_window_without_a_gap_is_covered_at_any_phase(late: float) -> None:
    """Between two scrapes it does not matter when one looks."""
    assert coverage([0.0, 15.0, 30.0, 45.0, 60.0], 60.0 + late) == 1.0


def test_scrapes_that_come_a_little_late_leave_no_gap() -> None:
    """The loop of a busy machine is not exact."""
    assert coverage([0.9, 15.0, 30.4, 45.1, 61.0], 60.99 + 0.02) == 1.0


@pytest.mark.parametrize("late", [0.0, 7.0, 14.99])
@pytest.mark.parametrize("failed", [1, 2, 3, 4])
def test_a_failed_scrape_within_the_window_shows(failed: int, late: float) -> None:
    """One of four is a quarter."""
    times: list[float | None] = [0.0, 15.0, 30.0, 45.0, 60.0]
    times[failed] = None
    assert coverage(times, 60.0 + late) == 0.75


def test_a_scrape_that_never_was_shows_too() -> None:
    """A process that slept has a hole although nothing failed."""
    assert coverage([0.0, 15.0, 30.0, 60.0], 67.0) == 0.75


def test_a_young_series_covers_what_it_has() -> None:
    """Two scrapes after its start a window of four is half full."""
    assert coverage([0.0, 15.0], 16.0) == 0.5


def test_a_window_that_is_no_multiple_of_the_interval_can_be_full() -> None:
    """70 s hold four or five scrapes of 15 s; five are a full window, and it is looked at a little further back."""
    assert coverage([0.0, 15.0, 30.0, 45.0, 60.0, 75.0], 75.0, window=70.0) == 1.0
