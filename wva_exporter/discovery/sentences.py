"""Words that every sentence for ``wva-exporter check`` begins with."""

from __future__ import annotations

from wva_exporter.core.declaration import VariantDeclaration


def of_variant(variant: VariantDeclaration) -> str:
    """The variant, as people call it."""
    return f"variant {variant.name} of namespace {variant.namespace}"


def pods_of(count: int) -> str:
    """A number of pods in words."""
    return "1 pod" if count == 1 else f"{count} pods"
