"""Pictures over time: nothing is clipped, replicas are whole."""

from __future__ import annotations

import pytest
from arena_builder import scenario
from matplotlib.backends.backend_agg import FigureCanvasAgg

from wva_exporter.evidence.arena.timeplot import draw_runs
from wva_exporter.twin.closed_loop import run
from wva_exporter.twin.contenders import contender

TITLE = f"A title that is far too long for a narrow picture: {'five times the load for a while, and ' * 4}back."


@pytest.mark.parametrize("columns", [1, 2])
def test_a_long_title_and_long_names_stay_within_the_picture(columns: int) -> None:
    """They are broken over lines; the replica axis has whole numbers."""
    place = scenario(seconds=60.0)
    name = "hpa(kv=0.20000000000000001,queue=2.0000000000001,up=30,down=300)"
    runs = [run(place, contender(name), 0)] * columns
    picture = draw_runs(runs, place.promise, TITLE)
    canvas = FigureCanvasAgg(picture)
    canvas.draw()
    assert picture._suptitle is not None  # noqa: SLF001 - there is no other way to it
    titles = [picture._suptitle, *(axes.title for axes in picture.axes[:columns])]  # noqa: SLF001
    for title in titles:
        box = title.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= picture.bbox.width
        assert box.y1 <= picture.bbox.height
    between = picture.axes[columns - 1].title.get_window_extent().x0 - picture.axes[0].title.get_window_extent().x1
    assert between > 0 or columns == 1
    assert all(tick == int(tick) for axes in picture.axes[columns : 2 * columns] for tick in axes.get_yticks())
