"""What a restart reads back, so that learning goes on: our own series as beliefs, the engines' past as snapshots.

All of it can be done without: whatever does not come within a cycle's deadline is left out.
"""

from __future__ import annotations

import asyncio

from wva_exporter.config.schema import Settings
from wva_exporter.core.columns import Column
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.queueing.learning import WINDOW_SECONDS, Learning, boundaries, period_of
from wva_exporter.core.queueing.points import Points
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.engines.own import learned_query
from wva_exporter.errors import SourceError
from wva_exporter.service.cycle import Cycle
from wva_exporter.service.knowledge import Guesses, Knowledge, Known
from wva_exporter.service.logs import Log
from wva_exporter.service.wiring import catalogue_of, query_settings
from wva_exporter.sources.learned import learned_of
from wva_exporter.sources.matrix import Span
from wva_exporter.sources.prometheus import PrometheusSource
from wva_exporter.sources.samples import Observation, Source


async def published_before(source: Source, settings: Settings, fleet: Fleet, time: float) -> Learning:
    """What was published last, and before the two boundaries of ten minutes; nothing where no Prometheus remembers.

    ``time`` is now, by the source's clock.
    """
    if not isinstance(source, PrometheusSource):
        return Learning.start(len(fleet), time)
    asked = query_settings(settings)
    ages = (0.0, *(time - boundary for boundary in boundaries(time)))
    answers = await asyncio.gather(*(source.ask(learned_query(asked, age)) for age in ages))
    latest, newer, older = (learned_of(fleet, answer) for answer in answers)
    return Learning(
        points=Points.none(len(fleet)),
        latest=latest,
        published=latest.belief,
        newer=newer.belief,
        older=older.belief,
        period=period_of(time),
    )


def published(settings: Settings, source: Source) -> Knowledge:
    """For who looks only once: what an exporter published, if the source remembers."""
    guesses = Guesses(catalogue_of(settings))

    async def known(snapshot: Snapshot) -> Known | None:
        learning = await published_before(source, settings, snapshot.fleet, snapshot.time)
        return guesses.known(snapshot.fleet, learning.latest, Column.unknown(len(snapshot.fleet)))

    return known


async def past_snapshots(source: Source, settings: Settings, time: float, log: Log) -> list[Snapshot]:
    """What cycles would have seen in the window before ``time``, the oldest first; none where nobody remembers."""
    count = int(WINDOW_SECONDS / settings.point_seconds)
    if not isinstance(source, PrometheusSource) or count == 0:
        return []
    step = settings.point_seconds
    try:
        seen = await source.past(Span(start=time - step * count, step_seconds=step, count=count))
    except SourceError as error:
        log.info("the past of the engines is not read; learning goes on from what was published", reason=str(error))
        return []
    return await asyncio.to_thread(_looked, settings, seen)


def _looked(settings: Settings, seen: list[Observation]) -> list[Snapshot]:
    cycle = Cycle(settings)
    return [cycle.look(observation)[1] for observation in seen]
