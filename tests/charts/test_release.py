"""What a release is made of, and what it refuses to be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml
from chart_reference import CHART
from chart_release import NAMES, release, validate, values_of

from wva_exporter.artefacts.promql_tree import parse
from wva_exporter.conventions import SAFE_DESIRED_REPLICAS
from wva_exporter.engines.kubernetes import NAMES as NAMES_READ
from wva_exporter.publish.web_config import load as load_web_config

PROMETHEUS = {"prometheus": {"url": "http://prometheus:9090"}}
LLAMA = {"name": "llama", "namespace": "llm", "model": "m", "max": 4, "workload": {"name": "llama-vllm"}}


def minimal(**more: Any) -> dict[str, Any]:
    """The one value that is needed, and these."""
    return {"config": PROMETHEUS, **more}


def scaled(*variants: dict[str, Any]) -> dict[str, Any]:
    """Values that ask for ScaledObjects of these variants."""
    return {"config": PROMETHEUS | {"variants": list(variants)}, "actuators": {"kind": "keda"}}


def test_by_default_there_is_one_copy_that_leaves_before_the_next_comes() -> None:
    """Two copies publish two series, and an HPA sums them, also during an update."""
    deployment = release(minimal()).one("Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert not release(minimal()).all("PodDisruptionBudget")


def test_two_copies_are_kept_apart_and_warned_of() -> None:
    """A budget, a spread over nodes, and one line of warning."""
    found = release(minimal(replicas=2))
    assert found.one("PodDisruptionBudget")["spec"]["minAvailable"] == 1
    pod = found.one("Deployment")["spec"]["template"]["spec"]
    assert pod["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"
    assert "2 copies publish 2 series of each variant: an HPA sums them and KEDA errs" in found.notes
    assert "Keep replicas at 1" in release(minimal()).notes


def test_the_pod_may_do_nothing() -> None:
    """No rights, no root, no writing, no new privileges, no token."""
    found = release(minimal())
    pod = found.one("Deployment")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert found.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not [each for each in found.objects if "Role" in each["kind"]]


@pytest.mark.parametrize("name", NAMES)
def test_probes_ask_only_what_they_may(name: str) -> None:
    """Basic authentication and client certificates guard every path; TLS alone does not."""
    guarded = name in {"keda-metrics-api", "mutual-tls", "existing-secret"}
    for probe in ("livenessProbe", "readinessProbe"):
        asked = release(values_of(name)).container[probe]
        if guarded:
            assert asked["tcpSocket"] == {"port": "http"}
            assert "httpGet" not in asked
        else:
            assert asked["httpGet"]["scheme"] == ("HTTPS" if name == "tls" else "HTTP")
            assert asked["httpGet"]["path"] == ("/-/healthy" if probe == "livenessProbe" else "/-/ready")


def test_the_web_configuration_is_one_that_the_program_takes(tmp_path: Path) -> None:
    """It is kept in a Secret, under the name that the flag has."""
    found = release(values_of("keda-metrics-api"))
    path = tmp_path / "web-config.yml"
    path.write_text(found.one("Secret")["stringData"][path.name])
    assert list(load_web_config(path).users) == ["scraper"]
    assert "--web.config.file=/etc/wva-exporter/web/web-config.yml" in found.container["args"]


def test_a_certificate_alone_is_enough_for_tls() -> None:
    """The file that uses it is written."""
    found = release(values_of("tls"))
    assert yaml.safe_load(found.one("Secret")["stringData"]["web-config.yml"]) == {
        "tls_server_config": {
            "cert_file": "/etc/wva-exporter/tls/tls.crt",
            "key_file": "/etc/wva-exporter/tls/tls.key",
        }
    }
    assert found.one("ServiceMonitor")["spec"]["endpoints"][0]["scheme"] == "https"


def test_the_scrape_keeps_the_namespace_of_variants_and_the_name_of_the_job() -> None:
    """Rules and dashboards know the job as wva-exporter whatever the release is called."""
    found = release(values_of("kube-prometheus-stack"), name="prod")
    monitor = found.one("ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert monitor["spec"]["endpoints"][0]["honorLabels"] is True
    assert monitor["spec"]["jobLabel"] == "app.kubernetes.io/name"
    assert found.one("Service")["metadata"]["labels"]["app.kubernetes.io/name"] == "wva-exporter"
    assert found.one("Service")["metadata"]["name"] == "prod-wva-exporter"


@pytest.mark.parametrize(("honoured", "folder"), [(True, "honor-labels"), (False, "exported-namespace")])
def test_the_rules_are_the_mixins_and_fit_the_scrape(folder: str, *, honoured: bool) -> None:
    """Templates of alerts come through unharmed; where the namespace is follows from honorLabels."""
    values = minimal(
        prometheusRule={"enabled": True, "labels": {"release": "x"}}, serviceMonitor={"honorLabels": honoured}
    )
    found = release(values).all("PrometheusRule")
    files = sorted((CHART / "files" / "rules" / folder).glob("*.yaml"))
    assert [each["spec"] for each in found] == [yaml.safe_load(path.read_text()) for path in files]
    assert {each["metadata"]["labels"]["release"] for each in found} == {"x"}
    rules = [rule for each in found for group in each["spec"]["groups"] for rule in group["rules"]]
    safe = next(rule for rule in rules if rule.get("record") == SAFE_DESIRED_REPLICAS)
    assert ("exported_namespace" in safe["expr"]) is not honoured
    assert any("{{ $labels" in text for rule in rules for text in rule.get("annotations", {}).values())


@pytest.mark.parametrize(("honoured", "folder"), [(True, "honor-labels"), (False, "exported-namespace")])
def test_every_dashboard_is_one_that_grafana_finds(honoured: bool, folder: str) -> None:
    """Each in a ConfigMap of its own with the sidecar's label, the file of the right form unchanged."""
    values = minimal(
        dashboards={"enabled": True, "annotations": {"grafana_folder": "LLM"}},
        serviceMonitor={"honorLabels": honoured},
    )
    found = [each for each in release(values).all("ConfigMap") if "grafana_dashboard" in each["metadata"]["labels"]]
    files = {
        path.name: json.loads(path.read_text()) for path in (CHART / "files" / "dashboards" / folder).glob("*.json")
    }
    assert len(files) == 5
    assert {name: json.loads(text) for each in found for name, text in each["data"].items()} == files
    assert all(each["metadata"]["annotations"] == {"grafana_folder": "LLM"} for each in found)


def test_a_change_of_the_configuration_restarts_the_pod() -> None:
    """The pod's annotation follows the file."""

    def mark(**config: Any) -> str:
        template = release({"config": PROMETHEUS | config}).one("Deployment")["spec"]["template"]
        text: str = template["metadata"]["annotations"]["checksum/config"]
        return text

    assert mark() == mark()
    assert mark() != mark(interval="30s")


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://prometheus:9090", 9090),
        ("https://prometheus/tenant", 443),
        ("http://prometheus", 80),
        ("http://[fd00::1]:9091/x", 9091),
        ("http://[fd00::1]", 80),
    ],
)
def test_the_network_policy_lets_out_to_prometheus_and_dns(url: str, port: int) -> None:
    """The port is that of the address."""
    policy = release({"config": {"prometheus": {"url": url}}, "networkPolicy": {"enabled": True}}).one("NetworkPolicy")
    dns, prometheus = policy["spec"]["egress"]
    assert {each["port"] for each in dns["ports"]} == {53}
    assert prometheus["ports"] == [{"port": port, "protocol": "TCP"}]


def test_shadow_publishes_what_nothing_follows() -> None:
    """And says so."""
    found = release(values_of("shadow"))
    assert "--publish.shadow" in found.container["args"]
    assert "wva_shadow_desired_replicas, which nothing follows" in found.notes


def test_the_notes_say_what_to_do_next() -> None:
    """The check, the scrape that is missing, the rules, what kube-state-metrics must serve."""
    notes = release(minimal()).notes
    for said in ("wva-exporter check", "Nothing scrapes it yet", "No rules are loaded", "kube_replicaset_owner"):
        assert said in notes
    raw = release(minimal(actuators={"kind": "hpa"}, serviceMonitor={"honorLabels": False})).notes
    assert "generate adapter --namespace-label=exported_namespace --series=raw" in raw


def test_the_notes_list_all_that_is_read_of_kube_state_metrics() -> None:
    """Whoever keeps an allow-list can copy it."""
    listed = set(re.findall(r"kube_[a-z_]+", release(minimal()).notes))
    exporter = {name for names in NAMES_READ.values() for name in names if name.startswith("kube_")}
    files = [path for folder in ("rules", "dashboards") for path in (CHART / "files" / folder).glob("*/*")]
    assert listed == exporter | {name for path in files for name in re.findall(r"\bkube_[a-z_]+", path.read_text())}


def test_the_notes_say_where_the_rules_do_not_fit_the_configuration() -> None:
    """The chart's rules are made for the defaults: other thresholds would make the fallback another policy."""
    config = PROMETHEUS | {"thresholds": {"kv": 0.7}, "scrape_interval": "30s"}
    notes = release({"config": config, "prometheusRule": {"enabled": True}}).notes
    assert "config sets scrape_interval, thresholds: make your own with `wva-exporter generate mixin" in notes
    assert "make your own" not in release(minimal(prometheusRule={"enabled": True})).notes


def test_copies_that_are_wanted_are_no_duplicates() -> None:
    """Two copies publish two series on purpose, which must not wake anybody; a third producer does."""

    def limit(replicas: int) -> str:
        found = release(minimal(replicas=replicas, prometheusRule={"enabled": True})).all("PrometheusRule")
        rules = [rule for each in found for group in each["spec"]["groups"] for rule in group["rules"]]
        (expr,) = (rule["expr"] for rule in rules if rule.get("alert") == "WVADuplicateSeries")
        return str(expr).split()[-1]

    assert [limit(replicas) for replicas in (0, 1, 2, 5)] == ["1", "1", "2", "5"]


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_names_that_look_like_something_else_stay_names(kind: str) -> None:
    """YAML would read a number or a truth, which the API server refuses; quotes of a label's value are escaped."""
    variants = [
        LLAMA | {"name": "123", "namespace": "42", "workload": {"name": "2024"}},
        LLAMA | {"name": "true", "workload": {"name": "1e3"}},
        LLAMA | {"name": "null", "workload": {"name": "0x1f"}},
    ]
    config = {"prometheus": {"url": "http://prometheus:9090", "matchers": {"cluster": 'it\'s \\ <a> "b"'}}}
    found = release({"config": config | {"variants": variants}, "actuators": {"kind": kind}}, version="1.33")
    things = found.all("HorizontalPodAutoscaler" if kind == "hpa" else "ScaledObject")
    assert [each["metadata"]["name"] for each in things] == ["123", "true", "null"]
    for each in things:
        validate(each, "1.33")
    if kind == "keda":
        query = things[0]["spec"]["triggers"][0]["metadata"]["query"]
        assert parse(query).expr.matchers.matchers[-1].value == 'it\'s \\ <a> "b"'


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "config.prometheus.url is needed"),
        (minimal(replicas="two"), "/replicas"),
        (minimal(replica=2), "replica"),
        (minimal(image={"registry": "x"}), "registry"),
        (minimal(service={"port": 70000}), "/service/port"),
        (minimal(serviceMonitor={"interval": "15"}), "/serviceMonitor/interval"),
        (minimal(actuators={"kind": "vpa"}), "/actuators/kind"),
        (minimal(actuators={"keda": {"threshold": "1"}}), "threshold"),
        (minimal(kubeVersionOverride="latest"), "/kubeVersionOverride"),
        ({"config": PROMETHEUS | {"intervall": "15s"}}, "intervall"),
        ({"config": PROMETHEUS | {"interval": 15}}, "/config/interval"),
        ({"config": PROMETHEUS | {"interval": ""}}, "/config/interval"),
        ({"config": PROMETHEUS | {"variants": [{"name": "a", "model": "m", "replicas": 1}]}}, "replicas"),
        ({"config": PROMETHEUS | {"variants": [{"model": "m"}]}}, "name"),
        (minimal(webConfig={"content": {"http_server_config": {}}, "existingSecret": "x"}), "exclude each other"),
        (minimal(shadow=True, actuators={"kind": "keda"}), "shadow: true renames"),
        (minimal(actuators={"kind": "keda", "series": "safe"}), "set prometheusRule.enabled"),
        (
            {
                "config": PROMETHEUS | {"variants": [{"name": "a", "model": "m", "max": 2}]},
                "actuators": {"kind": "hpa"},
            },
            "nobody says what runs it",
        ),
        (
            {
                "config": PROMETHEUS | {"variants": [{k: v for k, v in LLAMA.items() if k != "max"}]},
                "actuators": {"kind": "keda"},
            },
            "how many replicas it may have",
        ),
        (
            {
                "config": PROMETHEUS | {"variants": [LLAMA | {"workload": {"kind": "Job", "name": "x"}}]},
                "actuators": {"kind": "keda"},
            },
            "Job x is not Deployment",
        ),
        (scaled(LLAMA | {"name": "Llama_A"}), '"Llama_A" cannot be the name'),
        (scaled(LLAMA | {"name": "a" * 64}), "cannot be the name"),
        (scaled(LLAMA | {"min": 5, "max": 2}), "max must be at least min, 5"),
        (scaled(LLAMA, LLAMA), "has a scaler already"),
        (scaled(LLAMA, LLAMA | {"name": "rival"}), "has a scaler already"),
        ({"config": None, "actuators": {"kind": "keda"}}, "config.prometheus.url is needed"),
        (
            {
                "config": {"scrape": {"targets": ["a:1"]}, "variants": [LLAMA]},
                "actuators": {"kind": "keda"},
            },
            "actuators.keda.server is needed",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_it_is_installed(values: dict[str, Any], said: str) -> None:
    """Unknown values, values of the wrong kind, values that exclude each other; the message names the one."""
    with pytest.raises(helm_python.HelmError) as caught:
        release(values)
    assert said in str(caught.value)
