"""Bounds and model settings: whose word holds."""

import pytest
from discovery_builder import found, pod, scaler, seen, variant, workload

from wva_exporter.core.declaration import Declarations, ModelDeclaration
from wva_exporter.core.sightings import Sightings
from wva_exporter.discovery.discover import discover


@pytest.mark.parametrize(
    ("declared", "hpa", "expected"),
    [
        ((None, None), (None, None), (1, None)),
        ((None, None), (2, 5), (2, 5.0)),
        ((0, 3), (2, 5), (0, 3.0)),
        ((None, 3), (2, 5), (2, 3.0)),
        ((None, 3), (4, 5), (3, 3.0)),
        ((7, None), (1, 5), (7, 7.0)),
        ((None, None), (2, 0), (2, None)),
    ],
)
def test_bounds_are_declared_or_the_scalers(
    declared: tuple[int | None, int | None], hpa: tuple[int | None, int | None], expected: tuple[int, float | None]
) -> None:
    """One by one; where they contradict each other the declared one holds."""
    target = scaler("a", workload("w"), *hpa)
    variants = found(
        Sightings(pods=(), scalers=(target,)), variant("a", minimum=declared[0], maximum=declared[1])
    ).fleet.variants
    assert (variants.minimum.tolist()[0], variants.maximum.listed()[0]) == expected


def test_bounds_come_from_a_scaler_of_another_name_by_its_target() -> None:
    """A variant of a label and its HPA may be named differently."""
    result = found(seen(pod("p", variant_label="x"), owned=workload("w"), scalers=[scaler("hpa", workload("w"), 3, 9)]))
    assert result.fleet.variants.maximum.listed() == [9.0]


def test_a_contradiction_of_bounds_is_said() -> None:
    """Nobody should wonder why a minimum is not met."""
    result = found(Sightings(pods=(), scalers=(scaler("a", workload("w"), 1, 3),)), variant("a", minimum=5))
    assert result.guesses == ("variant a of namespace llm: minimum 5 is above maximum 3; its declared one holds",)


def test_model_settings_are_taken_field_by_field() -> None:
    """The namespace's own word, then the model's, then the default."""
    declarations = Declarations(
        variants=(variant("a"), variant("b", namespace="x"), variant("c", model="N")),
        models=(
            ModelDeclaration(name="M", kv_threshold=0.7, queue_threshold=9.0, zero_retention_seconds=60.0),
            ModelDeclaration(name="M", namespace="x", kv_threshold=0.6, policy="other"),
        ),
    )
    models = discover(declarations, Sightings(pods=()), None).fleet.models
    assert (models.namespace, models.name) == (("llm", "x", "llm"), ("M", "M", "N"))
    assert models.thresholds.kv.tolist() == [0.7, 0.6, 0.8]
    assert models.thresholds.queue.tolist() == [9.0, 9.0, 5.0]
    assert models.policy == ("headroom", "other", "headroom")
    assert models.zero_retention_seconds.listed() == [60.0, 60.0, None]


def test_variants_of_one_model_share_its_row() -> None:
    """They share its load."""
    fleet = found(Sightings(pods=()), variant("a"), variant("b")).fleet
    assert (len(fleet.models), fleet.variants.model.tolist()) == (1, [0, 0])
