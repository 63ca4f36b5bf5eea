"""The loop: a cycle every interval, for ever, whatever happens in one of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from wva_exporter.config.schema import Settings
from wva_exporter.core.decision import Plan
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.errors import ConfigError, SourceError
from wva_exporter.publish.board import Board
from wva_exporter.publish.selfmetrics import SelfMetrics
from wva_exporter.service.cycle import Cycle, Outcome
from wva_exporter.service.knowledge import Known
from wva_exporter.service.learning import Learner
from wva_exporter.service.logs import Log, changes
from wva_exporter.service.wiring import catalogue_of, source_of
from wva_exporter.sources.prometheus import PrometheusSource
from wva_exporter.sources.samples import Observation, Source
from wva_exporter.sources.scrape import ScrapeSource


class Loop:
    """Runs cycles and publishes their plans; takes over new settings between two cycles.

    ``load`` reads the settings again.

    Raises:
        ConfigError: the first settings cannot work.
        SourceError: the data source that they name cannot be used.
    """

    def __init__(self, load: Callable[[], Settings], board: Board, metrics: SelfMetrics, log: Log) -> None:
        self._load = load
        self._board = board
        self._metrics = metrics
        self._log = log
        self._settings = load()
        self._cycle = Cycle(self._settings)
        self._source: Source = source_of(self._settings)
        self._learner = Learner(self._settings, metrics, log)
        self._changing = asyncio.Lock()
        self._last: Plan | None = None
        self._reachable: bool | None = None
        self._problem = ""
        self._configured()

    async def run(self, stop: asyncio.Event) -> None:
        """Cycle until ``stop`` is set; a cycle that takes longer than the interval delays the next, it never overlaps it."""
        _start(self._source)
        try:
            while not stop.is_set():
                began = time.monotonic()
                await self.step()
                rest = self._settings.interval_seconds - (time.monotonic() - began)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), max(rest, 0.0))
        finally:
            await self._learner.close()
            await self._source.close()

    async def step(self) -> None:
        """One cycle. Nothing that happens in it ends the loop: the last plan stays up and its age shows."""
        began = time.monotonic()
        try:
            async with self._changing:
                outcome = await self._cycle.run(self._source, self._known)
                await asyncio.to_thread(self._board.swap, outcome.plan)
                self._learner.take(outcome, self._source)
        except Exception as error:  # noqa: BLE001 - a fault in one cycle must not end the service
            self._board.degraded()
            self._metrics.error("controller", "cycle")
            self._metrics.cycle_finished("error", time.monotonic() - began)
            self._log.exception("cycle failed; the last plan stays published", error=repr(error))
            return
        self._metrics.cycle_finished("success", time.monotonic() - began)
        self._tell(outcome)

    async def _known(self, snapshot: Snapshot) -> Known | None:
        return await self._learner.known(snapshot, self._source)

    async def reload(self) -> None:
        """Read the settings again and go on by them, with everything remembered.

        Raises:
            ConfigError: they are refused, or the source that they name cannot be used; the old ones stay in force.
        """
        try:
            settings = self._load()
            cycle, catalogue = Cycle(settings), catalogue_of(settings)
            fresh = None if _same_source(settings, self._settings) else source_of(settings)
        except (ConfigError, SourceError) as error:
            self._metrics.reload(ok=False, time=time.time())
            for line in str(error).splitlines():
                self._log.error("configuration refused; the old one stays in force", finding=line)
            raise ConfigError(str(error).splitlines()) from error
        if fresh is not None:
            _start(fresh)
        async with self._changing:
            await self._learner.follow(settings, catalogue)
            old, self._source = self._source, fresh or self._source
            cycle.inherit(self._cycle)
            self._cycle, self._settings = cycle, settings
        if fresh is not None:
            await old.close()
        self._configured()
        self._log.info("configuration loaded")

    def _configured(self) -> None:
        settings = self._settings
        self._metrics.reload(ok=True, time=time.time())
        self._metrics.config(
            policy=settings.policy,
            currency=settings.currency,
            interval_seconds=settings.interval_seconds,
            kv_spare=settings.thresholds.kv_spare,
            queue_spare=settings.thresholds.queue_spare,
            cost_budget_per_hour=settings.cost_budget_per_hour,
        )

    def _tell(self, outcome: Outcome) -> None:
        """Say what the cycle found: series about the source, and a log line a changed decision."""
        observation, plan = outcome.observation, outcome.plan
        for signal, answer in observation.answers.items():
            self._metrics.query(signal, answer.seconds, answer.failure, len(answer.warnings))
        self._metrics.source_up(self._source.name, observation.reachable)
        self._metrics.skew(observation.skew)
        self._metrics.models(len(plan.fleet.models))
        self._metrics.last_cycle(observation.time)
        self._tell_reachable(observation)
        self._tell_credentials()
        for fields in changes(self._last, plan):
            self._log.info("decision", **fields)
        self._last = plan

    def _tell_credentials(self) -> None:
        """A line when a file of credentials turns bad, one error a cycle while it is."""
        problem = self._source.problem if isinstance(self._source, PrometheusSource) else ""
        if problem:
            self._metrics.error("source", "credentials")
        if problem and problem != self._problem:
            self._log.error("credentials not read; the last good ones stay in use", finding=problem)
        self._problem = problem

    def _tell_reachable(self, observation: Observation) -> None:
        """A line when the source goes and one when it comes back, not one a cycle."""
        if observation.reachable == self._reachable:
            return
        self._reachable = observation.reachable
        if observation.reachable:
            self._log.info("data source answers", source=self._source.name)
            return
        failed = next((answer for answer in observation.answers.values() if answer.failure is not None), None)
        self._log.error(
            "data source does not answer; targets are held",
            source=self._source.name,
            reason=None if failed is None else str(failed.failure),
            detail="" if failed is None else failed.detail,
        )


def _start(source: Source) -> None:
    if isinstance(source, ScrapeSource):
        source.start()


def _same_source(new: Settings, old: Settings) -> bool:
    """Whether both ask the same source the same questions, so that its connections and history can stay."""
    return all(
        getattr(new, name) == getattr(old, name)
        for name in (
            "prometheus",
            "scrape",
            "interval_seconds",
            "scrape_interval_seconds",
            "window_floor_seconds",
            "hold_seconds",
            "default_namespace",
        )
    )
