"""Settings in the words of ``core``: what is declared about models and variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wva_exporter.core.allocation.sharing import Sharing
from wva_exporter.core.declaration import (
    Declarations,
    ModelDeclaration,
    Selector,
    VariantDeclaration,
    Workload,
)
from wva_exporter.core.fleet import DEFAULT_PRIORITY, Role
from wva_exporter.core.throughput.voting import Vote

if TYPE_CHECKING:  # Settings has this as its method
    from wva_exporter.config.entries import Model, Variant
    from wva_exporter.config.schema import Settings

_ROLES = {"both": Role.BOTH, "prefill": Role.PREFILL, "decode": Role.DECODE}


def declarations(settings: Settings) -> Declarations:
    """Models and variants in the order of the file; the global keys become the fallback of every model."""
    thresholds, zero = settings.thresholds, settings.scale_to_zero
    return Declarations(
        models=tuple(_model(model) for model in settings.models),
        variants=tuple(_variant(variant, settings.default_namespace) for variant in settings.variants),
        default_namespace=settings.default_namespace,
        sharing=Sharing(limiter=settings.limiter, rescale=settings.rescale),
        throughput=Vote() if settings.throughput else None,
        fallback=ModelDeclaration(
            name="",
            policy=settings.policy,
            compat=settings.compat,
            kv_threshold=thresholds.kv,
            queue_threshold=thresholds.queue,
            kv_spare=thresholds.kv_spare,
            queue_spare=thresholds.queue_spare,
            scale_up=thresholds.scale_up,
            scale_down=thresholds.scale_down,
            priority=DEFAULT_PRIORITY,
            zero_retention_seconds=None if zero is None else zero.retention_seconds,
        ),
    )


def _model(model: Model) -> ModelDeclaration:
    thresholds, slo, zero = model.thresholds, model.slo, model.scale_to_zero
    return ModelDeclaration(
        name=model.name,
        namespace=model.namespace,
        policy=model.policy,
        compat=model.compat,
        kv_threshold=thresholds.kv,
        queue_threshold=thresholds.queue,
        kv_spare=thresholds.kv_spare,
        queue_spare=thresholds.queue_spare,
        scale_up=thresholds.scale_up,
        scale_down=thresholds.scale_down,
        priority=model.priority,
        slo_ttft_seconds=None if slo is None else slo.ttft_seconds,
        slo_itl_seconds=None if slo is None else slo.itl_seconds,
        slo_percentile=None if slo is None else slo.percentile,
        zero_retention_seconds=None if zero is None else zero.retention_seconds,
    )


def _variant(variant: Variant, default_namespace: str) -> VariantDeclaration:
    namespace = variant.namespace or default_namespace
    selector, workload = variant.selector, variant.workload
    return VariantDeclaration(
        namespace=namespace,
        name=variant.name,
        model=variant.model,
        accelerator=variant.accelerator or "",
        role=_ROLES[variant.role],
        cost=variant.cost,
        gpus_per_replica=variant.gpus_per_replica,
        minimum=variant.min,
        maximum=variant.max,
        paused=variant.pause,
        fixed=variant.fixed,
        selector=None if selector is None else Selector(**selector.model_dump()),
        workload=None if workload is None else Workload(kind=workload.kind, namespace=namespace, name=workload.name),
    )
