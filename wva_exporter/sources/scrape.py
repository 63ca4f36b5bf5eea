"""The source that needs no Prometheus: it scrapes the engines itself and answers from what it remembers.

Pages are fetched in the background at every scrape interval; ``observe`` computes from the recent ones what a Prometheus with
the same scrape interval would have answered to the queries of ``engines.promql``, in rows of the same labels, so that a
``Snapshot`` does not depend on where its numbers came from. Windows are open at their older edge, as in Prometheus 3.

As there, a target's series end with its first failed scrape: what is asked about *now* is absent at once, windows empty over
their length. Two things differ. ``UP`` and ``SEEN`` leave out targets that answer and run no engine, as kube-state-metrics
does, whatever their job. And targets that the operator lists stay listed: they are down, never gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.table import Engine, Window
from wva_exporter.errors import QueryFailure, SourceError
from wva_exporter.sources.exposition import BadPage
from wva_exporter.sources.failures import BadAnswer, of_exception
from wva_exporter.sources.fetch import fetch, open_session
from wva_exporter.sources.samples import Observation
from wva_exporter.sources.scraped import Tally, failed
from wva_exporter.sources.series import TooManySeries
from wva_exporter.sources.target_state import Reach, TargetState, Understood
from wva_exporter.sources.targets import BadDiscovery, Target, discovered, page_of, target_of

MAX_TIMEOUT_SECONDS = 10.0
_SCRAPE_SHARE, _DISCOVERY_SHARE = 0.6, 0.3
"""Of the interval, the most that a scrape and, before it, a look at the discovery may take."""

_LARGE_PAGE_BYTES = 1 << 20
"""Pages from here on are read in a thread, so that the loop serves others meanwhile."""

_TARGETS_AT_ONCE = 50
"""After so many targets ``observe`` lets others run: one takes a fraction of a millisecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeSettings:
    """Whom to scrape and how far back to look.

    ``targets`` are ``host:port`` or URLs, ``http_sd_urls`` answer in Prometheus' HTTP service discovery format, ``labels``
    are added to the series of every target that does not have them from its discovery. Pods of kube-state-metrics are read
    in ``default_namespace``, where engines without a namespace count as being, and in the namespaces of the others.

    Raises:
        SourceError: there is nothing to scrape, or an address or a time cannot be used.
    """

    targets: tuple[str, ...] = ()
    http_sd_urls: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    scrape_interval_seconds: float = 15.0
    short_window_seconds: float = 60.0
    long_window_seconds: float = 300.0
    hold_seconds: float = 600.0
    default_namespace: str = "default"

    def __post_init__(self) -> None:
        if not self.targets and not self.http_sd_urls:
            raise SourceError("nothing to scrape: there are neither targets nor http_sd_urls")
        for name in ("scrape_interval_seconds", "short_window_seconds", "long_window_seconds", "hold_seconds"):
            if not 0.0 < getattr(self, name) < float("inf"):
                raise SourceError(f"{name} must be positive, got {getattr(self, name)}")
        for url in self.http_sd_urls:
            page_of(url)
        listed = set(self.listed())
        if len({target.labels for target in listed}) < len(listed):
            raise SourceError("two targets have the same labels; their series could not be told apart")

    def listed(self) -> tuple[Target, ...]:
        """The targets that the operator lists."""
        return tuple(target_of(text, self.labels) for text in self.targets)


class ScrapeSource:
    """Scrapes in the background from ``start`` to ``close``; the port ``Source`` on what it has seen.

    ``clock`` tells seconds since the epoch; samples bear the time at which their scrape began.
    """

    name = "scrape"

    def __init__(
        self, settings: ScrapeSettings, engines: Sequence[Engine] = ENGINES, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._engines = tuple(engines)
        self._clock = clock
        self._reach = Reach(
            windows={Window.SHORT: settings.short_window_seconds, Window.LONG: settings.long_window_seconds},
            interval_seconds=settings.scrape_interval_seconds,
            hold_seconds=settings.hold_seconds,
        )
        self._listed = settings.listed()
        self._discovered: dict[str, tuple[Target, ...]] = {}
        self._discovery_failure: dict[str, BadAnswer] = {}
        self._states: dict[Target, TargetState] = {}
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._first = asyncio.Event()

    def start(self) -> None:
        """Begin to scrape, at once and then at every interval; needs a running loop. A second time does nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_scraping(), name="scrape")

    async def close(self) -> None:
        """Stop, and give back connections."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def observe(self) -> Observation:
        """What the recent scrapes say now; it waits for the first ones, which it starts if nobody did."""
        if not self._first.is_set():
            self.start()
            await self._first.wait()
        now = self._clock()
        if not self._states and self._discovery_failure:
            return failed(next(iter(self._discovery_failure.values())), now)
        tally = Tally(self._engines, now, self._settings.default_namespace)
        for number, state in enumerate(tuple(self._states.values()), start=1):
            tally.add(state)
            if number % _TARGETS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return tally.observation(warnings=tuple(f"{u}: {e}" for u, e in self._discovery_failure.items()))

    @property
    def troubles(self) -> tuple[str, ...]:
        """A line for each page that did not come in the newest scrape, with its reason."""
        pages = [(state.target.url, state.failure) for state in self._states.values()]
        return tuple(f"{url}: {bad}" for url, bad in (*pages, *self._discovery_failure.items()) if bad is not None)

    async def scrape(self) -> None:
        """Scrape every target once, now; ``start`` does it again and again."""
        await asyncio.gather(*(self._discover(url) for url in self._settings.http_sd_urls))
        now = self._clock()
        wanted = self._wanted()
        for target in wanted:
            if target not in self._states:
                self._states[target] = TargetState(target, self._engines, self._reach)
        for target in self._states.keys() - wanted.keys():
            self._states[target].leave(now)
            if self._states[target].forgotten(now):
                del self._states[target]
        await asyncio.gather(*(self._scrape(self._states[target]) for target in wanted))
        self._first.set()

    def _wanted(self) -> Mapping[Target, None]:
        """Whom to scrape now, in order: of targets with the same labels, the first."""
        by_labels: dict[tuple[tuple[str, str], ...], Target] = {}
        for target in (*self._listed, *(found for several in self._discovered.values() for found in several)):
            by_labels.setdefault(target.labels, target)
        return dict.fromkeys(by_labels.values())

    async def _keep_scraping(self) -> None:
        loop = asyncio.get_running_loop()
        interval = self._settings.scrape_interval_seconds
        due = loop.time()
        while True:
            await self.scrape()
            due += interval * max(1, -(-(loop.time() - due) // interval))  # a slot that has passed is left out
            await asyncio.sleep(due - loop.time())

    async def _scrape(self, state: TargetState) -> None:
        began = self._clock()
        try:
            state.record(await self._page(state), began)
        except BadAnswer as bad:
            state.fail(bad, began)
        except BadPage as error:
            state.fail(BadAnswer(QueryFailure.PARSE_ERROR, str(error)), began)
        except TooManySeries as error:
            state.fail(BadAnswer(QueryFailure.TOO_LARGE, str(error)), began)
        except Exception as error:  # noqa: BLE001 - one target's page must never end the scraping of the others
            state.fail(of_exception(error), began)

    async def _page(self, state: TargetState) -> Understood:
        body = await fetch(self._connections(), state.target.url, self._timeout(_SCRAPE_SHARE))
        if len(body.content) < _LARGE_PAGE_BYTES:
            return state.understand(body)
        return await asyncio.to_thread(state.understand, body)

    async def _discover(self, url: str) -> None:
        """Ask one discovery URL; where it does not answer, what it said last stays."""
        try:
            body = await fetch(self._connections(), url, self._timeout(_DISCOVERY_SHARE))
            self._discovered[url] = discovered(body.content, self._settings.labels)
            self._discovery_failure.pop(url, None)
        except BadAnswer as bad:
            self._discovery_failure[url] = bad
        except BadDiscovery as error:
            self._discovery_failure[url] = BadAnswer(QueryFailure.PARSE_ERROR, str(error))
        except Exception as error:  # noqa: BLE001 - nor must a discovery URL
            self._discovery_failure[url] = of_exception(error)

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = open_session(keep_seconds=2 * self._settings.scrape_interval_seconds)
        return self._session

    def _timeout(self, share: float) -> float:
        return min(MAX_TIMEOUT_SECONDS, share * self._settings.scrape_interval_seconds)
