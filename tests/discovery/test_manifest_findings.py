"""What is said of manifests that cannot be meant, and of files that were made to hurt."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from manifest_builder import DEPLOYMENT, GROUP, HPA, SCALED_OBJECT, VARIANT, read, refused

from wva_exporter.discovery.manifests import read_manifests
from wva_exporter.errors import ConfigError

ANNOTATIONS = "metadata.annotations[llm-d.ai/"
EMPTY = "is missing: must be a string that is not empty"
NUMBER = "is not allowed: must be a number of at least 0"
QUOTED = "is not allowed: must be 'true' or 'false', in quotes"
SPEC = "spec.scaleTargetRef"


@pytest.mark.parametrize(
    ("old", "new", "line", "finding"),
    [
        ('"true"', "true", 7, f"{ANNOTATIONS}managed]: True {QUOTED}"),
        ('"true"', '"yes"', 7, f"{ANNOTATIONS}managed]: 'yes' {QUOTED}"),
        ("    llm-d.ai/model-id: meta-llama/Llama-3.1-8B\n", "", 7, f"{ANNOTATIONS}model-id]: {EMPTY}"),
        ("meta-llama/Llama-3.1-8B", "3", 8, f"{ANNOTATIONS}model-id]: 3 is not allowed: must be a string, in quotes"),
        ('"40.0"', '"-1"', 9, f"{ANNOTATIONS}variant-cost]: '-1' {NUMBER}"),
        ('"40.0"', '"cheap"', 9, f"{ANNOTATIONS}variant-cost]: 'cheap' {NUMBER}"),
        ('"40.0"', '"NaN"', 9, f"{ANNOTATIONS}variant-cost]: 'NaN' {NUMBER}"),
        (
            "Replicas: 2",
            "Replicas: -1",
            17,
            "spec.minReplicas: -1 is not allowed: must be a whole number of at least 0",
        ),
        ("Replicas: 10", "Replicas: 1", 18, "spec.maxReplicas: 1 is not allowed: must be at least the minimum, 2"),
        (
            "kind: Deployment",
            "kind: DaemonSet",
            15,
            f"{SPEC}.kind: 'DaemonSet' is not allowed: must be Deployment, StatefulSet or LeaderWorkerSet",
        ),
        ("    name: llama-vllm\n", "", 14, f"{SPEC}.name: {EMPTY}"),
    ],
)
def test_what_an_hpa_cannot_mean_is_refused(tmp_path: Path, old: str, new: str, line: int, finding: str) -> None:
    """With line, field, value and what is allowed; never dropped in silence."""
    assert refused(tmp_path, HPA.replace(old, new)) == [f"fleet.yaml:{line}: HorizontalPodAutoscaler llama: {finding}"]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (HPA.replace("  name: llama\n", ""), f"4: HorizontalPodAutoscaler (no name): metadata.name: {EMPTY}"),
        (VARIANT.replace("  modelID: M\n", ""), f"9: VariantAutoscaling old: spec.modelID: {EMPTY}"),
        (
            VARIANT.replace("llmd.ai/v1alpha1", "llmd.ai/v2"),
            "1: VariantAutoscaling old: apiVersion: 'llmd.ai/v2' is not allowed: must be llmd.ai/v1alpha1",
        ),
        (HPA + SCALED_OBJECT, "19: is not YAML: key 'apiVersion' appears twice"),
        (HPA.replace("minReplicas", "maxReplicas"), "18: is not YAML: key 'maxReplicas' appears twice"),
        ("a: b: c", "1: is not YAML: mapping values are not allowed in this context"),
        (
            HPA.replace("name: llama\n", "name: !Ref x\n"),
            "4: is not YAML: could not determine a constructor for the tag '!Ref'",
        ),
    ],
)
def test_other_nonsense_is_refused(tmp_path: Path, text: str, finding: str) -> None:
    """As exactly."""
    assert refused(tmp_path, text) == [f"fleet.yaml:{finding}"]


def test_a_name_has_one_object(tmp_path: Path) -> None:
    """Which of two was meant is not ours to choose."""
    assert refused(tmp_path, HPA, SCALED_OBJECT) == [
        (
            "fleet.yaml:4: HorizontalPodAutoscaler llama: metadata.name: is also the name of ScaledObject llama "
            "(fleet.yaml:20): a variant has one object"
        )
    ]


def test_a_target_has_one_scaler(tmp_path: Path) -> None:
    """Two decisions for one workload would fight."""
    assert refused(tmp_path, HPA, VARIANT) == [
        (
            "fleet.yaml:29: VariantAutoscaling old: spec.scaleTargetRef: is also the target of HorizontalPodAutoscaler llama "
            "(fleet.yaml:1): a workload has one scaler"
        )
    ]


def test_gpus_are_counted_in_whole_numbers(tmp_path: Path) -> None:
    """In the workload of a variant; others are not looked at."""
    bad = DEPLOYMENT.replace('"4"', "half")
    assert refused(tmp_path, HPA, bad) == [
        (
            "fleet.yaml:37: Deployment llama-vllm: spec.template.spec.containers[0].resources.limits[nvidia.com/gpu]: "
            "'half' is not allowed: must be a whole number of GPUs"
        )
    ]
    assert read(tmp_path, bad) == ()


def test_all_findings_come_at_once(tmp_path: Path) -> None:
    """Nobody mends a file error by error."""
    bad = HPA.replace('"40.0"', '"x"').replace("minReplicas: 2", "minReplicas: x")
    (tmp_path / "more.yaml").write_text("{")
    (tmp_path / "fleet.yaml").write_text(bad)
    names = ("more.yaml", "fleet.yaml", "absent.yaml", "fleet.yaml")
    with pytest.raises(ConfigError) as caught:
        read_manifests([tmp_path / name for name in names])
    assert len(caught.value.findings) == 4
    assert f"{tmp_path}/absent.yaml: cannot be read: No such file or directory" in caught.value.findings


def test_an_empty_directory_is_a_finding(tmp_path: Path) -> None:
    """Most likely it is the wrong one."""
    with pytest.raises(ConfigError, match=r"holds no file that ends in \.yaml, \.yml, \.json"):
        read_manifests([tmp_path])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(
                f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            "grows beyond 500000 values",
        ),
        ("a: &a [*a]\n", "grows beyond 500000 values"),
        ("[" * 100_000, "nested more than 100 levels deep"),
        ("- " * 100_000, "nested more than 100 levels deep"),
        ("x" * (17 * 2**20), "is larger than 16 MiB"),
    ],
    ids=["a billion laughs", "a list within itself", "brackets", "dashes", "size"],
)
def test_files_made_to_hurt_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    """In bounded time and memory."""
    (finding,) = refused(tmp_path, text)
    assert problem in finding


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    """One line, no traceback."""
    path = tmp_path / "x.yaml"
    for raw, problem in ((b"\xff\xfe", "is not UTF-8 text"), (b"a: \x00", "cannot be used")):
        path.write_bytes(raw)
        with pytest.raises(ConfigError, match=problem) as caught:
            read_manifests([path])
        assert len(str(caught.value).splitlines()) == 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["true", "1", "Deployment"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def maimed(draw: st.DrawFn) -> str:
    """Good manifests of which some fields have become anything."""
    others = (SCALED_OBJECT.replace("llama", "keda"), VARIANT.replace("llama", "old"), GROUP.replace("llama", "keda"))
    documents: list[Any] = [yaml.safe_load(text) for text in (HPA, DEPLOYMENT, *others)]
    for _ in range(draw(st.integers(1, 4))):
        place: Any = draw(st.sampled_from(documents))
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or draw(st.booleans()):
                place[key] = draw(ANYTHING)
                break
            place = place[key]
    return yaml.safe_dump_all(documents)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples."""
    return tmp_path_factory.mktemp("maimed")


@given(text=maimed() | st.text())
def test_whatever_a_file_holds_it_declares_or_is_refused_line_by_line(folder: Path, text: str) -> None:
    """There is no third way, and no finding runs over its line."""
    findings: tuple[str, ...] = ()
    try:
        declared = read(folder, text)
    except ConfigError as error:
        declared, findings = (), error.findings
    assert all("\n" not in finding and str(folder) in finding for finding in findings)
    assert all(variant.name and variant.model for variant in declared)
