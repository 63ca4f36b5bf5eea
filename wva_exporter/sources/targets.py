"""Who is scraped: targets as an operator writes them, and as Prometheus' HTTP service discovery lists them.

Nothing that a scraped page says becomes a target or a request: addresses come from the operator's configuration and from the
discovery URLs named there. Discovery gives ``host:port`` and labels only, never a URL of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import msgspec

from wva_exporter.errors import SourceError, WvaError

DEFAULT_JOB = "wva-exporter-scrape"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """One page and the labels that its series get: ``instance`` and ``job`` always, no name twice."""

    url: str
    labels: tuple[tuple[str, str], ...]


class BadDiscovery(WvaError):  # noqa: N818 - reads as what it is
    """An answer of a discovery URL that cannot be used."""


class _Group(msgspec.Struct):
    targets: list[str]
    labels: dict[str, str] = {}


def target_of(text: str, labels: Mapping[str, str]) -> Target:
    """``host:port`` is its ``/metrics`` over http; anything with ``://`` is the page itself.

    ``instance`` is host and port; ``labels`` win over it and over the default job. ``__scheme__`` and ``__metrics_path__``
    among them say where the page of a ``host:port`` is, as in a Prometheus; no other label that begins with ``__`` is kept.

    Raises:
        SourceError: it names no page, or carries a password.
    """
    path = "/" + labels.get("__metrics_path__", "/metrics").removeprefix("/")
    parts = page_of(text if "://" in text else f"{labels.get('__scheme__', 'http')}://{text}{path}")
    if "://" not in text and (parts.path != path or not parts.netloc.rpartition(":")[2].isdigit()):
        raise SourceError(f"target {text!r} is neither host:port nor a URL")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    own = {"instance": f"{host}:{parts.port or _PORTS[parts.scheme]}", "job": DEFAULT_JOB}
    named = {name: value for name, value in labels.items() if value and not name.startswith("__")}
    return Target(parts.geturl(), tuple(sorted({**own, **named}.items())))


def page_of(url: str) -> SplitResult:
    """The parts of a URL that may be asked.

    Raises:
        SourceError: its scheme is not http or https, it has no host, its port is none, or it carries user and password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SourceError(f"{url!r} is not a URL: {error}") from None
    if "@" in parts.netloc:
        raise SourceError(f"the URL with host {parts.hostname!r} carries a user or password; that is refused")
    if parts.scheme not in _PORTS or not parts.hostname or port == 0 or any(c.isspace() for c in url):
        raise SourceError(f"{url!r} is not a URL of http or https with a host")
    return parts


def discovered(body: bytes, labels: Mapping[str, str]) -> tuple[Target, ...]:
    """The targets of one answer in Prometheus' HTTP service discovery format; ``labels`` are added where it lacks them.

    Raises:
        BadDiscovery: it is not ``[{"targets": ["host:port"], "labels": {...}}]``.
    """
    try:
        groups = msgspec.json.decode(body, type=list[_Group])
        return tuple(
            target_of(_address(text), {**labels, **group.labels}) for group in groups for text in group.targets
        )
    except (msgspec.DecodeError, UnicodeDecodeError, SourceError) as error:
        raise BadDiscovery(str(error)) from error


def _address(text: str) -> str:
    if "://" in text:
        raise BadDiscovery(f"target {text!r} is a URL; discovery gives host:port")
    return text
