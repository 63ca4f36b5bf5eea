"""The shipped scenarios in a few words each, for ``docs/scenarios.md`` and for people who look for one."""

from __future__ import annotations

from wva_exporter.cli.scenarios import shipped, shipped_file
from wva_exporter.config.durations import format_duration
from wva_exporter.config.scenario import ScenarioFile, Variant
from wva_exporter.config.scenario_workload import Workload

BEGIN = "<!-- scenarios: begin (generated, do not edit) -->"
END = "<!-- scenarios: end -->"


def filled(page: str) -> str:
    """The page with today's list between its two marks."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table()}\n{END}{tail}"


def table() -> str:
    """A row a scenario: what happens, the load, the variants, how long it takes."""
    rows = [_row(name, shipped_file(name)) for name in shipped()]
    head = (
        "| Scenario | What happens | Load | Variants: replicas, start-up | Length |\n| --- | --- | --- | --- | --- |\n"
    )
    return head + "\n".join(rows) + "\n"


def _row(name: str, given: ScenarioFile) -> str:
    variants = "<br>".join(_variant(variant) for variant in given.variants)
    title = given.title if given.feasible else f"{given.title} (nobody can win)"
    return f"| `{name}` | {title} | {load(given.workload)} | {variants} | {format_duration(given.duration_seconds)} |"


def _variant(given: Variant) -> str:
    cards = given.accelerator if given.gpus == 1 else f"{given.gpus} {given.accelerator}"
    role = "" if given.role == "both" else f", {given.role}"
    return f"{cards}{role}: {given.min} to {given.max}, {format_duration(given.startup_seconds)}"


def load(given: Workload) -> str:
    """The requests a second in a few words: ``2, 5, 10 req/s``."""
    if given.trace is not None:
        return f"{given.trace.format} x {given.trace.scale:g}"
    gusts = "" if given.gap_cv == 1 else f", gaps of cv {given.gap_cv:g}"
    if given.sine is not None:
        low, high = given.sine.mean_rps - given.sine.swing_rps, given.sine.mean_rps + given.sine.swing_rps
        return f"{low:g} to {high:g} req/s every {format_duration(given.sine.period_seconds)}{gusts}"
    if given.flash is not None:
        return f"{given.flash.base_rps:g}, then {given.flash.peak_rps:g} req/s and back{gusts}"
    return ", ".join(f"{leg.rps:g}" for leg in given.legs or ()) + f" req/s{gusts}"
