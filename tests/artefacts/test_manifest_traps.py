"""The traps that ``check --manifests`` knows: each is found, with its line, and a sound object beside it is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from actuator_builder import NEW, OLD, changed, direct, findings, hpa, keda
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.artefacts.lint_manifests import lint
from wva_exporter.artefacts.reading import asked, one_element
from wva_exporter.errors import ConfigError

METRIC = "spec.metrics.0.external"
QUERY = "spec.triggers.0.metadata.query"
LLAMA = 'variant_name="llama"'

HPA_TRAPS = [
    (f"{METRIC}.target.type", "Value", "external.target.type: is Value: write AverageValue"),
    (f"{METRIC}.target.averageValue", "2", 'averageValue: is 2: write "1"'),
    (f"{METRIC}.target.averageValue", None, "averageValue: is missing"),
    (f"{METRIC}.metric.selector.matchLabels.variant_name", "llama-vllm", "reads the target of variant 'llama-vllm'"),
    (f"{METRIC}.metric.selector.matchLabels.variant_name", None, "does not name one variant_name"),
    (f"{METRIC}.metric.selector.matchLabels.namespace", None, "names no namespace"),
    (f"{METRIC}.metric.selector.matchLabels.namespace", "other", "reads namespace 'other'"),
    (f"{METRIC}.metric.selector", None, "does not name one variant_name"),
    ("spec.minReplicas", 0, "spec.minReplicas: is 0"),
    ("spec.behavior.scaleUp.stabilizationWindowSeconds", 240, "delays growth by 240 s"),
    ("spec.behavior.scaleUp.selectPolicy", "Disabled", "never grows"),
    ("spec.scaleTargetRef", {}, "names no workload"),
    ("apiVersion", "autoscaling/v2beta2", "apiVersion: is autoscaling/v2beta2"),
]
KEDA_TRAPS = [
    ("spec.triggers.0.metadata.ignoreNullValues", None, "ignoreNullValues: is missing"),
    ("spec.triggers.0.metadata.ignoreNullValues", "true", "ignoreNullValues: is true"),
    ("spec.triggers.0.metadata.metricType", "Value", "is not looked at in metadata"),
    ("spec.triggers.0.metricType", "Value", "triggers[0].metricType: is Value"),
    ("spec.triggers.0.metadata.threshold", "2", 'threshold: is 2: write "1"'),
    ("spec.triggers.0.metadata.activationThreshold", "1", "activationThreshold: is 1"),
    ("spec.triggers.0.metadata.unsafeSsl", "true", "trusts any certificate"),
    (QUERY, f'wva_desired_replicas{{{LLAMA},namespace="llm"}}', "does not take the largest"),
    (QUERY, f'sum(wva_desired_replicas{{{LLAMA},namespace="llm"}})', "does not take the largest"),
    (QUERY, 'max(wva_desired_replicas{namespace="llm"})', "does not name one variant_name"),
    (QUERY, f"max(wva_desired_replicas{{{LLAMA}}})", "names no namespace"),
    (QUERY, f'max(wva_desired_replicas{{{LLAMA},namespace=~".+"}})', "matches many namespaces"),
    (QUERY, 'max(wva_desired_replicas{variant_name="llama-vllm",namespace="llm"})', "variant 'llama-vllm'"),
    (QUERY, f'max by (instance) (wva_desired_replicas{{{LLAMA},namespace="llm"}})', "does not take the largest"),
    (QUERY, f'max(wva_desired_replicas{{{LLAMA},namespace="llm"}}', "is not PromQL"),
    (
        QUERY,
        f'max(wva_desired_replicas{{{LLAMA},namespace="llm"}}) or vector(0)',
        "answers a number where the target is",
    ),
    (QUERY, f'max(wva_desired_replicas{{{LLAMA},namespace="llm"}} or on () vector(1))', "answers a number where the"),
    (QUERY, f'max(wva_desired_replicas{{{LLAMA},namespace="llm"}}) * 2', "computes with the target"),
    ("spec.maxReplicaCount", 0, "spec.maxReplicaCount: is 0: KEDA refuses less than minReplicaCount, 1"),
    ("spec.fallback", None, "spec.fallback: is missing"),
    ("spec.fallback.replicas", 0, "fallback.replicas: is 0"),
    ("spec.fallback.behavior", "static", "fallback.behavior: is static"),
    ("spec.fallback.behavior", None, "is missing, which is static"),
    ("spec.minReplicaCount", None, "KEDA takes 0 for it"),
    (
        "spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleUp.stabilizationWindowSeconds",
        60,
        "delays growth by 60 s",
    ),
]


@pytest.mark.parametrize(("path", "value", "said"), HPA_TRAPS)
def test_a_trap_of_an_hpa_is_found(path: str, value: Any, said: str, tmp_path: Path) -> None:
    """One thing wrong, one line that says what to write."""
    (finding,) = {each.partition("; variants")[0] for each in findings(tmp_path, changed(hpa(), path, value))[:1]}
    assert said in finding
    assert finding.startswith("objects.yaml:")


@pytest.mark.parametrize(("path", "value", "said"), KEDA_TRAPS)
def test_a_trap_of_a_scaled_object_is_found(path: str, value: Any, said: str, tmp_path: Path) -> None:
    """One thing wrong, one line that says what to write."""
    (finding,) = findings(tmp_path, changed(keda(), path, value))
    assert said in finding
    assert finding.startswith("objects.yaml:")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("spec.triggers.0.metadata.targetValue", "10", "targetValue: is 10"),
        ("spec.triggers.0.metadata.format", None, "is missing, which is json"),
        ("spec.triggers.0.metadata.activationTargetValue", "2", "activationTargetValue: is 2"),
        ("spec.triggers.0.metadata.valueLocation", 'wva_desired_replicas{variant_name="x"}', "variant 'x'"),
    ],
)
def test_a_trap_of_a_direct_reader_is_found(path: str, value: Any, said: str, tmp_path: Path) -> None:
    """KEDA's metrics-api trigger has traps of its own."""
    assert said in findings(tmp_path, changed(direct(), path, value))[0]


def test_a_finding_has_file_line_object_and_field(tmp_path: Path) -> None:
    """The line is that of the field, not of the object."""
    other = keda(name="other", workload_name="other")
    (finding,) = findings(tmp_path, other, changed(hpa(), f"{METRIC}.target.type", "Value"))
    lines = (tmp_path / "objects.yaml").read_text().splitlines()
    number = int(finding.split(":")[1])
    assert finding.split(": ")[1] == "HorizontalPodAutoscaler llama"
    assert lines[number - 1].strip() == "type: Value"


def test_two_scalers_of_one_workload_are_found(tmp_path: Path) -> None:
    """Each would undo what the other does."""
    (finding,) = findings(tmp_path, hpa(), keda())
    assert "is also the target of HorizontalPodAutoscaler llama (objects.yaml:1)" in finding


def test_an_object_that_stands_in_two_files_is_not_its_own_rival(tmp_path: Path) -> None:
    """A copy that was forgotten is one finding, and not advice to delete the scaler."""
    (finding,) = findings(tmp_path, hpa(), hpa())
    assert "metadata.name: stands in objects.yaml:1 too" in finding


def test_the_recording_rule_may_stand_in_for_the_raw_series(tmp_path: Path) -> None:
    """Both sides of such an `or` are targets, and an age that gates one is no arithmetic."""
    one = f'{{{LLAMA},namespace="llm"}}'
    query = f"max(wva:desired_replicas:safe{one}) or max(wva_desired_replicas{one} and on () (time() - t < 120))"
    assert findings(tmp_path, changed(keda(), QUERY, query)) == []


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its objects would otherwise count as sound."""

    def walk(folder: Path, onerror: Callable[[OSError], None]) -> Iterator[tuple[str, list[str], list[str]]]:
        yield str(folder), ["locked"], ["objects.yaml"]
        onerror(PermissionError(13, "Permission denied", f"{folder}/locked"))

    (tmp_path / "objects.yaml").write_text("kind: ConfigMap\n")
    monkeypatch.setattr("wva_exporter.discovery.documents.os.walk", walk)
    with pytest.raises(ConfigError, match="locked: cannot be read: Permission denied"):
        lint([tmp_path])


def test_the_hpa_that_keda_makes_is_not_a_second_scaler(tmp_path: Path) -> None:
    """``kubectl get hpa,scaledobjects`` shows both; what is to be mended stands in the ScaledObject."""
    child = changed(hpa(name="keda-hpa-llama"), "metadata.labels", {"app.kubernetes.io/managed-by": "keda-operator"})
    assert findings(tmp_path, keda(), child) == []


def test_a_second_metric_is_found(tmp_path: Path) -> None:
    """The larger of two wins, so CPU or a queue would keep the fleet large."""
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
    doubled = changed(hpa(), "spec.metrics", [*hpa()["spec"]["metrics"], cpu])
    assert "has 2 metrics" in findings(tmp_path, doubled)[0]
    triggers = [*keda()["spec"]["triggers"], {"type": "cpu", "metadata": {"value": "50"}}]
    assert "has 2 triggers" in findings(tmp_path, changed(keda(), "spec.triggers", triggers))[0]


def test_a_dead_band_is_found_where_it_could_be_closed(tmp_path: Path) -> None:
    """Above ten replicas a step of one is less than 10 %; old clusters cannot help it."""
    large = hpa(OLD, maximum=20)
    assert findings(tmp_path, large, cluster=OLD) == []
    assert len(findings(tmp_path, large, cluster=NEW)) == 2


def test_a_name_that_the_configuration_declares_is_right(tmp_path: Path) -> None:
    """A variant need not be called after its scaler if somebody says so."""
    other = changed(hpa(), f"{METRIC}.metric.selector.matchLabels.variant_name", "declared")
    assert findings(tmp_path, other, known={("llm", "declared")}) == []
    assert len(findings(tmp_path, other, known={("elsewhere", "declared")})) == 1


def test_the_wrong_namespace_label_is_found_where_the_right_one_is_told(tmp_path: Path) -> None:
    """Which one is right depends on the scrape, which no manifest shows."""
    assert findings(tmp_path, hpa()) == []
    assert "matches the label namespace" in findings(tmp_path, hpa(), namespace_label="exported_namespace")[0]


def test_an_object_that_says_it_is_a_variants_and_reads_something_else_is_found(tmp_path: Path) -> None:
    """Nothing would scale it."""
    (finding,) = findings(tmp_path, changed(hpa(), f"{METRIC}.metric.name", "vllm_queue"))
    assert "reads no wva_desired_replicas" in finding


def test_what_follows_something_else_is_passed_over(tmp_path: Path) -> None:
    """Other people's objects are none of our business, and are counted."""
    path = tmp_path / "other.yaml"
    path.write_text(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\n"
        "spec: {minReplicas: 0, metrics: [{type: Resource}]}\n---\nkind: Deployment\n"
    )
    assert (linted := lint([path])).findings == ()
    assert (linted.looked_at, linted.passed_over) == (0, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: HorizontalPodAutoscaler\nspec: [", ":3: is not YAML"),
        ("{{- if .Values.enabled }}\nkind: ScaledObject\n", ":1: is not YAML"),
        ("a: 1\na: 2\n", "key 'a' appears twice"),
    ],
)
def test_what_is_not_yaml_is_one_clear_error(text: str, said: str, tmp_path: Path) -> None:
    """File and line, nothing else."""
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        lint([path])
    (finding,) = caught.value.findings
    assert said in finding


@pytest.mark.parametrize(
    "body",
    [
        "spec: 3",
        "spec: {metrics: {}}",
        "spec: {metrics: [1, null, {external: []}]}",
        "metadata: []\nspec: {triggers: [{type: prometheus, metadata: 4}]}",
        "spec: {triggers: [{type: prometheus, metadata: {query: [wva_desired_replicas]}}]}",
        "metadata: {annotations: {llm-d.ai/managed: true}}\nspec: {fallback: 1, scaleTargetRef: 7}",
    ],
)
@pytest.mark.parametrize("kind", ["HorizontalPodAutoscaler", "ScaledObject"])
def test_objects_of_impossible_shape_are_no_traceback(kind: str, body: str, tmp_path: Path) -> None:
    """Whatever stands there, the answer is findings or none."""
    path = tmp_path / "odd.yaml"
    path.write_text(f"kind: {kind}\n{body}\n")
    lint([path])


@pytest.mark.parametrize(
    ("query", "single"),
    [
        ("max(wva_desired_replicas)", True),
        (f"max by (variant_name) (wva_desired_replicas{{{LLAMA}}})", True),
        (f"  max(wva_desired_replicas{{{LLAMA}}}) by (variant_name)", True),
        ("max by (variant_name) (wva_desired_replicas)", False),
        (f"max without (pod) (wva_desired_replicas{{{LLAMA}}})", False),
        (f"avg(wva_desired_replicas{{{LLAMA}}})", False),
        ("max_over_time(wva_desired_replicas[5m])", False),
        ("wva:desired_replicas:safe", False),
    ],
)
def test_a_query_of_one_element_is_recognised(query: str, *, single: bool) -> None:
    """What keeps a label keeps a series a value."""
    assert one_element(query) is single


def test_selectors_are_read_as_prometheus_reads_them() -> None:
    """Quotes of three kinds, braces in strings, and only whole names."""
    query = "my_wva_desired_replicas{a='b'} or wva_desired_replicas{variant_name='x}', namespace=`n`, pod!~\"p.*\"}"
    (found,) = asked(query)
    assert dict(found.equal) == {"variant_name": "x}", "namespace": "n"}
    assert found.other == {"pod"}


@given(st.text())
def test_any_text_may_stand_where_a_query_should(text: str) -> None:
    """It is looked at, and never the end of us."""
    asked(text)
    one_element(text)
