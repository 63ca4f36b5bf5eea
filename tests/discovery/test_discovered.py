"""The variants that nobody declared, by what an operator would see."""

import pytest
from discovery_builder import HASHED, found, members, origins, pod, scaler, seen, variant, workload

from wva_exporter.core.declaration import Declarations
from wva_exporter.core.fleet import Origin
from wva_exporter.core.sightings import Sightings
from wva_exporter.discovery.discover import discover


def test_a_label_names_the_variant_before_its_owner_does() -> None:
    """It is the operator's word."""
    result = found(seen(pod("p", variant_label="x"), owned=workload("w")))
    assert members(result) == {"x": ["p"]}
    assert origins(result) == [Origin.LABEL]
    assert result.workload == (workload("w"),)
    assert result.guesses == ()


def test_an_owner_names_the_variant_after_the_scaler_that_targets_it() -> None:
    """The HPA asks for its own name."""
    result = found(seen(pod("p"), owned=workload("w"), scalers=[scaler("hpa", workload("w"), 2, 7)]))
    variants = result.fleet.variants
    assert (variants.name, variants.minimum.tolist(), variants.maximum.listed()) == (("hpa",), [2], [7.0])
    assert origins(result) == [Origin.OWNER]


def test_an_owner_without_scaler_gives_its_own_name() -> None:
    """Bounds are then unknown above and one below."""
    variants = found(seen(pod("p"), owned=workload("w"))).fleet.variants
    assert (variants.name, variants.minimum.tolist(), variants.maximum.listed()) == (("w",), [1], [None])
    assert (variants.accelerator, variants.cost.listed(), variants.role.tolist()) == (("",), [None], [0])


def test_a_scaled_object_gives_the_variant_its_name_not_that_of_kedas_hpa() -> None:
    """KEDA prefixes what it makes."""
    result = found(seen(pod("p"), owned=workload("w"), scalers=[scaler("keda-hpa-so", workload("w"))]))
    assert result.fleet.variants.name == ("so",)


def test_two_scalers_of_one_workload_are_one_variant_and_a_sentence() -> None:
    """Kubernetes lets neither act."""
    result = found(
        seen(pod("p"), owned=workload("w"), scalers=[scaler("b", workload("w")), scaler("a", workload("w"))])
    )
    assert result.fleet.variants.name == ("a",)
    assert result.guesses == ("Deployment w of namespace llm: scaled by a and by b; only a counts, delete one",)


def test_scalers_of_other_workloads_are_not_spoken_of() -> None:
    """A cluster has many that serve no model."""
    others = [scaler("b", workload("shop")), scaler("a", workload("shop"))]
    assert found(seen(pod("p"), owned=workload("w"), scalers=others)).guesses == ()


def test_without_owners_the_stem_of_the_name_is_a_guess() -> None:
    """Two replica sets of one Deployment are one variant."""
    result = found(seen(*(pod(name) for name in HASHED)))
    assert members(result) == {"llama": list(HASHED)}
    assert origins(result) == [Origin.STEM]
    assert result.guesses == (
        (
            "variant llama of namespace llm: guessed from pod names (3 pods); "
            "name it under variants: or label pods llm-d.ai/variant"
        ),
    )


def test_a_pod_that_kube_state_metrics_has_not_seen_yet_joins_its_siblings() -> None:
    """Otherwise each new replica would be a variant of its own for a minute."""
    old, new = pod(HASHED[0]), pod(HASHED[1])
    result = found(
        Sightings(
            pods=(old, new),
            owner={("llm", old.name): workload("llama", "Rollout")},
            scalers=(scaler("hpa", workload("llama", "Rollout")),),
        )
    )
    assert members(result) == {"hpa": [old.name, new.name]}
    assert origins(result) == [Origin.OWNER]
    assert result.guesses == ()


def test_an_owner_chain_that_ends_at_a_replica_set_is_followed_by_its_name() -> None:
    """Without ``kube_replicaset_owner`` a rollout must not rename the variant."""
    result = found(seen(pod(HASHED[0]), owned=workload("llama-7d9f8c6b5d", "ReplicaSet")))
    assert members(result) == {"llama": [HASHED[0]]}
    assert origins(result) == [Origin.STEM]


def test_targets_that_are_no_pods_are_one_variant_a_job_and_model() -> None:
    """An address tells nothing; the name can be the value of a Kubernetes label."""
    targets = [pod(f"10.0.0.{i}:8000", model="org/M.1", instance=f"10.0.0.{i}:8000") for i in range(2)]
    other = pod("10.0.0.9:8000", model="N", instance="10.0.0.9:8000")
    result = found(seen(*targets, other))
    assert result.fleet.variants.name == ("vllm-n", "vllm-org-m.1")
    assert result.variant_of.tolist() == [1, 1, 0]
    assert (
        result.guesses[0] == "variant vllm-n of namespace llm: guessed from job vllm (1 pod); name it under variants:"
    )


def test_pods_that_tell_nothing_belong_to_nobody() -> None:
    """They are listed, for their load is lost."""
    lost = pod("10.0.0.1:8000", model="", instance="10.0.0.1:8000")
    result = found(seen(lost))
    assert (len(result.fleet), result.unattributed) == (0, (lost,))
    assert result.guesses == (
        "namespace llm: 1 pod of job vllm without model name and workload; counted for no variant",
    )


def test_pods_without_a_namespace_are_in_the_default_one() -> None:
    """Decided before anything is compared."""
    declarations = Declarations(default_namespace="llm", variants=(variant("a"),))
    result = discover(declarations, seen(pod("p", namespace="", variant_label="a")), None)
    assert members(result) == {"a": ["p"]}
    assert result.guesses == ()


def test_one_name_has_one_model() -> None:
    """The model of most pods; the others' load cannot be told apart from nothing, and that is said."""
    pods = [pod(f"p{i}", model=model, variant_label="x") for i, model in enumerate("NMMN") if i]
    result = found(seen(*pods))
    assert result.fleet.models.name == ("M",)
    assert members(result) == {"x": ["p1", "p2"], "": ["p3"]}
    assert [each.name for each in result.unattributed] == ["p3"]
    assert result.guesses == (
        "variant x of namespace llm: its pods serve several models; 1 pod with N counted for no variant, the others serve M",
    )


def test_a_pod_that_names_no_model_goes_with_its_siblings() -> None:
    """Silence is not another model."""
    result = found(seen(pod("p", variant_label="x"), pod("q", model="", variant_label="x")))
    assert members(result) == {"x": ["p", "q"]}


@pytest.mark.parametrize(
    ("seen_pods", "replicas"),
    [
        (["llama-0", "llama-1"], ["llama-0", "llama-1"]),
        (["llama-0", "llama-0-1", "llama-0-2", "llama-1", "llama-1-1"], ["llama-0", "llama-1"]),
        (["llama-0-1"], []),
        (["llama-0"], ["llama-0"]),
    ],
    ids=["leaders only", "all emit", "leader missing", "size one"],
)
def test_only_the_leader_of_a_group_is_a_replica(seen_pods: list[str], replicas: list[str]) -> None:
    """A LeaderWorkerSet scales by groups; workers are no replicas and nobody's loss either."""
    owner = {("llm", name): workload(name.rsplit("-", 1)[0], "StatefulSet") for name in seen_pods}
    group = workload("llama", "LeaderWorkerSet")
    sightings = Sightings(pods=tuple(map(pod, seen_pods)), owner=owner, scalers=(scaler("v", group),))
    result = found(sightings, variant("v"))
    assert [p.name for p, row in zip(result.pods, result.variant_of, strict=True) if row == 0] == replicas
    assert result.unattributed == ()
    assert result.workload == (group,)


@pytest.mark.parametrize("owned", [True, False], ids=["owners known", "names only"])
def test_a_pod_of_a_set_that_is_named_like_a_pod_is_its_worker(owned: bool) -> None:
    """So a LeaderWorkerSet names the StatefulSet of a group's workers, whether or not anything else speaks of groups."""
    names = ["llama-0", "llama-0-1", "llama-1", "llama-1-1"]
    owner = {("llm", name): workload(name.rsplit("-", 1)[0], "StatefulSet") for name in names if owned}
    result = found(Sightings(pods=tuple(map(pod, names)), owner=owner))
    assert members(result) == {"llama": ["llama-0", "llama-1"], "": ["llama-0-1", "llama-1-1"]}
    assert result.part_of == {
        ("llm", "llama-0-1"): ("llm", "llama-0"),
        ("llm", "llama-1-1"): ("llm", "llama-1"),
    }
    assert result.unattributed == ()


def test_a_workload_with_two_ordinals_is_no_group_elsewhere() -> None:
    """A Deployment beside groups keeps all its pods."""
    plain = seen(
        pod("other-0-1"),
        owned=workload("other-0", "StatefulSet"),
        scalers=[scaler("v", workload("w", "LeaderWorkerSet"))],
    )
    assert members(found(plain)) == {"other-0": ["other-0-1"]}


def test_a_label_over_two_workloads_has_no_workload() -> None:
    """Neither of the two counts is the variant's."""
    owner = {("llm", "p"): workload("w1"), ("llm", "q"): workload("w2")}
    pods = (pod("p", variant_label="x"), pod("q", variant_label="x"))
    assert found(Sightings(pods=pods, owner=owner)).workload == (None,)
