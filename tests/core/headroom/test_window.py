"""The window before anything is given back."""

from __future__ import annotations

import numpy as np

from wva_exporter.core.columns import floats, integers
from wva_exporter.core.headroom.window import Window


def after(*asked: tuple[float, float]) -> Window:
    """A window of 300 s that began at 0 and was told of these needs: time and number."""
    window = Window.start(1, 0.0, 300.0)
    for time, needed in asked:
        window = window.add(floats([needed]), time)
    return window


def test_a_peak_is_remembered_for_the_window_and_no_longer() -> None:
    """Five minutes, and a slice at most."""
    assert after((0, 9), (15, 2), (299, 2)).highest.tolist() == [9]
    assert after((0, 9), (15, 2), (316, 2)).highest.tolist() == [2]


def test_what_nobody_saw_needed_no_less_than_before() -> None:
    """After a pause, however long, the last need counts for a window more."""
    assert after((0, 9), (1e6, 3)).highest.tolist() == [9]
    assert after((0, 9), (1e6, 3), (1e6 + 280, 3)).highest.tolist() == [9]
    assert after((0, 9), (1e6, 3), (1e6 + 330, 3)).highest.tolist() == [3]


def test_a_clock_that_goes_back_forgets_nothing() -> None:
    """The peak stays."""
    assert after((200, 9), (100, 1)).highest.tolist() == [9]


def test_a_row_is_young_until_it_was_watched_for_a_window() -> None:
    """Then its own past decides."""
    assert Window.start(1, 0.0, 300.0).young(299.0).tolist() == [True]
    assert Window.start(1, 0.0, 300.0).young(300.0).tolist() == [False]


def test_rows_that_move_take_their_peaks_along() -> None:
    """A new one begins young and with nothing."""
    moved = after((0, 9)).take(integers([-1, 0]), 50.0)
    assert moved.highest.tolist() == [0, 9]
    assert moved.began_at.tolist() == [50, 0]
    assert np.array_equal(moved.young(310.0), [True, False])
