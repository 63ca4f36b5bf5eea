"""A dashboard on paper: the grid, and in each cell roughly what Grafana shows of the answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

Panel = Mapping[str, Any]
COLUMN_INCHES, ROW_INCHES, GAP = 0.66, 0.36, 0.05
PAGE, CELL, TEXT, DIM = "#f4f5f5", "#ffffff", "#24292e", "#6e7681"
COLOURS = {
    "green": "#37872d",
    "orange": "#e0750f",
    "red": "#c4162a",
    "blue": "#1f60c4",
    "semi-dark-blue": "#3274d9",
    "text": TEXT,
}
PALETTE = ("#37872d", "#1f60c4", "#e0750f", "#8f3bb8", "#c4162a", "#0f8b8d", "#b8860b", "#6e7681", "#d6336c", "#5b8c00")
PLAIN_TIME = 60
SHORT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One series: seconds since the beginning, and values."""

    name: str
    labels: Mapping[str, str]
    at: Sequence[float]
    value: Sequence[float]


Answers = Sequence[Sequence[Answer]]
"""Of each query of a panel."""


def draw(dashboard: Panel, answers: Mapping[int, Answers], path: Path) -> None:
    """Write the picture."""
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    size = (24 * COLUMN_INCHES, (rows + 1.6) * ROW_INCHES)
    with plt.rc_context({"font.size": 8, "font.family": "DejaVu Sans", "text.color": TEXT, "axes.labelcolor": DIM}):
        figure = plt.figure(figsize=size, facecolor=PAGE)
        figure.text(0.006, 1 - 0.9 * ROW_INCHES / size[1], dashboard["title"], fontsize=14, weight="bold", va="center")
        figure.text(
            0.994,
            1 - 0.9 * ROW_INCHES / size[1],
            dashboard["description"],
            fontsize=9,
            color=DIM,
            ha="right",
            va="center",
        )
        for panel in dashboard["panels"]:
            _place(figure, panel, answers.get(panel["id"], []), size)
        figure.savefig(path, dpi=100)
        plt.close(figure)


def _place(figure: Figure, panel: Panel, answers: Answers, size: tuple[float, float]) -> None:
    """A cell with its title and what is in it."""
    grid = panel["gridPos"]
    left, width = grid["x"] * COLUMN_INCHES + GAP, grid["w"] * COLUMN_INCHES - 2 * GAP
    top, height = (grid["y"] + 1.6) * ROW_INCHES + GAP, grid["h"] * ROW_INCHES - 2 * GAP

    def axes(inset: tuple[float, float, float, float]) -> Axes:
        """Inside the cell, so many inches from its left, bottom, right and top."""
        x, y = left + inset[0], size[1] - top - height + inset[1]
        w, h = width - inset[0] - inset[2], height - inset[1] - inset[3]
        return figure.add_axes((x / size[0], y / size[1], w / size[0], h / size[1]))

    whole = axes((0, 0, 0, 0))
    whole.set_axis_off()
    if panel["type"] == "row":
        whole.text(0.004, 0.5, f"▾ {panel['title']}", fontsize=10, weight="bold", va="center")
        return
    whole.add_patch(Rectangle((0, 0), 1, 1, facecolor=CELL, edgecolor="#d8d9da", transform=whole.transAxes))
    if panel["type"] == "stat":
        _stat(whole, panel, answers)
    inches = 0.09 / width
    colour = "white" if panel["type"] == "stat" and _painted(panel, answers) else TEXT
    whole.text(inches, 1 - 0.14 / height, panel["title"], fontsize=9, weight="bold", va="center", color=colour)
    if not any(answers):
        whole.text(0.5, 0.45, "No data", fontsize=12, color=DIM, ha="center", va="center")
    elif panel["type"] != "stat":
        _DRAWERS[panel["type"]](axes, panel, answers)


def _painted(panel: Panel, answers: Answers) -> bool:
    return panel["options"]["colorMode"] == "background" and any(answers)


def _stat(axes: Axes, panel: Panel, answers: Answers) -> None:
    """Big numbers; several stand side by side under their names."""
    series = [answer for query in answers for answer in query]
    if _painted(panel, answers):
        colour = _threshold_colour(panel["fieldConfig"]["defaults"], series[0].value[-1])
        axes.add_patch(Rectangle((0, 0), 1, 1, facecolor=colour, transform=axes.transAxes))
    mode = panel["options"]["textMode"]
    for i, answer in enumerate(series):
        x = (i + 0.5) / len(series)
        text = answer.name if mode == "name" else _shown(panel["fieldConfig"]["defaults"], answer.value[-1])
        colour = "white" if _painted(panel, answers) else TEXT
        axes.text(
            x,
            0.42,
            text,
            fontsize=19 if len(text) <= SHORT else 14,
            weight="bold",
            ha="center",
            va="center",
            color=colour,
        )
        if mode == "value_and_name":
            axes.text(x, 0.14, answer.name, fontsize=8, ha="center", va="center", color=DIM)


Place = Callable[[tuple[float, float, float, float]], Axes]


def _lines(place: Place, panel: Panel, answers: Answers) -> None:
    axes = place((0.52, 0.42, 0.12, 0.3))
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults["custom"]
    series = [answer for query in answers for answer in query]
    floor = np.zeros(0)
    for i, answer in enumerate(series):
        look = _look(panel, answer.name, i)
        at, value = np.array(answer.at), np.array(answer.value)
        step = {"drawstyle": "steps-post"} if custom["lineInterpolation"] == "stepAfter" else {}
        if custom["drawStyle"] == "bars":
            axes.bar(at, value, width=1.0, color=look["color"], label=answer.name, alpha=0.8)
        elif custom["stacking"]["mode"] == "normal":
            grid = np.arange(0.0, max(at[-1], 1.0) + 1)
            inside = (grid >= at[0] - 0.5) & (grid <= at[-1] + 1)
            value = np.where(inside, np.interp(grid, at, value), 0.0)
            floor = np.zeros_like(grid) if floor.shape != grid.shape else floor
            axes.fill_between(grid, floor, floor + value, color=look["color"], alpha=0.35, linewidth=0, step="post")
            axes.plot(
                grid, floor + value, color=look["color"], label=answer.name, linewidth=1.3, drawstyle="steps-post"
            )
            floor = floor + value
        else:
            axes.plot(at, value, label=answer.name, linewidth=1.5, **look, **step)
    if custom["thresholdsStyle"]["mode"] != "off":
        _limits(axes, defaults)
    _frame(axes, defaults)
    _legend(place, axes, panel)


def _legend(place: Place, axes: Axes, panel: Panel) -> None:
    """One line below the panel: as many names as fit, and how many more there are."""
    handles, names = axes.get_legend_handles_labels()
    room, shown = panel["gridPos"]["w"] * 10, 0
    for name in names:
        room -= len(name) + 5
        shown += room > 0
    shown = max(shown, 1)
    box = place((0.1, 0.03, 0.1, panel["gridPos"]["h"] * ROW_INCHES - 0.35))
    box.set_axis_off()
    box.legend(
        handles[:shown],
        [*names[: shown - 1], names[shown - 1] + (f"  … and {len(names) - shown} more" if shown < len(names) else "")],
        loc="center left",
        ncols=shown,
        fontsize=7,
        frameon=False,
        handlelength=1.2,
        columnspacing=1.0,
        borderpad=0,
    )


def _look(panel: Panel, name: str, index: int) -> dict[str, Any]:
    """Colour and dashes of a line."""
    look: dict[str, Any] = {"color": PALETTE[index % len(PALETTE)]}
    for override in panel["fieldConfig"]["overrides"]:
        if re.search(override["matcher"]["options"], name):
            for each in override["properties"]:
                if each["id"] == "color":
                    look["color"] = COLOURS[each["value"]["fixedColor"]]
                if each["id"] == "custom.lineStyle":
                    look["linestyle"] = (0, (5, 3))
    return look


def _limits(axes: Axes, defaults: Panel) -> None:
    """The values at which colours change, where they are near the lines."""
    top = axes.get_ylim()[1]
    for step in defaults["thresholds"]["steps"][1:]:
        near = step is defaults["thresholds"]["steps"][1] or step["value"] < top
        if near:
            axes.axhline(step["value"], color=COLOURS[step["color"]], linestyle=(0, (5, 3)), linewidth=1)


def _frame(axes: Axes, defaults: Panel) -> None:
    axes.set_facecolor(CELL)
    axes.spines[:].set_visible(False)
    axes.grid(color="#e4e5e6", linewidth=0.6)
    axes.tick_params(length=0, labelsize=7, colors=DIM)
    low, high = axes.get_ylim()
    heights = [np.any(line.get_ydata()) for line in axes.lines] + [bar.get_height() for bar in axes.patches]
    low, high = (low, high) if any(heights) else (0.0, 1.0)
    axes.set_ylim(defaults.get("min", min(low, 0.0)), defaults.get("max", max(high * 1.02, 1e-9)))
    axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(5, integer=defaults.get("decimals") == 0))
    axes.yaxis.set_major_formatter(lambda value, _: _shown({**defaults, "decimals": None}, value))
    _times(axes)


def _times(axes: Axes) -> None:
    axes.margins(x=0)
    axes.xaxis.set_major_locator(mpl.ticker.MultipleLocator(30))
    axes.xaxis.set_major_formatter(lambda value, _: f"{int(value) // PLAIN_TIME}:{int(value) % PLAIN_TIME:02d}")


def _states(place: Place, panel: Panel, answers: Answers) -> None:
    """A bar a series, coloured by its value."""
    names = min(0.42 * panel["gridPos"]["w"] * COLUMN_INCHES, 2.4)
    axes = place((names, 0.26, 0.12, 0.3))
    defaults = panel["fieldConfig"]["defaults"]
    series = [answer for query in answers for answer in query]
    for i, answer in enumerate(series):
        y = len(series) - 1 - i
        for at, value in zip(answer.at, answer.value, strict=True):
            axes.barh(y, 1.05, left=at, height=0.7, color=_threshold_colour(defaults, value), linewidth=0)
        axes.annotate(
            answer.name, (0, y), xytext=(-4, 0), textcoords="offset points", fontsize=7, ha="right", va="center"
        )
    axes.set_ylim(-0.6, max(len(series) - 0.4, 2.5))
    axes.set_xlim(0, max(answer.at[-1] for answer in series) + 1)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=7, colors=DIM)
    _times(axes)


def _table(place: Place, panel: Panel, answers: Answers) -> None:
    """Rows merged by the labels that all queries have in common, as Grafana's `merge` does."""
    axes = place((0.1, 0.05, 0.1, 0.32))
    axes.set_axis_off()
    organize = panel["transformations"][1]["options"]
    heading, place_of = organize["renameByName"], organize["indexByName"]
    shared = set.intersection(*(set(a.labels) for query in answers for a in query))
    merged: dict[tuple[str, ...], dict[str, Any]] = {}
    for i, query in enumerate(answers):
        for answer in query:
            row = merged.setdefault(tuple(answer.labels[k] for k in sorted(shared)), {})
            row |= {label: value for label, value in answer.labels.items() if label in place_of}
            row[f"Value #{chr(ord('A') + i)}"] = answer.value[-1]
    fields = sorted(
        (field for field in place_of if not organize["excludeByName"].get(field)), key=lambda field: place_of[field]
    )
    fixed = 1.9 if len(fields) > 10 else 1.5  # noqa: PLR2004 - texts are wider than numbers
    widths = np.array([fixed if not field.startswith("Value") else 1.0 for field in fields])
    widths[fields.index("model_name")] = 2.6
    starts = np.concatenate([[0.0], np.cumsum(widths / widths.sum())[:-1]])
    step = 0.3 / (panel["gridPos"]["h"] * ROW_INCHES)
    for x, field in zip(starts, fields, strict=True):
        axes.text(x, 1, heading[field], fontsize=8, weight="bold", color="#1f60c4", va="top")
        defaults = _cell(panel, heading[field])
        for y, row in enumerate(merged.values(), start=1):
            value = row.get(field)
            text = value if isinstance(value, str) else "" if value is None else _shown(defaults, value)
            axes.text(
                x,
                1 - 1.15 * y * step,
                _mapped(defaults, text),
                fontsize=8,
                va="top",
                color=_cell_colour(defaults, value),
            )


def _cell(panel: Panel, name: str) -> dict[str, Any]:
    """What a column says of its cells."""
    settings = {**panel["fieldConfig"]["defaults"]}
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == name:
            settings |= {each["id"]: each["value"] for each in override["properties"]}
    return settings


def _mapped(settings: Panel, text: str) -> str:
    for mapping in settings.get("mappings", ()):
        text = str(mapping["options"].get(text, {}).get("text", text))
    return text


def _cell_colour(settings: Panel, value: object) -> str:
    if "custom.cellOptions" not in settings or value is None:
        return TEXT
    if isinstance(value, str):
        found = [m["options"][value]["color"] for m in settings.get("mappings", ()) if value in m["options"]]
        return COLOURS[found[0] if found else settings["thresholds"]["steps"][0]["color"]]
    assert isinstance(value, float)
    return _threshold_colour(settings, value)


_DRAWERS = {"timeseries": _lines, "state-timeline": _states, "table": _table}


def _threshold_colour(settings: Panel, value: float) -> str:
    colour = settings["thresholds"]["steps"][0]["color"]
    for step in settings["thresholds"]["steps"][1:]:
        colour = step["color"] if value >= step["value"] else colour
    return COLOURS[colour]


def _shown(settings: Panel, value: float) -> str:
    """A number in its unit, about as Grafana spells it."""
    if (word := _mapped(settings, f"{value:g}")) != f"{value:g}" or not np.isfinite(value):
        return word
    unit, decimals = settings.get("unit", "short"), settings.get("decimals")
    scaled = next((pair for pair in _SCALES if abs(value) >= pair[0]), None)
    if unit == "percentunit":
        return f"{100 * value:.{decimals or 0}f}%"
    if scaled and unit in {"bytes", "short"}:
        return f"{value / scaled[0]:.3g} {scaled[1]}{'B' if unit == 'bytes' else ''}"
    if unit == "s" and value and abs(value) < 1:
        return f"{1000 * value:.3g} ms"
    number = f"{value:.3g}" if decimals is None else f"{value:.{decimals}f}"
    return f"${number}" if unit.startswith("currency") else number + _SUFFIXES.get(unit, "")


_SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_SUFFIXES = {"s": " s", "reqps": " req/s", "ops": " ops/s", "bytes": " B"}
