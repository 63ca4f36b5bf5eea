"""What stays from one cycle to the next, and what does not."""

from dataclasses import replace

import numpy as np
import pytest
from discovery_builder import HASHED, found, pod, scaler, seen, variant, workload

from wva_exporter.core.declaration import Declarations, ModelDeclaration
from wva_exporter.core.sightings import Sightings
from wva_exporter.discovery.catalogue import Catalogue
from wva_exporter.discovery.discover import discover


def test_declared_variants_come_first_and_the_others_in_order_of_name() -> None:
    """Rows do not depend on who answered first."""
    pods = [pod("p", variant_label=name, namespace=space) for name, space in (("c", "y"), ("b", "z"), ("a", "z"))]
    fleet = found(seen(*pods), variant("z"), variant("d")).fleet
    assert fleet.key == (("llm", "z"), ("llm", "d"), ("y", "c"), ("z", "a"), ("z", "b"))


def test_nothing_new_is_the_same_catalogue() -> None:
    """Equal sightings need not be the same objects."""
    declarations = Declarations(variants=(variant("a"),))
    first = discover(declarations, seen(pod("p"), owned=workload("w")), None)
    assert discover(declarations, seen(pod("p"), owned=workload("w")), first) is first


def test_new_pods_of_known_variants_leave_the_fleet_as_it_is() -> None:
    """State by rows need not move."""
    first = found(seen(pod("p"), owned=workload("w")))
    second = found(seen(pod("p"), pod("q"), owned=workload("w")), previous=first)
    assert second.fleet is first.fleet
    assert second.variant_of.tolist() == [0, 0]


def test_changed_declarations_make_a_new_fleet() -> None:
    """A reload takes effect in the next cycle; one that changes nothing does not."""
    first = found(seen(pod("p")), variant("a"))
    assert found(seen(pod("p")), variant("a"), previous=first).fleet is first.fleet
    assert found(seen(pod("p")), variant("a", cost=3.0), previous=first).fleet is not first.fleet
    stricter = Declarations(variants=(variant("a"),), models=(ModelDeclaration(name="M", kv_threshold=0.5),))
    assert discover(stricter, seen(pod("p")), first).fleet.models.thresholds.kv.tolist() == [0.5]


def test_a_discovered_variant_goes_with_its_last_pod_and_a_declared_one_never() -> None:
    """Who is still held is still in the sightings."""
    first = found(seen(pod("p", variant_label="x")), variant("a"))
    assert found(Sightings(pods=()), variant("a"), previous=first).fleet.variants.name == ("a",)


def test_a_silent_kube_state_metrics_renames_nobody() -> None:
    """An HPA that lost the series of its name would scale on nothing."""
    target = scaler("hpa", workload("w"), 2, 5)
    first = found(seen(*(pod(name) for name in HASHED[:2]), owned=workload("w"), scalers=[target]))
    second = found(seen(*(pod(name) for name in HASHED[:2])), previous=first)
    assert second.fleet is first.fleet
    third = found(seen(pod(HASHED[1])), previous=second)
    assert third.fleet is first.fleet
    assert dict(third.evidence.owner) == {("llm", HASHED[1]): workload("w")}


def test_what_is_remembered_does_not_outlive_its_pod() -> None:
    """Nor does any catalogue hold the one before it."""
    catalogue = found(seen(pod("p"), owned=workload("w")))
    for i in range(5):
        catalogue = found(seen(pod(f"q{i}"), owned=workload("w")), previous=catalogue)
    assert list(catalogue.evidence.owner) == [("llm", "q4")]
    assert not any(isinstance(getattr(catalogue, name), Catalogue) for name in Catalogue.__slots__)


def test_the_attribution_cannot_be_written_to() -> None:
    """It is shared by everything in a cycle."""
    with pytest.raises(ValueError, match="read-only"):
        found(seen(pod("p"))).variant_of[0] = 3
    assert found(Sightings(pods=())).variant_of.dtype == np.int64


def test_an_owner_that_changes_is_believed() -> None:
    """Memory fills gaps, it does not contradict."""
    first = found(seen(pod("p"), owned=workload("w")))
    second = found(replace(seen(pod("p")), owner={("llm", "p"): workload("v")}), previous=first)
    assert second.fleet.variants.name == ("v",)
