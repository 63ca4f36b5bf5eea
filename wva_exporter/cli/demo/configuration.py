"""The files that the demo's Prometheus and the demo's exporter are started with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from wva_exporter.cli.demo import scenario
from wva_exporter.cli.demo.face import DISCOVERY_PATH, Addresses

_SCRAPE = f"{scenario.SCRAPE_SECONDS:g}s"
_SCRAPE_TIMEOUT = "900ms"


def prometheus_file(*, around: Addresses, exporter: str, rules: Sequence[str] = ()) -> str:
    """Scrape the pods, what stands around them and the exporter, whose address is ``host:port``; evaluate these rule files."""
    return _text(
        {
            "global": {
                "scrape_interval": _SCRAPE,
                "scrape_timeout": _SCRAPE_TIMEOUT,
                "evaluation_interval": _SCRAPE,
            },
            "rule_files": list(rules),
            "scrape_configs": [
                {
                    "job_name": "vllm",
                    "http_sd_configs": [{"url": _discovery_url(around), "refresh_interval": "1s"}],
                },
                _static("kube-state-metrics", around.kubernetes, honor_labels=True),
                _static("router", around.router, namespace=scenario.NAMESPACE),
                _static("wva-exporter", exporter, honor_labels=True),
            ],
        }
    )


def exporter_file(*, prometheus: str | None, around: Addresses) -> str:
    """Ask the Prometheus at this URL, or scrape the pods without any."""
    source: dict[str, Any] = {"prometheus": {"url": prometheus}}
    if prometheus is None:
        source = {
            "scrape": {
                "targets": [around.kubernetes, around.router],
                "http_sd_urls": [_discovery_url(around)],
                "labels": {"namespace": scenario.NAMESPACE},
            }
        }
    return _text(
        {
            **source,
            "interval": f"{scenario.CYCLE_SECONDS:g}s",
            "scrape_interval": _SCRAPE,
            "window_floor": f"{scenario.WINDOW_FLOOR_SECONDS:g}s",
            "max_down_ratio_per_minute": scenario.MAX_DOWN_RATIO_PER_MINUTE,
            "currency": scenario.CURRENCY,
            "cost_budget_per_hour": scenario.COST_BUDGET_PER_HOUR,
            "models": [{"name": scenario.MODEL, "namespace": scenario.NAMESPACE, "slo": scenario.SLO}],
            "variants": [
                {
                    "name": variant.name,
                    "namespace": scenario.NAMESPACE,
                    "model": scenario.MODEL,
                    "accelerator": variant.accelerator,
                    "cost": variant.cost_per_hour,
                    "min": scenario.AUTOSCALERS[variant.name].minimum,
                    "max": scenario.AUTOSCALERS[variant.name].maximum,
                    "workload": {"kind": "Deployment", "name": variant.name},
                }
                for variant in scenario.VARIANTS
            ],
        }
    )


def _discovery_url(around: Addresses) -> str:
    return f"http://{around.discovery}{DISCOVERY_PATH}"


def _static(job: str, address: str, namespace: str | None = None, **settings: object) -> dict[str, object]:
    labels = {} if namespace is None else {"labels": {"namespace": namespace}}
    return {"job_name": job, **settings, "static_configs": [{"targets": [address], **labels}]}


def _text(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False)
