"""What came back from a data source in one cycle, before anybody has made sense of it.

Both sources, the HTTP API of a Prometheus and our own scraping, answer in this form, so that one function turns either into
a ``Snapshot``. Numbers that are not finite never get in: a NaN is an absent sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import FloatArray
from wva_exporter.errors import QueryFailure


class Labels(msgspec.Struct, frozen=True, gc=False):
    """The labels of one series that we have a use for; empty where a series lacks one."""

    metric: str = msgspec.field(default="", name="__name__")
    namespace: str = ""
    pod: str = ""
    instance: str = ""
    job: str = ""
    model_name: str = ""
    llm_d_ai_variant: str = ""
    engine_type: str = ""
    engine: str = ""
    dp_rank: str = ""
    num_gpu_blocks: str = ""
    block_size: str = ""
    # kube-state-metrics
    deployment: str = ""
    statefulset: str = ""
    replicaset: str = ""
    leaderworkerset: str = ""
    owner_kind: str = ""
    owner_name: str = ""
    horizontalpodautoscaler: str = ""
    scaletargetref_kind: str = ""
    scaletargetref_name: str = ""
    condition: str = ""
    node: str = ""
    resource: str = ""
    label_nvidia_com_gpu_product: str = ""
    label_cloud_google_com_gke_accelerator: str = ""
    label_amd_com_gpu_product_name: str = ""
    label_habana_ai_product_name: str = ""
    label_gpu_intel_com_product: str = ""
    # DCGM
    gpu_uuid: str = msgspec.field(default="", name="UUID")
    gpu_instance: str = msgspec.field(default="", name="GPU_I_ID")
    # routers
    target_model_name: str = ""
    inference_pool: str = ""
    outcome: str = ""
    # what we published ourselves
    variant_name: str = ""
    exported_namespace: str = ""
    parameter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """The series of one query: ``labels[i]`` has ``value[i]``. ``failure`` None and no rows: it matched nothing."""

    labels: Sequence[Labels] = ()
    value: FloatArray = field(default_factory=lambda: np.zeros(0))
    failure: QueryFailure | None = None
    detail: str = ""
    warnings: tuple[str, ...] = ()
    dropped: int = 0
    """Samples left out because they were NaN or infinite."""
    seconds: float = 0.0
    """How long the query took."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observation:
    """All answers of one cycle. ``time`` is the source's clock (seconds since the epoch), ``skew`` that minus ours."""

    time: float
    answers: Mapping[Signal, Answer]
    skew: float = 0.0

    @property
    def reachable(self) -> bool:
        """Whether the source answered anything."""
        return any(answer.failure is None for answer in self.answers.values())


class Source(Protocol):
    """Where a cycle's numbers come from."""

    name: str

    async def observe(self) -> Observation:
        """Ask everything once. Never raises for what the other side does: failures are in the answers."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
