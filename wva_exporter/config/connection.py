"""Where the numbers come from: the sections ``prometheus`` and ``scrape``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from wva_exporter.config.scalars import (
    BaseUrl,
    FilePath,
    Flag,
    Frozen,
    HeaderName,
    HeaderValue,
    LabelName,
    LabelValue,
    Target,
    Text,
    WebUrl,
)
from wva_exporter.config.section import Given, Problem, Section, key


class BasicAuth(Section):
    """Name and password for HTTP basic authentication."""

    username: Text = key("User name.")
    password_file: FilePath = key("File that holds the password; read again when it changes.")


class Tls(Section):
    """How to trust a server and how to be trusted by it."""

    ca_file: FilePath | None = key("Certificates to trust instead of the system's.", None)
    cert_file: FilePath | None = key("Client certificate; needs key_file.", None)
    key_file: FilePath | None = key("Key of the client certificate; needs cert_file.", None)
    server_name: Text | None = key("Name to expect in the server's certificate, where it is not the URL's.", None)
    insecure_skip_verify: Flag = key("Trust any certificate. For tests.", default=False)

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """A certificate proves nothing without its key."""
        if ("cert_file" in given) != ("key_file" in given):
            yield (), "cert_file and key_file must be given together"


class Prometheus(Section):
    """A Prometheus, or anything that answers its HTTP API."""

    url: BaseUrl | None = key(
        "Address of the HTTP API, with its path prefix if it has one. The flag --prometheus.url gives it as well.", None
    )
    bearer_token_file: FilePath | None = key("File that holds a bearer token; read again when it changes.", None)
    basic_auth: BasicAuth | None = key("Basic authentication, instead of a bearer token.", None)
    tls: Tls | None = key("TLS settings for https.", None)
    headers: Annotated[Mapping[HeaderName, HeaderValue], *Frozen] = key(
        "Headers to send with every request, such as a tenant. Never shown.", dict
    )
    matchers: Annotated[Mapping[LabelName, LabelValue], *Frozen] = key(
        "Labels that every series read must have, such as the cluster.", dict
    )

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """A request has one Authorization header."""
        if "bearer_token_file" in given and "basic_auth" in given:
            yield ("basic_auth",), "must not be given beside bearer_token_file"


class Scrape(Section):
    """Engines that are scraped without a Prometheus."""

    targets: tuple[Target, ...] = key("What to scrape: host:port (http, path /metrics) or a whole URL.", ())
    http_sd_urls: tuple[WebUrl, ...] = key("Endpoints of Prometheus' HTTP service discovery that list targets.", ())
    labels: Annotated[Mapping[LabelName, LabelValue], *Frozen] = key("Labels to add to every series.", dict)

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """Nothing to scrape is a mistake, not an empty fleet."""
        if not given.get("targets") and not given.get("http_sd_urls"):
            yield (), "targets or http_sd_urls must be given"
