"""The chart's HPAs and ScaledObjects are those of ``wva-exporter generate``: one answer, two ways to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from chart_release import VERSIONS, release

from wva_exporter.cli import main

CONFIG: dict[str, Any] = {
    "prometheus": {"url": "http://prometheus:9090", "matchers": {"cluster": 'e"u'}, "bearer_token_file": "/token"},
    "default_namespace": "llm",
    "models": [
        {"name": "m", "policy": "wva-v1"},
        {"name": "m", "namespace": "other", "policy": "wva-v1", "compat": "exact"},
    ],
    "variants": [
        {"name": "llama-a100", "model": "m", "accelerator": "A100", "cost": 40.0, "max": 20, "workload": {"name": "w"}},
        {
            "name": "llama-h100",
            "namespace": "other",
            "model": "m",
            "accelerator": "not a label's value",
            "cost": 0.123456789012,
            "min": 0,
            "max": 4,
            "workload": {"kind": "LeaderWorkerSet", "name": "l"},
        },
        {"name": "qwen", "model": "q", "min": 3, "max": 3, "workload": {"kind": "StatefulSet", "name": "s"}},
    ],
}


def generated(folder: Path, kind: str, *flags: str) -> list[dict[str, Any]]:
    """What the command writes for this configuration."""
    path = folder / "wva.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    assert main(["generate", kind, f"--config.file={path}", "--offline", f"--output={folder}/out", *flags]) == 0
    return [yaml.safe_load(each.read_text()) for each in (folder / "out").glob("*.yaml")]


def rendered(kind: str, version: str, **values: Any) -> list[dict[str, Any]]:
    """What the chart makes of it, without the labels that Helm's objects have."""
    found = release(
        {"config": CONFIG, "actuators": {"kind": kind, **values.pop("actuators", {})}, **values}, version=version
    )
    things = found.all("HorizontalPodAutoscaler" if kind == "hpa" else "ScaledObject")
    for each in things:
        labels = {k: v for k, v in each["metadata"]["labels"].items() if k.startswith("inference.optimization/")}
        each["metadata"]["labels"] = labels
        if not labels:
            del each["metadata"]["labels"]
    return things


def by_name(things: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Objects in an order that is nobody's."""
    return {each["metadata"]["name"]: each for each in things}


@pytest.mark.parametrize("version", [*VERSIONS, "1.37"])
@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_chart_and_command_make_the_same(kind: str, version: str, tmp_path: Path) -> None:
    """Names, bounds, query, behaviour, tolerance, fallback, credentials."""
    flags = [f"--kubernetes.version={version}", *(["--series=raw"] if kind == "keda" else [])]
    assert by_name(rendered(kind, version)) == by_name(generated(tmp_path, kind, *flags))


def test_they_agree_on_the_recording_rule_too(tmp_path: Path) -> None:
    """It is read where the chart brings it, under the label that the scrape leaves."""
    chart = rendered("keda", "1.33", prometheusRule={"enabled": True}, serviceMonitor={"honorLabels": False})
    assert by_name(chart) == by_name(generated(tmp_path, "keda", "--namespace-label=exported_namespace"))
    query = chart[0]["spec"]["triggers"][0]["metadata"]["query"]
    assert query.startswith("max by (variant_name) (wva:desired_replicas:safe{")


def test_they_agree_on_reading_the_exporter_itself(tmp_path: Path) -> None:
    """Nothing of the Prometheus is in there, not even how to log in to it."""
    flags = ["--keda.trigger=metrics-api", "--keda.exporter=http://wva-exporter.monitoring.svc:10982/metrics"]
    made = generated(tmp_path, "keda", *flags)
    assert by_name(rendered("keda", "1.30", actuators={"keda": {"trigger": "metrics-api"}})) == by_name(made)


def test_they_agree_on_gates(tmp_path: Path) -> None:
    """A gate that is on counts in both."""
    gates = ["HPAConfigurableTolerance", "HPAScaleToZero"]
    flags = ["--kubernetes.version=1.33", *(f"--kubernetes.feature-gate={gate}" for gate in gates)]
    chart = by_name(rendered("hpa", "1.33", actuators={"featureGates": gates}))
    assert chart == by_name(generated(tmp_path, "hpa", *flags))
    assert chart["llama-h100"]["spec"]["minReplicas"] == 0
