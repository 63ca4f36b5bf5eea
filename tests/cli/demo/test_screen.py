"""What the demo shows: a table that fits a plain terminal, a line elsewhere, both with the same facts."""

from io import StringIO

from rich.console import Console

from wva_exporter.cli.demo import scenario
from wva_exporter.cli.demo.screen import header, line, screen
from wva_exporter.cli.demo.summary import Reaction, report
from wva_exporter.cli.demo.view import View, look
from wva_exporter.cli.demo.world import World

A100, H100 = (variant.name for variant in scenario.VARIANTS)


def view() -> View:
    """A moment in which a replica starts, another drains, and one target is not known."""
    world = World(180, seed=1)
    world.begin()
    world.fleet.scale(A100, 3)
    world.fleet.scale(H100, 0)
    world.advance(0.5)
    return look(world, {A100: 3}, {A100: "replicas_uncounted", H100: "spare_capacity"})


def shown(*, terminal: bool, width: int = 80) -> list[str]:
    """The lines that a console gets."""
    output = StringIO()
    console = Console(file=output, force_terminal=terminal, width=width, color_system=None)
    with screen(console) as display:
        display.show(view())
    return output.getvalue().splitlines()


def test_a_line_tells_replicas_target_fill_queue_cost_and_reason() -> None:
    """One line a view where there is no terminal, however long."""
    [text] = shown(terminal=False)
    assert text == line(view())
    assert f"{A100} replicas=2+1 desired=3 kv=0." in text
    assert f"{H100} replicas=0-1 desired=?" in text
    assert "why=replicas_uncounted" in text
    assert "cost=10.60/h" in text


def test_the_table_fits_eighty_columns_without_a_cut() -> None:
    """Names, reasons and numbers are there in full."""
    lines = shown(terminal=True)
    text = "\n".join(lines)
    assert max(len(each.rstrip()) for each in lines if A100 in each) <= 80
    for part in (A100, H100, "2+1", "0-1", "replicas_uncounted", "spare_capacity", "desired", "KV cache", "why"):
        assert part in text
    assert "…" not in text


def test_the_header_names_the_source_and_every_shortened_setting() -> None:
    """Nobody should take the demo's loop for the usual one."""
    output = StringIO()
    header(Console(file=output, width=80), "no Prometheus found")
    text = output.getvalue()
    assert "no Prometheus found" in text
    for setting in scenario.SHORTENED:
        assert f"{setting.name} {setting.here} ({setting.usual})" in text


def test_the_summary_tells_the_run_in_numbers() -> None:
    """Requests, queue, replicas up and down, time to react, cost against a static fleet."""
    world = World(180, seed=1)
    world.begin()
    world.autoscale(A100, [3.0])
    world.advance(20.0)
    text = report(world, Reaction(at_seconds=10.0, waiting=1))
    assert "0 failed" in text
    assert f"Replicas of {A100}: started with 2, at most 3 ready, ended with 3; 1 added, 0 removed." in text
    assert "desired rose 6 s after the load began to, 1 had waited; the first added replica served" in text
    assert "of a static fleet of the peak size" in text


def test_a_rise_before_the_load_is_told_as_one() -> None:
    """By chance a few more come before the load begins to rise: that is no time less than zero."""
    world = World(180, seed=1)
    world.begin()
    world.advance(20.0)
    assert "desired rose 2 s before the load began to, 0 had waited" in report(
        world, Reaction(at_seconds=2.0, waiting=0)
    )


def test_a_run_that_was_stopped_at_once_has_a_summary_too() -> None:
    """No division by a time of zero."""
    world = World(180, seed=1)
    world.begin()
    text = report(world, None)
    assert "the desired replicas never rose" in text
    assert "Cost: 0.000 USD." in text
