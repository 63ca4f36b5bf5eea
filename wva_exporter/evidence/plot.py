"""Pictures of fits and proofs. matplotlib is an extra: it is imported when a picture is drawn, and not before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.errors import ConfigError
from wva_exporter.evidence.fit import Fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MILLI = 1000.0
_EXTRA = "a picture needs matplotlib: pip install 'wva-exporter[replay]'"


def figure(width: float, height: float) -> Figure:
    """An empty picture, in inches.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError([_EXTRA]) from None
    return Figure(figsize=(width, height), layout="constrained")


def save(picture: Figure, path: Path) -> None:
    """Write a picture; the suffix says in which format.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        picture.savefig(path, dpi=120, metadata={"Software": None} if path.suffix.lower() == ".png" else None)
    except (OSError, ValueError) as error:
        raise ConfigError([f"{path}: cannot be written: {error}"]) from None


def draw_fit(fitted: Fitted, title: str) -> Figure:
    """Measured against predicted, TTFT left and ITL right: hollow by the one fit, filled by each workload's own."""
    picture = figure(11.0, 5.6)
    left, right = picture.subplots(1, 2)
    seen = fitted.points.seen
    measured = (seen.ttft_seconds.value[0] * _MILLI, seen.itl_seconds.value[0] * _MILLI)
    for place, (axes, name) in enumerate(((left, "TTFT"), (right, "ITL"))):
        _scatter(axes, fitted, measured[place], place)
        one, own = fitted.errors(fitted.by_whole)[place], fitted.errors(fitted.by_shape)[place]
        axes.set_title(f"{name}: mean error {one:.1%} by one fit, {own:.1%} by workload")
        axes.set_xlabel(f"measured {name} [ms]")
        axes.set_ylabel(f"predicted {name} [ms]")
    handles, labels = left.get_legend_handles_labels()
    picture.legend(
        handles, labels, loc="outside lower center", ncols=6, title="input/output tokens; hollow: one fit for all"
    )
    picture.suptitle(title)
    return picture


def plain_ticks(axes: Axes) -> None:
    """Numbers such as 5, 10, 20 along both logarithmic axes."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter  # noqa: PLC0415 - an extra

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())


def _scatter(axes: Axes, fitted: Fitted, measured: FloatArray, place: int) -> None:
    whole, own = fitted.by_whole[place] * _MILLI, fitted.by_shape[place] * _MILLI
    low, high = 0.8 * min(measured.min(), whole.min()), 1.25 * max(measured.max(), whole.max())
    line = np.array([low, high])
    axes.fill_between(line, line / 1.1, line * 1.1, color="0.9", label="within 10 %")
    axes.plot(line, line, color="0.5", linewidth=0.8)
    for workload, name in enumerate(fitted.points.names):
        here, color = fitted.points.workload == workload, f"C{workload % 10}"
        marker = "osD^v"[workload // 10 % 5]
        axes.plot(measured[here], whole[here], marker, color=color, markerfacecolor="none", markersize=6)
        axes.plot(measured[here], own[here], marker, color=color, markersize=3.5, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    plain_ticks(axes)
