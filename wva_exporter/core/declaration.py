"""What an operator says about models and variants, wherever it was said: our own YAML, WVA's manifests, or nothing at all."""

from __future__ import annotations

from dataclasses import dataclass, field

from wva_exporter.core.allocation.sharing import Sharing
from wva_exporter.core.engine_arguments import EngineArguments
from wva_exporter.core.fleet import Origin, Role
from wva_exporter.core.throughput.voting import Vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which replicas belong to a variant: fully anchored regular expressions on labels; None matches everything."""

    namespace: str | None = None
    pod: str | None = None
    instance: str | None = None
    job: str | None = None
    llm_d_ai_variant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Workload:
    """A Kubernetes object that owns replicas: kind (Deployment, StatefulSet, LeaderWorkerSet, ...), namespace, name."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDeclaration:
    """How a model is to be decided; None takes the default. ``namespace`` None applies to the name in every namespace."""

    name: str
    namespace: str | None = None
    policy: str | None = None
    compat: str | None = None
    kv_threshold: float | None = None
    queue_threshold: float | None = None
    kv_spare: float | None = None
    queue_spare: float | None = None
    scale_up: float | None = None
    scale_down: float | None = None
    priority: float | None = None
    slo_ttft_seconds: float | None = None
    slo_itl_seconds: float | None = None
    slo_percentile: float | None = None
    zero_retention_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantDeclaration:
    """A variant as somebody named it. ``minimum`` None is 1; ``maximum`` None is what its HPA says, else no bound."""

    namespace: str
    name: str
    model: str
    accelerator: str = ""
    role: Role = Role.BOTH
    cost: float | None = None
    gpus_per_replica: int = 1
    minimum: int | None = None
    maximum: int | None = None
    paused: bool = False
    fixed: int | None = None
    selector: Selector | None = None
    workload: Workload | None = None
    origin: Origin = Origin.CONFIGURED
    arguments: EngineArguments | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """Everything declared. ``fallback`` decides models that nobody declared; none of its fields but SLO and zero is None.

    ``sharing`` says how policies deal with GPUs that are short, ``throughput`` how the analyzer of that name votes, if it does.
    """

    models: tuple[ModelDeclaration, ...] = ()
    variants: tuple[VariantDeclaration, ...] = ()
    default_namespace: str = "default"
    sharing: Sharing = field(default_factory=Sharing)
    throughput: Vote | None = None
    fallback: ModelDeclaration = field(
        default_factory=lambda: ModelDeclaration(
            name="",
            policy="headroom",
            compat="corrected",
            kv_threshold=0.80,
            queue_threshold=5.0,
            kv_spare=0.10,
            queue_spare=3.0,
            scale_up=0.85,
            scale_down=0.70,
            priority=1.0,
        )
    )
