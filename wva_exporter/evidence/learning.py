"""How often forty observations are enough: ``python -m wva_exporter.evidence.learning [--plot FILE]``.

For every band of load, engines are drawn (``scenarios.py``), observed and learned from without any knowledge of them before;
the answer counts as right when the largest rate that follows from the learned parameters is within 5 % of the true one.
Printed are the shares of one fixed seed and the range over five others, beside what is asked of them; exit 1 where the fixed
seed misses.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.estimation import fit
from wva_exporter.core.queueing.observations import Observations
from wva_exporter.evidence.plot import figure, save
from wva_exporter.evidence.scenarios import MODEL, Drawn, draw, from_chain, from_twin

SEED = 20261
OTHER_SEEDS = (1, 2, 3, 4, 5)
WITHIN = 0.05

BANDS = ((0.1, 0.3), (0.2, 0.6), (0.3, 0.9))
"""Load as a share of the largest rate."""

ASKED = (0.55, 0.95, 0.98)
"""Share of right answers in each band."""

Observe = Callable[[Drawn, tuple[float, float], np.random.Generator], Observations]

SOURCES: dict[str, tuple[Observe, int]] = {"chain": (from_chain, 200), "twin": (from_twin, 100)}
"""Where observations come from, and how many engines a band."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """Relative errors of the capacity of each engine drawn, and how wide the estimate said they would be."""

    source: str
    band: tuple[float, float]
    error: FloatArray

    @property
    def share(self) -> float:
        """Share of right answers."""
        return float(np.mean(np.abs(self.error) <= WITHIN))


def trial(source: str, band: tuple[float, float], seed: int, count: int | None = None) -> Trial:
    """Draw, observe, learn and compare."""
    observe, usual = SOURCES[source]
    generator = np.random.default_rng([seed, BANDS.index(band), *source.encode()])
    drawn = draw(usual if count is None else count, generator)
    seen = observe(drawn, band, generator)
    found = fit(seen, Belief.unknown(seen.shape[0]), MODEL)
    learned, true = drawn.capacity(found.belief.mean_seconds), drawn.capacity(drawn.parameters)
    return Trial(source=source, band=band, error=learned / true - 1.0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run every trial and print a table."""
    parser = argparse.ArgumentParser(prog="python -m wva_exporter.evidence.learning", description=__doc__)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the errors of the fixed seed")
    arguments = parser.parse_args(argv)
    say = sys.stdout.write
    say(f"capacity within {WITHIN:.0%} after 40 observations with 3 % noise\n")
    say(f"{'source':<8}{'load':<12}{'asked':>7}{'seed':>8}{'others':>16}{'median':>9}{'p95':>8}\n")
    shown, fine = [], True
    for source in SOURCES:
        for band, asked in zip(BANDS, ASKED, strict=True):
            one = trial(source, band, SEED)
            shares = [trial(source, band, seed).share for seed in OTHER_SEEDS]
            size = np.abs(one.error)
            others = f"{min(shares):.1%}-{max(shares):.1%}"
            say(
                f"{source:<8}{band[0]:.1f}-{band[1]:<8.1f}{asked:>7.0%}{one.share:>8.1%}{others:>16}"
                f"{np.median(size):>9.1%}{np.quantile(size, 0.95):>8.1%}\n"
            )
            shown.append(one)
            fine = fine and one.share >= asked
    if arguments.plot is not None:
        _draw(shown, arguments.plot)
    return 0 if fine else 1


def _draw(trials: Sequence[Trial], path: Path) -> None:
    """The share of engines whose capacity error is at most x, a curve for each trial."""
    picture = figure(7.5, 4.8)
    axes = picture.subplots()
    for one in trials:
        size = np.sort(np.abs(one.error)) * 100.0
        share = np.arange(1, len(size) + 1) / len(size) * 100.0
        style = "-" if one.source == "chain" else "--"
        color = f"C{BANDS.index(one.band)}"
        axes.plot(size, share, style, color=color, label=f"{one.source}, load {one.band[0]:g} to {one.band[1]:g}")
    for place, asked in enumerate(ASKED):
        axes.plot([WITHIN * 100.0], [asked * 100.0], "x", color=f"C{place}", markersize=9, markeredgewidth=2)
    axes.axvline(WITHIN * 100.0, color="0.6", linewidth=0.8)
    axes.set_xlim(0.0, 15.0)
    axes.set_ylim(0.0, 101.0)
    axes.set_xlabel("error of the learned capacity, at most [%]")
    axes.set_ylabel("engines [%]")
    axes.set_title("Capacity learned from 40 observations (crosses: asked)")
    axes.legend(loc="lower right")
    save(picture, path)


if __name__ == "__main__":
    sys.exit(main())
