"""Settings to parts: which source is asked, with which questions, and by which rules the answers are decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from wva_exporter.config import connection
from wva_exporter.config.catalogue import load_catalogue
from wva_exporter.config.schema import Settings
from wva_exporter.core.catalogue import Catalogue
from wva_exporter.core.declaration import Declarations, VariantDeclaration
from wva_exporter.core.headroom.case import Windows
from wva_exporter.core.policies import Policy, policies
from wva_exporter.core.policies.headroom import Headroom
from wva_exporter.core.rules import Rules
from wva_exporter.discovery.manifests import read_manifests
from wva_exporter.discovery.wva_configmap import read_settings
from wva_exporter.engines.promql import QuerySettings, queries
from wva_exporter.service.migration import beneath
from wva_exporter.sources.credentials import BasicAuth, Tls
from wva_exporter.sources.prometheus import PrometheusSettings, PrometheusSource
from wva_exporter.sources.scrape import ScrapeSettings, ScrapeSource

_COMPLETED = ("accelerator", "role", "cost", "gpus_per_replica", "minimum", "maximum", "workload")
"""What a manifest can say of a variant."""


def source_of(settings: Settings) -> PrometheusSource | ScrapeSource:
    """The data source that the settings name, not yet started.

    Raises:
        ConfigError: they name none.
        SourceError: a file of credentials is bad, or an address cannot be used.
    """
    given = settings.require_source()
    if isinstance(given, connection.Prometheus):
        asked = queries(query_settings(settings))
        return PrometheusSource(prometheus_settings(given, settings.deadline_seconds), lambda: asked)
    return ScrapeSource(
        ScrapeSettings(
            targets=given.targets,
            http_sd_urls=given.http_sd_urls,
            labels=given.labels,
            scrape_interval_seconds=settings.scrape_interval_seconds,
            short_window_seconds=settings.query_window_seconds,
            long_window_seconds=settings.long_window_seconds,
            hold_seconds=settings.hold_seconds,
            default_namespace=settings.default_namespace,
        )
    )


def query_settings(settings: Settings) -> QuerySettings:
    """How far back queries look and what they are confined to."""
    prometheus = settings.prometheus
    return QuerySettings(
        short_window_seconds=settings.query_window_seconds,
        long_window_seconds=settings.long_window_seconds,
        scrape_interval_seconds=settings.scrape_interval_seconds,
        hold_seconds=settings.hold_seconds,
        matchers={} if prometheus is None else prometheus.matchers,
        default_namespace=settings.default_namespace,
    )


def prometheus_settings(given: connection.Prometheus, deadline_seconds: float) -> PrometheusSettings:
    """Where to ask and as whom."""
    assert given.url is not None  # require_source() saw to it
    auth, tls = given.basic_auth, given.tls
    return PrometheusSettings(
        url=given.url,
        bearer_token_file=_text(given.bearer_token_file),
        basic_auth=None if auth is None else BasicAuth(username=auth.username, password_file=str(auth.password_file)),
        tls=Tls() if tls is None else _tls(tls),
        headers={name: value.get_secret_value() for name, value in given.headers.items()},
        deadline_seconds=deadline_seconds,
    )


def _tls(given: connection.Tls) -> Tls:
    return Tls(
        ca_file=_text(given.ca_file),
        cert_file=_text(given.cert_file),
        key_file=_text(given.key_file),
        server_name=given.server_name,
        insecure_skip_verify=given.insecure_skip_verify,
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def rules_of(settings: Settings) -> Rules:
    """The rules that bind every policy."""
    return Rules(
        hold_seconds=settings.hold_seconds,
        max_down_ratio_per_minute=settings.max_down_ratio_per_minute,
        tolerance=settings.hpa_tolerance,
        window_seconds=settings.query_window_seconds,
    )


def policies_of(settings: Settings, declared: Declarations) -> Mapping[str, Policy]:
    """Every policy, with windows that fit the pace at which engines are scraped, and what was declared for WVA's."""
    windows = Windows(
        short_seconds=max(0.5 * settings.window_floor_seconds, 2 * settings.scrape_interval_seconds),
        long_seconds=settings.query_window_seconds,
        down_seconds=settings.long_window_seconds,
    )
    headroom = Headroom(windows=windows, spare_replicas=settings.spare_replicas)
    return {**policies(declared.sharing, declared.throughput), headroom.name: headroom}


def catalogue_of(settings: Settings) -> Catalogue:
    """What is assumed of hardware and models: what is shipped, under the operator's own file.

    Raises:
        ConfigError: the file cannot be read or is refused.
    """
    own = settings.catalogue.file
    return load_catalogue(() if own is None else (own,))


def declarations_of(settings: Settings) -> Declarations:
    """Everything declared: our own file first, then what the manifests that it names declare beside it, variants and settings.

    Of a variant that both declare, what the file leaves out is taken from the manifest.

    Raises:
        ConfigError: a manifest is refused.
    """
    own = settings.declarations()
    found = read_manifests(settings.discovery.manifests, settings.default_namespace)
    theirs = read_settings(settings.discovery.manifests)
    applied = {(variant.namespace, variant.name): variant for variant in found}
    completed = tuple(
        _completed(variant, applied.pop((variant.namespace, variant.name), None)) for variant in own.variants
    )
    return replace(beneath(own, settings, theirs), variants=completed + tuple(applied.values()))


def _completed(own: VariantDeclaration, applied: VariantDeclaration | None) -> VariantDeclaration:
    """Our file's word, and the manifest's where the file has none."""
    if applied is None:
        return own
    empty = VariantDeclaration(namespace=own.namespace, name=own.name, model=own.model)
    unsaid = [name for name in _COMPLETED if getattr(own, name) == getattr(empty, name)]
    return replace(own, **{name: getattr(applied, name) for name in unsaid})
