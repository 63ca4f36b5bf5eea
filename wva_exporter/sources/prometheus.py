"""A Prometheus, or what speaks its HTTP API, as the source of a cycle's numbers.

All queries of a cycle are asked at once and share one deadline; each fails alone. Credentials go to the one configured origin:
redirects are not followed and proxies of the environment are not used. Answers are asked for uncompressed, read in pieces and
given up beyond ``MAX_BODY_BYTES``, so that neither a flood nor a compressed bomb can fill the memory.
"""

from __future__ import annotations

import asyncio
import math
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import aiohttp

from wva_exporter import __version__
from wva_exporter.conventions import PROGRAM, Signal
from wva_exporter.engines.promql import Query
from wva_exporter.errors import QueryFailure, SourceError
from wva_exporter.sources.credentials import Authorization, BasicAuth, Tls, TlsContext
from wva_exporter.sources.decode import Decoded, LabelMemory, decode
from wva_exporter.sources.failures import BadAnswer, of_exception, of_status
from wva_exporter.sources.samples import Answer, Observation
from wva_exporter.sources.targets import page_of

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Largest answer that is read: 100,000 series are about 25 MB."""

MAX_CONNECTIONS = 20
"""As many queries as a Prometheus runs at once by default."""

_PIECE_BYTES = 64 * 1024
_SERVER_SHARE = 0.9
"""Share of the time left that the server may take, so that it stops working on what nobody waits for any more."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_OWN_HEADERS = frozenset(
    {"host", "content-length", "content-type", "content-encoding", "transfer-encoding", "accept-encoding"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusSettings:
    """Where to ask and as whom. ``url`` is the server's root, with its path prefix if it has one.

    ``deadline_seconds`` is what one cycle's questions may take together. ``headers`` are sent with each of them; they can
    hold secrets and are not shown.

    Raises:
        SourceError: the URL or a header cannot be used, or two settings contradict each other.
    """

    url: str
    bearer_token_file: str | None = None
    basic_auth: BasicAuth | None = None
    tls: Tls = field(default_factory=Tls)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    deadline_seconds: float = 7.0

    def __post_init__(self) -> None:
        page_of(self.url)
        if not 0.0 < self.deadline_seconds < math.inf:
            raise SourceError(f"a deadline of {self.deadline_seconds} s leaves no time to ask")
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value) or name.lower() in _OWN_HEADERS:
                raise SourceError(f"header {name!r} cannot be sent")
            if name.lower() == "authorization" and (self.bearer_token_file or self.basic_auth):
                raise SourceError("header 'Authorization' and bearer_token_file or basic_auth exclude each other")

    @property
    def query_url(self) -> str:
        """Where instant queries go."""
        parts = page_of(self.url)
        return parts._replace(path=parts.path.rstrip("/") + "/api/v1/query", fragment="").geturl()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Heard:
    """An answer, its newest sample's time by the source's clock, and that clock's distance from ours."""

    answer: Answer
    time: float | None = None
    skew: float = 0.0


class PrometheusSource:
    """Implements ``sources.samples.Source``.

    Args:
        settings: where and as whom.
        queries: what to ask, looked up at the start of each cycle so that a reload takes effect.
        clock: our own time, seconds since the epoch.

    Raises:
        SourceError: a file of credentials is bad.
    """

    name = "prometheus"

    def __init__(
        self,
        settings: PrometheusSettings,
        queries: Callable[[], Sequence[Query]],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._queries = queries
        self._clock = clock
        self._url = settings.query_url
        self._authorization = Authorization(settings.bearer_token_file, settings.basic_auth)
        self._tls = TlsContext(settings.tls)
        self._memory = LabelMemory()
        self._session: aiohttp.ClientSession | None = None

    async def observe(self) -> Observation:
        """Ask everything once; failures are in the answers."""
        queries = self._queries()
        self._memory.turn()
        deadline = self._deadline()
        heard = await asyncio.gather(*(self._hear(query.promql, deadline) for query in queries))
        answers: dict[Signal, Answer] = {}
        for query, one in zip(queries, heard, strict=True):
            answers.update(_split(query, one.answer))
        newest = max((one for one in heard if one.time is not None), key=lambda one: one.time or 0.0, default=None)
        if newest is None or newest.time is None:
            return Observation(time=self._clock(), answers=answers)
        return Observation(time=newest.time, answers=answers, skew=newest.skew)

    @property
    def problem(self) -> str:
        """What is wrong with a file of credentials now, if anything; the last good secret stays in use."""
        return self._authorization.problem

    async def ask(self, promql: str) -> Answer:
        """Ask one question of one's own, within the deadline of a cycle."""
        return (await self._hear(promql, self._deadline())).answer

    async def close(self) -> None:
        """Give back connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._settings.deadline_seconds

    async def _hear(self, promql: str, deadline: float) -> _Heard:
        began = time.perf_counter()
        try:
            async with asyncio.timeout_at(deadline):
                heard = await self._twice_at_most(promql, deadline)
        except TimeoutError:
            heard = _Heard(answer=Answer(failure=QueryFailure.TIMEOUT, detail="no answer before the deadline"))
        except BadAnswer as bad:
            heard = _Heard(answer=Answer(failure=bad.failure, detail=bad.detail))
        return replace(heard, answer=replace(heard.answer, seconds=time.perf_counter() - began))

    async def _twice_at_most(self, promql: str, deadline: float) -> _Heard:
        authorization = self._authorization.header()
        try:
            return await self._once(promql, deadline, authorization)
        except BadAnswer as bad:
            if bad.failure is QueryFailure.UNAUTHORIZED:
                return await self._with_new_secret(promql, deadline, authorization, bad)
            if bad.pause_seconds is None:
                raise
            pause = bad.pause_seconds * random.uniform(1.0, 1.5)  # noqa: S311 - spreads the retries of a cycle
            if asyncio.get_running_loop().time() + pause >= deadline:
                raise
        await asyncio.sleep(pause)
        return await self._once(promql, deadline, authorization)

    async def _with_new_secret(self, promql: str, deadline: float, used: str | None, bad: BadAnswer) -> _Heard:
        """A refusal is tried again only if the file holds another secret by now."""
        authorization = self._authorization.header(fresh=True)
        if authorization != used:
            return await self._once(promql, deadline, authorization)
        problem = self._authorization.problem
        raise BadAnswer(bad.failure, f"{bad.detail}; {problem}") if problem else bad

    async def _once(self, promql: str, deadline: float, authorization: str | None) -> _Heard:
        left = max(deadline - asyncio.get_running_loop().time(), 0.001)
        sent = self._clock()
        try:
            body = await self._post(
                {"query": promql, "timeout": f"{max(round(left * 1000 * _SERVER_SHARE), 1)}ms"}, authorization
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise of_exception(error) from None
        received = self._clock()
        return _heard(decode(body, self._memory), sent, received)

    async def _post(self, form: Mapping[str, str], authorization: str | None) -> bytearray:
        headers = {} if authorization is None else {"Authorization": authorization}
        async with self._open().post(
            self._url,
            data=form,
            headers=headers,
            allow_redirects=False,
            ssl=self._tls.current(),
            server_hostname=self._settings.tls.server_name,
        ) as response:
            encoding = response.headers.get("Content-Encoding", "identity")
            if response.status == HTTPStatus.OK and encoding.lower() not in ("", "identity"):
                raise BadAnswer(QueryFailure.PARSE_ERROR, f"compressed ({encoding}) although that was not asked for")
            body = await _bounded(response)
            if response.status != HTTPStatus.OK:
                raise of_status(response.status, response.headers, bytes(body))
            return body

    def _open(self) -> aiohttp.ClientSession:
        """The session, made in the loop that uses it."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                headers={
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": f"{PROGRAM}/{__version__}",
                    **self._settings.headers,
                },
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


async def _bounded(response: aiohttp.ClientResponse) -> bytearray:
    """The body, if it is not too large, whatever length it claims."""
    body = bytearray()
    claimed = response.content_length or 0
    if claimed <= MAX_BODY_BYTES:
        async for piece in response.content.iter_chunked(_PIECE_BYTES):
            body += piece
            if len(body) > MAX_BODY_BYTES:
                break
        else:
            return body
    response.close()
    raise BadAnswer(QueryFailure.TOO_LARGE, f"an answer larger than {MAX_BODY_BYTES // 2**20} MiB")


def _heard(decoded: Decoded, sent: float, received: float) -> _Heard:
    """Prometheus evaluates between our sending and receiving: only what lies outside that is a difference of clocks."""
    skew = 0.0 if decoded.time is None else decoded.time - min(max(decoded.time, sent), received)
    answer = Answer(labels=decoded.labels, value=decoded.value, warnings=decoded.warnings, dropped=decoded.dropped)
    return _Heard(answer=answer, time=decoded.time, skew=skew)


def _split(query: Query, answer: Answer) -> dict[Signal, Answer]:
    """The answer under each of the query's signals: rows go by metric name or tag, failures and warnings to all."""
    if not query.split:
        return {query.signal: answer}
    rows: dict[Signal, list[int]] = {signal: [] for signal in query.signals}
    for i, labels in enumerate(answer.labels):
        rows[query.split.get(labels.metric or labels.engine_type, query.signal)].append(i)
    return {
        signal: replace(
            answer,
            labels=tuple(answer.labels[i] for i in places),
            value=answer.value[places],
            dropped=answer.dropped if signal is query.signal else 0,
        )
        for signal, places in rows.items()
    }
