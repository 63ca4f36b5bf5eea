"""The page that Prometheus scrapes: the Plan's series, then the exporter's own, in the format and encoding it asks for."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted

from wva_exporter.publish.board import Board, Published
from wva_exporter.publish.library import Fixed, without_end, written

_REFUSED = re.compile(r"\bgzip\s*;\s*q=0(\.0*)?\s*(,|$)")
"""The library does not look at the weight, and a weight of 0 means never."""

_GZIP = 31  # window bits of zlib for a gzip header and trailer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A body ready to send."""

    body: bytes
    content_type: str
    gzipped: bool


class MetricsPage:
    """Joins the published text with that of the exporter's own registry.

    The Plan's part is compressed once for all scrapes: a copy of the compressor's state after it takes up the own series, so
    that the answer is one gzip member, as every reader understands it, and a cached scrape costs about 2 ms.
    """

    def __init__(self, board: Board, own: CollectorRegistry) -> None:
        self._board = board
        self._own = own

    async def answer(self, *, accept: str, accept_encoding: str, only: Sequence[str] = ()) -> Answer:
        """The page; ``only`` keeps the samples of these names, as ``name[]`` does in every Prometheus client."""
        content_type = choose_encoder(accept)[1]
        openmetrics = content_type.startswith("application/openmetrics-text")
        gzipped = gzip_accepted(accept_encoding) and not _REFUSED.search(accept_encoding)
        published = self._board.published
        if only:
            page = await asyncio.to_thread(self._restricted, published, only, openmetrics=openmetrics)
            body = _compressor().gzip(page) if gzipped else page
        elif gzipped:
            made = await self._compressed(published, openmetrics=openmetrics)
            body = made.gzip(self._own_text(openmetrics=openmetrics))
        else:
            body = await self._text(published, openmetrics=openmetrics) + self._own_text(openmetrics=openmetrics)
        return Answer(body=body, content_type=content_type, gzipped=gzipped)

    async def _text(self, published: Published, *, openmetrics: bool) -> bytes:
        if not openmetrics:
            return published.text
        return await published.once(
            "openmetrics", lambda: without_end(written(Fixed(published.families), openmetrics=True))
        )

    async def _compressed(self, published: Published, *, openmetrics: bool) -> _Compressed:
        text = await self._text(published, openmetrics=openmetrics)
        name = "openmetrics-gzip" if openmetrics else "text-gzip"
        return await published.once(name, lambda: _compressor().fed(text))

    def _own_text(self, *, openmetrics: bool) -> bytes:
        return written(self._own, openmetrics=openmetrics)

    def _restricted(self, published: Published, only: Sequence[str], *, openmetrics: bool) -> bytes:
        registry = CollectorRegistry()
        registry.register(Fixed(published.families))
        plan = written(registry.restricted_registry(only), openmetrics=openmetrics)
        plan = without_end(plan) if openmetrics else plan
        return plan + written(self._own.restricted_registry(only), openmetrics=openmetrics)


@dataclass(frozen=True, slots=True)
class _Compressed:
    """The beginning of a gzip stream that can be continued any number of times."""

    prefix: bytes
    state: zlib._Compress

    def fed(self, text: bytes) -> _Compressed:
        state = self.state.copy()
        return _Compressed(self.prefix + state.compress(text), state)

    def gzip(self, rest: bytes) -> bytes:
        state = self.state.copy()
        return self.prefix + state.compress(rest) + state.flush()


def _compressor() -> _Compressed:
    return _Compressed(b"", zlib.compressobj(1, zlib.DEFLATED, _GZIP))
