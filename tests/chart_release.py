"""The chart as Helm itself renders it, and whether Kubernetes would take what comes out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from chart_reference import CHART

try:
    import helm_python
    import kubernetes_validate
except ImportError as missing:  # a test never skips for want of a tool
    pytest.fail(f"{missing.name} is not here; type: python -m pip install --group chart", pytrace=False)

SCHEMAS = Path(__file__).parent / "charts" / "schemas"
VERSIONS = ("1.30", "1.33", "1.35")
NAMES = tuple(sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The objects of a release, and what is said after it."""

    objects: tuple[dict[str, Any], ...]
    notes: str

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind."""
        return [each for each in self.objects if each["kind"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        """The only object of a kind."""
        (found,) = self.all(kind)
        return found

    @property
    def container(self) -> dict[str, Any]:
        """The exporter's container."""
        found: dict[str, Any] = self.one("Deployment")["spec"]["template"]["spec"]["containers"][0]
        return found

    @property
    def config(self) -> str:
        """The configuration file that the exporter gets."""
        (text,) = (
            each["data"]["wva-exporter.yaml"] for each in self.all("ConfigMap") if "wva-exporter.yaml" in each["data"]
        )
        return str(text)


def values_of(name: str) -> dict[str, Any]:
    """One of the sets of values in ``ci``."""
    found: dict[str, Any] = helm_python.values_from_yaml((CHART / "ci" / f"{name}-values.yaml").read_text())
    return found


def release(values: dict[str, Any], *, version: str | None = None, name: str = "wva-exporter") -> Release:
    """Render as ``helm template`` does, with the schema's say first.

    Raises:
        HelmError: the values are refused.
    """
    given = values if version is None else {**values, "kubeVersionOverride": f"v{version}.0"}
    chart = helm_python.Chart.load(CHART)
    chart.validate_schema(given)
    rendered = chart.render(given, name=name, namespace="monitoring")
    notes = "".join(rendered.pop(path) for path in list(rendered) if path.endswith("NOTES.txt"))
    documents = [each for text in rendered.values() for each in yaml.safe_load_all(text)]
    return Release(objects=tuple(each for each in documents if each is not None), notes=notes)


def lint(values: dict[str, Any]) -> list[str]:
    """What ``helm lint --strict`` says, but for its wish for an icon."""
    messages = helm_python.lint(CHART, values, strict=True)["messages"]
    return [each["error"] for each in messages if each["error"] != "icon is recommended"]


def validate(thing: dict[str, Any], version: str) -> None:
    """Refuse what the API server of this version would refuse, unknown fields included.

    For custom resources there are schemas of the fields that are used; what a ScaledObject hands on to its HPA is judged as
    a part of an HPA.
    """
    try:
        _validate(thing, version)
    except jsonschema.ValidationError as error:
        place = f"{thing['kind']} {thing['metadata']['name']}: {error.json_path}"
        pytest.fail(f"{place}: Kubernetes {version}: {error.message}", pytrace=False)


def _validate(thing: dict[str, Any], version: str) -> None:
    path = SCHEMAS / f"{thing['kind']}.json"
    if not path.exists():
        kubernetes_validate.validate(thing, version, strict=True)
        return
    jsonschema.Draft202012Validator(json.loads(path.read_text())).validate(thing)
    if thing["kind"] == "ScaledObject":
        spec = thing["spec"]
        behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        hpa = {"scaleTargetRef": spec["scaleTargetRef"], "maxReplicas": spec["maxReplicaCount"], "behavior": behavior}
        body = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": thing["metadata"]}
        kubernetes_validate.validate({**body, "spec": hpa}, version, strict=True)
