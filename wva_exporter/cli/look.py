"""One cycle for a command that only looks."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

from wva_exporter.config.schema import Settings
from wva_exporter.conventions import PROGRAM
from wva_exporter.engines.promql import interval_query
from wva_exporter.service.cycle import Cycle, Outcome
from wva_exporter.service.warm_start import published
from wva_exporter.service.wiring import query_settings, source_of
from wva_exporter.sources.prometheus import PrometheusSource
from wva_exporter.sources.samples import Answer, Observation
from wva_exporter.sources.scrape import ScrapeSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A cycle, and the scrape intervals as the source measured them where it could be asked."""

    outcome: Outcome
    interval: Answer | None


async def look(settings: Settings, *, measure: bool = False) -> Seen:
    """Look once. A source that scrapes for itself gets the time for the two scrapes that a rate needs.

    Raises:
        ConfigError: no source, or a manifest, is refused.
        SourceError: the source cannot be used.
    """
    cycle = Cycle(settings)
    source = source_of(settings)
    try:
        if isinstance(source, ScrapeSource):
            source.start()
            await asyncio.sleep(1.5 * settings.scrape_interval_seconds)
        outcome = await cycle.run(source, published(settings, source))
        interval = None
        if measure and isinstance(source, PrometheusSource) and outcome.observation.reachable:
            interval = await source.ask(interval_query(query_settings(settings)))
        return Seen(outcome=outcome, interval=interval)
    finally:
        await source.close()


def complain_unreachable(observation: Observation) -> None:
    """One line about a source that answered nothing."""
    failed = next(iter(observation.answers.values()), None)
    why = "no answer" if failed is None else f"{failed.failure}: {failed.detail}"
    print(f"{PROGRAM}: the data source does not answer: {why}", file=sys.stderr)
