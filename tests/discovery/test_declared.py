"""Which pods a declared variant gets: one test a rule."""

import pytest
from discovery_builder import HASHED, found, members, pod, scaler, seen, variant, workload

from wva_exporter.core.declaration import Selector, VariantDeclaration
from wva_exporter.core.fleet import Origin
from wva_exporter.core.sightings import Sightings


def test_a_selector_takes_the_pods_that_it_matches_fully() -> None:
    """``llama-a`` is not a match of ``llama-a-.*``, nor is a longer name of ``llama-a``."""
    result = found(
        seen(pod("llama-a-1"), pod("llama-ab"), pod("llama-b-1")), variant("a", selector=Selector(pod="llama-a-.*"))
    )
    assert members(result)["a"] == ["llama-a-1"]


def test_all_given_fields_of_a_selector_must_match() -> None:
    """One that fails is enough."""
    selector = Selector(job="vllm", llm_d_ai_variant="x", instance="p.*", namespace="llm")
    result = found(
        seen(pod("p", variant_label="x"), pod("q", variant_label="x"), pod("p2")), variant("a", selector=selector)
    )
    assert members(result)["a"] == ["p"]


def test_a_declared_variant_exists_without_pods() -> None:
    """It was named, so it is published; whether it runs is another question."""
    result = found(Sightings(pods=()), variant("a"))
    assert result.fleet.key == (("llm", "a"),)
    assert result.workload == (None,)
    assert result.guesses == ()


@pytest.mark.parametrize(
    ("sightings", "declared"),
    [
        (seen(pod("p", variant_label="a")), variant("a")),
        (seen(pod("p"), owned=workload("w")), variant("a", workload=workload("w"))),
        (seen(pod("p"), owned=workload("w"), scalers=[scaler("a", workload("w"))]), variant("a")),
        (seen(pod("p"), owned=workload("w"), scalers=[scaler("keda-hpa-a", workload("w"))]), variant("a")),
        (seen(pod("p"), owned=workload("a")), variant("a")),
        (seen(pod("p"), owned=workload("w", "StatefulSet")), variant("a", workload=workload("w", "LeaderWorkerSet"))),
    ],
    ids=["label", "workload", "scaler", "KEDA's scaler", "own name", "leader of a group"],
)
def test_without_a_selector_a_variant_knows_its_pods(sightings: Sightings, declared: VariantDeclaration) -> None:
    """By label, by workload, by the scaler of its name, and by its own name where nothing else is said."""
    result = found(sightings, declared)
    assert members(result) == {"a": ["p"]}
    assert result.guesses == ()


def test_a_workload_that_is_declared_otherwise_is_not_taken_for_its_name() -> None:
    """Deployment ``a`` is not the variant ``a`` whose declaration says Deployment ``b``."""
    result = found(seen(pod("p"), owned=workload("a")), variant("a", workload=workload("b")))
    assert members(result) == {"a": [], "": ["p"]}
    assert result.guesses == (
        "variant a of namespace llm: 1 pod named like it, but not what its declaration asks for; counted for no variant",
    )


def test_pods_of_another_model_are_not_the_variants() -> None:
    """Their load would be counted against the wrong capacity; the operator is told."""
    result = found(seen(pod("p", model="N"), pod("q", model="")), variant("a", selector=Selector(pod=".")))
    assert members(result)["a"] == ["q"]
    assert "variant a of namespace llm: matches 1 pod of model N; not counted, its own model is M" in result.guesses


def test_many_wrong_models_are_one_sentence() -> None:
    """A selector that is too wide is one mistake."""
    wide = variant("a", selector=Selector(job="vllm"))
    result = found(seen(*(pod(f"p{i}", model=f"N{i}") for i in range(5))), wide)
    assert result.guesses[0] == (
        "variant a of namespace llm: matches 5 pods of model N0, N1, N2 and 2 more; not counted, its own model is M"
    )


def test_of_two_selectors_the_first_declared_wins() -> None:
    """And a sentence names the loser."""
    both = Selector(pod="p.*")
    result = found(seen(pod("p1"), pod("p2")), variant("b", selector=both), variant("a", selector=both))
    assert members(result) == {"b": ["p1", "p2"], "a": []}
    assert result.guesses == (
        (
            "variant b of namespace llm: shares 2 pods with variant a, which is declared later and does not get them; "
            "make their selectors differ"
        ),
    )


def test_a_variant_of_the_pods_own_namespace_goes_before_one_of_another() -> None:
    """The same names in staging and production are not each other's."""
    selector = Selector(pod="p")
    result = found(
        seen(pod("p", namespace="stage"), pod("p", namespace="prod")),
        variant("a", namespace="prod", selector=selector),
        variant("a", namespace="stage", selector=selector),
    )
    assert result.variant_of.tolist() == [1, 0]
    assert result.guesses == ()


def test_a_selector_that_reaches_into_another_namespace_says_so() -> None:
    """It may be meant, since a selector without namespace matches every one."""
    result = found(seen(pod("p")), variant("a", namespace="default", selector=Selector(pod="p")))
    assert members(result) == {"a": ["p"]}
    assert result.guesses[0].startswith("variant a of namespace default: its selector takes 1 pod of namespace llm;")
    named = variant("a", namespace="default", selector=Selector(pod="p", namespace="llm"))
    assert found(seen(pod("p")), named).guesses == ()


def test_a_variant_that_is_declared_twice_is_the_first() -> None:
    """Configuration before manifests."""
    result = found(Sightings(pods=()), variant("a", cost=1.0), variant("a", cost=2.0, origin=Origin.MANIFEST))
    assert result.fleet.variants.cost.listed() == [1.0]
    assert result.guesses == ("variant a of namespace llm: declared twice; the first declaration holds",)


def test_a_declared_variant_without_pods_beside_a_guess_is_pointed_out() -> None:
    """Most likely they are one."""
    result = found(seen(*(pod(name) for name in HASHED)), variant("a100"))
    assert result.fleet.variants.name == ("a100", "llama")
    assert result.guesses[-1] == (
        "variant a100 of namespace llm: no pod is known to be its own, and the pods of the guessed variant llama serve its "
        "model; give it a selector"
    )


def test_a_variant_with_pods_by_their_names_only_says_so() -> None:
    """It works without kube-state-metrics, as far as names can tell."""
    result = found(seen(*(pod(name) for name in HASHED)), variant("llama"))
    assert members(result) == {"llama": list(HASHED)}
    assert result.guesses[0].startswith("variant llama of namespace llm: has its 3 pods by their names only;")
