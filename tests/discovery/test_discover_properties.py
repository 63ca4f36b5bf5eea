"""What holds of discovery whatever is declared and seen."""

import random
from collections import Counter
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.declaration import Declarations, Selector, VariantDeclaration, Workload
from wva_exporter.core.sightings import Pod, Scaler, Sightings
from wva_exporter.discovery.catalogue import Catalogue
from wva_exporter.discovery.discover import discover

NAMES = st.sampled_from(["a", "b", "w", "hpa", "vllm-m"])
SPACES = st.sampled_from(["", "x", "default"])
MODELS = st.sampled_from(["", "M", "N"])
PODS = st.sampled_from(["w-7d9f8c6b5d-x2k4p", "w-7d9f8c6b5d-bcdfg", "w-0", "w-0-1", "b-1", "plain", "10.0.0.1:8000"])
WORKLOADS = st.builds(
    Workload,
    kind=st.sampled_from(["Deployment", "StatefulSet", "LeaderWorkerSet", "ReplicaSet"]),
    namespace=st.sampled_from(["x", "default"]),
    name=NAMES | st.just("w-7d9f8c6b5d"),
)
PATTERNS = st.none() | st.sampled_from(["w-.*", ".*", "plain", "vllm", "x", "a|b"])

pods = st.builds(
    Pod, SPACES, PODS, MODELS, job=st.sampled_from(["", "vllm"]), instance=PODS, variant_label=st.just("") | NAMES
)
variants = st.builds(
    VariantDeclaration,
    namespace=st.sampled_from(["x", "default"]),
    name=NAMES,
    model=st.sampled_from(["M", "N"]),
    minimum=st.none() | st.integers(0, 3),
    maximum=st.none() | st.integers(3, 5),
    selector=st.none() | st.builds(Selector, namespace=PATTERNS, pod=PATTERNS, job=PATTERNS, llm_d_ai_variant=PATTERNS),
    workload=st.none() | WORKLOADS,
)
scalers = st.builds(
    Scaler,
    namespace=st.just("x"),
    name=NAMES,
    target=WORKLOADS,
    minimum=st.none() | st.integers(0, 6),
    maximum=st.none() | st.integers(0, 6),
)
declarations = st.lists(variants, max_size=5).map(lambda v: Declarations(variants=tuple(v)))


@st.composite
def sightings(draw: st.DrawFn) -> Sightings:
    """A few pods, each once, some with owners, and some scalers."""
    each = draw(st.lists(pods, max_size=6, unique_by=lambda p: (p.namespace, p.name)))
    owner = {(p.namespace, p.name): draw(WORKLOADS) for p in each if draw(st.booleans())}
    return Sightings(
        pods=tuple(each), owner=owner, scalers=tuple(draw(st.lists(scalers, max_size=3, unique_by=lambda s: s.name)))
    )


def by_pod(catalogue: Catalogue) -> Mapping[tuple[str, str], tuple[str, str] | None]:
    """The variant's namespace and name by the pod's."""
    rows = zip(catalogue.pods, catalogue.variant_of.tolist(), strict=True)
    return {(p.namespace, p.name): catalogue.fleet.key[row] if row >= 0 else None for p, row in rows}


@given(declarations, sightings())
def test_every_pod_belongs_to_one_variant_of_its_model_or_to_nobody(declared: Declarations, seen: Sightings) -> None:
    """Nobody's pods are listed, except workers of groups."""
    result = discover(declared, seen, None)
    fleet = result.fleet
    for pod, row in zip(result.pods, result.variant_of.tolist(), strict=True):
        assert -1 <= row < len(fleet)
        if row >= 0:
            assert pod.model in ("", fleet.models.name[fleet.variants.model[row]])
            assert pod not in result.unattributed


@given(declarations, sightings(), st.randoms(use_true_random=False))
def test_the_order_of_pods_changes_nothing_but_the_order(
    declared: Declarations, seen: Sightings, shuffle: random.Random
) -> None:
    """Rows, owners, bounds and sentences are the same."""
    mixed = list(seen.pods)
    shuffle.shuffle(mixed)
    hpas = list(seen.scalers)
    shuffle.shuffle(hpas)
    one = discover(declared, seen, None)
    two = discover(declared, Sightings(pods=tuple(mixed), owner=seen.owner, scalers=tuple(hpas)), None)
    assert one.variants == two.variants
    assert one.workload == two.workload
    assert one.guesses == two.guesses
    assert Counter(one.unattributed) == Counter(two.unattributed)
    assert by_pod(one) == by_pod(two)


@given(declarations, sightings())
def test_bounds_never_contradict_each_other(declared: Declarations, seen: Sightings) -> None:
    """Whatever a scaler says."""
    held = discover(declared, seen, None).fleet.variants
    assert all(
        high is None or low <= high for low, high in zip(held.minimum.tolist(), held.maximum.listed(), strict=True)
    )


@given(declarations, sightings())
def test_every_declared_variant_has_its_row_and_every_other_has_a_pod(declared: Declarations, seen: Sightings) -> None:
    """Declared ones first, in their order."""
    result = discover(declared, seen, None)
    named = list(dict.fromkeys((v.namespace, v.name) for v in declared.variants))
    assert list(result.fleet.key[: len(named)]) == named
    assert set(range(len(named), len(result.fleet))) <= set(result.variant_of.tolist())
    assert list(result.fleet.key[len(named) :]) == sorted(result.fleet.key[len(named) :])


@given(declarations, sightings(), sightings())
def test_a_second_look_at_the_same_is_the_same(declared: Declarations, before: Sightings, seen: Sightings) -> None:
    """Whatever went before, a cycle without news returns the catalogue itself."""
    first = discover(declared, before, None)
    second = discover(declared, seen, first)
    again = Sightings(pods=tuple(seen.pods), owner=dict(seen.owner), scalers=tuple(seen.scalers))
    assert discover(declared, again, second) is second


@given(declarations, sightings())
def test_a_silent_kube_state_metrics_changes_nothing(declared: Declarations, seen: Sightings) -> None:
    """Owners and scalers that are not answered are those of the last answer."""
    first = discover(declared, seen, None)
    assert discover(declared, Sightings(pods=seen.pods), first) is first


def test_a_thousand_selectors_over_four_thousand_pods_are_no_million_expressions() -> None:
    """It ends within the test's patience; ``make bench`` has the number."""
    seen = tuple(
        Pod(f"n{i % 20}", f"llama-{i}-7d9f8c6b5d-{tail}", f"m{i}", job="vllm", instance=f"{i}.{tail}")
        for i in range(1000)
        for tail in ("bcdfg", "hjklm", "npqrs", "tvwxz")
    )
    asked = tuple(
        VariantDeclaration(
            namespace=f"n{i % 20}", name=f"v{i}", model=f"m{i}", selector=Selector(pod=f"(llama)-{i}-.*")
        )
        for i in range(1000)
    )
    result = discover(Declarations(variants=asked), Sightings(pods=seen), None)
    assert result.variant_of.tolist() == [i for i in range(1000) for _ in range(4)]
