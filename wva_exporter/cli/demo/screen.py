"""The demo on a terminal, as a live table, or elsewhere, as a line a cycle."""

from __future__ import annotations

from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from wva_exporter.cli.demo import scenario
from wva_exporter.cli.demo.view import VariantView, View

_BAR_WIDTH = 6
_FULL_RATIO = 0.8
_WHY_WIDTH = 18


class Screen(Protocol):
    """Where views go, one in so many seconds; used as a context."""

    every_seconds: float

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, *_: object) -> None:
        """End."""
        ...

    def show(self, view: View) -> None:
        """Show the newest view."""
        ...


class Lines:
    """A line a view, for logs and pipes."""

    every_seconds = scenario.CYCLE_SECONDS

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def show(self, view: View) -> None:
        """Print it."""
        self._console.out(line(view), highlight=False)


class Board:
    """A table that is redrawn in place."""

    every_seconds = 0.5

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        """Take the terminal."""
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last table where it is."""
        self._live.__exit__(None, None, None)

    def show(self, view: View) -> None:
        """Redraw."""
        self._live.update(Group(_state(view), _table(view)), refresh=True)


def screen(console: Console) -> Screen:
    """What suits the console."""
    return Board(console) if console.is_terminal else Lines(console)


def header(console: Console, source: str) -> None:
    """What is run, and which settings are shortened."""
    pairs = ", ".join(f"{s.name} {s.here} ({s.usual})" for s in scenario.SHORTENED)
    for text in (
        f"wva-exporter demo: {scenario.MODEL}, a simulated vLLM fleet; {source}.",
        f"Shortened settings (usual ones): {pairs}.",
        "Request rates, time to first token and inter-token latency are those of the wall clock.",
        "",
    ):
        console.print(text, highlight=False, markup=False, soft_wrap=not console.is_terminal)


def line(view: View) -> str:
    """A view in one line."""
    return f"{_state_text(view)} | " + " | ".join(_variant_text(variant) for variant in view.variants)


def _state_text(view: View) -> str:
    totals = view.totals
    return (
        f"t={view.elapsed_seconds:.0f}s load={view.rate:.0f}/s waiting={view.waiting} served={totals.served} "
        f"failed={totals.failed} cost={view.cost_per_hour:.2f}/h"
    )


def _variant_text(variant: VariantView) -> str:
    desired = "?" if variant.desired is None else variant.desired
    kv = "?" if variant.kv_ratio is None else f"{variant.kv_ratio:.2f}"
    return (
        f"{variant.name} replicas={_replicas_text(variant)} desired={desired} kv={kv} "
        f"queue={variant.waiting} why={variant.reason or '?'}"
    )


def _replicas_text(variant: VariantView) -> str:
    """Ready ones, then those on their way in and out where there are any."""
    coming = f"+{variant.pending}" if variant.pending else ""
    going = f"-{variant.draining}" if variant.draining else ""
    return f"{variant.ready}{coming}{going}"


def _state(view: View) -> Text:
    first = view.totals.first_token_seconds
    ttft = "" if first is None else f", mean time to first token {first * 1000:.0f} ms"
    return Text(
        f"{view.elapsed_seconds:.0f} s   load {view.rate:.0f} requests/s   waiting {view.waiting}   "
        f"cost {view.cost_per_hour:.2f} {scenario.CURRENCY}/h\n"
        f"served {view.totals.served}, failed {view.totals.failed}{ttft}\n"
    )


def _table(view: View) -> Table:
    """One row a variant; fits into 80 columns."""
    table = Table(
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
        caption="replicas: ready, +starting, -draining",
        caption_justify="left",
    )
    table.add_column("variant", no_wrap=True)
    table.add_column("replicas", justify="right", no_wrap=True)
    table.add_column("desired", justify="right", no_wrap=True)
    table.add_column("KV cache", no_wrap=True)
    table.add_column("queue", justify="right", no_wrap=True)
    table.add_column(f"{scenario.CURRENCY}/h", justify="right", no_wrap=True)
    table.add_column("why", no_wrap=True, min_width=_WHY_WIDTH)
    for variant in view.variants:
        moved = variant.desired is not None and variant.desired != variant.ready
        table.add_row(
            variant.name,
            _replicas_text(variant),
            Text("?" if variant.desired is None else str(variant.desired), style="bold yellow" if moved else ""),
            _bar(variant.kv_ratio),
            str(variant.waiting),
            f"{variant.cost_per_hour:.2f}",
            variant.reason,
        )
    return table


def _bar(ratio: float | None) -> Text:
    """A share as a bar that turns red where a replica counts as saturated."""
    if ratio is None:
        return Text("?")
    filled = min(round(ratio * _BAR_WIDTH), _BAR_WIDTH)
    style = "red" if ratio >= _FULL_RATIO else "green"
    bar = Text("█" * filled + "░" * (_BAR_WIDTH - filled), style=style)
    return bar.append(f" {ratio:4.0%}", style="default")
