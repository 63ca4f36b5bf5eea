"""How a number came about, on one line: demand, what one replica carries, what that makes, what moved it, what bound it."""

from __future__ import annotations

from collections.abc import Iterator

from wva_exporter.core.decision import Plan
from wva_exporter.core.explanation import Bound, Explanation, Unit

_UNITS = {Unit.REQUESTS_PER_SECOND: "req/s", Unit.TOKENS: "tokens", Unit.KV_CACHES: "caches"}


def chains(plan: Plan) -> Iterator[str]:
    """A line a variant, as in ``llm/llama: 19.8 req/s / 2.9 per replica (kv) -> 8 -> max 6 [max]``.

    In brackets stands the reason that the target is published with.
    """
    moved = plan.moved
    for row, (namespace, name) in enumerate(plan.fleet.key):
        first = _count(plan.steps[0].replicas.listed()[row])
        stages = [
            f"{step.name} {_count(step.replicas.listed()[row])}"
            for step, there in zip(plan.steps, moved[:, row].tolist(), strict=True)
            if there
        ]
        parts = [*_demand(plan.explanation, row), first, *stages]
        yield f"{namespace}/{name}: {' -> '.join(parts)} [{plan.reasons[row]}]"


def _demand(why: Explanation | None, row: int) -> Iterator[str]:
    """What the policy reckoned with; nothing where it does not reckon so."""
    unit = Unit.NONE if why is None else Unit(int(why.unit[row]))
    if why is None or unit is Unit.NONE or not why.demand.known[row]:
        return
    demand = f"{_number(why.demand.value[row])} {_UNITS[unit]}"
    if why.backlog.known[row] and why.backlog.value[row] >= 1.0:
        demand += f" and {why.backlog.value[row]:.0f} requests to work off"
    if not why.capacity.known[row]:
        yield f"{demand} / no capacity"
        return
    bound = Bound(int(why.bound[row]))
    by = f" ({bound.name.lower()})" if bound is not Bound.UNKNOWN else ""
    yield f"{demand} / {_number(why.capacity.value[row])} per replica{by}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100.0 else f"{value:.3g}"  # noqa: PLR2004 - three digits, and never 1e+04


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
