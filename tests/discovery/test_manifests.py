"""Manifests that WVA's users have, as declarations."""

from pathlib import Path

import pytest
from manifest_builder import DEPLOYMENT, GROUP, HPA, SCALED_OBJECT, VARIANT, read

from wva_exporter.core.declaration import VariantDeclaration, Workload
from wva_exporter.core.fleet import Origin, Role
from wva_exporter.discovery.manifests import read_manifests


def test_an_annotated_hpa_is_a_variant_of_its_name(tmp_path: Path) -> None:
    """All that it says is taken over."""
    assert read(tmp_path, HPA) == (
        VariantDeclaration(
            namespace="llm",
            name="llama",
            model="meta-llama/Llama-3.1-8B",
            accelerator="A100",
            cost=40.0,
            minimum=2,
            maximum=10,
            workload=Workload(kind="Deployment", namespace="llm", name="llama-vllm"),
            origin=Origin.MANIFEST,
        ),
    )


def test_an_annotated_scaled_object_is_one_too(tmp_path: Path) -> None:
    """Its minimum may be 0, its target's kind is Deployment unless it says otherwise, its cost is unknown and not 10."""
    (variant,) = read(tmp_path, SCALED_OBJECT)
    assert (variant.minimum, variant.maximum, variant.cost) == (0, 5, None)
    assert variant.workload == Workload(kind="Deployment", namespace="llm", name="llama-vllm")


def test_absent_bounds_stay_what_their_kind_makes_of_them(tmp_path: Path) -> None:
    """1 for an HPA, unknown for a ScaledObject."""
    assert read(tmp_path, HPA.replace("  minReplicas: 2\n", ""))[0].minimum == 1
    (variant,) = read(tmp_path, SCALED_OBJECT.replace("  minReplicaCount: 0\n  maxReplicaCount: 5\n", ""))
    assert (variant.minimum, variant.maximum) == (None, None)


def test_a_variant_autoscaling_takes_its_bounds_from_the_scaler_of_its_target(tmp_path: Path) -> None:
    """Earlier releases kept them apart."""
    (variant,) = read(tmp_path, VARIANT, HPA.replace('"true"', '"false"'))
    assert (variant.name, variant.model, variant.cost, variant.accelerator) == ("old", "M", 10.5, "H100")
    assert (variant.minimum, variant.maximum) == (2, 10)


def test_the_earliest_variant_autoscaling_is_named_like_its_deployment(tmp_path: Path) -> None:
    """It has no target."""
    text = VARIANT.replace("  scaleTargetRef:\n    kind: Deployment\n    name: llama-vllm\n", "")
    assert read(tmp_path, text)[0].workload == Workload(kind="Deployment", namespace="llm", name="old")


def test_the_workload_beside_tells_role_gpus_and_accelerator(tmp_path: Path) -> None:
    """Node selection goes before the scaler's label, and products are named by their chip."""
    (variant,) = read(tmp_path, HPA, DEPLOYMENT)
    assert (variant.role, variant.gpus_per_replica, variant.accelerator) == (Role.PREFILL, 4, "H100")


def test_a_group_needs_the_gpus_of_all_its_pods(tmp_path: Path) -> None:
    """One leader with 1 and two workers with 8 each; the accelerator by affinity, In, first value."""
    (variant,) = read(tmp_path, HPA.replace("kind: Deployment", "kind: LeaderWorkerSet"), GROUP)
    assert (variant.role, variant.gpus_per_replica, variant.accelerator) == (Role.DECODE, 17, "MI300X")


def test_a_group_without_a_leader_template_is_all_workers(tmp_path: Path) -> None:
    """As LeaderWorkerSet has it."""
    text = GROUP.replace("leaderTemplate:", "unused:")
    (variant,) = read(tmp_path, HPA.replace("kind: Deployment", "kind: LeaderWorkerSet"), text)
    assert variant.gpus_per_replica == 24


def test_required_affinity_goes_before_preferred(tmp_path: Path) -> None:
    """And operators other than In choose nothing."""
    affinity = """\
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
              - matchExpressions:
                  - {key: nvidia.com/gpu.product, operator: NotIn, values: [Tesla-T4]}
              - matchExpressions:
                  - {key: cloud.google.com/gke-accelerator, operator: In, values: [nvidia-l4]}
"""
    text = DEPLOYMENT.replace("      nodeSelector:\n        nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3\n", affinity)
    assert read(tmp_path, HPA, text)[0].accelerator == "L4"


def test_a_stateful_set_may_be_a_target(tmp_path: Path) -> None:
    """It scales like a Deployment; without GPU requests a replica has one."""
    workload = DEPLOYMENT.replace("kind: Deployment", "kind: StatefulSet").replace('"4"', '"0"')
    (variant,) = read(tmp_path, HPA.replace("kind: Deployment", "kind: StatefulSet"), workload)
    assert variant.workload is not None
    assert (variant.workload.kind, variant.role, variant.gpus_per_replica) == ("StatefulSet", Role.PREFILL, 1)


@pytest.mark.parametrize(
    "text",
    [
        HPA.replace('    llm-d.ai/managed: "true"\n', ""),
        HPA.replace('"true"', '"false"'),
        HPA.replace("autoscaling/v2", "example.org/v1"),
        HPA.replace("  namespace: llm\n", "  ownerReferences: [{kind: ScaledObject, name: llama}]\n"),
        HPA.replace("  labels:\n", "  labels:\n    app.kubernetes.io/managed-by: keda-operator\n"),
        "kind: ConfigMap\nweird: !Ref x\n",
        "- just\n- a list\n",
        "",
    ],
    ids=[
        "not annotated",
        "not managed",
        "another group",
        "KEDA's own",
        "KEDA's by label",
        "another kind",
        "a list",
        "nothing",
    ],
)
def test_other_objects_are_passed_over(tmp_path: Path, text: str) -> None:
    """They are somebody else's."""
    assert read(tmp_path, text) == ()


def test_what_scalers_of_others_say_wrongly_is_not_our_business(tmp_path: Path) -> None:
    """Only annotated objects are judged; a useless bound is no bound."""
    odd = HPA.replace('"true"', '"false"').replace("minReplicas: 2", "minReplicas: two").replace("10", "0")
    assert [(v.minimum, v.maximum) for v in read(tmp_path, VARIANT, odd)] == [(None, None)]


def test_a_namespace_that_is_not_written_is_the_default_one(tmp_path: Path) -> None:
    """Manifests are often applied with ``-n``."""
    path = tmp_path / "a.yaml"
    path.write_text(HPA.replace("  namespace: llm\n", "") + "---\n" + DEPLOYMENT.replace("  namespace: llm\n", ""))
    (variant,) = read_manifests([path], "team")
    assert variant.workload is not None
    assert (variant.namespace, variant.workload.namespace, variant.gpus_per_replica) == ("team", "team", 4)


def test_a_scaled_object_goes_before_an_hpa_of_the_same_target(tmp_path: Path) -> None:
    """As in WVA's listing."""
    assert [v.model for v in read(tmp_path, HPA.replace("name: llama\n", "name: other\n"), SCALED_OBJECT)] == ["M"]


def test_directories_lists_and_json_are_read_hidden_files_are_not(tmp_path: Path) -> None:
    """A mounted ConfigMap keeps its older copies in hidden folders."""
    indented = HPA.replace("\n", "\n    ").rstrip()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "list.yml").write_text(f"kind: List\nitems:\n  - {indented}\n")
    (tmp_path / "one.json").write_text(
        '{"kind": "ScaledObjectList", "items": [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": '
        '{"name": "j", "annotations": {"llm-d.ai/managed": "true", "llm-d.ai/model-id": "M"}}, '
        '"spec": {"scaleTargetRef": {"name": "j"}}}]}'
    )
    (tmp_path / ".old").mkdir()
    (tmp_path / ".old" / "bad.yaml").write_text("{")
    (tmp_path / "README.md").write_text("{")
    assert [(v.namespace, v.name) for v in read_manifests([tmp_path])] == [("default", "j"), ("llm", "llama")]
