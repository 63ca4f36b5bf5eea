"""What an onlooker sees of one moment, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wva_exporter.cli.demo import scenario
from wva_exporter.cli.demo.world import Totals, World


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantView:
    """One variant: its replicas by phase, the target its HPA read last, how full it is, what it costs an hour, and why."""

    name: str
    ready: int
    pending: int
    draining: int
    desired: int | None
    kv_ratio: float | None
    waiting: int
    cost_per_hour: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The fleet at one moment of the run."""

    elapsed_seconds: float
    rate: float
    held: int
    totals: Totals
    variants: tuple[VariantView, ...]

    @property
    def waiting(self) -> int:
        """Requests without a place anywhere."""
        return self.held + sum(variant.waiting for variant in self.variants)

    @property
    def cost_per_hour(self) -> float:
        """What the pods that exist cost an hour."""
        return sum(variant.cost_per_hour for variant in self.variants)


def look(world: World, desired: Mapping[str, int], reasons: Mapping[str, str]) -> View:
    """The view of a world, of the targets that the HPAs read last and of the exporter's reasons."""
    return View(
        elapsed_seconds=world.elapsed,
        rate=world.rate,
        held=len(world.fleet.held),
        totals=world.totals,
        variants=tuple(
            _look_at(world, variant.name, desired.get(variant.name), reasons.get(variant.name, ""))
            for variant in scenario.VARIANTS
        ),
    )


def _look_at(world: World, name: str, desired: int | None, reason: str) -> VariantView:
    counts = world.fleet.counts(name)
    engines = [replica.engine for replica in world.fleet.of(name) if replica.engine is not None]
    return VariantView(
        name=name,
        ready=counts.ready,
        pending=counts.current - counts.ready,
        draining=counts.draining,
        desired=desired,
        kv_ratio=sum(engine.kv_usage_ratio for engine in engines) / len(engines) if engines else None,
        waiting=sum(engine.waiting for engine in engines),
        cost_per_hour=(counts.current + counts.draining) * world.fleet.variants[name].cost_per_hour,
        reason=reason,
    )
