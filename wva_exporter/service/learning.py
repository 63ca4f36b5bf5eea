"""Learning service parameters beside the cycles: after each plan is published, in a thread, never in a decision's way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.config.schema import Settings
from wva_exporter.core.catalogue import Catalogue
from wva_exporter.core.columns import Column, FloatArray, IntArray, flags, floats, integers
from wva_exporter.core.engine_arguments import CHUNK_TOKENS, DEFAULT_SEQUENCES
from wva_exporter.core.fleet import Fleet, Promises
from wva_exporter.core.queueing.advice import recommended_limit
from wva_exporter.core.queueing.kalman_learning import kalman_learn
from wva_exporter.core.queueing.learning import Learning, learn, period_of
from wva_exporter.core.queueing.points import Points, point_of
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.publish.selfmetrics import SelfMetrics
from wva_exporter.service.cycle import Outcome
from wva_exporter.service.knowledge import Guesses, Known
from wva_exporter.service.logs import Log
from wva_exporter.service.warm_start import past_snapshots, published_before
from wva_exporter.service.wiring import catalogue_of
from wva_exporter.sources.samples import Source

_EARLY = 0.9
"""A cycle may come this much before its time and still bring a point."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesson:
    """What was learned so far, in the rows of ``fleet``."""

    fleet: Fleet
    learning: Learning
    advice: Column
    """The recommended batch limit of each variant: shape (variants,)."""

    def of(self, fleet: Fleet) -> Lesson:
        """The same for today's fleet; a variant that serves another model than before is a new one."""
        if fleet is self.fleet:
            return self
        row = rows_in(self.fleet, fleet)
        return Lesson(fleet=fleet, learning=self.learning.take(row), advice=self.advice.take(row))


class Learner:
    """Learns one point a cycle, or fewer where cycles come faster than windows can tell them apart.

    A cycle that ends while the one before is still being learned from is left out.

    Raises:
        ConfigError: the catalogue that the settings name is refused.
    """

    def __init__(self, settings: Settings, metrics: SelfMetrics, log: Log) -> None:
        self._settings, self._metrics, self._log = settings, metrics, log
        self._lesson: Lesson | None = None
        self._guesses = Guesses(catalogue_of(settings))
        self._task: asyncio.Task[None] | None = None
        self._past_read = False
        self._faulty = False

    async def follow(self, settings: Settings, catalogue: Catalogue) -> None:
        """Go on by other settings; what is being learned now is given up, because its source may be closed next.

        Another catalogue counts for variants that nothing was learned of yet.
        """
        await self.close()
        self._settings, self._guesses = settings, Guesses(catalogue)

    async def close(self) -> None:
        """Leave off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def known(self, snapshot: Snapshot, source: Source) -> Known | None:
        """The newest knowledge of a fleet, the first time what was published before a restart; None while there is none."""
        fleet = snapshot.fleet
        try:
            if self._lesson is None:
                if len(fleet) == 0:
                    return None
                learning = await published_before(source, self._settings, fleet, snapshot.time)
                self._lesson = Lesson(fleet=fleet, learning=learning, advice=Column.unknown(len(fleet)))
            lesson = self._lesson.of(fleet)
            lesson = self._lesson = replace(lesson, learning=lesson.learning.shown(snapshot.time))
            return self._guesses.known(fleet, lesson.learning.latest, lesson.advice)
        except Exception as error:  # noqa: BLE001 - a cycle decides whatever became of learning
            self._fault(error)
            return None

    def take(self, outcome: Outcome, source: Source) -> None:
        """Begin to learn from a cycle whose plan is published; returns at once."""
        if self._lesson is None or not outcome.observation.reachable:
            return
        if (self._task is None or self._task.done()) and self._due(self._lesson, outcome.snapshot.time):
            self._task = asyncio.create_task(self._learn(self._lesson, outcome.snapshot, source))

    def _due(self, lesson: Lesson, time: float) -> bool:
        newest = lesson.learning.points.time[-1:]
        since = time - newest
        return bool(np.all((since < 0.0) | (since >= _EARLY * self._settings.point_seconds)))

    async def _learn(self, lesson: Lesson, snapshot: Snapshot, source: Source) -> None:
        try:
            before: list[Snapshot] = []
            if not self._past_read:
                before = await past_snapshots(source, self._settings, snapshot.time, self._log)
            self._lesson = await asyncio.to_thread(self._learned, lesson, before, snapshot)
            self._past_read = True
        except Exception as error:  # noqa: BLE001 - what was learned stands, and cycles go on
            self._past_read = True
            self._fault(error)

    def _learned(self, lesson: Lesson, before: list[Snapshot], snapshot: Snapshot) -> Lesson:
        fleet = snapshot.fleet
        learning = lesson.of(fleet).learning
        if not self._past_read:
            learning = restored(learning, fleet, before)
        if len(learning.points.time) and snapshot.time < learning.points.time[-1]:  # the source's clock was set back
            learning = replace(learning, points=Points.none(len(fleet)), period=period_of(snapshot.time))
        limits = batch_limits(fleet)
        points = point_of(snapshot, limits, token_budgets(fleet))
        guess = self._guesses.of(fleet)
        learning, _ = (kalman_learn if self._settings.learning == "kalman" else learn)(learning, points, guess)
        return Lesson(fleet=fleet, learning=learning, advice=recommended_limit(learning, limits, _promised(fleet)))

    def _fault(self, error: Exception) -> None:
        """Every fault counts, the first one is told."""
        self._metrics.error("learning", "fit")
        if not self._faulty:
            self._log.error("learning failed; what was learned before stands", error=repr(error), exc_info=error)
        self._faulty = True


def restored(learning: Learning, fleet: Fleet, before: list[Snapshot]) -> Learning:
    """Learning with the points of the snapshots before, the oldest first.

    A variant without any of them goes on from what was published last: no point that comes is in it yet.
    """
    points = Points.none(len(fleet))
    for snapshot in before:
        point = point_of(snapshot, batch_limits(snapshot.fleet), token_budgets(snapshot.fleet))
        points = points.joined(point if snapshot.fleet is fleet else point.take(rows_in(snapshot.fleet, fleet)))
    last = learning.latest.belief.where(flags(~points.seen.usable.any(axis=1)))
    return replace(learning, points=points, newer=last.otherwise(learning.newer), older=last.otherwise(learning.older))


def rows_in(before: Fleet, now: Fleet) -> IntArray:
    """Where each variant of ``now`` stood before with the same model; -1 where it did not: shape (variants,)."""
    place = {variant: row for row, variant in enumerate(_with_model(before))}
    return integers([place.get(variant, -1) for variant in _with_model(now)])


def _with_model(fleet: Fleet) -> list[tuple[str, str, str]]:
    models = fleet.models.name
    return [(*key, models[model]) for key, model in zip(fleet.key, fleet.variants.model.tolist(), strict=True)]


def batch_limits(fleet: Fleet) -> IntArray:
    """The most requests that run at once in a replica of each variant: as its engine was told, else vLLM's default."""
    told = fleet.variants.arguments or (None,) * len(fleet)
    return integers([DEFAULT_SEQUENCES if a is None else a.sequences or DEFAULT_SEQUENCES for a in told])


def token_budgets(fleet: Fleet) -> FloatArray:
    """The most tokens of an iteration of each variant's engines: as they were told, else what V1 of vLLM chunks to."""
    told = fleet.variants.arguments or (None,) * len(fleet)
    return floats([CHUNK_TOKENS if a is None else a.batched_tokens or CHUNK_TOKENS for a in told])


def _promised(fleet: Fleet) -> Promises:
    """What the model of each variant promises: shape (variants,)."""
    slo, model = fleet.models.slo, fleet.variants.model
    return Promises(
        ttft_seconds=slo.ttft_seconds.take(model),
        itl_seconds=slo.itl_seconds.take(model),
        percentile=slo.percentile.take(model),
    )
