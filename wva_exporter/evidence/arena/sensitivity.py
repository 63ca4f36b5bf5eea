"""How results move when one thing is otherwise: another start-up, another scrape interval, longer answers, noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.twin.scenario import Scenario, Source
from wva_exporter.twin.workloads.stream import Stream

STARTUPS_SECONDS = (20.0, 65.0, 110.0, 180.0, 300.0)
SCRAPES_SECONDS = (5.0, 15.0, 30.0, 60.0)
CYCLES_SECONDS = (15.0, 30.0)
OUTPUT_RATIOS = (0.7, 1.3)
NOISE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Longer:
    """Another source's requests with answers of other lengths, nothing else changed."""

    source: Source
    output_ratio: float

    def requests(self, generator: np.random.Generator) -> Stream:
        """Those that are scored."""
        return self._longer(self.source.requests(generator))

    def before(self, generator: np.random.Generator, seconds: float) -> Stream:
        """Those of the warm-up."""
        return self._longer(self.source.before(generator, seconds))

    def _longer(self, stream: Stream) -> Stream:
        output = np.maximum(np.round(stream.output_tokens * self.output_ratio), 1).astype(np.int64)
        return replace(stream, output_tokens=output)


Change = Callable[[Scenario], Scenario]


def with_startup(seconds: float, scenario: Scenario) -> Scenario:
    """Every variant starts as fast."""
    variants = [replace(v, spec=replace(v.spec, startup_seconds=seconds)) for v in scenario.variants]
    return replace(scenario, variants=tuple(variants))


def with_scrape(seconds: float, scenario: Scenario) -> Scenario:
    """Prometheus scrapes so often."""
    return replace(scenario, scrape_seconds=seconds)


def with_output(ratio: float, scenario: Scenario) -> Scenario:
    """Answers are so many times as long."""
    return replace(scenario, workload=Longer(source=scenario.workload, output_ratio=ratio))


def with_cycle(seconds: float, scenario: Scenario) -> Scenario:
    """The exporter decides so often, and its page is scraped as often."""
    return replace(scenario, cycle_seconds=seconds)


def with_noise(share: float, scenario: Scenario) -> Scenario:
    """What engines tell of themselves errs by so much."""
    return replace(scenario, noise=share)


def variations(scenario: Scenario) -> Sequence[tuple[str, Scenario]]:
    """The scenario changed in each way, under a name that says how."""
    changed = [
        *((f"start-up {seconds:g} s", with_startup(seconds, scenario)) for seconds in STARTUPS_SECONDS),
        *((f"scrape {seconds:g} s", with_scrape(seconds, scenario)) for seconds in SCRAPES_SECONDS),
        *((f"cycle {seconds:g} s", with_cycle(seconds, scenario)) for seconds in CYCLES_SECONDS),
        *((f"answers {ratio:g} times as long", with_output(ratio, scenario)) for ratio in OUTPUT_RATIOS),
        (f"{NOISE:.0%} noise in what is scraped", with_noise(NOISE, scenario)),
    ]
    return [(how, replace(each, name=f"{scenario.name}: {how}")) for how, each in changed]
