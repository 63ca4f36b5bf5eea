"""``wva-exporter generate hpa|keda|adapter`` and ``check --manifests`` as people type them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from engine_farm import Engine, Farm, Workload
from real_prometheus import RealPrometheus

from wva_exporter.cli import main
from wva_exporter.cli.output import write
from wva_exporter.errors import ConfigError

FLEET = """
prometheus: {url: "http://prometheus:9090", matchers: {cluster: eu-1}}
default_namespace: llm
variants:
  - {name: llama-a100, model: m, accelerator: A100, cost: 40, max: 10, workload: {name: llama-vllm}}
  - {name: llama-h100, model: m, min: 0, max: 4, workload: {kind: LeaderWorkerSet, name: llama-h100}}
"""


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """``told(command, configuration, *flags)``: exit code, output, complaints and the objects that were written.

    Other parts of the tests may log to standard error meanwhile: only lines of ours count.
    """

    def tell(command: str, config: str, *flags: str) -> tuple[int, str, str, dict[str, Any]]:
        path, folder = tmp_path / "wva.yaml", tmp_path / "out"
        path.write_text(config)
        code = main(["generate", command, f"--config.file={path}", f"--output={folder}", *flags])
        out, every = capsys.readouterr()
        err = "".join(line for line in every.splitlines(keepends=True) if line.startswith("wva-exporter: "))
        written = {p.name: yaml.safe_load(p.read_text()) for p in sorted(folder.glob("*"))} if folder.exists() else {}
        return code, out.replace(f"{tmp_path}/", ""), err.replace(f"{tmp_path}/", ""), written

    return tell


def test_every_variant_gets_a_file(told: Any) -> None:
    """Named after its namespace and name, read by kubectl apply."""
    code, out, err, written = told("keda", FLEET, "--offline")
    assert (code, err) == (0, "")
    assert list(written) == ["llm.llama-a100.keda.yaml", "llm.llama-h100.keda.yaml"]
    (trigger,) = written["llm.llama-a100.keda.yaml"]["spec"]["triggers"]
    assert trigger["metadata"]["serverAddress"] == "http://prometheus:9090"
    assert trigger["metadata"]["query"] == (
        'max by (variant_name) (wva:desired_replicas:safe{variant_name="llama-a100",namespace="llm",cluster="eu-1"})'
    )
    assert "note: wva:desired_replicas:safe is a recording rule: load our rules, or give --series=raw" in out


def test_what_is_read_and_where_can_be_chosen(told: Any) -> None:
    """The raw series, under the label of a scrape without honorLabels, from the Prometheus that KEDA reaches."""
    flags = ("--series=raw", "--namespace-label=exported_namespace", "--keda.server=http://other:9090")
    _, _, _, written = told("keda", FLEET, "--offline", *flags)
    (trigger,) = written["llm.llama-h100.keda.yaml"]["spec"]["triggers"]
    assert trigger["metadata"]["serverAddress"] == "http://other:9090"
    assert 'wva_desired_replicas{variant_name="llama-h100",exported_namespace="llm"' in trigger["metadata"]["query"]


def test_keda_can_read_the_exporter_itself(told: Any) -> None:
    """No Prometheus is needed for that."""
    config = FLEET.replace('prometheus: {url: "http://prometheus:9090", matchers: {cluster: eu-1}}', "")
    _, _, _, written = told("keda", config, "--keda.trigger=metrics-api", "--keda.exporter=http://wva:10982/metrics")
    (trigger,) = written["llm.llama-a100.keda.yaml"]["spec"]["triggers"]
    assert trigger["type"] == "metrics-api"
    assert trigger["metadata"]["url"] == "http://wva:10982/metrics"
    assert trigger["metadata"]["valueLocation"] == 'wva_desired_replicas{variant_name="llama-a100",namespace="llm"}'
    code, _, err, _ = told("keda", config)
    assert (code, err.count("\n")) == (2, 1)
    assert "no Prometheus for KEDA to ask: give --keda.server=URL" in err


def test_an_hpa_at_zero_says_what_it_needs(told: Any) -> None:
    """Older clusters refuse a minimum of 0; the file has 1 and a note says why."""
    _, out, _, written = told("hpa", FLEET, "--offline", "--kubernetes.version=v1.35.2")
    assert written["llm.llama-h100.hpa.yaml"]["spec"]["minReplicas"] == 1
    assert "note: variant llama-h100: minReplicas is 1" in out
    assert "set hpa_tolerance: 0" in out
    _, out, _, written = told("hpa", FLEET, "--offline", "--kubernetes.feature-gate=HPAScaleToZero")
    assert written["llm.llama-h100.hpa.yaml"]["spec"]["minReplicas"] == 0
    assert "minReplicas is 1" not in out


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ("{name: a, model: m, max: 3}", "nobody says what runs it; give it workload: {name: ...}"),
        ("{name: a, model: m, workload: {name: w}}", "nobody says how many replicas it may have; give it max"),
        ("{name: A 1, model: m, max: 3, workload: {name: w}}", "'A 1' cannot be the name of a Kubernetes object"),
        ("{name: ../a, model: m, max: 3, workload: {name: w}}", "'../a' cannot be the name of a Kubernetes object"),
        ("{name: a, model: m, max: 3, workload: {kind: Job, name: w}}", "Job w is not Deployment, StatefulSet"),
    ],
)
def test_a_variant_that_cannot_get_one_is_named_with_the_reason(variant: str, said: str, told: Any) -> None:
    """Nothing is guessed: exit code 1, and the others are written."""
    code, out, _, written = told("hpa", FLEET + f"  - {variant}\n", "--offline")
    assert code == 1
    assert said in out
    assert len(written) == 2


def test_variants_of_one_workload_get_no_scalers(told: Any) -> None:
    """Two would undo each other's work; which of them is meant is not ours to guess."""
    rival = "  - {name: other, model: m, max: 2, workload: {name: llama-vllm}}\n"
    code, out, _, written = told("keda", FLEET + rival, "--offline")
    assert (code, list(written)) == (1, ["llm.llama-h100.keda.yaml"])
    assert out.count("Deployment llama-vllm runs another variant too, and has one scaler") == 2


@pytest.mark.parametrize("url", ["htp:/x y", "prometheus:9090", "http://user:secret@p:9090", "http://p:9090/ x", ""])
def test_an_address_that_keda_cannot_ask_is_bad_usage(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is written, and a password is in no object."""
    with pytest.raises(SystemExit) as ended:
        main(["generate", "keda", f"--keda.server={url}", f"--output={tmp_path / 'out'}"])
    assert ended.value.code == 2
    assert "is not a URL such as" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_address_that_only_this_machine_has_is_noted(told: Any) -> None:
    """KEDA runs elsewhere."""
    _, out, _, _ = told("keda", FLEET, "--offline", "--keda.server=http://localhost:9090")
    assert "note: KEDA asks http://localhost:9090 from its own pod" in out


def test_objects_of_an_earlier_run_are_noted(told: Any, tmp_path: Path) -> None:
    """A variant that was renamed leaves its object behind, and ``kubectl apply`` takes whole folders."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "llm.gone.hpa.yaml").write_text("")
    _, out, _, _ = told("hpa", FLEET, "--offline")
    assert "note: out/llm.gone.hpa.yaml: is of an earlier run" in out


def test_all_files_are_written_or_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second cannot be; the first is not left behind alone, nor half of one."""
    (tmp_path / "second.part").mkdir()
    with pytest.raises(ConfigError, match=r"second\.part: cannot be written"):
        write(tmp_path, {"first": "a", "second": "b"})
    assert [path.name for path in tmp_path.iterdir()] == ["second.part"]
    assert capsys.readouterr().out == ""


def test_a_fleet_without_variants_is_a_finding(told: Any) -> None:
    """No empty folder that looks like success."""
    code, out, _, written = told("hpa", "{}", "--offline")
    assert (code, written) == (1, {})
    assert "no variant: none is declared and none was found" in out


def test_a_variant_without_a_name_is_one_clear_error(told: Any) -> None:
    """The configuration's own check says where."""
    code, _, err, _ = told("keda", "variants: [{model: m}]", "--offline")
    assert (code, err) == (2, "wva-exporter: wva.yaml:1: variants[0]: name is required\n")


def test_credentials_are_asked_for_and_not_copied(told: Any) -> None:
    """Tokens and headers are files and secrets of the exporter; KEDA needs its own."""
    config = FLEET.replace(
        "matchers: {cluster: eu-1}", "bearer_token_file: /token, headers: {X-Scope-OrgID: secret-tenant}"
    )
    _, out, _, written = told("keda", config, "--offline")
    (trigger,) = written["llm.llama-a100.keda.yaml"]["spec"]["triggers"]
    assert trigger["metadata"]["authModes"] == "bearer"
    assert trigger["authenticationRef"] == {"name": "wva-prometheus"}
    assert "make a TriggerAuthentication wva-prometheus in each namespace" in out
    assert "secret-tenant" not in out + str(written)


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, no traceback."""
    (tmp_path / "file").write_text("")
    assert main(["generate", "adapter", f"--output={tmp_path}/file/x"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_adapter_serves_one_series_under_the_name_that_hpas_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The larger of two, in the HPA's own namespace, whatever series it comes from."""
    assert main(["generate", "adapter", f"--output={tmp_path}", "--namespace-label=exported_namespace"]) == 0
    capsys.readouterr()
    (rule,) = yaml.safe_load((tmp_path / "prometheus-adapter-config.yaml").read_text())["externalRules"]
    assert rule == {
        "seriesQuery": 'wva:desired_replicas:safe{variant_name!="",exported_namespace!=""}',
        "resources": {"overrides": {"exported_namespace": {"resource": "namespace"}}},
        "name": {"matches": "^wva:desired_replicas:safe$", "as": "wva_desired_replicas"},
        "metricsQuery": "max by (variant_name, exported_namespace) (<<.Series>>{<<.LabelMatchers>>})",
    }
    values = yaml.safe_load((tmp_path / "prometheus-adapter-values.yaml").read_text())
    assert values == {"rules": {"external": [rule]}}


def test_what_is_generated_passes_the_check(told: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The linter and the generator are of one mind."""
    told("keda", FLEET, "--offline", "--kubernetes.version=1.35")
    flags = [f"--config.file={tmp_path}/wva.yaml", "--offline", "--kubernetes.version=1.35"]
    assert main(["check", f"--manifests={tmp_path}/out", *flags]) == 0
    assert "manifests: 2 objects looked at, 0 follow something else, 0 findings" in capsys.readouterr().out


def test_traps_are_findings_of_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each with file and line, exit code 1; no data source is needed."""
    (tmp_path / "trap.yaml").write_text(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a, namespace: n}\nspec:\n"
        "  scaleTargetRef: {kind: Deployment, name: a}\n  metrics:\n    - type: External\n      external:\n"
        "        metric: {name: wva_desired_replicas, selector: {matchLabels: {variant_name: a, namespace: n}}}\n"
        "        target: {type: Value, value: 1}\n"
    )
    assert main(["check", f"--manifests={tmp_path}"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[1].startswith(
        f"{tmp_path}/trap.yaml:10: HorizontalPodAutoscaler a: spec.metrics[0].external.target.type:"
    )
    assert out[2] == "manifests: 1 objects looked at, 0 follow something else, 1 findings"


def test_a_folder_without_anything_of_ours_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong folder must not look like a sound one."""
    (tmp_path / "deployment.yaml").write_text("kind: Deployment\n")
    assert main(["check", f"--manifests={tmp_path}"]) == 1
    assert "nothing here follows wva_desired_replicas" in capsys.readouterr().out


def test_a_manifest_that_is_not_yaml_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one line."""
    (tmp_path / "broken.yaml").write_text("a: [\n")
    assert main(["check", f"--manifests={tmp_path}"]) == 2
    assert capsys.readouterr().err == (
        f"wva-exporter: {tmp_path}/broken.yaml:2: is not YAML: did not find expected node content\n"
    )


@pytest.mark.parametrize("version", ["one", "1", "1.x", "-1.30", "1.30.", "²", ""])
def test_a_version_that_is_none_is_bad_usage(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, as for every flag."""
    with pytest.raises(SystemExit) as ended:
        main(["generate", "hpa", "--output=x", f"--kubernetes.version={version}"])
    assert ended.value.code == 2
    assert "is not a version such as 1.35" in capsys.readouterr().err


@pytest.fixture(scope="module")
def url(prometheus_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that has scraped two replicas and kube-state-metrics."""
    farm = Farm().start()
    farm.add(*(Engine(pod=f"llama-a100-{i}") for i in range(2)))
    farm.workloads["llama-a100"] = Workload(name="llama-a100", spec=2, ready=2)
    server = RealPrometheus.start(
        prometheus_bin, tmp_path_factory.mktemp("generate"), farm.prometheus_config(kube=True)
    )
    try:
        server.wait_for("count(kube_pod_owner) == 2 and on () count(vllm:num_requests_running) == 2")
        yield server.url
    finally:
        server.kill()
        farm.stop()


def test_a_discovered_variant_gets_one_too(url: str, told: Any) -> None:
    """Who runs it comes from kube-state-metrics; only the maximum is the operator's word."""
    code, out, _, written = told("hpa", "scrape_interval: 1s\nwindow_floor: 3s\n", f"--prometheus.url={url}")
    assert (code, written) == (1, {})
    assert "variant llama-a100 of namespace llm: nobody says how many replicas it may have; give it max" in out
    named = "variants: [{name: llama-a100, namespace: llm, model: tiny-llama, max: 6}]\nscrape_interval: 1s\n"
    code, _, err, written = told("hpa", named, f"--prometheus.url={url}")
    assert (code, err) == (0, "")
    spec = written["llm.llama-a100.hpa.yaml"]["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llama-a100"}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 6)


def test_a_source_that_does_not_answer_is_exit_code_3(free_port: int, told: Any) -> None:
    """As of every command that looks."""
    code, _, err, _ = told("hpa", "{}", f"--prometheus.url=http://127.0.0.1:{free_port}")
    assert (code, err.count("\n")) == (3, 1)
