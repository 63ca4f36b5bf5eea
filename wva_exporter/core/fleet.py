"""Who is asked for: the models, their hardware variants and what an operator fixed about them.

A fleet is static between two looks at the configuration and the discovery; what is measured of it each cycle is a
``Snapshot``. Everything is a row: one a model, one a variant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray, integers
from wva_exporter.core.engine_arguments import EngineArguments
from wva_exporter.errors import InvalidValue

DEFAULT_COST = 10.0
"""What a variant without a configured cost ranks as (upstream's default); it publishes no cost."""


DEFAULT_PRIORITY = 1.0
"""Of a model that nobody gave one."""


class Role(IntEnum):
    """Which part of a request a variant serves; the order is the order in which WVA handles them."""

    BOTH = 0
    DECODE = 1
    PREFILL = 2


class Origin(IntEnum):
    """How a variant became known, the surest first; everything from ``STEM`` on is a guess and marked so."""

    CONFIGURED = 0
    MANIFEST = 1
    LABEL = 2
    OWNER = 3
    STEM = 4
    JOB = 5

    @property
    def guessed(self) -> bool:
        """Whether an operator should look at it."""
        return self >= Origin.STEM


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thresholds:
    """When a replica is saturated and what must stay free, per model: shape (models,).

    ``kv`` and ``kv_spare`` are shares of the KV cache, ``queue`` and ``queue_spare`` waiting requests
    (Malvankar et al. 2026, section IV; defaults 0.80, 5, 0.10, 3). ``scale_up`` and ``scale_down`` are shares of a model's
    capacity: above the first its load wants more, below the second less will do (WVA's token analyzer; 0.85, 0.70).
    """

    kv: FloatArray
    queue: FloatArray
    kv_spare: FloatArray
    queue_spare: FloatArray
    scale_up: FloatArray
    scale_down: FloatArray

    @classmethod
    def default(cls, models: int) -> Thresholds:
        """Upstream's defaults for every model."""
        return cls(
            kv=np.full(models, 0.80),
            queue=np.full(models, 5.0),
            kv_spare=np.full(models, 0.10),
            queue_spare=np.full(models, 3.0),
            scale_up=np.full(models, 0.85),
            scale_down=np.full(models, 0.70),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Promises:
    """The latency that each model promises, seconds: shape (models,), unknown where it promises none.

    ``percentile`` within (0, 1) is the share of the requests that keep it; unknown: their mean does.
    """

    ttft_seconds: Column
    itl_seconds: Column
    percentile: Column

    @classmethod
    def none(cls, models: int) -> Promises:
        """Nothing is promised."""
        nothing = Column.unknown(models)
        return cls(ttft_seconds=nothing, itl_seconds=nothing, percentile=nothing)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Models:
    """One row a model in a namespace: the group whose variants share its load."""

    namespace: tuple[str, ...]
    name: tuple[str, ...]
    policy: tuple[str, ...]
    thresholds: Thresholds
    priority: FloatArray
    """Weight of a model's need where models compete for hardware; 1 unless somebody says otherwise."""

    zero_retention_seconds: Column
    """How long a model must be known to be idle before it may go to zero; unknown: never."""

    slo: Promises

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variants:
    """One row a variant: a model on one kind of hardware, scaled by one HPA or ScaledObject.

    ``minimum`` and ``maximum`` bound the target in replicas, an unknown maximum is no bound that anybody named; ``fixed`` is
    the operator's number, known where given; ``cost`` is per replica and hour.
    """

    namespace: tuple[str, ...]
    name: tuple[str, ...]
    accelerator: tuple[str, ...]
    model: IntArray
    role: IntArray
    cost: Column
    gpus_per_replica: IntArray
    minimum: IntArray
    maximum: Column
    paused: BoolArray
    fixed: Column
    origin: IntArray
    arguments: tuple[EngineArguments | None, ...] = ()
    """What the command lines of its engines say, None where nobody knows; empty: of no variant."""

    def __len__(self) -> int:
        return len(self.name)

    @property
    def ranking_cost(self) -> FloatArray:
        """Cost per replica-hour to order variants by; the default where none is configured."""
        return self.cost.otherwise(DEFAULT_COST)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fleet:
    """Models and variants, and where each variant stands.

    Raises:
        InvalidValue: two variants share namespace and name, or a variant names a model that is not there.
    """

    models: Models
    variants: Variants
    key: tuple[tuple[str, str], ...] = field(init=False)
    row: Mapping[tuple[str, str], int] = field(init=False)
    rank: IntArray = field(init=False)
    """Place of each variant among those of its model by cost, then name: shape (variants,), 0 the cheapest."""

    def __post_init__(self) -> None:
        variants = self.variants
        key = tuple(zip(variants.namespace, variants.name, strict=True))
        row = {k: i for i, k in enumerate(key)}
        if len(row) != len(key):
            seen: set[tuple[str, str]] = set()
            twice = next(k for k in key if k in seen or seen.add(k))  # type: ignore[func-returns-value]
            raise InvalidValue(f"variant {twice[1]} of namespace {twice[0]} is named twice")
        if key and not (variants.model.min() >= 0 and variants.model.max() < len(self.models)):
            raise InvalidValue(f"a variant names model row {variants.model.max()} of {len(self.models)}")
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "row", row)
        object.__setattr__(self, "rank", _rank(variants))

    @property
    def group(self) -> IntArray:
        """Variants that share load: one number for each model and role, shape (variants,)."""
        return self.variants.model * len(Role) + self.variants.role

    @property
    def groups(self) -> int:
        """How many group numbers there are, used or not."""
        return len(self.models) * len(Role)

    @property
    def model_key(self) -> tuple[tuple[str, str], ...]:
        """Namespace and name of each model."""
        return tuple(zip(self.models.namespace, self.models.name, strict=True))

    def __len__(self) -> int:
        return len(self.key)


def _rank(variants: Variants) -> IntArray:
    """Dense order within each model by cost, then namespace and name."""
    rows = len(variants)
    by_name = sorted(range(rows), key=lambda i: (variants.name[i], variants.namespace[i]))
    name_place = np.empty(rows, dtype=np.int64)
    name_place[by_name] = np.arange(rows)
    order = np.lexsort((name_place, variants.ranking_cost, variants.model))
    model = variants.model[order]
    first = np.searchsorted(model, model)  # where each model begins in the sorted order
    rank = np.empty(rows, dtype=np.int64)
    rank[order] = np.arange(rows) - first
    return integers(rank)
