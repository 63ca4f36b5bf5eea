"""Trimming decisions to the hardware there is: the fullest variants are served first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from wva_exporter.core.allocation.quotas import Quotas


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a variant has and what it wants; ``spare`` capacity and cost are the order of service."""

    name: str
    current: int
    target: int
    namespace: str = "default"
    accelerator: str = ""
    gpus: int = 1
    cost: float = 0.0
    spare: float = 0.0
    minimum: int = 0
    maximum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimmed:
    """Decisions after a limiter; of each variant the GPUs of its new replicas, and the limiter that cut it."""

    decisions: tuple[Decision, ...]
    allocated: dict[str, int] = field(default_factory=dict)
    limited_by: dict[str, str] = field(default_factory=dict)


Grant = Callable[[Decision, int], int]
"""Of so many GPUs wanted, how many may be had."""


def trim(decisions: Sequence[Decision], grant: Grant, name: str, *, exact: bool) -> Trimmed:
    """Serve the variants that want to grow, those with least to spare first, then the cheapest.

    A variant gets whole replicas of what is granted, at most up to its maximum, and at least its minimum whatever there is.
    ``exact`` asks for everything at once and loses what makes no whole replica; otherwise only whole replicas are asked for, so
    that the rest stays for the next in line.
    """
    after = {each.name: each for each in decisions}
    allocated: dict[str, int] = {}
    limited: dict[str, str] = {}
    wanting = [each for each in decisions if each.target > each.current]
    for each in sorted(wanting, key=lambda d: (d.spare, d.cost, d.name)):
        wanted = each.target if each.maximum is None else min(each.target, each.maximum)
        granted = _granted(each, max(0, wanted - each.current), grant, exact=exact)
        reached = each.current + granted
        if reached < wanted:
            limited[each.name] = name
        allocated[each.name] = granted * each.gpus
        after[each.name] = replace(each, target=max(reached, each.minimum))
    return Trimmed(decisions=tuple(after.values()), allocated=allocated, limited_by=limited)


def _granted(decision: Decision, replicas: int, grant: Grant, *, exact: bool) -> int:
    """Whole replicas."""
    if exact:
        return grant(decision, replicas * decision.gpus) // decision.gpus
    count = 0
    while count < replicas and grant(decision, decision.gpus) >= decision.gpus:
        count += 1
    return count


@dataclass(slots=True)
class Pool:
    """GPUs of one type that anybody may take."""

    remaining: int

    def grant(self, gpus: int, *, whole: bool) -> int:
        """As many as there are; ``whole``: all or none."""
        granted = min(gpus, self.remaining)
        if whole and granted < gpus:
            return 0
        self.remaining -= granted
        return granted


def trim_by_pool(decisions: Sequence[Decision], pool: Pool, *, exact: bool) -> Trimmed:
    """Trim to one pool."""
    return trim(decisions, lambda _, gpus: pool.grant(gpus, whole=not exact), "pool", exact=exact)


def trim_by_quotas(decisions: Sequence[Decision], limiters: Sequence[Quotas], *, exact: bool) -> Trimmed:
    """Trim by each set of quotas in turn; the first that cuts a variant is named. What runs counts as used."""
    current = Trimmed(decisions=tuple(decisions))
    limited: dict[str, str] = {}
    for quotas in limiters:
        for each in current.decisions:
            quotas.use(each.namespace, each.accelerator, each.current * each.gpus)
        current = trim(current.decisions, _grant_of(quotas, whole=not exact), quotas.name, exact=exact)
        limited = {**current.limited_by, **limited}
    return Trimmed(decisions=current.decisions, allocated=current.allocated, limited_by=limited)


def _grant_of(quotas: Quotas, *, whole: bool) -> Grant:
    def grant(decision: Decision, gpus: int) -> int:
        if whole and quotas.free(decision.namespace, decision.accelerator, gpus) < gpus:
            return 0
        return quotas.grant(decision.namespace, decision.accelerator, gpus)

    return grant
