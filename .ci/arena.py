"""Plays the arena and writes docs/evidence.md, or plays a small one and compares it with what is committed.

    python .ci/arena.py [--data DIR] [--seeds N]   everything; exit 1 if a contender beats a limit
    python .ci/arena.py --quick                    six scenarios; exit 1 if a cell moved by more than its interval
    python .ci/arena.py --quick --write            the same, and commits to what it finds

Results are kept in .arena: whoever interrupts this goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wva_exporter.cli.scenarios import load_scenario, shipped, shipped_file
from wva_exporter.cli.simulate import progress
from wva_exporter.evidence.arena.board import Board, Contest, hold
from wva_exporter.evidence.arena.cells import as_text, cells, moved
from wva_exporter.evidence.arena.markdown import changed_table, demand_list, filled, scenario_table, summary
from wva_exporter.evidence.arena.quality import OURS, as_good_as_default_hpa, beaten_limits, demands
from wva_exporter.evidence.arena.search import LIMITS
from wva_exporter.evidence.arena.sensitivity import variations
from wva_exporter.evidence.arena.tuning import choose, grid, grid_table
from wva_exporter.twin.contenders import contender
from wva_exporter.twin.scenario import Scenario

ROOT = Path(__file__).parent.parent
PAGE, KEPT, RESULTS = ROOT / "docs" / "evidence.md", ROOT / "tests" / "data" / "arena-quick.json", ROOT / ".arena"

SEEDS, HEAVY_SEEDS, TRACE_SEEDS, CHANGED_SEEDS, GRID_SEEDS, QUICK_SEEDS = 20, 10, 3, 5, 3, 3
OTHERS = ("hpa", "hpa-120s", "hpa-concurrency", "keda", "wva-v1", "wva-v2", "wva-v2-tuned")
BELIEFS = tuple(f"headroom(parameters={factor})" for factor in ("0.7", "0.85", "1", "1.15", "1.3"))
CHANGED = ("paper-5-cold", "paper-5-warm", "bursty")
GRID, SENSITIVITY = PARTS = ("grid", "sensitivity")
UNSEEN = "unseen-"
NOT_PLAYED = "Not played for this page; `make arena` does.\n"
TOO_LONG = ("servegen-two-weeks",)

QUICK = ("paper-5-cold", "paper-5-warm", "paper-6-warm", "few-slots", "itl-bound", "unseen-small-fleet")
QUICK_OTHERS = ("hpa", "wva-v1", "wva-v2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """How boards are played: with how many processes, with what data."""

    jobs: int
    data: Path | None
    only: Sequence[str] = ()
    without: Sequence[str] = ()

    def play(
        self, scenarios: Sequence[Scenario], names: Sequence[str], seeds: int, limits: Sequence[str] = ()
    ) -> Board:
        """One board, with a bar."""
        contest = Contest(
            scenarios=scenarios,
            contenders=[contender(name) for name in names],
            limits=limits,
            seeds=range(seeds),
            heavy_seeds=HEAVY_SEEDS,
        )
        with progress() as watch:
            return hold(contest, folder=RESULTS, workers=self.jobs, watch=watch)

    def scenarios(self) -> list[Scenario]:
        """Those that are shipped, without those whose data are not here."""
        names = [name for name in shipped() if name in self.only or (not self.only and name not in TOO_LONG)]
        if self.data is None:
            names = [name for name in names if shipped_file(name).workload.trace is None]
        return [load_scenario(name, self.data) for name in names]


def main(arguments: list[str]) -> int:
    """Play and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only the small arena")
    parser.add_argument("--write", action="store_true", help="with --quick: keep what is found")
    parser.add_argument("--data", type=Path, help="traces; scenarios that need them are left out without")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="of the scenarios only these")
    parser.add_argument("--without", nargs="+", default=[], choices=PARTS, help="leave out one of the two long parts")
    parser.add_argument("--page", type=Path, default=PAGE, help="what is written (docs/evidence.md)")
    parser.add_argument(
        "--seeds",
        type=int,
        default=SEEDS,
        help=f"of each scenario that is drawn (%(default)s), of those with many requests {HEAVY_SEEDS}",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (%(default)s)")
    given = parser.parse_args(arguments)
    arena = Arena(jobs=given.jobs, data=given.data, only=given.only, without=given.without)
    began = time.monotonic()
    wrong = quick(arena, write=given.write) if given.quick else whole(arena, given.seeds, given.page)
    for line in wrong:
        print(f"arena: {line}")
    print(f"arena: {'fine' if not wrong else f'{len(wrong)} findings'}, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


def quick(arena: Arena, *, write: bool) -> list[str]:
    """The small arena against the committed cells."""
    scenarios = [load_scenario(name) for name in QUICK]
    board = arena.play(scenarios, (OURS, *QUICK_OTHERS), QUICK_SEEDS)
    found = cells(board)
    if write:
        KEPT.write_text(as_text(found), encoding="utf-8")
    return moved(json.loads(KEPT.read_text(encoding="utf-8")), found)


def whole(arena: Arena, seeds: int, page: Path) -> list[str]:
    """Everything, written into the page; what is wrong with the limits."""
    scenarios = arena.scenarios()
    drawn = [scenario for scenario in scenarios if scenario.kind != "trace"]
    known = [scenario for scenario in drawn if not scenario.name.startswith(UNSEEN)]
    tried = None if GRID in arena.without else arena.play(known, (OURS, *grid()), min(GRID_SEEDS, seeds))
    tuned = () if tried is None else choose(tried)  # beside the usual ones where scenarios are changed
    names = (OURS, *OTHERS)
    traces = [scenario for scenario in scenarios if scenario.kind == "trace"]
    boards = {
        "known": arena.play(known, names, seeds, LIMITS),
        "unseen": arena.play([s for s in drawn if s.name.startswith(UNSEEN)], names, seeds, LIMITS),
        "traces": arena.play(traces, names, min(TRACE_SEEDS, seeds), LIMITS),
    }
    sections = {f"summary-{name}": summary(board) for name, board in boards.items()}
    sections |= {f"demands-{name}": demand_list(demands(board)) for name, board in boards.items()}
    sections |= {
        f"tables-{name}": "\n".join(scenario_table(board, scenario) for scenario in board.scenarios)
        for name, board in boards.items()
    }
    sections["default-hpa"] = f"{', '.join(as_good_as_default_hpa(boards['known'])) or 'nowhere'}\n"
    sections["grid"] = NOT_PLAYED if tried is None else grid_table(tried, tuned)
    sections["changed"] = (
        NOT_PLAYED if SENSITIVITY in arena.without else _changed(arena, drawn, min(CHANGED_SEEDS, seeds), tuned)
    )
    page.write_text(filled(PAGE.read_text(encoding="utf-8"), sections), encoding="utf-8")
    return [line for board in boards.values() for line in beaten_limits(board)]


def _changed(arena: Arena, scenarios: Sequence[Scenario], seeds: int, tuned: Sequence[str]) -> str:
    """How some scenarios change when one thing is otherwise, and what wrong beliefs and other actuators cost."""
    told = []
    for scenario in (scenario for scenario in scenarios if scenario.name in CHANGED):
        rows = variations(scenario)
        board = arena.play([each for _, each in rows], (OURS, "hpa", "hpa-concurrency", *tuned), seeds)
        told += [f"### {scenario.name}\n", changed_table(board, [(how, each.name) for how, each in rows])]
        believing = arena.play([scenario], (OURS, *BELIEFS, f"{OURS}(actuator=hpa-default)"), seeds)
        told.append(scenario_table(believing, scenario).partition("\n\n")[2].partition("\n")[2])
    return "\n".join(told)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
