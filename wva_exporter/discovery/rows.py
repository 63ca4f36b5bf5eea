"""Declarations and bounds as the rows of a fleet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wva_exporter.core.columns import Column, flags, floats, integers
from wva_exporter.core.declaration import Declarations, ModelDeclaration, VariantDeclaration
from wva_exporter.core.fleet import Fleet, Models, Promises, Thresholds, Variants
from wva_exporter.core.policies import policy_name
from wva_exporter.core.sightings import Scaler
from wva_exporter.discovery.evidence import Key
from wva_exporter.discovery.sentences import of_variant


def bounded(variant: VariantDeclaration, scaler: Scaler | None) -> tuple[VariantDeclaration, str | None]:
    """The variant with the bounds that hold: its own, else its scaler's, else at least one and nobody knows how many at most.

    Where its own minimum is above the scaler's maximum, or the other way round, its own one holds and a sentence says so.
    """
    minimum, maximum = variant.minimum, variant.maximum
    if scaler is not None:
        if minimum is None and scaler.minimum is not None:
            minimum = max(scaler.minimum, 1)  # zero is the operator's word alone, an HPA's is not taken for it
        maximum = scaler.maximum or None if maximum is None else maximum
    minimum = 1 if minimum is None else minimum
    doubt = None
    if maximum is not None and minimum > maximum:
        whose = "its declared" if variant.minimum is not None or variant.maximum is not None else "its scaler's"
        doubt = f"{of_variant(variant)}: minimum {minimum} is above maximum {maximum}; {whose} one holds"
        minimum, maximum = (minimum, minimum) if variant.maximum is None else (maximum, maximum)
    if (minimum, maximum) == (variant.minimum, variant.maximum):
        return variant, doubt
    return replace(variant, minimum=minimum, maximum=maximum), doubt


def fleet(variants: Sequence[VariantDeclaration], declarations: Declarations) -> Fleet:
    """One row a variant, in the given order; one row a model of a namespace, in order of its first variant."""
    model_row: dict[Key, int] = {}
    model = [model_row.setdefault((v.namespace, v.model), len(model_row)) for v in variants]
    return Fleet(
        models=_models(tuple(model_row), declarations),
        variants=Variants(
            namespace=tuple(v.namespace for v in variants),
            name=tuple(v.name for v in variants),
            accelerator=tuple(v.accelerator for v in variants),
            model=integers(model),
            role=integers([int(v.role) for v in variants]),
            cost=Column.from_optional(v.cost for v in variants),
            gpus_per_replica=integers([v.gpus_per_replica for v in variants]),
            minimum=integers([1 if v.minimum is None else v.minimum for v in variants]),
            maximum=Column.from_optional(v.maximum for v in variants),
            paused=flags([v.paused for v in variants]),
            fixed=Column.from_optional(v.fixed for v in variants),
            origin=integers([int(v.origin) for v in variants]),
            arguments=tuple(v.arguments for v in variants),
        ),
    )


def _models(keys: Sequence[Key], declarations: Declarations) -> Models:
    fallback = declarations.fallback
    said: dict[tuple[str | None, str], ModelDeclaration] = {}
    for declared in declarations.models:
        said.setdefault((declared.namespace, declared.name), declared)
    layers = [(said.get((ns, name)), said.get((None, name)), fallback) for ns, name in keys]

    def number(field: str) -> list[float]:
        values = (_first(each, field) for each in layers)
        return [np.nan if value is None else value for value in values]

    thresholds = Thresholds(
        kv=floats(number("kv_threshold")),
        queue=floats(number("queue_threshold")),
        kv_spare=floats(number("kv_spare")),
        queue_spare=floats(number("queue_spare")),
        scale_up=floats(number("scale_up")),
        scale_down=floats(number("scale_down")),
    )
    return Models(
        namespace=tuple(namespace for namespace, _ in keys),
        name=tuple(name for _, name in keys),
        policy=tuple(policy_name(_first(each, "policy"), _first(each, "compat")) for each in layers),
        thresholds=thresholds,
        priority=floats(number("priority")),
        zero_retention_seconds=Column.of(number("zero_retention_seconds")),
        slo=Promises(
            ttft_seconds=Column.of(number("slo_ttft_seconds")),
            itl_seconds=Column.of(number("slo_itl_seconds")),
            percentile=Column.of(np.array(number("slo_percentile")) / 100.0),
        ),
    )


def _first(layers: Sequence[ModelDeclaration | None], field: str) -> Any:
    """What the most particular declaration says of a field, None if none does."""
    said = (getattr(layer, field) for layer in layers if layer is not None)
    return next((value for value in said if value is not None), None)
