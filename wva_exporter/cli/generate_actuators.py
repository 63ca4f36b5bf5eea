"""``wva-exporter generate hpa`` and ``generate keda``: the objects by which replicas follow the targets."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from wva_exporter.artefacts.actuated import Actuated, Selection, select
from wva_exporter.artefacts.behaviour import TOLERANCE_GATE, ZERO_GATE, Cluster
from wva_exporter.artefacts.hpa import horizontal_pod_autoscaler
from wva_exporter.artefacts.keda import AUTHENTICATION, exporter_trigger, prometheus_trigger, scaled_object
from wva_exporter.cli import FINDINGS, FINE, UNREACHABLE
from wva_exporter.cli.arguments import add_settings, settings_loader
from wva_exporter.cli.look import complain_unreachable, look
from wva_exporter.cli.output import NAMESPACE_LABELS, add_cluster, add_output, as_yaml, cluster_of, write
from wva_exporter.config.schema import Settings
from wva_exporter.conventions import DEFAULT_PORT, DESIRED_REPLICAS, PROGRAM, SAFE_DESIRED_REPLICAS
from wva_exporter.core.sightings import Sightings
from wva_exporter.discovery.catalogue import Catalogue
from wva_exporter.discovery.discover import discover
from wva_exporter.engines.desired import desired_query
from wva_exporter.errors import ConfigError
from wva_exporter.service.wiring import declarations_of

SERIES = {"safe": SAFE_DESIRED_REPLICAS, "raw": DESIRED_REPLICAS.name}
"""What actuators may read. ``safe`` is the default: it lets a target go that its exporter no longer renews."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_EXPORTER = f"http://wva-exporter.monitoring.svc:{DEFAULT_PORT}/metrics"


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Which series is read, and where it has the namespace."""
    parser.add_argument(
        "--series",
        choices=tuple(SERIES),
        default="safe",
        help=f"read {SAFE_DESIRED_REPLICAS} of our recording rules, or the raw {DESIRED_REPLICAS.name} (%(default)s)",
    )
    add_namespace_label(parser)


def add_namespace_label(parser: argparse.ArgumentParser) -> None:
    """Whether the scrape of the exporter honours labels."""
    parser.add_argument(
        "--namespace-label",
        choices=NAMESPACE_LABELS,
        default=NAMESPACE_LABELS[0],
        help="label of a variant's namespace: exported_namespace where the scrape has no honorLabels (%(default)s)",
    )


def add_arguments(parser: argparse.ArgumentParser, target: str) -> None:
    """Who the variants are, what is read, what the cluster can do."""
    add_settings(parser)
    add_output(parser)
    parser.add_argument("--offline", action="store_true", help="only variants that are declared, ask nobody")
    if target == "keda":
        add_reading(parser)
        parser.add_argument(
            "--keda.trigger",
            dest="trigger",
            choices=("prometheus", "metrics-api"),
            default="prometheus",
            help="ask a Prometheus, or read the exporter's own page (%(default)s)",
        )
        parser.add_argument(
            "--keda.server",
            dest="server",
            type=_url,
            metavar="URL",
            help="Prometheus as KEDA reaches it; as ours if not given",
        )
        parser.add_argument(
            "--keda.exporter",
            dest="exporter",
            type=_url,
            metavar="URL",
            default=_EXPORTER,
            help="page of the exporter as KEDA reaches it, for metrics-api (%(default)s)",
        )
    else:
        add_namespace_label(parser)
    add_cluster(parser)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or re.search(r"\s", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL such as http://prometheus.monitoring:9090")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Write a file a variant; 1 when a variant could not get one."""
    settings = settings_loader(arguments)()
    catalogue = _catalogue(settings, offline=arguments.offline)
    if catalogue is None:
        return UNREACHABLE
    selection, cluster = select(catalogue), cluster_of(arguments)
    make = _scaled_objects(arguments, settings, cluster) if arguments.target == "keda" else _hpas(arguments, cluster)
    files = {
        f"{variant.namespace}.{variant.name}.{arguments.target}.yaml": as_yaml(
            _comment(arguments, variant), make(variant)
        )
        for variant in selection.variants
    }
    if files:
        write(arguments.output, files)
    for old in sorted(
        {path.name for kind in ("hpa", "keda") for path in arguments.output.glob(f"*.{kind}.yaml")} - set(files)
    ):
        print(f"note: {arguments.output / old}: is of an earlier run; kubectl apply would take it too")
    for note in _notes(arguments, settings, selection.variants, cluster):
        print(f"note: {note}")
    return _said(selection)


def _said(selection: Selection) -> int:
    for sentence in selection.refused:
        print(f"finding: {sentence}")
    print(f"{len(selection.variants)} written, {len(selection.refused)} findings")
    return FINDINGS if selection.refused else FINE


def _catalogue(settings: Settings, *, offline: bool) -> Catalogue | None:
    """Who the variants are: by a look where there is a source to look at, else as declared; None if it does not answer."""
    if offline or (settings.prometheus is None and settings.scrape is None):
        return discover(declarations_of(settings), Sightings(pods=()), None)
    seen = asyncio.run(look(settings))
    if not seen.outcome.observation.reachable:
        complain_unreachable(seen.outcome.observation)
        return None
    return seen.outcome.catalogue


def _comment(arguments: argparse.Namespace, variant: Actuated) -> str:
    return f"Made by {PROGRAM} generate {arguments.target} for policy {variant.policy}."


def _hpas(arguments: argparse.Namespace, cluster: Cluster) -> Callable[[Actuated], dict[str, Any]]:
    return lambda variant: horizontal_pod_autoscaler(
        variant, namespace_label=arguments.namespace_label, cluster=cluster
    )


def _scaled_objects(
    arguments: argparse.Namespace, settings: Settings, cluster: Cluster
) -> Callable[[Actuated], dict[str, Any]]:
    """The maker of ScaledObjects.

    Raises:
        ConfigError: nobody says where KEDA finds the Prometheus.
    """
    if arguments.trigger == "metrics-api":
        return lambda variant: scaled_object(
            variant, trigger=exporter_trigger(url=arguments.exporter, variant=variant), cluster=cluster
        )
    given = settings.prometheus
    server = arguments.server or (None if given is None else given.url)
    if server is None:
        raise ConfigError(["no Prometheus for KEDA to ask: give --keda.server=URL or prometheus.url in the file"])

    def make(variant: Actuated) -> dict[str, Any]:
        query = desired_query(
            SERIES[arguments.series],
            variant=variant.name,
            namespace=variant.namespace,
            namespace_label=arguments.namespace_label,
            matchers=None if given is None else given.matchers,
        )
        trigger = prometheus_trigger(server=server, query=query, authentication=_authentication(settings))
        return scaled_object(variant, trigger=trigger, cluster=cluster)

    return make


def _authentication(settings: Settings) -> str | None:
    given = settings.prometheus
    if given is None:
        return None
    return "basic" if given.basic_auth is not None else "bearer" if given.bearer_token_file is not None else None


def _notes(
    arguments: argparse.Namespace, settings: Settings, variants: Sequence[Actuated], cluster: Cluster
) -> Iterator[str]:
    """What has to be so for the objects to do what they are for."""
    if not variants:
        return
    if cluster.has(TOLERANCE_GATE) and settings.hpa_tolerance:
        yield "the tolerance is 0: set hpa_tolerance: 0, so that wva_expected_replicas says what will be"
    if arguments.target == "hpa":
        yield f"an HPA reads {DESIRED_REPLICAS.name} through an adapter: {PROGRAM} generate adapter"
        for variant in variants:
            if variant.minimum == 0 and not cluster.has(ZERO_GATE):
                yield f"variant {variant.name}: minReplicas is 1: an HPA goes to 0 from Kubernetes 1.37, or with {ZERO_GATE}"
    elif arguments.trigger == "prometheus":
        yield from _notes_on_asking(arguments, settings)


def _notes_on_asking(arguments: argparse.Namespace, settings: Settings) -> Iterator[str]:
    """What has to be so for KEDA to get an answer from the Prometheus."""
    server = arguments.server or (settings.prometheus.url if settings.prometheus else "")
    if urlsplit(server).hostname in _LOOPBACK:
        yield f"KEDA asks {server} from its own pod: give --keda.server with the address within the cluster"
    if arguments.series == "safe":
        yield f"{SAFE_DESIRED_REPLICAS} is a recording rule: load our rules, or give --series=raw"
    if _authentication(settings) is not None:
        yield f"the Prometheus asks who asks: make a TriggerAuthentication {AUTHENTICATION} in each namespace"
    if settings.prometheus is not None and settings.prometheus.headers:
        yield "prometheus.headers are not copied, they may be secret: give the triggers customHeaders"
