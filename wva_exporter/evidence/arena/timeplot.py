"""What happened over time: a column a policy, below each other load, replicas, memory and queue on one time axis.

Everything is labelled where it is drawn. What a reader should see first is red: requests that came and were not served well.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wva_exporter.core.columns import FloatArray, IntArray
from wva_exporter.errors import ConfigError
from wva_exporter.evidence.arena.score import kept, score
from wva_exporter.evidence.plot import figure
from wva_exporter.twin.run import Run
from wva_exporter.twin.scenario import Promise

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOAD, _MISSED, _PENDING, _STARTING = "#4c78a8", "#d62728", "#d3e6e4", "#8fb5b1"
_DESIRED, _MEMORY, _QUEUE = "#222222", "#9467bd", "#e08214"
_ROWS = ("requests per second", "replicas", "KV cache in use", "waiting requests")
_MOST_SAMPLES = 400
"""Points along the time axis; of longer runs means are drawn."""

_HOUR_SECONDS = 3600.0
_TITLE_CHARACTERS, _NAME_CHARACTERS = 10, 11
"""An inch holds so many of the title, and of a policy's name."""

_KIND_SHADES = ("#3f9d96", "#b7a272", "#8d72b7", "#b77287")


def draw_runs(runs: Sequence[Run], promise: Promise, title: str) -> Figure:
    """A picture of runs in the same scenario with the same seed, one a policy.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    columns = len(runs)
    width = min(3.6 + 2.9 * columns, 19.0)
    picture = figure(width, 8.6)
    grid = picture.subplots(len(_ROWS), columns, sharex=True, sharey="row", squeeze=False)
    for place, run in enumerate(runs):
        drawn = _Drawn(run, promise)
        axes = grid[:, place]
        last = place == columns - 1
        _load(axes[0], drawn, label=last)
        _replicas(axes[1], drawn, label=last)
        _memory(axes[2], drawn, label=last)
        _queue(axes[3], drawn, label=last)
        worth = score(run, promise)
        name = _lines(run.contender, _NAME_CHARACTERS * (width - 1.8) / columns)
        served = f"{worth.attainment_ratio:.1%} good, {worth.failed_ratio:.1%} failed"
        axes[0].set_title(f"{name}\n{served}\ncost {worth.cost:.2f}", fontsize=10)
        axes[-1].set_xlabel(drawn.unit)
    for axes, name in zip(grid[:, 0], _ROWS, strict=True):
        axes.set_ylabel(name)
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="0.92")
        axes.set_axisbelow(True)
        axes.set_ylim(bottom=0)
        axes.margins(x=0)
    picture.suptitle(_lines(title, _TITLE_CHARACTERS * width), fontsize=12)
    return picture


def _lines(text: str, characters: float) -> str:
    """The text broken into lines that have room."""
    return "\n".join(textwrap.fill(line, int(characters)) for line in text.splitlines())


def write(picture: Figure, path: Path) -> None:
    """Write a picture as ``.png`` or ``.svg``, in small letters or capitals: the same picture gives the same bytes.

    Raises:
        ConfigError: the file cannot be written.
    """
    from matplotlib import rc_context  # noqa: PLC0415 - an extra, which drew the picture

    content, kind = io.BytesIO(), path.suffix.removeprefix(".").lower()
    lacking = {"Date": None} if kind == "svg" else {"Software": None}
    with rc_context({"svg.hashsalt": "wva-exporter"}):
        picture.savefig(content, format=kind, dpi=120, metadata=lacking)
    try:
        path.write_bytes(content.getvalue())
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error.strerror}"]) from None


class _Drawn:
    """A run in the steps that are drawn; ``x`` are their ends, in minutes or hours."""

    def __init__(self, run: Run, promise: Promise) -> None:
        timeline = run.timeline
        self.run = run
        self.group = max(-(-len(timeline.seconds) // _MOST_SAMPLES), 1)
        per, self.unit = (60.0, "minutes") if run.duration_seconds <= 3 * _HOUR_SECONDS else (_HOUR_SECONDS, "hours")
        ends = timeline.seconds[self.group - 1 :: self.group]
        self.x = ends / per
        edges = np.concatenate([[0.0], ends])
        width = np.maximum(np.diff(edges), 1e-9)
        arrivals = run.requests.arrival_seconds
        self.offered = np.histogram(arrivals, edges)[0] / width
        self.good = np.histogram(arrivals[kept(run.requests, promise)], edges)[0] / width

    def thinned(self, values: FloatArray | IntArray) -> FloatArray:
        """Means over the groups of samples: shape (steps, ...)."""
        whole = values[: len(self.x) * self.group].astype(np.float64)
        grouped = whole.reshape(len(self.x), self.group, *values.shape[1:])
        known = np.isfinite(grouped)
        count = known.sum(axis=1)
        return np.where(count > 0, np.where(known, grouped, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _load(axes: Axes, drawn: _Drawn, *, label: bool) -> None:
    axes.fill_between(drawn.x, drawn.good, drawn.offered, step="pre", color=_MISSED, linewidth=0)
    axes.fill_between(drawn.x, 0.0, drawn.good, step="pre", color=_LOAD, alpha=0.35, linewidth=0)
    axes.step(drawn.x, drawn.offered, where="pre", color=_LOAD, linewidth=1.0)
    if label:
        _say(axes, 0, "offered", _LOAD)
        _say(axes, 1, "not served\nas promised", _MISSED)


def _replicas(axes: Axes, drawn: _Drawn, *, label: bool) -> None:
    timeline = drawn.run.timeline
    ready, pending = drawn.thinned(timeline.ready), drawn.thinned(timeline.pending)
    base = np.zeros(len(drawn.x))
    for place, name in enumerate(timeline.variants):
        shade = _KIND_SHADES[place % len(_KIND_SHADES)]
        axes.fill_between(drawn.x, base, base + ready[:, place], step="pre", color=shade, linewidth=0)
        base = base + ready[:, place]
        if label:
            _say(axes, 2 + place, f"ready {name}" if len(timeline.variants) > 1 else "ready", shade)
    with_starting = base + pending.sum(axis=1)
    axes.fill_between(drawn.x, base, with_starting, step="pre", color=_PENDING, linewidth=0)
    axes.step(drawn.x, drawn.thinned(timeline.desired).sum(axis=1), where="pre", color=_DESIRED, linewidth=1.2)
    axes.locator_params(axis="y", integer=True)
    if label:
        _say(axes, 0, "wanted", _DESIRED)
        _say(axes, 1, "starting", _STARTING)


def _memory(axes: Axes, drawn: _Drawn, *, label: bool) -> None:
    shares = drawn.thinned(drawn.run.timeline.kv_mean_ratio)
    for place, name in enumerate(drawn.run.timeline.variants):
        shade = _KIND_SHADES[place % len(_KIND_SHADES)] if shares.shape[1] > 1 else _MEMORY
        axes.plot(drawn.x, 100.0 * shares[:, place], color=shade, linewidth=1.2)
        if label:
            _say(axes, place, f"of {name}" if shares.shape[1] > 1 else "mean of ready\nreplicas", shade)
    axes.set_ylim(0.0, 100.0)
    axes.yaxis.set_major_formatter("{x:.0f} %")


def _queue(axes: Axes, drawn: _Drawn, *, label: bool) -> None:
    timeline = drawn.run.timeline
    inside, held = drawn.thinned(timeline.waiting), drawn.thinned(timeline.held)
    axes.fill_between(drawn.x, 0.0, inside, step="pre", color=_QUEUE, alpha=0.6, linewidth=0)
    axes.fill_between(drawn.x, inside, inside + held, step="pre", color=_MISSED, alpha=0.5, linewidth=0)
    if label:
        _say(axes, 0, "in engines", _QUEUE)
        if held.any():
            _say(axes, 1, "at the router", _MISSED)


def _say(axes: Axes, line: int, text: str, color: str) -> None:
    """A word beside the last column, in the colour of what it names."""
    axes.text(
        1.03,
        0.96 - 0.16 * line,
        text,
        color=color,
        fontsize=9,
        fontweight="bold",
        linespacing=0.95,
        ha="left",
        va="top",
        transform=axes.transAxes,
    )
